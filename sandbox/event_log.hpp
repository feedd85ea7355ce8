#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/sandbox/faults.hpp>
#include <cafegram/tl/json.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The log of a run: one JSON object a line, for programs that judge it. The format is in
/// docs/sandbox.md, "The log of a run".
namespace cafegram::sandbox {

using tl::json;
struct message_record;

/// What is told of a call.
struct call_event {
  std::uint64_t connection = 0;
  std::uint64_t key = 0; ///< the permanent one, where there is one
  std::uint64_t session = 0;
  std::int64_t msg_id = 0;
  std::int64_t user = 0;
  std::string_view method;
  std::uint64_t digest = 0;
  std::int64_t random_id = 0;
  bool executed = false;
  std::string_view error;
};

/// Lines of the log, each with its end.
namespace event_lines {

std::string started(wall_time at, std::span<const std::int32_t> dcs);
std::string planned(wall_time at, const fault_plan& plan);
std::string opened(wall_time at, std::uint64_t connection, std::int32_t dc,
                   std::string_view remote);
std::string closed(wall_time at, std::uint64_t connection);
std::string happened(wall_time at, const fault& what, const fault_place& where);
std::string called(wall_time at, const call_event& call);
std::string stored(wall_time at, const message_record& message);
std::string lost(wall_time at, std::uint64_t lines);
std::string stopped(wall_time at);

} // namespace event_lines

/// The same for two requests that ask for the same: 64 bits of the SHA-256 over the request without
/// any `random_id`.
std::uint64_t call_digest(const json& request);

/// The file of a log, with what is not written yet.
class event_file {
public:
  /// Opens for appending, 0600. Errors: `storage` with the path.
  static result<std::unique_ptr<event_file>> open(const std::filesystem::path& path,
                                                  std::shared_ptr<const clock_source> clock);
  ~event_file(); ///< writes the rest
  event_file(const event_file&) = delete;
  event_file& operator=(const event_file&) = delete;

  /// Writes once enough has gathered. Errors: `storage`; what could not be written is lost, and the
  /// next write says how much that was.
  result<void> append(std::string_view line);
  result<void> flush();
  /// So many lines are missing here. Errors: those of `append`.
  result<void> lose(std::uint64_t lines);

private:
  event_file(int file, std::string path, std::shared_ptr<const clock_source> clock)
    : file_{file}
    , path_{std::move(path)}
    , clock_{std::move(clock)} {}
  /// A line of `unwritten_` that stands for others, and where it ends.
  struct gap {
    std::size_t end = 0;
    std::uint64_t lines = 0;
  };

  /// What is left of it.
  std::string_view write(std::string_view text);

  int file_;
  std::string path_;
  std::shared_ptr<const clock_source> clock_;
  std::string unwritten_;
  std::vector<gap> gaps_;
  bool torn_ = false;      ///< the file ends within a line
  std::uint64_t lost_ = 0; ///< lines before `unwritten_`, and the file does not say so yet
};

} // namespace cafegram::sandbox
