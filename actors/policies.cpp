#include <cafegram/actors/policies.hpp>
#include <cafegram/actors/policy_guard.hpp>
#include <cafegram/base/log.hpp>

#include <algorithm>
#include <exception>

namespace cafegram {

namespace {

using std::chrono::milliseconds;
using pause = std::optional<milliseconds>;

constexpr std::size_t max_deaths = 5;
constexpr milliseconds least_retry{100};
constexpr milliseconds least_reconnect{10};

/// `least`, doubled for each attempt before this one up to `most`, with 20 % of jitter either way.
milliseconds doubled(milliseconds least, milliseconds most, std::size_t attempt,
                     random_source& random) {
  auto base = std::min(least, most);
  for (std::size_t n = 1; n < attempt && base < most; ++n) {
    base = std::min(base * 2, most);
  }
  // 800 to 1200 thousandths.
  const auto factor = 800 + static_cast<std::int64_t>(random.integer<std::uint32_t>() % 401);
  return milliseconds{base.count() * factor / 1000};
}

/// That the server has the send already is no trouble, whatever the code: asking again changes
/// nothing.
bool is_server_trouble(const error& why) {
  return why.rpc && !why.is_rpc("RANDOM_ID_DUPLICATE") &&
         (why.rpc->kind() == rpc_class::internal || why.rpc->kind() == rpc_class::timeout);
}

/// What a program's own policy says, or the default where there is none or it throws.
template <class Policy, class Ask>
pause decide(Policy* given, Policy& otherwise, Ask ask) {
  if (given != nullptr) {
    try {
      const auto decided = ask(*given);
      return decided ? pause{std::max(*decided, milliseconds::zero())} : decided;
    } catch (const std::exception& thrown) {
      log::error("client", "a policy threw: {}", thrown.what());
    } catch (...) {
      log::error("client", "a policy threw what is no std::exception");
    }
  }
  return ask(otherwise);
}

} // namespace

backoff_retry::backoff_retry(int retries, milliseconds least, milliseconds most)
  : retries_{retries}
  , least_{least}
  , most_{most} {}

pause backoff_retry::retry(const refused_call& call, random_source& random) {
  if (call.attempts > retries_ || !is_server_trouble(call.why)) {
    return std::nullopt;
  }
  return doubled(least_, most_, static_cast<std::size_t>(call.attempts), random);
}

backoff_restart::backoff_restart(milliseconds least, milliseconds most)
  : least_{least}
  , most_{most} {}

pause backoff_restart::reconnect(const lost_line& line, random_source& random) {
  return doubled(least_, most_, line.failures, random);
}

pause backoff_restart::restart(const dead_part& part, random_source& random) {
  if (part.name == "dc_connection") {
    return doubled(least_, most_, part.deaths, random);
  }
  return part.deaths <= max_deaths ? pause{milliseconds::zero()} : std::nullopt;
}

pause ask_retry(retry_policy* given, const refused_call& call, random_source& random) {
  backoff_retry otherwise;
  const auto wait = decide<retry_policy>(given, otherwise, [&call, &random](retry_policy& policy) {
    return policy.retry(call, random);
  });
  return wait ? pause{std::max(*wait, least_retry)} : std::nullopt;
}

pause ask_reconnect(restart_policy* given, const timing_options& timing, const lost_line& line,
                    random_source& random) {
  backoff_restart otherwise{timing.reconnect_min, timing.reconnect_max};
  const auto wait =
      decide<restart_policy>(given, otherwise, [&line, &random](restart_policy& policy) {
        return policy.reconnect(line, random);
      });
  return wait ? pause{std::max(*wait, least_reconnect)} : std::nullopt;
}

pause ask_restart(restart_policy* given, const timing_options& timing, const dead_part& part,
                  random_source& random) {
  backoff_restart otherwise{timing.reconnect_min, timing.reconnect_max};
  return decide<restart_policy>(given, otherwise, [&part, &random](restart_policy& policy) {
    return policy.restart(part, random);
  });
}

} // namespace cafegram
