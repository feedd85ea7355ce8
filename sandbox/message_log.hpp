#pragma once

#include <cafegram/base/error.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace cafegram::sandbox {

struct message_record;

/// Every message that the sandbox has accepted, one JSON object a line, in the order of acceptance:
/// `{"number":1,"time":1750000000,"from":5000001,"to":1000001,"id":1,"peer_id":1,"random_id":"17",
/// "text":"..."}`. `id` is the sender's, `peer_id` the receiver's; in a room, `to` is its marked
/// id, and there is no `peer_id`. A word of the room's own has `service`, the action's name. For
/// programs that judge a run.
///
/// A line is written when its message has been committed. What a killed process could not write any
/// more is added when the log is opened again, so that each message stands here exactly once.
class message_log {
public:
  /// Opens for appending, 0600; a line that was cut is taken away.
  /// Errors: `storage` with the path.
  static result<std::unique_ptr<message_log>> open(const std::filesystem::path& path);
  ~message_log();
  message_log(const message_log&) = delete;
  message_log& operator=(const message_log&) = delete;

  /// Number of the last message that is there, 0 for none.
  std::int64_t last_number() const { return last_number_; }
  result<void> append(const message_record& message);

private:
  message_log(int file, std::string path)
    : file_{file}
    , path_{std::move(path)} {}

  result<void> find_end();

  int file_;
  std::string path_;
  std::int64_t last_number_ = 0;
};

} // namespace cafegram::sandbox
