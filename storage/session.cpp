#include <cafegram/storage/peer_record_native.hpp>
#include <cafegram/storage/session.hpp>
#include <cafegram/storage/session.pb.h>

#include <algorithm>
#include <utility>

namespace cafegram::storage {

namespace {

constexpr std::size_t auth_key_size = 256;
constexpr std::size_t signing_secret_size = 32;

mutable_bytes_view octets_of(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

/// Protocol Buffers keeps octets in strings of its own, which it does not wipe.
void wipe_secrets(v1::Session& message) {
  crypto::wipe(octets_of(*message.mutable_signing_secret()));
  for (auto& dc : *message.mutable_data_centres()) {
    crypto::wipe(octets_of(*dc.mutable_auth_key()));
  }
}

std::string text_of(const shared_secret& octets) {
  return octets ? std::string{as_text(octets->view())} : std::string{};
}

void fill_data_centres(const session_state& state, v1::Session& out) {
  for (const auto& [id, dc] : state.data_centres) {
    auto& record = *out.add_data_centres();
    record.set_id(id);
    record.set_auth_key(text_of(dc.auth_key));
    record.set_salt(dc.salt);
    record.set_created_at(dc.created_at);
    record.set_authorised(dc.authorised);
    for (const auto& from : dc.addresses) {
      auto& address = *record.add_addresses();
      address.set_host(from.host);
      address.set_port(from.port);
      address.set_ipv6(from.ipv6);
      address.set_media_only(from.media_only);
      address.set_tcpo_only(from.tcpo_only);
      address.set_cdn(from.cdn);
      address.set_static_(from.is_static);
      address.set_this_port_only(from.this_port_only);
      address.set_secret(from.secret.data(), from.secret.size());
    }
  }
}

void fill_account(const session_state& state, v1::Session& out) {
  if (state.user) {
    auto& user = *out.mutable_user();
    user.set_id(state.user->id);
    user.set_bot(state.user->bot);
    user.set_first_name(state.user->first_name);
    user.set_username(state.user->username);
  }
  out.set_ended(state.ended);
  if (state.updates) {
    auto& updates = *out.mutable_updates();
    updates.set_pts(state.updates->pts);
    updates.set_qts(state.updates->qts);
    updates.set_date(state.updates->date);
    updates.set_seq(state.updates->seq);
    updates.set_named_until(state.updates->named_until);
  }
  for (const auto& [id, counter] : state.channels) {
    auto& channel = *out.add_channels();
    channel.set_id(id);
    channel.set_pts(counter.pts);
    channel.set_unsure(counter.unsure);
    channel.set_closed(counter.closed);
    channel.set_since(counter.since);
  }
  for (const auto& from : state.peers) {
    fill_peer(from, *out.add_peers());
  }
}

result<shared_secret> take_secret(const std::string& octets, std::size_t size,
                                  std::string_view field) {
  if (octets.empty()) {
    return shared_secret{};
  }
  if (octets.size() != size) {
    return fail(errc::storage, std::string{field} + " has the wrong length",
                static_cast<std::int64_t>(octets.size()));
  }
  return std::make_shared<const crypto::secret>(as_bytes(octets));
}

result<std::vector<dc_address>> take_addresses(const v1::DataCentre& from) {
  std::vector<dc_address> out;
  for (const auto& address : from.addresses()) {
    if (address.port() == 0 || address.port() > 65535) {
      return fail(errc::storage, "an address has an impossible port", address.port());
    }
    out.push_back({.host = address.host(),
                   .port = static_cast<std::uint16_t>(address.port()),
                   .ipv6 = address.ipv6(),
                   .media_only = address.media_only(),
                   .tcpo_only = address.tcpo_only(),
                   .cdn = address.cdn(),
                   .is_static = address.static_(),
                   .this_port_only = address.this_port_only(),
                   .secret = to_bytes(as_bytes(address.secret()))});
  }
  return out;
}

result<void> take_data_centres(const v1::Session& from, session_state& out) {
  for (const auto& dc : from.data_centres()) {
    auto key = take_secret(dc.auth_key(), auth_key_size, "an authorization key");
    if (!key) {
      return std::unexpected(std::move(key.error()));
    }
    auto addresses = take_addresses(dc);
    if (!addresses) {
      return std::unexpected(std::move(addresses.error()));
    }
    out.data_centres[dc.id()] = {*std::move(key), dc.salt(), dc.created_at(), *std::move(addresses),
                                 dc.authorised()};
  }
  return {};
}

result<void> take_account(const v1::Session& from, session_state& out) {
  if (from.has_user()) {
    const auto& user = from.user();
    out.user = user_record{user.id(), user.bot(), user.first_name(), user.username()};
  }
  out.ended = from.ended();
  if (from.has_updates()) {
    const auto& updates = from.updates();
    out.updates = update_state{updates.pts(), updates.qts(), updates.date(), updates.seq(),
                               updates.named_until()};
  }
  for (const auto& channel : from.channels()) {
    out.channels[channel.id()] = {channel.pts(), channel.unsure(), channel.closed(),
                                  channel.since()};
  }
  for (const auto& peer : from.peers()) {
    auto taken = take_peer(peer);
    if (!taken) {
      return std::unexpected(std::move(taken.error()));
    }
    out.peers.push_back(*std::move(taken));
  }
  return {};
}

result<session_state> take_session(const v1::Session& from) {
  session_state out;
  out.home_dc = from.home_dc();
  out.test = from.test();
  auto secret = take_secret(from.signing_secret(), signing_secret_size, "the signing secret");
  if (!secret) {
    return std::unexpected(std::move(secret.error()));
  }
  out.signing_secret = *std::move(secret);
  if (auto done = take_data_centres(from, out); !done) {
    return std::unexpected(std::move(done.error()));
  }
  if (auto done = take_account(from, out); !done) {
    return std::unexpected(std::move(done.error()));
  }
  return out;
}

} // namespace

result<std::string> session_backend::put_aside(const session_state&, std::string_view) {
  return std::string{};
}

crypto::secret encode_session(const session_state& state) {
  v1::Session message;
  message.set_home_dc(state.home_dc);
  message.set_test(state.test);
  message.set_signing_secret(text_of(state.signing_secret));
  fill_data_centres(state, message);
  fill_account(state, message);
  crypto::secret out{message.ByteSizeLong()};
  message.SerializeToArray(out.view().data(), static_cast<int>(out.size()));
  wipe_secrets(message);
  return out;
}

result<session_state> decode_session(bytes_view data) {
  v1::Session message;
  if (!message.ParseFromArray(data.data(), static_cast<int>(data.size()))) {
    return fail(errc::malformed, "not a session in Protocol Buffers");
  }
  auto out = take_session(message);
  wipe_secrets(message);
  return out;
}

} // namespace cafegram::storage
