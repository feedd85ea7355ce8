// For: protocol/account_updates.cpp protocol/account_updates_channels.cpp
// protocol/account_updates_difference.cpp protocol/account_updates_memory.cpp
// protocol/counter_box.cpp
#include <cafegram/protocol/account_updates.hpp>

#include <set>

#include "fuzz.hpp"

// A server that says anything: any places, any answers, asked for or not. Nothing comes twice out
// of what came once, all bounds hold, and each question is asked once.
//
//     setup:u8 (what:u8 numbers)*
namespace {

using namespace cafegram;
using namespace cafegram::protocol;
using fuzz::holds;

struct numbered_body final : update_body {
  explicit numbered_body(std::uint64_t n)
    : number{n} {}
  std::uint64_t number;
};

update_bounds small_bounds() {
  update_bounds out;
  out.most_channels = 3;
  out.most_asked = 2;
  out.most_followed = 1;
  out.room = {.most_in_box = 5, .most = 12, .most_octets = 4000};
  out.max_age = std::chrono::seconds{100};
  return out;
}

class play {
public:
  play(std::uint8_t setup, fuzz::input& in)
    : in_{&in} {
    const updates_start how{static_cast<updates_start::from>(setup % 3),
                            (setup & 4) != 0 ? std::optional{stored_place(setup)} : std::nullopt};
    std::vector<update_container> early;
    if ((setup & 8) != 0) {
      early.push_back(container());
    }
    take(boxes_.start(how, std::move(early), now_));
  }

  void step() {
    const auto what = in_->octet();
    switch (what % 16) {
    case 0:
    case 1:
    case 2:
      return take(boxes_.receive(container(), now_));
    case 3:
      return take(boxes_.suspect(now_));
    case 4:
      account_asked_ = false;
      return take(boxes_.place(place(), now_));
    case 5:
      account_asked_ = false;
      return take(boxes_.place_failed(wait(), now_));
    case 6:
    case 7:
      account_asked_ = false;
      return take(boxes_.difference({.what = static_cast<account_difference::form>(what / 16 % 4),
                                     .items = items(),
                                     .place = place(),
                                     .server_time = in_->number<std::int16_t>()},
                                    now_));
    case 8:
      account_asked_ = false;
      return take(boxes_.difference_failed(failure(), wait(), now_));
    case 9:
    case 10: {
      const auto which = channel();
      asked_.erase(which);
      return take(
          boxes_.difference_of(which,
                               {.what = static_cast<channel_difference::form>(what / 16 % 3),
                                .final = what < 128,
                                .items = items(),
                                .pts = in_->number<std::int8_t>(),
                                .timeout = in_->number<std::int8_t>(),
                                .server_time = in_->number<std::int16_t>()},
                               now_));
    }
    default:
      return step_rarely(what);
    }
  }

private:
  void step_rarely(std::uint8_t what) {
    switch (what % 16) {
    case 11: {
      const auto which = channel();
      asked_.erase(which);
      return take(boxes_.difference_of_failed(which, failure(), wait(), now_));
    }
    case 12: {
      const auto which = channel();
      return take(boxes_.loaded(
          which, (what & 128) != 0 ? std::optional{stored(which)} : std::nullopt, now_));
    }
    case 13: {
      std::vector<channel_place> page;
      for (int i = 0; i < what / 16 * 4; ++i) {
        page.push_back(stored(channel()));
      }
      return take(boxes_.loaded_unsure(page, now_));
    }
    case 14:
      switch (what / 16 % 4) {
      case 0:
        return take(boxes_.full(box(), in_->flag(), now_));
      case 1:
        return take(boxes_.learn(channel(), in_->number<std::int8_t>(), now_));
      default:
        return take(boxes_.follow(channel(), in_->flag(), now_));
      }
    default:
      now_ += std::chrono::milliseconds{in_->octet() * 100};
      return take(boxes_.poll(now_));
    }
  }

