#include <cafegram/bots/messages.hpp>

#include <utility>

namespace cafegram {

namespace {

constexpr std::uint32_t update_version = 3;

template <class T>
std::vector<T> values_of(const std::map<std::int64_t, T>& by_id) {
  std::vector<T> out;
  out.reserve(by_id.size());
  for (const auto& [id, value] : by_id) {
    out.push_back(value);
  }
  return out;
}

// Every constructor of both types has an `id`; 0 for one that this schema does not know.
template <template <class...> class List, class... Kinds>
std::int64_t id_as(List<Kinds...>, const tl::boxed& peer) {
  std::int64_t id = 0;
  const auto try_kind = [&](const auto* known) {
    if (known != nullptr) {
      id = known->id;
    }
  };
  (try_kind(tl::get_if<Kinds>(peer)), ...);
  return id;
}

template <class Boxed>
std::int64_t id_of(const Boxed& peer) {
  return id_as(typename Boxed::tl_alternatives{}, peer);
}

void write_gap(tl::writer& out, const std::optional<lost_updates>& gap) {
  out.u32(!gap ? 0 : gap->to ? 1 : 2);
  if (gap) {
    out.i64(gap->channel);
    out.string(gap->box);
    out.i32(gap->from);
    out.i32(gap->to.value_or(0));
    out.string(gap->why);
  }
}

std::optional<lost_updates> read_gap(tl::reader& in) {
  const auto form = in.u32();
  if (form == 0) {
    return {};
  }
  lost_updates out;
  out.channel = in.i64();
  out.box = in.string();
  out.from = in.i32();
  if (const auto to = in.i32(); form == 1) {
    out.to = to;
  }
  out.why = in.string();
  return out;
}

} // namespace

std::string_view to_string(handling how) {
  switch (how) {
  case handling::done:
    return "done";
  case handling::cancelled:
    return "cancelled";
  case handling::refused:
    return "refused";
  case handling::unsent:
    return "unsent";
  case handling::interrupted:
    return "interrupted";
  }
  return "unknown";
}

bytes encode_update(const update_data& data) {
  tl::writer out;
  out.u32(update_version);
  out.string(data.identity);
  out.i64(data.account);
  out.string(data.account_username);
  out.u64(data.lost);
  out.u32(static_cast<std::uint32_t>(data.chat.kind));
  out.i64(data.chat.id);
  out.i64(data.chat.access_hash);
  if (data.lost == 0) {                       // the note of a loss has no update
    out.byte_string(tl::encode(data.update)); // with its length: it may be an unknown one
    tl::encode(out, data.peers ? values_of(data.peers->users) : std::vector<tl::User>{});
    tl::encode(out, data.peers ? values_of(data.peers->chats) : std::vector<tl::Chat>{});
    out.u32(static_cast<std::uint32_t>(data.album.size()));
    for (const auto& part : data.album) {
      out.byte_string(encode_update(*part));
    }
  } else {
    write_gap(out, data.gap);
  }
  return out.take();
}

namespace {

using decoded_update = result<std::shared_ptr<const update_data>>;

decoded_update decode_one(bytes_view data, bool in_album);

result<void> read_content(tl::reader& in, update_data& out, bool in_album) {
  auto update = tl::decode<tl::Update>(in.view());
  if (!update) {
    return std::unexpected(std::move(update.error()));
  }
  out.update = *std::move(update);
  auto peers = std::make_shared<peers_seen>();
  for (const auto& user : tl::decode_prefix<std::vector<tl::User>>(in)) {
    peers->users.emplace(id_of(user), user);
  }
  for (const auto& chat : tl::decode_prefix<std::vector<tl::Chat>>(in)) {
    peers->chats.emplace(id_of(chat), chat);
  }
  out.peers = std::move(peers);
  const auto parts = in.u32();
  if (parts > (in_album ? 0U : album_most)) {
    return fail(errc::malformed, "an album of too many messages", parts);
  }
  for (std::uint32_t n = 0; n < parts && in.ok(); ++n) {
    auto part = decode_one(in.view(), true);
    if (!part) {
      return std::unexpected(std::move(part.error()));
    }
    out.album.push_back(*std::move(part));
  }
  return {};
}

decoded_update decode_one(bytes_view data, bool in_album) {
  tl::reader in{data};
  if (const auto version = in.u32(); version != update_version) {
    return fail(errc::malformed, "an update of a version that is not known here", version);
  }
  auto out = std::make_shared<update_data>();
  out->identity = in.string();
  out->account = in.i64();
  out->account_username = in.string();
  out->lost = in.u64();
  const auto kind = in.u32();
  out->chat.id = in.i64();
  out->chat.access_hash = in.i64();
  if (kind > static_cast<std::uint32_t>(chat_kind::channel)) {
    return fail(errc::malformed, "an update with a kind of chat that does not exist", kind);
  }
  out->chat.kind = static_cast<chat_kind>(kind);
  if (out->lost == 0) {
    if (auto read = read_content(in, *out, in_album); !read) {
      return std::unexpected(std::move(read.error()));
    }
  } else {
    out->gap = read_gap(in);
  }
  in.finish();
  if (!in.ok()) {
    return std::unexpected(tl::to_error(in.failure()));
  }
  return out;
}

} // namespace

result<std::shared_ptr<const update_data>> decode_update(bytes_view data) {
  return decode_one(data, false);
}

} // namespace cafegram
