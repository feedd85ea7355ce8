#pragma once

#include <cafegram/tl/api/types.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace cafegram {

enum class chat_kind : std::uint8_t { user, group, channel };

/// A private chat (by the other one), a basic group, or a channel or supergroup.
struct chat_name {
  chat_kind kind = chat_kind::user;
  std::int64_t id = 0; ///< as in TL: positive

  friend bool operator==(const chat_name&, const chat_name&) = default;
};

/// `u7`, `g7`, `c7`.
std::string to_string(const chat_name& chat);

/// Which conversation an update belongs to: the chat that it names; the user where it names none.
/// None for what has neither: that is the account's own.
std::optional<chat_name> chat_named_in(const tl::Update& update);

/// Of a new message: the album that it is a part of; 0: none.
std::int64_t album_in(const tl::Update& update);

} // namespace cafegram
