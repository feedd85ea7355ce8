#include <cafegram/crypto/hash.hpp>
#include <cafegram/protocol/salts.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace cafegram::protocol {
namespace {

constexpr std::size_t max_salts = 64;
constexpr std::int64_t wanted_cover = 3600;

std::int64_t seconds_of(duration unix_time) {
  return std::chrono::duration_cast<std::chrono::seconds>(unix_time).count();
}

} // namespace

salt_list::salt_list(std::uint64_t first, std::vector<future_salt> later)
  : current_{first} {
  learn(std::move(later));
}

std::uint64_t salt_list::at(duration unix_time) {
  const auto now = seconds_of(unix_time);
  std::erase_if(later_, [now](const future_salt& s) { return s.valid_until <= now; });
  const auto begun = std::ranges::partition_point(
      later_, [now](const future_salt& s) { return s.valid_since <= now; });
  const bool still_good = std::any_of(later_.begin(), begun,
                                      [this](const future_salt& s) { return s.salt == current_; });
  if (still_good) {
    told_ = false;
  } else if (begun != later_.begin()) {
    if (std::exchange(told_, false)) {
      later_.clear(); // or the salt that was just refused would be used again, and again
    } else {
      current_ = std::prev(begun)->salt;
    }
  }
  return current_;
}

void salt_list::replace(std::uint64_t salt) {
  current_ = salt;
  told_ = true;
  // A salt that was not announced: what was announced does not hold any more.
  if (std::ranges::find(later_, salt, &future_salt::salt) == later_.end()) {
    later_.clear();
  }
}

void salt_list::learn(std::vector<future_salt> salts) {
  std::erase_if(salts, [](const future_salt& s) { return s.valid_until <= s.valid_since; });
  std::ranges::sort(salts, {}, &future_salt::valid_since);
  salts.resize(std::min(salts.size(), max_salts));
  later_ = std::move(salts);
  told_ = false;
}

bool salt_list::runs_out(duration unix_time) const {
  const auto now = seconds_of(unix_time);
  return std::ranges::none_of(
      later_, [now](const future_salt& s) { return s.valid_until - now >= wanted_cover; });
}

server_salts::server_salts(auth_key key, std::chrono::seconds lifetime)
  : key_{std::move(key)}
  , period_seconds_{std::max<std::int64_t>(lifetime.count() / 2, 1)} {}

future_salt server_salts::of_period(std::int64_t period) const {
  std::array<std::uint8_t, 20> input{'s', 'a', 'l', 't'};
  std::memcpy(input.data() + 4, &generation_, sizeof(generation_));
  std::memcpy(input.data() + 12, &period, sizeof(period));
  const auto digest = crypto::hmac_sha256(key_.view(), input);
  future_salt out{.valid_since = static_cast<std::int32_t>(period * period_seconds_),
                  .valid_until = static_cast<std::int32_t>((period + 2) * period_seconds_)};
  std::memcpy(&out.salt, digest.data(), sizeof(out.salt));
  return out;
}

std::uint64_t server_salts::at(duration unix_time) const {
  return of_period(seconds_of(unix_time) / period_seconds_).salt;
}

bool server_salts::good(std::uint64_t salt, duration unix_time) const {
  const auto now = seconds_of(unix_time);
  if (extra_ && extra_->salt == salt && now < extra_->valid_until) {
    return true;
  }
  const auto period = now / period_seconds_;
  return salt == of_period(period).salt || salt == of_period(period - 1).salt;
}

std::vector<future_salt> server_salts::coming(duration unix_time, std::int32_t count) const {
  const auto first = seconds_of(unix_time) / period_seconds_;
  std::vector<future_salt> out;
  for (std::int32_t i = 0; i < std::clamp<std::int32_t>(count, 2, max_salts); ++i) {
    out.push_back(of_period(first + i));
  }
  return out;
}

void server_salts::accept(std::uint64_t salt, duration unix_time) {
  const auto now = static_cast<std::int32_t>(seconds_of(unix_time));
  extra_ = future_salt{now, now + static_cast<std::int32_t>(2 * period_seconds_), salt};
}

void server_salts::rotate() {
  ++generation_;
  extra_.reset();
}

} // namespace cafegram::protocol
