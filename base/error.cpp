#include <cafegram/base/error.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <utility>

namespace cafegram {

std::string_view to_string(errc code) {
  static constexpr std::array<std::string_view, 20> names = {"none",
                                                             "rpc",
                                                             "deadline",
                                                             "cancelled",
                                                             "unknown outcome",
                                                             "connection lost",
                                                             "protocol violation",
                                                             "bad argument",
                                                             "storage",
                                                             "need more",
                                                             "malformed",
                                                             "limit",
                                                             "network",
                                                             "transport error",
                                                             "not found",
                                                             "logged out",
                                                             "circuit open",
                                                             "proxy",
                                                             "key unknown",
                                                             "session in use"};
  const auto index = static_cast<std::size_t>(code);
  return index < names.size() ? names[index] : "unknown";
}

rpc_failure rpc_failure::parse(std::int32_t code, std::string_view text) {
  rpc_failure out{code, std::string{text}, std::nullopt, std::string{text}};
  // The first whole token of digits is the number: FILE_PART_3_MISSING, but MD5_CHECKSUM_INVALID.
  for (std::size_t start = text.find('_'); start != std::string_view::npos;
       start = text.find('_', start + 1)) {
    const std::size_t end = std::min(text.find('_', start + 1), text.size());
    const std::string_view token = text.substr(start + 1, end - start - 1);
    std::int64_t value = 0;
    const auto [stop, problem] = std::from_chars(token.data(), token.data() + token.size(), value);
    const bool digits = !token.empty() && token.front() != '-' && problem == std::errc{} &&
                        stop == token.data() + token.size();
    if (digits) {
      out.name = std::string{text.substr(0, start)} + std::string{text.substr(end)};
      out.value = value;
      break;
    }
  }
  return out;
}

rpc_class rpc_failure::kind() const {
  switch (code) {
  case 303:
  case 400:
  case 401:
  case 402:
  case 403:
  case 404:
  case 406:
  case 420:
    return static_cast<rpc_class>(code);
  case 503:
  case -503:
    return rpc_class::timeout;
  default:
    return rpc_class::internal;
  }
}

bool rpc_name::matches(const rpc_failure& which) const {
  if (which.name == name) {
    return true;
  }
  // Text in the place of a number is part of the name that came.
  const auto star = documented.find('*');
  if (star == std::string_view::npos) {
    return false;
  }
  const auto before = documented.substr(0, star);
  const auto after = documented.substr(star + 1);
  return which.text.size() > before.size() + after.size() && which.text.starts_with(before) &&
         which.text.ends_with(after);
}

error error::make(errc code, std::string what, std::int64_t number) {
  return {code, std::move(what), std::nullopt, number};
}

error error::from_rpc(std::int32_t code, std::string_view text, std::string_view method) {
  return {errc::rpc, std::string{method}, rpc_failure::parse(code, text), code};
}

std::string to_string(const error& e) {
  // Telegram's longest is a third of it.
  constexpr std::size_t most_shown = 256;
  std::string out{to_string(e.code)};
  if (e.rpc) {
    out += ": " + std::to_string(e.rpc->code) + " ";
    // The server's words, shown on terminals: no control characters, and no more than a line.
    const std::string_view text = e.rpc->text;
    std::ranges::transform(text.substr(0, most_shown), std::back_inserter(out), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    });
    out += text.size() > most_shown ? "..." : "";
    if (!e.what.empty()) {
      out += " (" + e.what + ")";
    }
  } else if (!e.what.empty()) {
    out += ": " + e.what;
  }
  return out;
}

} // namespace cafegram
