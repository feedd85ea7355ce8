#include <cafegram/sandbox/faults.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <memory>
#include <utility>

namespace cafegram::sandbox {

namespace {

constexpr unsigned bit(fault_way way) {
  return 1U << static_cast<unsigned>(way);
}
constexpr unsigned incoming = bit(fault_way::in);
constexpr unsigned outgoing = bit(fault_way::out);
constexpr unsigned both = incoming | outgoing;
constexpr unsigned calls = bit(fault_way::call);
constexpr unsigned pushes = bit(fault_way::push);

struct kind_row {
  std::string_view name;
  unsigned ways;
  std::uint32_t bound;
};

constexpr std::array<kind_row, fault_kinds> rows{{
    {"drop", both, 0},
    {"delay", both, 1'000},
    {"duplicate", both, 0},
    {"reorder", both, 200},
    {"corrupt", both, 0},
    {"truncate", both, 0},
    {"cut", both, 0},
    {"half-open", both, 100'000},
    {"slow-read", incoming, 3'000},
    {"slow-write", outgoing, 3'000},
    {"error-404", outgoing, 0},
    {"error-429", outgoing, 0},
    {"error-444", outgoing, 0},
    {"wrong-salt", incoming, 0},
    {"wrong-time", incoming, 3'600},
    {"forget-session", incoming | bit(fault_way::end), 0},
    {"flood-wait", calls, 3},
    {"error-500", calls, 0},
    {"late-answer", calls, 2'000},
    {"push-drop", pushes, 0},
    {"push-delay", pushes, 2'000},
    {"push-repeat", pushes, 0},
    {"push-reorder", pushes, 500},
}};

constexpr std::array<std::string_view, 5> way_names{"in", "out", "call", "end", "push"};

const kind_row& row(fault_kind kind) {
  return rows[static_cast<std::size_t>(kind)];
}

/// SplitMix64's finaliser: every bit of the argument moves half of the result's.
constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::uint64_t dice(std::uint64_t seed, fault_kind kind, const fault_place& at) {
  std::uint64_t out = mix(seed);
  for (const std::uint64_t part : {static_cast<std::uint64_t>(kind), at.connection,
                                   static_cast<std::uint64_t>(at.way), at.number}) {
    out = mix(out ^ part);
  }
  return out;
}

std::uint32_t draw(std::uint64_t thrown, std::uint32_t bound) {
  // Another part of the dice than the one that has decided.
  const auto high = static_cast<std::uint32_t>(mix(thrown) >> 32);
  return bound == 0 ? high : 1 + high % bound;
}

bool fits(const exact_fault& one, const fault_place& at) {
  return one.at.way == at.way && one.at.number == at.number &&
         (one.at.connection == 0 || one.at.connection == at.connection);
}

template <class Number>
bool read(std::string_view text, Number& into) {
  const auto* const last = std::to_address(text.end());
  const auto [stop, problem] = std::from_chars(std::to_address(text.begin()), last, into);
  return problem == std::errc{} && stop == last;
}

/// What is before the mark, and what is behind it; nothing there without the mark.
std::pair<std::string_view, std::string_view> split(std::string_view text, char mark) {
  const auto at = text.find(mark);
  return at == std::string_view::npos ? std::pair{text, std::string_view{}}
                                      : std::pair{text.substr(0, at), text.substr(at + 1)};
}

std::unexpected<error> bad(std::string_view text, std::string_view why) {
  return fail(errc::bad_argument, fmt::format("the fault {}: {}", text, why));
}

result<fault_kind> read_kind(std::string_view text) {
  const auto name = split(text, '=').first;
  if (const auto kind = fault_kind_of(name)) {
    return *kind;
  }
  std::string names;
  for (const kind_row& one : rows) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", one.name);
  }
  return bad(text, fmt::format("there is no kind {}; there are {}", name, names));
}

} // namespace

std::string_view to_string(fault_kind kind) {
  return row(kind).name;
}

std::optional<fault_kind> fault_kind_of(std::string_view name) {
  const auto found = std::ranges::find(rows, name, &kind_row::name);
  return found == rows.end() ? std::nullopt
                             : std::optional{static_cast<fault_kind>(found - rows.begin())};
}

std::string_view to_string(fault_way way) {
  return way_names[static_cast<std::size_t>(way)];
}

bool happens_at(fault_kind kind, fault_way way) {
  return (row(kind).ways & bit(way)) != 0;
}

std::uint32_t default_bound(fault_kind kind) {
  return row(kind).bound;
}

bool fault_plan::any() const {
  return !exact.empty() ||
         std::ranges::any_of(rates, [](const fault_rate& one) { return one.one_in != 0; });
}

result<void> fault_plan::add(std::string_view text) {
  const auto kind = read_kind(text);
  if (!kind) {
    return std::unexpected(kind.error());
  }
  const auto [often, much] = split(split(text, '=').second, ',');
  fault_rate out{0, default_bound(*kind)};
  if (!read(often, out.one_in)) {
    return bad(text, "not KIND=N or KIND=N,BOUND, meaning one in N");
  }
  if (!much.empty() && (out.bound == 0 || !read(much, out.bound) || out.bound == 0)) {
    return bad(text, default_bound(*kind) == 0 ? "this kind has no bound" : "no bound is that");
  }
  rate(*kind) = out;
  return {};
}

result<void> fault_plan::add_exact(std::string_view text) {
  const auto kind = read_kind(text);
  if (!kind) {
    return std::unexpected(kind.error());
  }
  const auto [place, value] = split(split(text, '=').second, ',');
  const auto [way, numbers] = split(place, '/');
  const auto [connection, number] = split(numbers, '/');
  const auto* const found = std::ranges::find(way_names, way);
  exact_fault out{*kind, {}, std::max<std::uint32_t>(1, default_bound(*kind))};
  if (found == way_names.end() || !read(connection, out.at.connection) ||
      !read(number, out.at.number) || (!value.empty() && !read(value, out.value))) {
    return bad(text,
               "not KIND=WAY/CONNECTION/NUMBER[,VALUE] with a way of in, out, call, end, push");
  }
  out.at.way = static_cast<fault_way>(found - way_names.begin());
  if (!happens_at(*kind, out.at.way)) {
    return bad(text, "this kind does not happen that way");
  }
  exact.push_back(out);
  return {};
}

std::optional<fault> decide(const fault_plan& plan, const fault_place& at) {
  for (const exact_fault& one : plan.exact) {
    if (fits(one, at)) {
      return fault{one.kind, one.value};
    }
  }
  for (std::size_t i = 0; i < fault_kinds; ++i) {
    const auto kind = static_cast<fault_kind>(i);
    const fault_rate& often = plan.rates[i];
    if (often.one_in == 0 || !happens_at(kind, at.way)) {
      continue;
    }
    const auto thrown = dice(plan.seed, kind, at);
    if (thrown % often.one_in == 0) {
      return fault{kind, draw(thrown, often.bound != 0 ? often.bound : default_bound(kind))};
    }
  }
  return std::nullopt;
}

} // namespace cafegram::sandbox
