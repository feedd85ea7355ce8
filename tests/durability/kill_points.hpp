#pragma once

#include <cafegram/storage/backend.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace cafegram::durability {

/// Where this process can be told to die. One more, between a send and its answer, is nowhere in
/// it: the supervisor sees in the sandbox's log that an answer is held back, and kills then.
enum class point : std::uint8_t {
  arrival,  ///< an update is about to be written to the inbox
  commit,   ///< it is written, and not delivered
  delivery, ///< it is with its handler, which has sent nothing
  answer,   ///< the send is answered, and the handler has not returned
  finish,   ///< the handler has returned, the inbox still has the update
};

std::optional<point> point_of(std::string_view name);

/// The one place at which this process dies, if any. Thread-safe.
class kill_points {
public:
  kill_points() = default;
  /// At the `passes`-th time that `where` is passed later than `after` from now.
  kill_points(point where, std::chrono::milliseconds after, std::uint32_t passes);

  /// Does not return where this is it: ends the process as `kill -9` does.
  void pass(point at);

private:
  std::optional<point> where_;
  std::chrono::steady_clock::time_point from_;
  std::atomic<std::uint32_t> left_ = 0;
};

/// `inside`, with the places around its writes.
std::shared_ptr<storage::backend> deadly_store(std::shared_ptr<storage::backend> inside,
                                               std::shared_ptr<kill_points> points);

} // namespace cafegram::durability
