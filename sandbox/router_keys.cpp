#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/router.hpp>
#include <cafegram/sandbox/text.hpp>

#include <caf/all.hpp>

#include <charconv>

/// The router's keys: permanent ones in the world's store, temporary ones here.
namespace cafegram::sandbox {
namespace {

std::int64_t unix_seconds(wall_time at) {
  return std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
}

} // namespace

account_id router_state::user_of(std::string_view key_hex) const {
  std::uint64_t id = 0;
  std::from_chars(key_hex.data(), key_hex.data() + key_hex.size(), id, 16);
  const key_record* key = parts.model->permanent(id);
  return key != nullptr ? key->user : 0;
}

std::shared_ptr<known_key> router_state::find_key(std::uint64_t id, std::int32_t dc) {
  auto found = keys.find(id);
  if (found == keys.end()) {
    const key_record* record = parts.model->find_key(id);
    if (record == nullptr) {
      return nullptr;
    }
    auto key = protocol::auth_key::from(record->secret);
    if (!key) {
      log::error("sandbox", "the stored key {} cannot be used", hex_of(id));
      return nullptr;
    }
    found = keys.emplace(id, std::make_shared<known_key>(
                                 *std::move(key), static_cast<std::uint64_t>(record->salt),
                                 record->created, 0, record->dc, record->layer))
                .first;
  }
  const known_key& known = *found->second;
  const bool elsewhere = dc != 0 && known.dc != 0 && known.dc != dc;
  return elsewhere || known.expired(now()) ? nullptr : found->second;
}

std::shared_ptr<known_key> router_state::keep_key(const key_made& made) {
  const std::uint64_t id = made.key.id();
  if (parts.model->find_key(id) != nullptr || keys.contains(id)) {
    return nullptr;
  }
  if (made.expires_in) {
    return keep_temporary_key(made);
  }
  const auto created = unix_seconds(now());
  key_record record;
  record.id = id;
  record.secret = to_bytes(made.key.view());
  record.dc = made.dc;
  record.salt = static_cast<std::int64_t>(made.salt);
  record.created = created;
  if (auto kept = parts.model->add_key(record); !kept) {
    log::error("sandbox", "a key cannot be kept: {}", to_string(kept.error()));
    return nullptr;
  }
  parts.feed->publish(page_events::key_changed{
      {hex_of(id), wall_time{std::chrono::seconds{created}}, false, 0, 0, 0}});
  return find_key(id);
}

std::shared_ptr<known_key> router_state::keep_temporary_key(const key_made& made) {
  const std::uint64_t id = made.key.id();
  const auto created = unix_seconds(now());
  const auto expires = created + *made.expires_in;
  auto out = std::make_shared<known_key>(made.key, made.salt, created, expires, made.dc, 0);
  keys.emplace(id, out);
  spread(parts.model->add_temporary_key(id, expires, now()));
  parts.feed->publish(page_events::key_changed{
      {hex_of(id), wall_time{std::chrono::seconds{created}}, true, 0, 0, 0}});
  return out;
}

/// Both speak the same layer from now on: what the temporary key has told is the newer word.
void router_state::bound(std::uint64_t temporary) {
  const key_record* permanent = parts.model->permanent(temporary);
  const auto known = keys.find(temporary);
  if (permanent == nullptr || known == keys.end()) {
    return;
  }
  const std::int32_t told = known->second->layer.load();
  learn_layer({temporary, told != 0 ? told : permanent->layer});
}

bool router_state::end_key(std::uint64_t id) {
  if (find_key(id) == nullptr) {
    return false;
  }
  const auto gone = parts.model->forget_key(id);
  for (const std::uint64_t one : gone.value_or(std::vector<std::uint64_t>{})) {
    drop_key(one, one == id);
  }
  return gone.has_value();
}

void router_state::drop_key(std::uint64_t id, bool asked) {
  keys.erase(id);
  main_session.erase(id);
  told_last.erase(id);
  std::erase_if(sessions, [this, id, asked](const auto& entry) {
    if (entry.first.key != id) {
      return false;
    }
    parts.model->drop_session(id, entry.first.session);
    const auto holder = peers.find(entry.second.connection);
    if (holder != peers.end() && !(asked && is_sender(holder->second.actor))) {
      self->send(holder->second.actor, key_end{id});
    }
    return true;
  });
}

void router_state::learn_layer(const layer_told& told) {
  if (auto kept = parts.model->set_layer(told.key, told.layer); !kept) {
    log::warn("sandbox", "the layer of a key cannot be kept: {}", to_string(kept.error()));
  }
  const key_record* permanent = parts.model->permanent(told.key);
  if (permanent == nullptr) {
    return;
  }
  auto family = parts.model->bound_to(permanent->id);
  family.push_back(permanent->id);
  for (const std::uint64_t id : family) {
    if (const auto known = keys.find(id); known != keys.end()) {
      known->second->layer.store(told.layer);
    }
  }
}

} // namespace cafegram::sandbox
