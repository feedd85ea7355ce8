#include <cafegram/actors/invoke.hpp>
#include <cafegram/actors/login.hpp>
#include <cafegram/crypto/secure.hpp>
#include <cafegram/crypto/srp.hpp>
#include <cafegram/tl/api.hpp>

namespace cafegram {

namespace {

using srp_algorithm = tl::passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow;

std::unexpected<error> unexpected_answer(std::string_view method) {
  return fail(errc::malformed, std::string{method} + ": an answer that this schema does not know");
}

account account_of(const tl::user& user) {
  return {user.id, user.bot, user.first_name.value_or(""), user.username.value_or("")};
}

result<account> account_of(const tl::auth::Authorization& answer, std::string_view method) {
  const auto* good = tl::get_if<tl::auth::authorization>(answer);
  const auto* user = good != nullptr ? tl::get_if<tl::user>(good->user) : nullptr;
  if (user == nullptr) {
    return unexpected_answer(method);
  }
  return account_of(*user);
}

/// `length` of those kinds that have one.
template <class... Ts>
std::int32_t length_of(const tl::auth::SentCodeType& type, tl::detail::list<Ts...>) {
  std::int32_t out = 0;
  const auto look = [&]<class T>(const T* found) {
    if constexpr (requires { found->length; }) {
      out = found != nullptr ? found->length : out;
    }
  };
  (look(tl::get_if<Ts>(type)), ...);
  return out;
}

result<login_code> code_of(const tl::auth::SentCode& answer, std::string phone) {
  if (const auto* paid = tl::get_if<tl::auth::sentCodePaymentRequired>(answer)) {
    return fail(errc::limit, "Telegram wants to be paid for this code (" + paid->currency +
                                 "); log in once with its own app instead");
  }
  const auto* sent = tl::get_if<tl::auth::sentCode>(answer);
  if (sent == nullptr) {
    return unexpected_answer("auth.sendCode");
  }
  constexpr std::string_view prefix = "auth.sentCodeType";
  auto kind = sent->type.name();
  kind.remove_prefix(kind.starts_with(prefix) ? prefix.size() : 0);
  return login_code{std::move(phone), sent->phone_code_hash, std::string{kind},
                    length_of(sent->type, tl::auth::SentCodeType::tl_alternatives{}),
                    sent->timeout};
}

result<tl::account::password> password_of(client& with) {
  auto answer = with.invoke_sync(tl::account::getPassword{});
  if (!answer) {
    return std::unexpected(std::move(answer.error()));
  }
  const auto* known = tl::get_if<tl::account::password>(*answer);
  if (known == nullptr) {
    return unexpected_answer("account.getPassword");
  }
  return *known;
}

} // namespace

result<login_code> send_code(client& with, std::string phone) {
  auto answer = with.invoke_sync(tl::auth::sendCode{.phone_number = phone,
                                                    .api_id = with.options().api_id,
                                                    .api_hash = with.options().api_hash,
                                                    .settings = tl::codeSettings{}});
  if (!answer) {
    return std::unexpected(std::move(answer.error()));
  }
  return code_of(*answer, std::move(phone));
}

result<login_code> resend_code(client& with, const login_code& earlier) {
  auto answer = with.invoke_sync(
      tl::auth::resendCode{.phone_number = earlier.phone, .phone_code_hash = earlier.hash});
  if (!answer) {
    return std::unexpected(std::move(answer.error()));
  }
  return code_of(*answer, earlier.phone);
}

result<sign_in_outcome> sign_in(client& with, const login_code& sent, std::string_view code) {
  auto answer = with.invoke_sync(tl::auth::signIn{
      .phone_number = sent.phone, .phone_code_hash = sent.hash, .phone_code = std::string{code}});
  if (!answer) {
    if (!answer.error().is_rpc("SESSION_PASSWORD_NEEDED")) {
      return std::unexpected(std::move(answer.error()));
    }
    auto password = password_of(with);
    if (!password) {
      return std::unexpected(std::move(password.error()));
    }
    return password_needed{password->hint.value_or("")};
  }
  if (tl::holds<tl::auth::authorizationSignUpRequired>(*answer)) {
    return sign_up_needed{};
  }
  auto who = account_of(*answer, "auth.signIn");
  if (!who) {
    return std::unexpected(std::move(who.error()));
  }
  return *std::move(who);
}

result<account> check_password(client& with, std::string_view password) {
  auto asked = password_of(with);
  if (!asked) {
    return std::unexpected(std::move(asked.error()));
  }
  const auto* algorithm =
      asked->current_algo ? tl::get_if<srp_algorithm>(*asked->current_algo) : nullptr;
  if (algorithm == nullptr || !asked->srp_B || !asked->srp_id) {
    return fail(errc::bad_argument, "the account has no password that this program can check");
  }
  crypto::prime_cache primes;
  auto proof = crypto::srp_check(
      as_bytes(password),
      {.salt1 = algorithm->salt1, .salt2 = algorithm->salt2, .g = algorithm->g, .p = algorithm->p},
      *asked->srp_B, *crypto::system_random(), primes);
  if (!proof) {
    return std::unexpected(std::move(proof.error()));
  }
  auto answer = with.invoke_sync(tl::auth::checkPassword{
      .password = tl::inputCheckPasswordSRP{
          .srp_id = *asked->srp_id, .A = std::move(proof->a), .M1 = to_bytes(proof->m1)}});
  if (!answer) {
    return std::unexpected(std::move(answer.error()));
  }
  return account_of(*answer, "auth.checkPassword");
}

result<account> get_me(client& with) {
  auto answer = with.invoke_sync(tl::users::getUsers{.id = {tl::inputUserSelf{}}});
  if (!answer) {
    return std::unexpected(std::move(answer.error()));
  }
  const auto* me = answer->empty() ? nullptr : tl::get_if<tl::user>(answer->front());
  if (me == nullptr) {
    return unexpected_answer("users.getUsers");
  }
  return account_of(*me);
}

result<void> log_out(client& with) {
  auto answer = with.invoke_sync(tl::auth::logOut{});
  if (!answer) {
    return std::unexpected(std::move(answer.error()));
  }
  return {};
}

} // namespace cafegram
