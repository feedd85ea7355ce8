#include <cafegram/actors/inbox_rows.hpp>
#include <cafegram/actors/update_chats.hpp>
#include <cafegram/actors/update_parts.hpp>
#include <cafegram/tl/api.hpp>

#include <cstring>
#include <set>

namespace cafegram {

namespace {

/// Most updates take less.
constexpr std::size_t usual_octets = 512;

/// Ids of `known` that stand in TL octets. Ids are of eight octets, at multiples of four: what is
/// named there is found, and now and then a stranger whose id some other octets look like.
template <class Value>
std::set<std::int64_t> named_in(bytes_view tl, const std::map<std::int64_t, Value>& known) {
  std::set<std::int64_t> out;
  for (std::size_t at = 0; !known.empty() && at + 8 <= tl.size(); at += 4) {
    std::int64_t id = 0;
    std::memcpy(&id, tl.data() + at, sizeof(id));
    if (known.contains(id)) {
      out.insert(id);
    }
  }
  return out;
}

template <class Value>
void take_named(bytes_view tl, const std::map<std::int64_t, Value>& known,
                std::vector<bytes>& out) {
  for (const auto id : named_in(tl, known)) {
    out.push_back(tl::encode(known.at(id)));
  }
}

template <class Value>
result<std::vector<Value>> values_of(const std::vector<bytes>& encoded) {
  std::vector<Value> out;
  for (const auto& one : encoded) {
    auto value = tl::decode<Value>(one);
    if (!value) {
      return std::unexpected(std::move(value.error()));
    }
    out.push_back(*std::move(value));
  }
  return out;
}

} // namespace

storage::inbox_row row_of(const received_update& update, std::uint64_t number,
                          wall_time received_at) {
  storage::inbox_row out;
  out.number = number;
  out.identity = update.identity;
  out.account = update.account;
  if (const auto& lost = update.lost) {
    out.lost = storage::lost_note{lost->channel, lost->box, lost->from, lost->to, lost->why};
    out.chat = lost->channel != 0 ? "c" + std::to_string(lost->channel) : std::string{};
  } else {
    const auto chat = chat_named_in(update.update);
    out.chat = chat ? to_string(*chat) : std::string{};
    tl::writer octets;
    octets.reserve(usual_octets);
    tl::encode(octets, update.update);
    out.update = octets.take();
    take_named(out.update, update.peers->users, out.users);
    take_named(out.update, update.peers->chats, out.chats);
  }
  out.layer = tl::layer;
  out.date = update.date;
  out.received_at =
      std::chrono::floor<std::chrono::seconds>(received_at).time_since_epoch().count();
  return out;
}

result<std::shared_ptr<const received_update>> update_of(const storage::inbox_row& row) {
  if (row.lost) {
    auto note = std::make_shared<received_update>();
    note->identity = row.identity;
    note->peers = std::make_shared<peers_seen>();
    note->account = row.account;
    note->lost =
        lost_updates{row.lost->channel, row.lost->box, row.lost->from, row.lost->to, row.lost->why};
    return note;
  }
  auto update = tl::decode<tl::Update>(row.update);
  if (!update) {
    return std::unexpected(std::move(update.error()));
  }
  if (row.layer != tl::layer && tl::holds<tl::unknown>(*update)) {
    return fail(errc::malformed, "it was written in layer " + std::to_string(row.layer));
  }
  const auto users = values_of<tl::User>(row.users);
  const auto chats = values_of<tl::Chat>(row.chats);
  if (!users || !chats) {
    return std::unexpected(!users ? users.error() : chats.error());
  }
  auto peers = std::make_shared<peers_seen>();
  note_users(*peers, *users);
  note_chats(*peers, *chats);
  auto out = std::make_shared<received_update>();
  out->identity = row.identity;
  out->update = *std::move(update);
  out->peers = std::move(peers);
  out->date = row.date;
  out->account = row.account;
  return out;
}

std::size_t octets_of(const storage::inbox_row& row) {
  constexpr std::size_t overhead = 256;
  auto out = overhead + row.identity.size() + row.chat.size() + row.update.size();
  for (const auto* list : {&row.users, &row.chats}) {
    for (const auto& one : *list) {
      out += one.size();
    }
  }
  return out;
}

} // namespace cafegram
