#pragma once

#include <cafegram/storage/session.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace cafegram::storage {

/// String sessions of other libraries. Each is `base64` of:
///
/// - Telethon (behind a "1"): `dc:u8 address:4*u8|16*u8 port:u16be key:256*u8`
/// - gramjs (behind a "1"): `dc:u8 length:u16be address:length*u8 port:i16be key:256*u8`
/// - Pyrogram: `dc:u8 [api_id:u32be] test:u8 key:256*u8 user:u64be|u32be bot:u8`
/// - mtcute: `version:u8=3 flags:i32le dc:bytes [media_dc:bytes] [user:i64le bot:Bool] key:bytes`,
///   a dc being `version:u8 id:u8 flags:u8 address:string port:i32le`, with TL's bytes, string,
///   Bool
enum class session_format : std::uint8_t { telethon, gramjs, pyrogram, mtcute };

std::string_view name_of(session_format format);
std::optional<session_format> session_format_of(std::string_view name);

/// What such a string can say; which of it, depends on the format.
struct foreign_session {
  std::int32_t dc = 0;
  shared_secret auth_key; ///< 256 octets
  std::optional<dc_address> address;
  bool test = false;
  std::optional<std::int64_t> user;
  bool bot = false;
  std::int32_t api_id = 0; ///< 0: not said
};

/// Which format `text` has, by its form alone. None if it has that of none.
std::optional<session_format> guess_format(std::string_view text);

/// Errors: `malformed`, with the offset within the decoded octets as `error::number`; never with
/// the text.
result<foreign_session> read_foreign(std::string_view text, session_format format);

/// Whoever has it has the account. Errors: `bad_argument`, naming what the format needs and
/// `session` does not have, or has in a way that it cannot say.
result<crypto::secret> write_foreign(const foreign_session& session, session_format format);

/// The login as a session of ours; its home is that data centre.
session_state to_session(const foreign_session& from);
/// The login at home. Errors: `storage` where there is no key.
result<foreign_session> from_session(const session_state& from);

} // namespace cafegram::storage
