#pragma once

#include <cafegram/actors/update_chats.hpp>
#include <cafegram/actors/updates.hpp>
#include <cafegram/tl/api.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cafegram {

/// Where messages go: a private chat, a basic group, or a channel or supergroup.
struct chat_ref {
  chat_kind kind = chat_kind::user;
  std::int64_t id = 0;          ///< as in TL: positive
  std::int64_t access_hash = 0; ///< 0 where it is not known: the verbs look it up

  /// One number for all kinds, as in the Bot API: user `id`, group `-id`, channel `-10^12 - id`.
  std::int64_t marked_id() const;
  tl::InputPeer input_peer() const;
  static chat_ref from(const tl::Peer& peer);
  /// Of a `marked_id`. The verbs that are given it look the hash up.
  static chat_ref from_marked(std::int64_t id);

  friend bool operator==(const chat_ref& a, const chat_ref& b) {
    return a.kind == b.kind && a.id == b.id;
  }
};

std::string to_string(const chat_ref& chat);

/// One message in one chat, for edit, delete and reply.
struct message_ref {
  chat_ref chat;
  std::int32_t id = 0;
  friend bool operator==(const message_ref&, const message_ref&) = default;
};

/// What an update is made of; shared and never changed. Typed updates are views of it.
struct update_data {
  std::string identity; ///< as `received_update::identity`
  tl::Update update;
  std::shared_ptr<const peers_seen> peers; ///< users and chats that came along; may be null
  std::int64_t account = 0;                ///< whose update it is
  std::string account_username;            ///< without `@`; may be empty
  std::uint64_t lost = 0; ///< when not 0 this is the note that so many updates were lost
  std::optional<lost_updates> gap = {}; ///< of those that Telegram brings no more
  chat_ref chat;                        ///< the conversation that it belongs to
  /// The messages of an album that is handed over as one, as they came; `update` is the first's.
  std::vector<std::shared_ptr<const update_data>> album = {};

  const tl::user* find_user(std::int64_t id) const;
  const tl::channel* find_channel(std::int64_t id) const;
  /// `chat` completed with the access hash that came along, if any did.
  chat_ref complete(chat_ref incomplete) const;
};

namespace detail {
struct delivery; // one update on its way through one conversation
}

/// What all typed updates have.
class update_base {
public:
  /// The conversation: the chat, or the user where there is no chat.
  const chat_ref& chat() const { return data_->chat; }
  /// The same each time this update is delivered, different for any other: for bookkeeping.
  const std::string& identity() const { return data_->identity; }
  const tl::Update& raw_update() const { return data_->update; }
  /// A user that came with the update, or null.
  const tl::user* user(std::int64_t id) const { return data_->find_user(id); }
  std::int64_t account() const { return data_->account; }
  const std::string& account_username() const { return data_->account_username; }

  const std::shared_ptr<const update_data>& data() const { return data_; }
  /// INTERNAL: under which the sends that it causes are made.
  const std::shared_ptr<detail::delivery>& origin() const { return origin_; }

protected:
  update_base(std::shared_ptr<const update_data> data, std::shared_ptr<detail::delivery> origin)
    : data_{std::move(data)}
    , origin_{std::move(origin)} {}

  std::shared_ptr<const update_data> data_;
  std::shared_ptr<detail::delivery> origin_;
};

namespace detail {

inline std::chrono::sys_seconds at_unix_time(std::int32_t seconds) {
  return std::chrono::sys_seconds{std::chrono::seconds{seconds}};
}

template <class First, class... Rest, class F>
auto read_one_of(const tl::Update& update, const F& read) {
  if constexpr (sizeof...(Rest) > 0) {
    if (!tl::holds<First>(update)) {
      return read_one_of<Rest...>(update, read);
    }
  }
  return read(*tl::get_if<First>(update));
}

} // namespace detail

/// A typed update that any of these constructors makes.
template <class First, class... Rest>
class update_from : public update_base {
public:
  static bool made_of(const tl::Update& update) {
    return tl::holds<First>(update) || (tl::holds<Rest>(update) || ...);
  }
  /// Telegram's own value, for everything else. Where there are several: `raw_update()`.
  const First& raw() const
    requires(sizeof...(Rest) == 0)
  {
    return *tl::get_if<First>(raw_update());
  }

protected:
  update_from(std::shared_ptr<const update_data> data, std::shared_ptr<detail::delivery> origin)
    : update_base{std::move(data), std::move(origin)} {}

  /// What `read` gives for the constructor that it is.
  template <class F>
  auto read(const F& read) const {
    return detail::read_one_of<First, Rest...>(raw_update(), read);
  }
  chat_ref complete(const tl::Peer& peer) const { return data_->complete(chat_ref::from(peer)); }
  chat_ref complete_user(std::int64_t id) const {
    return data_->complete({chat_kind::user, id, 0});
  }
};

} // namespace cafegram
