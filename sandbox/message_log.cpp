#include <cafegram/sandbox/message_log.hpp>
#include <cafegram/sandbox/model.hpp>
#include <cafegram/sandbox/read_json.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace cafegram::sandbox {

namespace {

std::unexpected<error> failure(const char* what, const std::string& path) {
  const int number = errno;
  return fail(errc::storage, fmt::format("cannot {} {}: {}", what, path, std::strerror(number)),
              number);
}

std::string line_of(const message_record& message) {
  json out = {{"number", message.number},
              {"time", message.date},
              {"from", message.from},
              {"to", message.room != 0 ? message.room : message.to},
              {"id", message.id_for(message.from)},
              {"random_id", std::to_string(message.random_id)},
              {"text", message.text}};
  if (message.room == 0) {
    out["peer_id"] = message.id_for(message.to);
  }
  if (!message.action.is_null()) {
    out["service"] = message.action.value("_", "");
  }
  return out.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
}

} // namespace

result<std::unique_ptr<message_log>> message_log::open(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) {
    return failure("open the log of messages", path.string());
  }
  std::unique_ptr<message_log> out{new message_log{file, path.string()}};
  if (auto found = out->find_end(); !found) {
    return std::unexpected(found.error());
  }
  return out;
}

message_log::~message_log() {
  ::close(file_);
}

result<void> message_log::find_end() {
  std::ifstream in{path_, std::ios::binary};
  std::string line;
  off_t whole = 0; // octets of complete lines
  while (std::getline(in, line) && !in.eof()) {
    whole += static_cast<off_t>(line.size()) + 1;
    const json read = json::parse(line, nullptr, false);
    last_number_ = std::max(last_number_, read.is_object() ? number(read, "number") : 0);
  }
  if (::ftruncate(file_, whole) != 0) {
    return failure("shorten", path_);
  }
  return {};
}

result<void> message_log::append(const message_record& message) {
  const std::string line = line_of(message);
  if (::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    return failure("write to", path_);
  }
  last_number_ = message.number;
  return {};
}

} // namespace cafegram::sandbox
