#include <array>

#include "updates_world.hpp"

// Scenarios by seed, and their reduction.
namespace cafegram::protocol::test {

using namespace std::chrono_literals;

namespace {

constexpr std::array<const char*, static_cast<std::size_t>(deed::count_)> names{
    "post_common",   "post_secondary",
    "post_sequence", "post_channel",
    "post_loose",    "post_still",
    "post_own",      "deliver",
    "drop",          "repeat",
    "answer",        "arrive",
    "fail",          "load",
    "pass",          "suspect",
    "push_too_long", "push_channel_too_long",
    "push_hint",     "push_state_lost",
    "full",          "not_full",
    "restart",       "restart_anew",
    "restart_login", "crash",
    "forget",        "forbid",
    "permit",        "learn",
    "follow"};

/// How often each happens; the second where nothing may be lost.
constexpr std::array<std::pair<int, int>, static_cast<std::size_t>(deed::count_)> weights{{
    {14, 16}, {5, 6}, {5, 6},   {18, 20}, {2, 2}, {2, 2},   {3, 3},   {60, 60},
    {7, 7},   {6, 6}, {16, 16}, {18, 18}, {5, 0}, {12, 12}, {10, 10}, {2, 2},
    {1, 1},   {2, 2}, {2, 2},   {1, 0},   {3, 3}, {4, 4},   {2, 2},   {1, 0},
    {1, 0},   {4, 4}, {2, 0},   {2, 0},   {2, 0}, {1, 1},   {1, 1},
}};

/// What is wrong, without its numbers.
std::string kind_of(const scenario& what) {
  auto out = updates_world{what}.run();
  std::erase_if(out, [](char c) { return c >= '0' && c <= '9'; });
  return out;
}

} // namespace

scenario make_scenario(std::uint64_t seed) {
  seeded_random random{seed};
  const auto one_in = [&random](std::uint64_t n) { return random.next() % n == 0; };
  scenario out;
  out.seed = seed;
  out.channels = static_cast<int>(1 + random.next() % 4);
  out.bounds.salt = seed;
  if (one_in(4)) {
    out.bounds.most_channels = 1 + random.next() % 2;
  }
  if (one_in(3)) {
    out.bounds.most_asked = 1;
  }
  const bool careful = one_in(3);
  if (one_in(4) && !careful) {
    out.bounds.room.most_in_box = 3;
    out.bounds.room.most = 8;
  }
  if (one_in(6) && !careful) {
    out.bounds.max_age = 20s;
  }
  if (one_in(6) && !careful) {
    out.strict_limit = true;
    out.bounds.first_limit = 10;
    out.bounds.most_limit = 1 + random.next() % 2 == 1 ? 10 : 20;
  }
  out.mixed = one_in(2);
  out.names_last = one_in(2);
  out.loads_apart = one_in(4);
  out.dies_at_last = one_in(2);
  int all = 0;
  for (const auto& [any, kind] : weights) {
    all += careful ? kind : any;
  }
  const auto length = 10 + random.next() % 90;
  for (std::uint64_t i = 0; i < length; ++i) {
    auto left = static_cast<int>(random.next() % static_cast<std::uint64_t>(all));
    std::size_t what = 0;
    while (left >= (careful ? weights[what].second : weights[what].first)) {
      left -= careful ? weights[what].second : weights[what].first;
      ++what;
    }
    const auto numbers = random.next();
    // The line is mostly in order.
    const auto a = one_in(2) ? 0 : static_cast<std::uint32_t>(numbers >> 40U);
    out.happenings.push_back(
        {static_cast<deed>(what), a, static_cast<std::uint32_t>(numbers & 0xffffU)});
  }
  return out;
}

scenario reduce(const scenario& wrong) {
  const auto kind = kind_of(wrong);
  const auto fails = [&kind](const scenario& what) { return kind_of(what) == kind; };
  scenario best = wrong;
  for (auto piece = best.happenings.size() / 2; piece > 0; piece /= 2) {
    for (std::size_t at = 0; at + piece <= best.happenings.size();) {
      auto shorter = best;
      const auto from = shorter.happenings.begin() + static_cast<std::ptrdiff_t>(at);
      shorter.happenings.erase(from, from + static_cast<std::ptrdiff_t>(piece));
      if (fails(shorter)) {
        best = std::move(shorter);
      } else {
        at += piece;
      }
    }
  }
  for (std::size_t i = 0; i < best.happenings.size(); ++i) {
    for (auto number : {&happening::a, &happening::b}) {
      auto simpler = best;
      simpler.happenings[i].*number = 0;
      best = fails(simpler) ? simpler : best;
    }
  }
  return best;
}

std::string to_string(const happening& what) {
  return std::string{names.at(static_cast<std::size_t>(what.what))} + " " + std::to_string(what.a) +
         " " + std::to_string(what.b);
}

std::string to_string(const scenario& what) {
  std::string out = "seed " + std::to_string(what.seed) + ", " + std::to_string(what.channels) +
                    " channels, " + std::to_string(what.bounds.most_channels) + " in memory, " +
                    std::to_string(what.bounds.room.most_in_box) + " wait" +
                    (what.names_last ? ", named last" : "") +
                    (what.loads_apart ? ", loads apart" : "") +
                    (what.dies_at_last ? ", dies at last" : "") + "\n";
  for (const auto& one : what.happenings) {
    out += "  " + to_string(one) + "\n";
  }
  return out;
}

} // namespace cafegram::protocol::test
