#pragma once

#include <cafegram/base/bytes.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <string_view>

namespace cafegram::log {

enum class level : std::uint8_t { trace, debug, info, warn, error, off };

/// Where lines go and which: text to standard error, `info` and above, until told otherwise.
struct options {
  level threshold = level::info;
  bool json = false; ///< one JSON object a line instead of text
};

void configure(const options& opts);
bool enabled(level at);

/// Writes one line. `component` is a short static name such as "dc_connection".
void write(level at, std::string_view component, std::string_view line);

/// Formats and writes one line if `at` is enabled. Never pass a key, token, code or password.
template <class... Ts>
void print(level at, std::string_view component, fmt::format_string<Ts...> format, Ts&&... args) {
  if (enabled(at)) {
    write(at, component, fmt::format(format, std::forward<Ts>(args)...));
  }
}

template <class... Ts>
void debug(std::string_view component, fmt::format_string<Ts...> format, Ts&&... args) {
  print(level::debug, component, format, std::forward<Ts>(args)...);
}
template <class... Ts>
void info(std::string_view component, fmt::format_string<Ts...> format, Ts&&... args) {
  print(level::info, component, format, std::forward<Ts>(args)...);
}
template <class... Ts>
void warn(std::string_view component, fmt::format_string<Ts...> format, Ts&&... args) {
  print(level::warn, component, format, std::forward<Ts>(args)...);
}
template <class... Ts>
void error(std::string_view component, fmt::format_string<Ts...> format, Ts&&... args) {
  print(level::error, component, format, std::forward<Ts>(args)...);
}

} // namespace cafegram::log
