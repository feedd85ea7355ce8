#include <cafegram/actors/dc_keys.hpp>
#include <cafegram/protocol/auth_key.hpp>

#include <algorithm>

namespace cafegram {

namespace {

using std::chrono::seconds;

/// Servers learn of a permanent key a little later than the one that it was made with.
constexpr std::int64_t young_key_seconds = 60;

bool names(const dc_key& key, std::uint64_t id) {
  return key.key->id() == id;
}

} // namespace

void dc_keys::take(temporary_key bound) {
  temporary_[bound.media ? 1 : 0] = std::move(bound);
}

bool dc_keys::take(const key_salt& salt) {
  for (auto& key : temporary_) {
    if (key && key->key->id() == salt.key_id) {
      key->salt = salt.salt;
    }
  }
  if (permanent_ && names(*permanent_, salt.key_id)) {
    permanent_->salt = salt.salt;
    return true;
  }
  return false;
}

bool dc_keys::lacks(bool media) const {
  return !permanent_ || (policy_.forward_secrecy && !temporary(media));
}

/// An hour before the end of a day; of a short life a third, so that calls under way can end.
steady_time dc_keys::renewal_of(const temporary_key& key) const {
  const seconds third = std::min<seconds>(policy_.lifetime / 3, std::chrono::minutes{5});
  return key.good_until - std::clamp<seconds>(policy_.lifetime / 24, third, std::chrono::hours{1});
}

bool dc_keys::renewal_due(bool media, steady_time now) const {
  return temporary(media) && now >= renewal_of(*temporary(media));
}

key_order dc_keys::order(bool media, bool maker, steady_time now) const {
  key_order out;
  out.permanent = permanent_;
  out.temporary = temporary(media);
  out.renew = maker && renewal_due(media, now);
  out.make = maker && (lacks(media) || out.renew);
  return out;
}

void dc_keys::expire(steady_time now) {
  for (auto& key : temporary_) {
    if (key && now >= key->good_until) {
      key.reset();
    }
  }
}

steady_time dc_keys::next_deadline(steady_time now) const {
  auto next = steady_time::max();
  for (const auto& key : temporary_) {
    if (key) {
      const auto renewal = renewal_of(*key);
      next = std::min(next, now < renewal ? renewal : key->good_until);
    }
  }
  return next;
}

bool dc_keys::is_in_use(std::uint64_t id) const {
  const auto is_it = [id](const auto& key) { return key && key->key->id() == id; };
  return is_it(permanent_) || std::ranges::any_of(temporary_, is_it);
}

bool dc_keys::drop_temporary(std::uint64_t id) {
  bool found = false;
  for (auto& key : temporary_) {
    if (key && key->key->id() == id) {
      key.reset();
      found = true;
    }
  }
  return found;
}

/// By a refusal to bind another key to it.
bool dc_keys::ends_permanent(const key_news& news) const {
  if (news.why.is_rpc("AUTH_KEY_DUPLICATED")) {
    return true; // the server has ended it, and says so for ever
  }
  return news.why.is_rpc("ENCRYPTED_MESSAGE_INVALID") &&
         news.server_time - permanent_->created_at > young_key_seconds;
}

dc_keys::verdict dc_keys::judge(const key_news& news, bool login_hangs_on_it) {
  if (news.what == key_news::kind::not_bound) {
    const bool known = drop_temporary(news.key_id);
    if (permanent_ && names(*permanent_, news.permanent) && ends_permanent(news)) {
      drop_all();
      return verdict::permanent_gone;
    }
    return known ? verdict::temporary_gone : verdict::nothing;
  }
  if (news.what == key_news::kind::duplicated && is_in_use(news.key_id)) {
    drop_all();
    return verdict::permanent_gone;
  }
  if (drop_temporary(news.key_id)) {
    return verdict::temporary_gone;
  }
  if (!permanent_ || !names(*permanent_, news.key_id)) {
    return verdict::nothing;
  }
  if (login_hangs_on_it) {
    return verdict::kept_though_unknown;
  }
  drop_all();
  return verdict::permanent_gone;
}

void dc_keys::drop_all() {
  permanent_.reset();
  temporary_ = {};
}

} // namespace cafegram
