#include <cafegram/sandbox/model_records.hpp>
#include <cafegram/sandbox/read_json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>

namespace cafegram::sandbox::records {

std::string key_of(std::int64_t number) {
  return fmt::format("{:020}", number);
}

std::string key_of(std::int64_t first, std::int64_t second) {
  return fmt::format("{:020}/{:020}", first, second);
}

std::optional<std::vector<std::int64_t>> numbers_of(std::string_view key, std::size_t count) {
  std::vector<std::int64_t> out;
  for (;;) {
    const std::size_t end = std::min(key.find('/'), key.size());
    std::int64_t value = 0;
    const auto* const first = std::to_address(key.begin());
    const auto [stop, problem] = std::from_chars(first, first + end, value);
    if (problem != std::errc{} || stop != first + end) {
      return std::nullopt;
    }
    out.push_back(value);
    if (end == key.size()) {
      break;
    }
    key.remove_prefix(end + 1);
  }
  return out.size() == count ? std::optional{std::move(out)} : std::nullopt;
}

std::string write(const account& value) {
  json out = {{"id", value.id},
              {"bot", value.bot},
              {"scripted", value.scripted},
              {"first_name", value.first_name},
              {"last_name", value.last_name},
              {"username", value.username},
              {"phone", value.phone},
              {"about", value.about},
              {"token", value.token},
              {"commands", value.commands},
              {"info_version", value.info_version},
              {"seen", value.seen},
              {"pts", value.pts},
              {"qts", value.qts},
              {"seq", value.kept_seq},
              {"last_message", value.last_message}};
  if (!value.privacy) {
    out["sees_all"] = true;
  }
  if (!value.blocked.empty()) {
    out["blocked"] = value.blocked;
  }
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

account read_account(const json& from) {
  account out;
  out.id = number(from, "id");
  out.bot = flag(from, "bot");
  out.scripted = flag(from, "scripted");
  out.first_name = text(from, "first_name");
  out.last_name = text(from, "last_name");
  out.username = text(from, "username");
  out.phone = text(from, "phone");
  out.about = text(from, "about");
  out.token = text(from, "token");
  out.commands = items(from, "commands");
  out.info_version = number32(from, "info_version");
  out.seen = number(from, "seen");
  out.pts = number32(from, "pts");
  // A bot of before there was a qts begins as a new one does.
  out.qts = std::max(number32(from, "qts"), out.bot ? 1 : 0);
  out.kept_seq = number32(from, "seq");
  out.last_message = number32(from, "last_message");
  out.privacy = !flag(from, "sees_all");
  for (const json& who : items(from, "blocked")) {
    out.blocked.insert(tl::int64_from_json(who).value_or(0));
  }
  return out;
}

std::string write(const box_event& value) {
  json out{{"pts", value.pts},
           {"count", value.count},
           {"kind", static_cast<int>(value.kind)},
           {"peer", value.peer},
           {"ids", value.ids}};
  if (value.date != 0) {
    out["date"] = value.date;
  }
  return out.dump();
}

box_event read_event(const json& from) {
  box_event out{number32(from, "pts"),
                number32(from, "count"),
                static_cast<event_kind>(number32(from, "kind")),
                number(from, "peer"),
                {},
                number(from, "date")};
  for (const json& id : items(from, "ids")) {
    out.ids.push_back(tl::int32_from_json(id).value_or(0));
  }
  return out;
}

std::string write(const dialog& value) {
  return json{{"read_inbox", value.read_inbox}, {"read_outbox", value.read_outbox}}.dump();
}

dialog read_dialog(const json& from) {
  dialog out;
  out.read_inbox = number32(from, "read_inbox");
  out.read_outbox = number32(from, "read_outbox");
  return out;
}

std::string write(const key_record& value) {
  return json{{"id", value.id},          {"secret", to_base64(value.secret)},
              {"dc", value.dc},          {"layer", value.layer},
              {"user", value.user},      {"salt", value.salt},
              {"created", value.created}}
      .dump();
}

key_record read_key(const json& from) {
  key_record out;
  const json* id = member(from, "id");
  out.id = id != nullptr && id->is_number_unsigned() ? id->get<std::uint64_t>() : 0;
  out.secret = from_base64(text(from, "secret")).value_or(bytes{});
  out.dc = number32(from, "dc");
  out.layer = number32(from, "layer");
  out.user = number(from, "user");
  out.salt = number(from, "salt");
  out.created = number(from, "created");
  return out;
}

std::string write(const login_code& value) {
  return json{{"hash", value.hash},    {"phone", value.phone}, {"code", value.code},
              {"sent", value.sent},    {"until", value.until}, {"wrong", value.wrong},
              {"passed", value.passed}}
      .dump();
}

login_code read_code(const json& from) {
  return {std::string{text(from, "hash")},
          std::string{text(from, "phone")},
          std::string{text(from, "code")},
          number(from, "sent"),
          number(from, "until"),
          number32(from, "wrong"),
          flag(from, "passed")};
}

} // namespace cafegram::sandbox::records
