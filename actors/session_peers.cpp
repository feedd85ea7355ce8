#include <cafegram/actors/peer_notes.hpp>
#include <cafegram/actors/peer_walk.hpp>
#include <cafegram/actors/session_peers.hpp>
#include <cafegram/base/log.hpp>

#include <string>
#include <utility>

namespace cafegram {

namespace {

using storage::peer_record;

std::optional<peer_record> unwritten_row(const session_changes& in, const std::string& key) {
  const auto* row = in.find(storage::table::peer, key);
  if (row == nullptr) {
    return std::nullopt;
  }
  auto peer = storage::decode_peer(row->value);
  return peer ? std::optional{*std::move(peer)} : std::nullopt;
}

std::optional<peer_record> unwritten_whole(const session_changes& in, storage::peer_kind kind,
                                           std::int64_t id) {
  return unwritten_row(in, storage::peer_key(kind, id));
}

/// By a name's key.
std::optional<peer_record> unwritten_named(const session_changes& in, const std::string& name) {
  const auto* row = in.find(storage::table::name, name);
  if (row == nullptr) {
    return std::nullopt;
  }
  const std::string key{as_text(row->value)};
  auto peer = unwritten_row(in, key);
  if (!peer) {
    peer = unwritten_row(in, storage::min_key_of(key));
  }
  return peer && has_name(*peer, name) ? peer : std::nullopt;
}

} // namespace

bool session_peers::note(const peers_came& what, session_changes& unwritten) {
  if (unwritten.rows() >= most_unwritten) {
    if (!std::exchange(full_, true)) {
      log::warn("session_store",
                "{} rows are not written: further peers are passed over until "
                "they are",
                unwritten.rows());
    }
    return false;
  }
  full_ = false;
  storage::batch rows;
  for (const auto& seen : what.seen) {
    note_peers(known_, *seen, rows);
  }
  if (what.result) {
    note_peers(known_, *what.result, rows);
  }
  const bool some = !rows.empty();
  unwritten.add(std::move(rows));
  return some;
}

void session_peers::forget() {
  known_.clear();
}

std::optional<storage::peer_address> session_peers::find(const peer_name& what,
                                                         const session_changes& unwritten) {
  if (!what.by_id()) {
    const auto peer = unwritten_named(unwritten, key_of(what));
    return peer ? std::optional{address_of(*peer)} : std::nullopt;
  }
  if (const auto known = known_.find(kind_of(what), what.id())) {
    return known;
  }
  const auto peer = unwritten_whole(unwritten, kind_of(what), what.id());
  return peer ? std::optional{address_of(*peer)} : std::nullopt;
}

std::optional<storage::peer_address> session_peers::found(const peer_name& what,
                                                          const peer_record* stored,
                                                          const session_changes& unwritten) {
  auto peer = stored != nullptr ? std::optional{*stored} : std::nullopt;
  if (what.by_id()) {
    if (auto whole = unwritten_whole(unwritten, kind_of(what), what.id())) {
      peer = std::move(whole);
    } else if (!peer || peer->seen_in) {
      auto min = unwritten_row(unwritten, storage::min_peer_key(kind_of(what), what.id()));
      peer = min ? std::move(min) : std::move(peer);
    }
  } else if (peer) {
    if (auto whole = unwritten_whole(unwritten, peer->kind, peer->id)) {
      // It may have given the name up meanwhile.
      peer = has_name(*whole, key_of(what)) ? std::move(whole) : std::nullopt;
    }
  }
  if (!peer) {
    return std::nullopt;
  }
  known_.learn(*peer);
  return address_of(*peer);
}

} // namespace cafegram
