// For: protocol/update_box.cpp
#include <cafegram/protocol/update_box.hpp>

#include <set>

#include "fuzz.hpp"

// Updates with any counters, between the decisions of the box's owner: each is applied or dropped
// once, and the counter never goes back by itself.
//
//     setup:u8 (what:u8 numbers)*
namespace {

using namespace cafegram;
using namespace cafegram::protocol;
using fuzz::holds;

class play {
public:
  explicit play(std::uint8_t setup)
    : box_{(setup & 1) != 0 ? std::optional{std::int32_t{setup}} : std::nullopt} {}

  void step(fuzz::input& in) {
    const auto before = box_.value();
    switch (const auto what = in.octet(); what & 7) {
    case 0:
    case 1:
    case 2: {
      const auto value = before.value_or(0) + in.number<std::int8_t>();
      offer(value, what >> 4);
      break;
    }
    case 3:
      offer(in.number<std::int32_t>(), in.number<std::int32_t>());
      break;
    case 4:
      box_.fall_behind();
      break;
    case 5:
      box_.begin_difference();
      return settle(
          box_.restart((what & 8) != 0 ? in.number<std::int32_t>() : before.value_or(0), now_));
    case 6:
      now_ += std::chrono::milliseconds{in.octet() * 4};
      box_.poll(now_);
      break;
    default:
      for (int i = 0; i < 300; ++i) { // more than may wait, if it comes often
        offer(1'000'000 + i, 1);
      }
      break;
    }
    holds(!before || box_.value() >= before, "the counter does not go back");
  }

private:
  void offer(std::int32_t value, std::int32_t count) {
    open_.insert(update_token{++offered_});
    settle(box_.offer(update_token{offered_}, value, count, now_));
  }

  void settle(const box_verdict& verdict) {
    for (const auto& list : {verdict.apply, verdict.drop}) {
      for (const auto token : list) {
        holds(open_.erase(token) == 1, "each update is settled once");
      }
    }
    holds(open_.size() == box_.waiting(), "what is not settled waits");
    holds(box_.waiting() <= update_box::max_waiting, "what waits is bounded");
  }

  update_box box_;
  steady_time now_ = fuzz::steady_start;
  std::uint64_t offered_ = 0;
  std::set<update_token> open_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in{data, size};
  play all{in.octet()};
  for (int i = 0; i < 200 && !in.empty(); ++i) {
    all.step(in);
  }
  return 0;
}
