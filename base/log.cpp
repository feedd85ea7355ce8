#include <cafegram/base/log.hpp>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace cafegram::log {
namespace {

spdlog::level::level_enum to_spdlog(level at) {
  switch (at) {
  case level::trace:
    return spdlog::level::trace;
  case level::debug:
    return spdlog::level::debug;
  case level::info:
    return spdlog::level::info;
  case level::warn:
    return spdlog::level::warn;
  case level::error:
    return spdlog::level::err;
  case level::off:
    break;
  }
  return spdlog::level::off;
}

constexpr const char* text_pattern = "%H:%M:%S.%e %L %v";
constexpr const char* json_pattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%f%z","level":"%l",%v})";

struct state {
  state() { logger->set_pattern(text_pattern); }

  std::shared_ptr<spdlog::logger> logger = std::make_shared<spdlog::logger>(
      "cafegram", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  bool json = false;
};

// The one process-wide thing: where log lines go. Everything else is passed in.
state& current() {
  static state instance;
  return instance;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
  }
  return out;
}

/// A line stays one line, and tells a terminal nothing: parts of it may come from the other side.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet == 0x7f) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(octet));
    } else {
      out += c;
    }
  }
  return out;
}

} // namespace

void configure(const options& opts) {
  state& s = current();
  s.json = opts.json;
  s.logger->set_level(to_spdlog(opts.threshold));
  s.logger->set_pattern(opts.json ? json_pattern : text_pattern);
}

bool enabled(level at) {
  return current().logger->should_log(to_spdlog(at));
}

void write(level at, std::string_view component, std::string_view line) {
  state& s = current();
  if (s.json) {
    s.logger->log(to_spdlog(at), R"("component":"{}","message":"{}")", escaped(component),
                  escaped(line));
  } else {
    s.logger->log(to_spdlog(at), "{}: {}", component, one_line(line));
  }
}

} // namespace cafegram::log
