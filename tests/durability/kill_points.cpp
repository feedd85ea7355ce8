#include "kill_points.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <functional>
#include <unistd.h>
#include <utility>

namespace cafegram::durability {
namespace {

constexpr std::array<std::pair<std::string_view, point>, 5> names{{
    {"arrival", point::arrival},
    {"commit", point::commit},
    {"delivery", point::delivery},
    {"answer", point::answer},
    {"finish", point::finish},
}};

/// No destructor runs and no thread comes to anything more.
[[noreturn]] void die() {
  ::kill(::getpid(), SIGKILL);
  while (true) {
    ::pause();
  }
}

bool has(const storage::batch& what, storage::change::kind kind) {
  return std::ranges::any_of(what.changes, [kind](const storage::change& one) {
    return one.in == storage::table::inbox && one.what == kind;
  });
}

class watched_store final : public storage::backend {
public:
  watched_store(std::shared_ptr<storage::backend> inside, std::shared_ptr<kill_points> points)
    : inside_{std::move(inside)}
    , points_{std::move(points)} {}

  result<void> apply(const storage::batch& what) override {
    const bool accepts = has(what, storage::change::kind::put);
    if (accepts) {
      points_->pass(point::arrival);
    }
    if (has(what, storage::change::kind::erase)) {
      points_->pass(point::finish);
    }
    auto done = inside_->apply(what);
    if (done && accepts) {
      points_->pass(point::commit);
    }
    return done;
  }
  result<std::optional<storage::blob>> get(storage::table in, std::string_view key) override {
    return inside_->get(in, key);
  }
  result<storage::page> scan(storage::table in, std::string_view after,
                             const storage::page_limits& limits) override {
    return inside_->scan(in, after, limits);
  }
  std::string place() const override { return inside_->place(); }
  void when_lost(std::function<void(const error&)> tell) override {
    inside_->when_lost(std::move(tell));
  }

private:
  std::shared_ptr<storage::backend> inside_;
  std::shared_ptr<kill_points> points_;
};

} // namespace

std::optional<point> point_of(std::string_view name) {
  const auto* found = std::ranges::find(names, name, &std::pair<std::string_view, point>::first);
  return found != names.end() ? std::optional{found->second} : std::nullopt;
}

kill_points::kill_points(point where, std::chrono::milliseconds after, std::uint32_t passes)
  : where_{where}
  , from_{std::chrono::steady_clock::now() + after}
  , left_{passes} {}

void kill_points::pass(point at) {
  if (at != where_ || std::chrono::steady_clock::now() < from_) {
    return;
  }
  if (left_.fetch_sub(1) == 1) {
    die();
  }
}

std::shared_ptr<storage::backend> deadly_store(std::shared_ptr<storage::backend> inside,
                                               std::shared_ptr<kill_points> points) {
  return std::make_shared<watched_store>(std::move(inside), std::move(points));
}

} // namespace cafegram::durability
