#pragma once

#include <cafegram/protocol/account_updates.hpp>

#include <string>

#include "../support.hpp"

namespace cafegram::protocol::test {

using namespace std::chrono_literals;

/// A text for a body.
struct named_body final : update_body {
  explicit named_body(std::string text)
    : name{std::move(text)} {}
  std::string name;
};

inline update_item item(box_id box, std::int32_t value, const std::string& name,
                        std::int32_t count = 1) {
  return {.box = box,
          .value = value,
          .count = count,
          .mark = std::hash<std::string>{}(name),
          .octets = 100,
          .body = std::make_shared<const named_body>(name)};
}

inline update_item loose(const std::string& name) {
  return item({}, 0, name, 0);
}

inline update_container container(std::vector<update_item> items, std::int32_t seq_start = 0,
                                  std::int32_t seq = 0) {
  return {.items = std::move(items), .date = 1000 + seq, .seq_start = seq_start, .seq = seq};
}

/// What was told, in one line: `common:a,b channel 7:c lost(common 5..9)`.
inline std::string told(const update_outcome& outcome) {
  const auto name_of = [](box_id box) -> std::string {
    constexpr const char* names[] = {"loose", "common", "secondary", "sequence", "channel "};
    const auto* name = names[static_cast<std::size_t>(box.kind)];
    return box.kind == box_kind::channel ? name + std::to_string(box.channel) : name;
  };
  std::string out;
  for (const auto& one : outcome.told) {
    out += out.empty() ? "" : " ";
    if (const auto* lost = std::get_if<updates_lost>(&one)) {
      out += "lost(" + name_of(lost->box) + " " + std::to_string(lost->from) + ".." +
             (lost->to ? std::to_string(*lost->to) : "") + ")";
      continue;
    }
    const auto& some = std::get<accepted_updates>(one);
    out += name_of(some.box) + ":";
    for (std::size_t i = 0; i < some.updates.size(); ++i) {
      out += i > 0 ? "," : "";
      out += static_cast<const named_body&>(*some.updates[i].body).name;
    }
  }
  return out;
}

/// A client on a clock that the test moves.
struct updates_client {
  update_bounds bounds;
  account_updates boxes{bounds};
  steady_time now{1h};
  std::int64_t channel = 7;

  explicit updates_client(const update_bounds& with = {})
    : bounds{with} {}

  /// Stands at 10, 3 and 1, with nothing under way.
  void begin(const account_place& at = {10, 3, 1000, 1}) {
    auto out = boxes.start({updates_start::from::stored, at}, {}, now);
    ASSERT_TRUE(out.ask);
    boxes.loaded_unsure({}, now);
    out = empty_difference();
    ASSERT_FALSE(out.ask);
  }
  update_outcome empty_difference() {
    return boxes.difference({.what = account_difference::form::empty,
                             .items = {},
                             .place = {0, 0, 1000, boxes.stands().seq}},
                            now);
  }
  update_outcome whole(std::vector<update_item> items, const account_place& to) {
    return boxes.difference(
        {.what = account_difference::form::whole, .items = std::move(items), .place = to}, now);
  }
  update_outcome slice(std::vector<update_item> items, const account_place& to) {
    return boxes.difference(
        {.what = account_difference::form::slice, .items = std::move(items), .place = to}, now);
  }
  update_outcome come(std::vector<update_item> items, std::int32_t seq_start = 0,
                      std::int32_t seq = 0) {
    return boxes.receive(container(std::move(items), seq_start, seq), now);
  }
  update_outcome come(update_item one) {
    std::vector<update_item> items;
    items.push_back(std::move(one));
    return come(std::move(items));
  }
  update_outcome pass(duration how_long) {
    now += std::chrono::duration_cast<steady_time::duration>(how_long);
    return boxes.poll(now);
  }
  /// The channel stands at `pts` in the store.
  update_outcome open(std::int32_t pts) {
    boxes.learn(channel, 1, now);
    return boxes.loaded(channel, channel_place{.channel = channel, .pts = pts}, now);
  }
  update_item of_channel(std::int32_t value, const std::string& name,
                         std::int32_t count = 1) const {
    return item(channel_box(channel), value, name, count);
  }
  update_outcome channel_answer(std::vector<update_item> items, std::int32_t pts,
                                bool final = true) {
    return boxes.difference_of(channel,
                               {.what = items.empty() ? channel_difference::form::empty
                                                      : channel_difference::form::updates,
                                .final = final,
                                .items = std::move(items),
                                .pts = pts},
                               now);
  }
  update_outcome channel_failed(difference_failure why, duration wait = {}) {
    return boxes.difference_of_failed(channel, why, wait, now);
  }
};

} // namespace cafegram::protocol::test
