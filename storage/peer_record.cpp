#include <cafegram/storage/peer_record_native.hpp>

namespace cafegram::storage {

void fill_peer(const peer_record& from, v1::Peer& out) {
  out.set_kind(static_cast<v1::Peer::Kind>(from.kind));
  out.set_id(from.id);
  out.set_access_hash(from.access_hash);
  for (const auto& name : from.usernames) {
    out.add_usernames(name);
  }
  out.set_phone(from.phone);
  if (from.seen_in) {
    auto& source = *out.mutable_seen_in();
    source.set_chat_kind(static_cast<v1::Peer::Kind>(from.seen_in->chat_kind));
    source.set_chat(from.seen_in->chat);
    source.set_message(from.seen_in->message);
  }
}

namespace {

result<peer_kind> take_kind(v1::Peer::Kind given) {
  const auto kind = static_cast<int>(given);
  if (kind < v1::Peer::KIND_USER || kind > v1::Peer::KIND_CHANNEL) {
    return fail(errc::storage, "a peer is of no known kind", kind);
  }
  return static_cast<peer_kind>(kind);
}

} // namespace

result<peer_record> take_peer(const v1::Peer& from) {
  const auto kind = take_kind(from.kind());
  if (!kind) {
    return std::unexpected(kind.error());
  }
  peer_record out{*kind,
                  from.id(),
                  from.access_hash(),
                  {from.usernames().begin(), from.usernames().end()},
                  from.phone()};
  if (from.has_seen_in()) {
    const auto chat_kind = take_kind(from.seen_in().chat_kind());
    if (!chat_kind) {
      return std::unexpected(chat_kind.error());
    }
    out.seen_in = message_source{*chat_kind, from.seen_in().chat(), from.seen_in().message()};
  }
  return out;
}

blob encode_peer(const peer_record& peer) {
  v1::Peer message;
  fill_peer(peer, message);
  blob out(message.ByteSizeLong());
  message.SerializeToArray(out.data(), static_cast<int>(out.size()));
  return out;
}

result<peer_record> decode_peer(bytes_view data) {
  v1::Peer message;
  if (!message.ParseFromArray(data.data(), static_cast<int>(data.size()))) {
    return fail(errc::storage, "not a peer in Protocol Buffers");
  }
  return take_peer(message);
}

} // namespace cafegram::storage
