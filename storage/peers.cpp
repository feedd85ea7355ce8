#include <cafegram/storage/number_key.hpp>
#include <cafegram/storage/peers.hpp>

#include <algorithm>
#include <cctype>

namespace cafegram::storage {

namespace {

std::vector<std::string> names_of(const peer_record& peer) {
  std::vector<std::string> out;
  out.reserve(peer.usernames.size() + 1);
  for (const auto& username : peer.usernames) {
    out.push_back(username_key(username));
  }
  if (!peer.phone.empty()) {
    out.push_back(phone_key(peer.phone));
  }
  return out;
}

bool has_name(const peer_record& peer, const std::string& name) {
  const auto names = names_of(peer);
  return std::ranges::find(names, name) != names.end();
}

} // namespace

std::string peer_key(peer_kind kind, std::int64_t id) {
  std::string out{static_cast<char>(kind)};
  append_number(out, static_cast<std::uint64_t>(id));
  return out;
}

std::string username_key(std::string_view username) {
  if (username.starts_with('@')) {
    username.remove_prefix(1);
  }
  std::string out{"@"};
  // Usernames are of ASCII letters, digits and underscores.
  std::ranges::transform(username, std::back_inserter(out), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

std::string phone_key(std::string_view phone) {
  std::string out{"+"};
  std::ranges::copy_if(phone, std::back_inserter(out), [](char c) { return c >= '0' && c <= '9'; });
  return out;
}

void put(batch& to, const peer_record& peer) {
  const auto key = peer_key(peer.kind, peer.id);
  to.put(table::peer, key, encode_peer(peer));
  for (auto& name : names_of(peer)) {
    to.put(table::name, std::move(name), to_blob(as_bytes(key)));
  }
}

peer_cache::peer_cache(std::shared_ptr<backend> in, std::size_t limit)
  : in_{std::move(in)}
  , known_{limit} {}

result<void> peer_cache::note(const peer_record& peer, batch& to) {
  const std::lock_guard lock{mutex_};
  const auto key = peer_key(peer.kind, peer.id);
  const auto* before = known_.find(key);
  if (before == nullptr && peer.seen_in) {
    // Whether a whole one is known decides; of a whole one that comes it does not matter.
    auto stored = find_key(key);
    if (!stored) {
      return std::unexpected(std::move(stored.error()));
    }
    before = known_.find(key);
  }
  if (before != nullptr && (*before == peer || (peer.seen_in && !before->seen_in))) {
    return {};
  }
  put(to, peer);
  known_.put(key, peer);
  return {};
}

result<std::optional<peer_record>> peer_cache::find_key(const std::string& key) {
  if (const auto* known = known_.find(key)) {
    return *known;
  }
  auto stored = in_->get(table::peer, key);
  if (!stored) {
    return std::unexpected(std::move(stored.error()));
  }
  if (!*stored) {
    return std::nullopt;
  }
  auto peer = decode_peer(**stored);
  if (!peer) {
    return fail(errc::storage, in_->place() + ": table peer: " + peer.error().what,
                peer.error().number);
  }
  return known_.put(key, *std::move(peer));
}

result<std::optional<peer_record>> peer_cache::find_named(const std::string& name) {
  if (name.size() < 2) {
    return std::nullopt;
  }
  auto key = in_->get(table::name, name);
  if (!key) {
    return std::unexpected(std::move(key.error()));
  }
  if (!*key) {
    return std::nullopt;
  }
  auto peer = find_key(std::string{as_text(**key)});
  // The peer may have given the name up since.
  if (peer && *peer && !has_name(**peer, name)) {
    return std::nullopt;
  }
  return peer;
}

result<std::optional<peer_record>> peer_cache::find(peer_kind kind, std::int64_t id) {
  const std::lock_guard lock{mutex_};
  return find_key(peer_key(kind, id));
}

result<std::optional<peer_record>> peer_cache::find_username(std::string_view username) {
  const std::lock_guard lock{mutex_};
  return find_named(username_key(username));
}

result<std::optional<peer_record>> peer_cache::find_phone(std::string_view phone) {
  const std::lock_guard lock{mutex_};
  return find_named(phone_key(phone));
}

std::vector<peer_record> peer_cache::recent(std::size_t count) const {
  const std::lock_guard lock{mutex_};
  std::vector<peer_record> out;
  for (const auto& [key, peer] : known_) {
    if (out.size() == count) {
      break;
    }
    out.push_back(peer);
  }
  return out;
}

void peer_cache::clear() {
  const std::lock_guard lock{mutex_};
  known_.clear();
}

} // namespace cafegram::storage
