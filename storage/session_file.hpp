#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/crypto/secure.hpp>
#include <cafegram/storage/snapshot.hpp>

#include <cstdint>

namespace cafegram::storage {

/// What files and strings hold a store in.
/// `magic:"CAFEGRAM" version:u32le length:u32le digest:32*u8 payload:length*u8`
/// where `digest` is SHA-256 over magic, version, length and payload. The payload is a session in
/// version 1 (`encode_session`) and a snapshot in version 2 (`encode_snapshot`).
constexpr std::uint32_t session_file_version = 2;
constexpr std::size_t session_file_header = 48;
/// What Protocol Buffers can take.
constexpr std::size_t max_session_payload = (std::size_t{1} << 31) - 1;

struct session_payload {
  std::uint32_t version = 0;
  bytes_view octets;
};

/// `payload`, of at most `max_session_payload` octets, with its header.
crypto::secret wrap_session_file(bytes_view payload, std::uint32_t version = session_file_version);

/// What is within `file`. Errors: `storage`; `error::number` is the offset of what is wrong.
result<session_payload> unwrap_session_file(bytes_view file);

/// A store from a file of any version. Errors: `storage`; `error::number` is an offset, or a place
/// or length within the payload, as the text says.
result<snapshot> read_session_file(bytes_view file);

} // namespace cafegram::storage
