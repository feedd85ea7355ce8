#include <cafegram/protocol/key_binding.hpp>
#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/views.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <vector>

/// Logging in and out. Spec: "User Authorization", `auth.importBotAuthorization`.
namespace cafegram::sandbox {

namespace {

constexpr std::int32_t most_wrong_codes = 5;
constexpr std::size_t code_length = 5;

std::string digits_of(std::string_view phone) {
  std::string out;
  std::ranges::copy_if(phone, std::back_inserter(out), [](char c) { return c >= '0' && c <= '9'; });
  return out;
}

or_refusal<std::string> phone_of(const json& request) {
  std::string phone = digits_of(text(request, "phone_number"));
  if (phone.size() < 5 || phone.size() > 15) {
    return refuse("PHONE_NUMBER_INVALID");
  }
  return phone;
}

or_refusal<void> check_application(const json& request) {
  if (number32(request, "api_id") <= 0 || text(request, "api_hash").empty()) {
    return refuse("API_ID_INVALID");
  }
  return {};
}

json sent_code(const login_code& code, std::int64_t now) {
  json out = make("auth.sentCode");
  out["type"] = make("auth.sentCodeTypeApp");
  out["type"]["length"] = code_length;
  out["phone_code_hash"] = code.hash;
  out["next_type"] = make("auth.codeTypeSms");
  out["timeout"] = code.until - now;
  return out;
}

void show(step& at, const login_code& code) {
  at.out.events.emplace_back(page_events::code_shown{{code.phone, code.code, at.now}});
}

void renew(step& at, login_code& code) {
  code.code = fmt::format("{:05}", at.in.random->integer<std::uint32_t>() % 100'000);
  code.sent = at.unix_time();
  code.until = code.sent + at.in.options.code_lifetime.count();
  code.wrong = 0;
  at.in.data.save(code);
  show(at, code);
}

/// Anybody may ask for codes: what nobody can use any more does not stay.
void forget_expired(step& at) {
  std::vector<std::string> gone;
  for (const auto& [hash, code] : at.in.data.codes()) {
    if (at.unix_time() >= code.until) {
      gone.push_back(hash);
    }
  }
  for (auto& hash : gone) {
    at.in.data.forget_code(std::move(hash));
  }
}

/// The number of somebody who is at home in another data centre, or of nobody: they sign up in the
/// one that is nearest.
std::optional<rpc_refusal> phone_elsewhere(const step& at, const std::string& phone) {
  const auto& options = at.in.options;
  const account* known = at.in.data.find_phone(phone);
  const auto told =
      known != nullptr ? std::optional{home_of(options, *known)} : home_of_phone(options, phone);
  const std::int32_t home = told.value_or(options.dc_id);
  if (is_home(at, home)) {
    return std::nullopt;
  }
  return rpc_refusal{303, fmt::format("{}_MIGRATE_{}", told ? "PHONE" : "NETWORK", home)};
}

answer send_code(step& at, const json& request) {
  const auto phone = phone_of(request);
  if (!phone) {
    return std::unexpected(phone.error());
  }
  if (auto good = check_application(request); !good) {
    return std::unexpected(good.error());
  }
  if (auto elsewhere = phone_elsewhere(at, *phone)) {
    return std::unexpected(*std::move(elsewhere));
  }
  forget_expired(at);
  bytes random(9);
  at.in.random->fill(random);
  login_code code;
  code.hash = to_hex(random);
  code.phone = *phone;
  // One login at a time for a phone, as a new code makes the one before worthless.
  const auto old = std::ranges::find_if(
      at.in.data.codes(), [&phone](const auto& entry) { return entry.second.phone == *phone; });
  if (old != at.in.data.codes().end()) {
    at.in.data.forget_code(old->first);
  }
  login_code& kept = at.in.data.codes()[code.hash] = std::move(code);
  renew(at, kept);
  return sent_code(kept, at.unix_time());
}

/// The login that `phone_code_hash` names, for that phone.
or_refusal<login_code*> code_of(step& at, const json& request) {
  const auto phone = phone_of(request);
  if (!phone) {
    return std::unexpected(phone.error());
  }
  const auto found = at.in.data.codes().find(text(request, "phone_code_hash"));
  if (found == at.in.data.codes().end() || found->second.phone != *phone ||
      at.unix_time() >= found->second.until) {
    return refuse("PHONE_CODE_EXPIRED");
  }
  return &found->second;
}

answer resend_code(step& at, const json& request) {
  const auto code = code_of(at, request);
  if (!code) {
    return std::unexpected(code.error());
  }
  renew(at, **code);
  json out = sent_code(**code, at.unix_time());
  out["type"]["_"] = "auth.sentCodeTypeSms";
  out.erase("next_type");
  return out;
}

answer cancel_code(step& at, const json& request) {
  const auto code = code_of(at, request);
  if (!code) {
    return std::unexpected(code.error());
  }
  at.in.data.forget_code((*code)->hash);
  return true;
}

answer sign_in(step& at, const json& request) {
  const auto found = code_of(at, request);
  if (!found) {
    return std::unexpected(found.error());
  }
  login_code& code = **found;
  const auto given = text(request, "phone_code");
  if (given.empty()) {
    return refuse("PHONE_CODE_EMPTY");
  }
  if (code.wrong >= most_wrong_codes) {
    return refuse("PHONE_CODE_EXPIRED");
  }
  if (given != code.code) {
    ++code.wrong;
    at.in.data.save(code);
    return refuse("PHONE_CODE_INVALID");
  }
  account* user = at.in.data.find_phone(code.phone);
  if (user == nullptr) {
    code.passed = true;
    at.in.data.save(code);
    return make("auth.authorizationSignUpRequired");
  }
  at.in.data.forget_code(code.hash);
  return log_in(at, *user);
}

answer sign_up(step& at, const json& request) {
  const auto code = code_of(at, request);
  if (!code) {
    return std::unexpected(code.error());
  }
  if (!(*code)->passed) {
    return refuse("PHONE_CODE_EXPIRED");
  }
  const auto first_name = text(request, "first_name");
  if (first_name.empty() || first_name.size() > 255) {
    return refuse("FIRSTNAME_INVALID");
  }
  if (at.in.data.find_phone((*code)->phone) != nullptr) {
    return refuse("PHONE_NUMBER_OCCUPIED");
  }
  account fresh;
  fresh.id = at.in.data.next_person_id();
  fresh.first_name = first_name;
  fresh.last_name = text(request, "last_name");
  fresh.phone = (*code)->phone;
  at.in.data.forget_code((*code)->hash);
  return log_in(at, at.in.data.add(std::move(fresh)));
}

/// `<bot id>:<secret>`; the id is the bot's account. The first login settles the secret.
answer import_bot_authorization(step& at, const json& request) {
  if (auto good = check_application(request); !good) {
    return std::unexpected(good.error());
  }
  const auto token = text(request, "bot_auth_token");
  const auto colon = std::min(token.find(':'), token.size());
  account_id id = 0;
  const auto digits = token.substr(0, colon);
  const auto* const end = std::to_address(digits.end());
  const auto [stop, problem] = std::from_chars(std::to_address(digits.begin()), end, id);
  const bool number_good = problem == std::errc{} && stop == end && id > 0 && id < (1LL << 52);
  const auto secret = token.substr(std::min(colon + 1, token.size()));
  const bool secret_good =
      !secret.empty() && secret.size() <= 128 && std::ranges::all_of(secret, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
      });
  if (!number_good || !secret_good) {
    return refuse("ACCESS_TOKEN_INVALID");
  }
  account fresh;
  fresh.id = id;
  if (const auto home = home_of(at.in.options, fresh); !is_home(at, home)) {
    return refuse(fmt::format("USER_MIGRATE_{}", home), 303);
  }
  if (account* known = at.in.data.find(id)) {
    return known->bot && known->token == token ? answer{log_in(at, *known)}
                                               : refuse("ACCESS_TOKEN_INVALID");
  }
  fresh.bot = true;
  fresh.qts = 1;
  fresh.token = token;
  fresh.first_name = fmt::format("Bot {}", id);
  fresh.username = fmt::format("sandbox_{}_bot", id);
  return log_in(at, at.in.data.add(std::move(fresh)));
}

answer log_out(step& at, const json&) {
  if (key_record* key = at.in.data.find_key(at.key)) {
    key_record changed = *key;
    changed.user = 0;
    at.in.data.save(changed);
  }
  return make("auth.loggedOut");
}

/// The binding that the request proves with the permanent key; none for what does not.
std::optional<protocol::opened_binding> proof_of(const key_record& permanent, const json& request) {
  const auto key = protocol::auth_key::from(permanent.secret);
  const json* sealed = member(request, "encrypted_message");
  const auto octets = sealed != nullptr ? tl::bytes_from_json(*sealed) : std::nullopt;
  if (!key || !octets) {
    return std::nullopt;
  }
  auto opened = protocol::open_binding(*key, *octets);
  return opened ? std::optional{*std::move(opened)} : std::nullopt;
}

/// Spec: `auth.bindTempAuthKey`. What is wrong with the permanent key, or with the inner message,
/// is not told apart.
answer bind_temporary_key(step& at, const json& request) {
  const auto* temporary = at.in.temporary.find(at.who.key);
  if (temporary == nullptr) {
    return refuse("TEMP_AUTH_KEY_EMPTY");
  }
  const protocol::key_binding said{
      .nonce = number(request, "nonce"),
      .temporary_key_id = at.who.key,
      .permanent_key_id = static_cast<std::uint64_t>(number(request, "perm_auth_key_id")),
      .session_id = at.who.session,
      .expires_at = number32(request, "expires_at")};
  const key_record* key = at.in.data.find_key(said.permanent_key_id);
  const bool here = key != nullptr && (key->dc == 0 || dc_number(key->dc) == at.dc);
  const auto proof = here ? proof_of(*key, request) : std::nullopt;
  if (!proof || proof->what != said || protocol::number(proof->id) != at.who.msg_id) {
    return refuse("ENCRYPTED_MESSAGE_INVALID");
  }
  if (said.expires_at <= at.unix_time()) {
    return refuse("EXPIRES_AT_INVALID");
  }
  if (temporary->permanent != 0 && temporary->permanent != said.permanent_key_id) {
    return refuse("TEMP_AUTH_KEY_ALREADY_BOUND");
  }
  at.in.temporary.bind(at.who.key, said.permanent_key_id, said.expires_at);
  return true;
}

} // namespace

json log_in(step& at, account& user) {
  if (key_record* key = at.in.data.find_key(at.key)) {
    key_record changed = *key;
    changed.user = user.id;
    at.in.data.save(changed);
  }
  at.me = &user;
  at.out.events.emplace_back(page_events::user_changed{page_view(user)});
  json out = make("auth.authorization");
  out["user"] = user_view(at.in, user.id, user);
  return out;
}

std::span<const method> auth_methods() {
  static constexpr method table[] = {
      {"auth.bindTempAuthKey", audience::anyone, bind_temporary_key},
      {"auth.sendCode", audience::anyone, send_code},
      {"auth.resendCode", audience::anyone, resend_code},
      {"auth.cancelCode", audience::anyone, cancel_code},
      {"auth.signIn", audience::anyone, sign_in},
      {"auth.signUp", audience::anyone, sign_up},
      {"auth.importBotAuthorization", audience::anyone, import_bot_authorization},
      {"auth.logOut", audience::logged_in, log_out},
  };
  return table;
}

} // namespace cafegram::sandbox
