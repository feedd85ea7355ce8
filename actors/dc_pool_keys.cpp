#include <cafegram/actors/dc_pool_state.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/protocol/auth_key.hpp>
#include <cafegram/storage/session.hpp>

#include <caf/all.hpp>

#include <utility>

namespace cafegram {

namespace {

constexpr std::size_t plain = 0;
constexpr std::size_t media = 1;

bool same(const key_order& a, const key_order& b) {
  const auto key = [](const auto& of) { return of ? of->key : nullptr; };
  return key(a.permanent) == key(b.permanent) && key(a.temporary) == key(b.temporary) &&
         a.make == b.make && a.renew == b.renew;
}

} // namespace

data_centre& dc_pool_state::centre(std::int32_t dc) {
  if (const auto found = centres.find(dc); found != centres.end()) {
    return found->second;
  }
  const auto& profile = *setup.profile;
  data_centre fresh{
      key_policy{profile.forward_secrecy && !is_cdn(dc), profile.temporary_key_lifetime},
      profile.breaker};
  if (const auto stored = setup.keys.find(dc); stored != setup.keys.end()) {
    fresh.keys.take(stored->second);
  }
  if (setup.authorised.contains(dc)) {
    fresh.login.now = foreign_login::step::done;
  }
  return centres.emplace(dc, std::move(fresh)).first->second;
}

/// While one connection makes the keys of a data centre, the others wait for them. The permanent
/// key is never made over a media address.
void dc_pool_state::choose_makers(std::int32_t dc) {
  auto& at = centre(dc);
  for (const auto realm : {plain, media}) {
    auto& maker = at.makers.at(realm);
    if (maker && (!connections.contains(*maker) || !connections.at(*maker).actor)) {
      maker.reset();
    }
    const bool of_media = realm == media;
    const bool wanted = at.keys.lacks(of_media) || at.keys.renewal_due(of_media, now());
    if (!wanted) {
      maker.reset();
      continue;
    }
    for (auto entry = connections.lower_bound({dc, connection_purpose::main, 0});
         !maker && entry != connections.end() && entry->first.dc == dc; ++entry) {
      if (entry->second.actor && entry->second.media == of_media) {
        maker = entry->first;
      }
    }
    if (maker && of_media && !at.keys.permanent()) {
      maker.reset();
      connection_at({dc, connection_purpose::main, 0});
    }
  }
}

/// Tells each connection what has changed for it. `always`: this one waits for an answer.
void dc_pool_state::tell_keys(std::int32_t dc, const caf::strong_actor_ptr& always) {
  auto& at = centre(dc);
  for (auto entry = connections.lower_bound({dc, connection_purpose::main, 0});
       entry != connections.end() && entry->first.dc == dc; ++entry) {
    auto& [slot, connection] = *entry;
    const bool maker = at.makers.at(connection.media ? media : plain) == slot;
    auto order = at.keys.order(connection.media, maker, now());
    order.after = connection.key_reports;
    if (connection.actor && (connection.actor == always || !same(order, connection.told))) {
      connection.told = order;
      self->send(connection.actor, std::move(order));
    }
  }
}

void dc_pool_state::key_made(const dc_key& key) {
  const auto from = find(self->current_sender());
  if (from == connections.end()) {
    return;
  }
  ++from->second.key_reports;
  centre(key.dc).keys.take(key);
  store_key(key.dc, true);
  choose_makers(key.dc);
  tell_keys(key.dc, self->current_sender());
}

void dc_pool_state::key_bound(const temporary_key& key) {
  const auto from = find(self->current_sender());
  if (from == connections.end()) {
    return;
  }
  ++from->second.key_reports;
  centre(key.dc).keys.take(key);
  choose_makers(key.dc);
  tell_keys(key.dc, self->current_sender());
  schedule(now());
}

void dc_pool_state::salted(const key_salt& salt) {
  if (find(self->current_sender()) != connections.end() && centre(salt.dc).keys.take(salt)) {
    store_key(salt.dc, false);
  }
}

/// The server's word about a key. Spec: protocol section 3, "a saved login is never thrown away".
void dc_pool_state::heard(const key_news& news) {
  const auto from = find(self->current_sender());
  if (from == connections.end()) {
    if (news.what == key_news::kind::destroyed) {
      farewell_over(self->current_sender());
    }
    return;
  }
  ++from->second.key_reports;
  const bool home = news.dc == setup.home_dc;
  // At another data centre the key stands for nothing that could not be carried there again.
  switch (centre(news.dc).keys.judge(news, setup.logged_in && home)) {
  case dc_keys::verdict::nothing:
  case dc_keys::verdict::temporary_gone:
    break;
  case dc_keys::verdict::kept_though_unknown:
    note_unknown(news.dc, true);
    break;
  case dc_keys::verdict::permanent_gone:
    log::warn("dc_pool", "the key of dc {} is gone: {}", news.dc, to_string(news.why));
    forget_key(news.dc);
    if (home && setup.logged_in) {
      login_ended();
      // Before another key takes its place.
      self->send(store, session_ended{.keep_copy = true, .at = services.clock->wall_now()});
      self->send(owner, login_lost{news.why});
    }
    break;
  }
  choose_makers(news.dc);
  tell_keys(news.dc, self->current_sender());
  schedule(now());
}

void dc_pool_state::store_key(std::int32_t dc, bool at_once) {
  const auto& key = *centre(dc).keys.permanent();
  auto apply = [key](storage::session_state& state) {
    auto& record = state.data_centres[key.dc];
    record.auth_key = std::make_shared<const crypto::secret>(key.key->view());
    record.salt = static_cast<std::uint64_t>(key.salt);
    record.created_at = key.created_at;
  };
  self->request(store, caf::infinite, session_change{std::move(apply), at_once})
      .then([]() {},
            [](const caf::error& why) {
              log::error("dc_pool", "a key is not saved: {}", to_string(to_error(why)));
            });
}

/// The data centre knows nothing of us any more. The stored key stays until another takes its
/// place: it is of no use, and a file is not to be written on a server's word alone.
void dc_pool_state::forget_key(std::int32_t dc) {
  setup.keys.erase(dc);
  auto& login = centre(dc).login;
  const bool was_done = std::exchange(login.was_done, false);
  if (was_done || login.now == foreign_login::step::done) {
    login.now = was_done ? login.now : foreign_login::step::none;
    store_authorised(dc, false);
  }
}

void dc_pool_state::renew_keys(steady_time at) {
  for (auto& [dc, known] : centres) {
    known.keys.expire(at);
    choose_makers(dc);
    tell_keys(dc);
  }
}

void dc_pool_state::note_unknown(std::int32_t dc, bool unknown) {
  auto& at = centre(dc);
  if (at.key_unknown == unknown) {
    return;
  }
  at.key_unknown = unknown;
  if (dc == setup.home_dc) {
    if (unknown) {
      log::warn("dc_pool", "dc {} does not know the key of this login; it is kept", dc);
    }
    tell_home();
  }
}

} // namespace cafegram
