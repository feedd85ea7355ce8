#include <cafegram/storage/number_key.hpp>
#include <cafegram/storage/peers.hpp>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace cafegram::storage {

namespace {

/// Added to the kind, where a row is of what a min constructor brought.
constexpr char min_mark = 16;

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

peer_record record_of(const peer_news& peer) {
  return {peer.kind,
          peer.id,
          peer.access_hash,
          {peer.usernames.begin(), peer.usernames.end()},
          std::string{peer.phone},
          peer.seen_in};
}

/// Of what backends say one thing ends a client, and stays what it is.
error unread(error why) {
  why.code = why.code == errc::session_in_use ? why.code : errc::storage;
  return why;
}

result<std::optional<peer_record>> read_row(backend& in, const std::string& key) {
  const auto stored = in.get(table::peer, key);
  if (!stored) {
    return std::unexpected(unread(stored.error()));
  }
  if (!*stored) {
    return std::nullopt;
  }
  auto peer = decode_peer(**stored);
  if (!peer) {
    return fail(errc::storage, in.place() + ": table peer: " + peer.error().what,
                peer.error().number);
  }
  return *std::move(peer);
}

/// By the key of a whole one.
result<std::optional<peer_record>> read_peer(backend& in, const std::string& key) {
  auto whole = read_row(in, key);
  return !whole || *whole ? whole : read_row(in, min_key_of(key));
}

void mix(std::uint64_t& into, std::string_view text) {
  // A length goes with each, so that what is one name is never taken for two.
  into = (into ^ std::hash<std::string_view>{}(text)) * 0x9e3779b97f4a7c15U + text.size() + 1;
}

} // namespace

std::string peer_key(peer_kind kind, std::int64_t id) {
  std::string out{static_cast<char>(kind)};
  append_number(out, static_cast<std::uint64_t>(id));
  return out;
}

std::string min_peer_key(peer_kind kind, std::int64_t id) {
  return min_key_of(peer_key(kind, id));
}

std::string min_key_of(std::string whole) {
  if (!whole.empty()) {
    whole.front() = static_cast<char>(whole.front() + min_mark);
  }
  return whole;
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

bool has_name(const peer_record& peer, std::string_view name) {
  const auto names = names_of(peer);
  return std::ranges::find(names, name) != names.end();
}

void put(batch& to, const peer_record& peer) {
  const auto key = peer_key(peer.kind, peer.id);
  to.put(table::peer, peer.seen_in ? min_peer_key(peer.kind, peer.id) : key, encode_peer(peer));
  for (auto& name : names_of(peer)) {
    to.put(table::name, std::move(name), to_blob(as_bytes(key)));
  }
}

result<std::optional<peer_record>> find_peer(backend& in, peer_kind kind, std::int64_t id) {
  return read_peer(in, peer_key(kind, id));
}

result<std::optional<peer_record>> find_named_peer(backend& in, std::string_view name) {
  if (name.size() < 2) {
    return std::nullopt;
  }
  const auto key = in.get(table::name, name);
  if (!key) {
    return std::unexpected(unread(key.error()));
  }
  if (!*key) {
    return std::nullopt;
  }
  auto peer = read_peer(in, std::string{as_text(**key)});
  // The peer may have given the name up since.
  if (peer && *peer && !has_name(**peer, name)) {
    return std::nullopt;
  }
  return peer;
}

peer_address address_of(const peer_record& peer) {
  return {peer.kind, peer.id, peer.access_hash, peer.seen_in};
}

peer_cache::peer_cache(std::size_t limit)
  : known_{limit} {}

peer_cache::entry peer_cache::entry_of(const peer_news& peer) {
  entry out{peer.access_hash, 0, peer.seen_in};
  for (const auto username : peer.usernames) {
    mix(out.names, username);
  }
  out.names += 1; // a name is none of a phone
  mix(out.names, peer.phone);
  return out;
}

bool peer_cache::tells_nothing_new(const entry& known, const entry& news) {
  if (!news.seen_in) {
    return !known.seen_in && known.access_hash == news.access_hash && known.names == news.names;
  }
  const auto& source = *news.seen_in;
  return !known.seen_in ||
         (known.seen_in->chat_kind == source.chat_kind && known.seen_in->chat == source.chat &&
          std::int64_t{source.message} - known.seen_in->message < new_source_after);
}

void peer_cache::note(const peer_news& peer, batch& to) {
  const key of{peer.kind, peer.id};
  auto news = entry_of(peer);
  const auto* known = known_.find(of);
  if (known != nullptr && tells_nothing_new(*known, news)) {
    return;
  }
  put(to, record_of(peer));
  known_.put(of, std::move(news));
}

void peer_cache::learn(const peer_record& stored) {
  const auto* known = known_.find({stored.kind, stored.id});
  if (known != nullptr && (stored.seen_in || !known->seen_in)) {
    return; // what has come meanwhile is newer
  }
  const std::vector<std::string_view> usernames{stored.usernames.begin(), stored.usernames.end()};
  known_.put({stored.kind, stored.id}, entry_of({stored.kind, stored.id, stored.access_hash,
                                                 usernames, stored.phone, stored.seen_in}));
}

std::optional<peer_address> peer_cache::find(peer_kind kind, std::int64_t id) {
  const auto* known = known_.find({kind, id});
  if (known == nullptr || known->seen_in) {
    return std::nullopt;
  }
  return peer_address{kind, id, known->access_hash};
}

} // namespace cafegram::storage
