#include <cafegram/base/error.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <utility>

namespace cafegram {

std::string_view to_string(errc code) {
  static constexpr std::array<std::string_view, 16> names = {"none",
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
                                                             "logged out"};
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

error error::make(errc code, std::string what, std::int64_t number) {
  return {code, std::move(what), std::nullopt, number};
}

error error::from_rpc(std::int32_t code, std::string_view text, std::string_view method) {
  return {errc::rpc, std::string{method}, rpc_failure::parse(code, text), code};
}

std::string to_string(const error& e) {
  std::string out{to_string(e.code)};
  if (e.rpc) {
    out += ": " + std::to_string(e.rpc->code) + " ";
    // The server's words, shown on terminals: no control characters.
    std::ranges::transform(e.rpc->text, std::back_inserter(out), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    });
    if (!e.what.empty()) {
      out += " (" + e.what + ")";
    }
  } else if (!e.what.empty()) {
    out += ": " + e.what;
  }
  return out;
}

} // namespace cafegram
