#include <cafegram/crypto/hash.hpp>
#include <cafegram/sandbox/event_log.hpp>
#include <cafegram/sandbox/model.hpp>
#include <cafegram/sandbox/text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace cafegram::sandbox {

namespace {

constexpr std::size_t write_from = std::size_t{64} << 10;
constexpr int format_version = 1;

json event(std::string_view what, wall_time at) {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch());
  return {{"event", what}, {"at", since.count()}};
}

std::string line_of(const json& what) {
  return what.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
}

/// Takes every `random_id` out, also those of an album's items.
void forget_random_ids(json& value) {
  if (value.is_object()) {
    value.erase("random_id");
  }
  if (value.is_structured()) {
    for (json& inner : value) {
      forget_random_ids(inner);
    }
  }
}

std::unexpected<error> failure(const char* what, const std::string& path) {
  const int number = errno;
  return fail(errc::storage, fmt::format("cannot {} {}: {}", what, path, std::strerror(number)),
              number);
}

} // namespace

namespace event_lines {

std::string started(wall_time at, std::span<const std::int32_t> dcs) {
  json out = event("start", at);
  out["version"] = format_version;
  out["dcs"] = dcs;
  return line_of(out);
}

std::string planned(wall_time at, const fault_plan& plan) {
  json out = event("plan", at);
  out["seed"] = std::to_string(plan.seed);
  out["faults"] = json::array();
  for (std::size_t i = 0; i < fault_kinds; ++i) {
    const auto kind = static_cast<fault_kind>(i);
    const fault_rate& rate = plan.rate(kind);
    if (rate.one_in != 0) {
      out["faults"].push_back(
          rate.bound != 0 ? fmt::format("{}={},{}", to_string(kind), rate.one_in, rate.bound)
                          : fmt::format("{}={}", to_string(kind), rate.one_in));
    }
  }
  out["exact"] = plan.exact.size();
  return line_of(out);
}

std::string opened(wall_time at, std::uint64_t connection, std::int32_t dc,
                   std::string_view remote) {
  json out = event("open", at);
  out["connection"] = connection;
  out["dc"] = dc;
  out["remote"] = remote;
  return line_of(out);
}

std::string closed(wall_time at, std::uint64_t connection) {
  json out = event("close", at);
  out["connection"] = connection;
  return line_of(out);
}

std::string happened(wall_time at, const fault& what, const fault_place& where) {
  json out = event("fault", at);
  out["connection"] = where.connection;
  out["kind"] = to_string(what.kind);
  out["way"] = to_string(where.way);
  out["number"] = where.number;
  out["value"] = what.value;
  return line_of(out);
}

std::string called(wall_time at, const call_event& call) {
  json out = event("call", at);
  out["connection"] = call.connection;
  out["key"] = hex_of(call.key);
  out["session"] = hex_of(call.session);
  out["msg_id"] = std::to_string(call.msg_id);
  out["user"] = call.user;
  out["method"] = call.method;
  out["call"] = hex_of(call.digest);
  out["random_id"] = std::to_string(call.random_id);
  out["executed"] = call.executed;
  out["error"] = call.error;
  return line_of(out);
}

std::string stored(wall_time at, const message_record& message) {
  json out = event("message", at);
  out["number"] = message.number;
  out["from"] = message.from;
  out["to"] = message.room != 0 ? message.room : message.to;
  out["id"] = message.id_for(message.from);
  if (message.room == 0) {
    out["peer_id"] = message.id_for(message.to);
  }
  out["random_id"] = std::to_string(message.random_id);
  out["reply_to"] = message.reply_to;
  if (message.in_channel()) {
    out["pts"] = message.pts;
    out["unseen_by"] = message.unseen_by;
  } else {
    out["copies"] = json::array();
    for (const message_copy& copy : message.copies) {
      out["copies"].push_back(json::array({copy.owner, copy.id, copy.pts}));
    }
  }
  if (!message.action.is_null()) {
    out["service"] = message.action.value("_", "");
  }
  out["text"] = message.text;
  return line_of(out);
}

std::string lost(wall_time at, std::uint64_t lines) {
  json out = event("lost", at);
  out["lines"] = lines;
  return line_of(out);
}

std::string stopped(wall_time at) {
  return line_of(event("stop", at));
}

} // namespace event_lines

std::uint64_t call_digest(const json& request) {
  json bare = request;
  forget_random_ids(bare);
  const std::string text = bare.dump(-1, ' ', false, json::error_handler_t::replace);
  const auto digest = crypto::sha256(as_bytes(text));
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < sizeof(out); ++i) {
    out = out << 8 | digest[i];
  }
  return out;
}

result<std::unique_ptr<event_file>> event_file::open(const std::filesystem::path& path,
                                                     std::shared_ptr<const clock_source> clock) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) {
    return failure("open the log of the run", path.string());
  }
  return std::unique_ptr<event_file>{new event_file{file, path.string(), std::move(clock)}};
}

event_file::~event_file() {
  static_cast<void>(flush()); // nobody is left to be told
  ::close(file_);
}

result<void> event_file::append(std::string_view line) {
  unwritten_ += line;
  return unwritten_.size() >= write_from ? flush() : result<void>{};
}

std::string_view event_file::write(std::string_view text) {
  const auto write_some = [this](std::string_view& left) {
    const auto count = ::write(file_, left.data(), left.size());
    if (count > 0) {
      torn_ = left[static_cast<std::size_t>(count) - 1] != '\n';
      left.remove_prefix(static_cast<std::size_t>(count));
    }
    return count >= 0 || errno == EINTR;
  };
  // What was torn is left as it is, on a line of its own.
  for (std::string_view end = torn_ ? "\n" : ""; !end.empty();) {
    if (!write_some(end)) {
      return text;
    }
  }
  while (!text.empty() && write_some(text)) {
  }
  return text;
}

result<void> event_file::flush() {
  const auto lines = std::exchange(unwritten_, {});
  const auto gaps = std::exchange(gaps_, {});
  std::string_view left = lines;
  if (lost_ == 0 || write(event_lines::lost(clock_->wall_now(), lost_)).empty()) {
    lost_ = 0;
    left = write(lines);
  }
  if (left.empty()) {
    return {};
  }
  auto why = failure("write to", path_);
  lost_ += static_cast<std::uint64_t>(std::ranges::count(left, '\n'));
  for (const gap& one : gaps) {
    if (one.end > lines.size() - left.size()) {
      lost_ += one.lines - 1;
    }
  }
  return why;
}

result<void> event_file::lose(std::uint64_t lines) {
  const auto line = event_lines::lost(clock_->wall_now(), lines);
  gaps_.push_back({unwritten_.size() + line.size(), lines});
  return append(line);
}

} // namespace cafegram::sandbox