  std::int64_t channel() { return in_->octet() % 6; }
  box_id box() {
    const auto kind = static_cast<box_kind>(in_->octet() % 5);
    return {kind, kind == box_kind::channel ? channel() : 0};
  }
  difference_failure failure() { return static_cast<difference_failure>(in_->octet() % 5); }
  duration wait() { return std::chrono::milliseconds{in_->number<std::int16_t>()}; }
  account_place place() {
    return {in_->number<std::int8_t>(), in_->number<std::int8_t>(), in_->number<std::int16_t>(),
            in_->number<std::int8_t>()};
  }
  /// It alone has a second date: none, the same, one about it, or any.
  account_place stored_place(std::uint8_t setup) {
    auto out = place();
    switch (setup >> 4U & 3U) {
    case 0:
      break;
    case 1:
      out.named_until = out.date;
      break;
    case 2:
      out.named_until = out.date + in_->number<std::int8_t>();
      break;
    default:
      out.named_until = in_->number<std::int16_t>();
    }
    return out;
  }
  channel_place stored(std::int64_t which) {
    const auto flags = in_->octet();
    return {which, in_->number<std::int8_t>(), (flags & 1) != 0, (flags & 2) != 0,
            (flags & 4) != 0 ? in_->number<std::int16_t>() : std::int16_t{0}};
  }
  std::vector<update_item> items() {
    std::vector<update_item> out;
    const auto count = in_->octet() % 8;
    for (int i = 0; i < count && !in_->empty(); ++i) {
      const auto flags = in_->octet();
      update_item one;
      one.box = box();
      one.value = (flags & 1) != 0 ? in_->number<std::int32_t>() : in_->number<std::int8_t>();
      one.count = (flags & 2) != 0 ? in_->number<std::int32_t>() : flags >> 6U;
      one.role =
          (flags & 4) != 0 ? static_cast<update_role>(in_->octet() % 5) : update_role::ordinary;
      one.strangers = (flags & 8) != 0;
      one.mark = flags >> 5U;
      one.date = (flags & 16) != 0 ? in_->number<std::int16_t>() : 0;
      one.octets = in_->octet() * 16U;
      if ((flags & 32) == 0) {
        one.body = std::make_shared<const numbered_body>(++made_);
        open_.insert(made_);
      }
      out.push_back(std::move(one));
    }
    return out;
  }
  update_container container() {
    const auto flags = in_->octet();
    const auto start = (flags & 1) != 0 ? in_->number<std::int8_t>() : std::int8_t{0};
    return {.items = items(),
            .date = in_->number<std::int16_t>(),
            .seq_start = start,
            .seq = start + (flags >> 6U),
            .too_long = (flags & 2) != 0,
            .own = (flags & 4) != 0};
  }

  void take(const update_outcome& outcome) {
    for (const auto& one : outcome.told) {
      const auto* some = std::get_if<accepted_updates>(&one);
      for (const auto& item : some != nullptr ? some->updates : std::vector<update_item>{}) {
        const auto& body = static_cast<const numbered_body&>(*item.body);
        holds(open_.erase(body.number) == 1, "each is told once");
      }
    }
    if (outcome.ask || outcome.ask_place) {
      holds(!account_asked_ && !(outcome.ask && outcome.ask_place), "one question at a time");
      account_asked_ = true;
    }
    holds(!outcome.ask || outcome.ask->named_until == 0, "a question has one date");
    for (const auto& one : outcome.ask_channels) {
      holds(asked_.insert(one.channel).second && one.pts > 0 && one.limit >= 10, "one for each");
    }
    const auto& bounds = small_bounds();
    holds(boxes_.waiting() <= bounds.room.most && boxes_.channels() <= bounds.most_channels &&
              boxes_.waiting_octets() <= bounds.room.most_octets &&
              boxes_.asked() <= bounds.most_asked,
          "bounds hold");
    holds(!outcome.save || *outcome.save == boxes_.stands(), "what is kept is where it stands");
  }

  fuzz::input* in_;
  account_updates boxes_{small_bounds()};
  steady_time now_ = fuzz::steady_start;
  std::uint64_t made_ = 0;
  std::set<std::uint64_t> open_;
  bool account_asked_ = false;
  std::set<std::int64_t> asked_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in{data, size};
  const auto setup = in.octet();
  play all{setup, in};
  for (int i = 0; i < 200 && !in.empty(); ++i) {
    all.step();
  }
  return 0;
}
