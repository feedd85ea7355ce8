#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/error.hpp>

#include <cstdint>
#include <span>

namespace cafegram::protocol {

/// How a file lies on a CDN: `encryption_key` and `encryption_iv` of `upload.fileCdnRedirect`.
struct cdn_cipher {
  std::span<const std::uint8_t, 32> key;
  std::span<const std::uint8_t, 16> iv;
};

/// What a stretch of a file is, as Telegram itself has said: `fileHash`.
struct cdn_hash {
  std::int64_t offset = 0;
  std::int32_t limit = 0;
  bytes_view sha256;
};

/// Decrypts in place what `upload.getCdnFile` has brought from `offset` on, and holds it against
/// the hashes: a CDN is not trusted. No octet may be used before this has succeeded. Errors:
/// `bad_argument` for an offset within a block or beyond all counters; `protocol_violation` where
/// one of the hashes does not hold, or they leave something out. Spec: "Encrypted CDNs for Speed
/// and Security".
result<void> open_cdn_part(const cdn_cipher& cipher, std::int64_t offset, mutable_bytes_view part,
                           std::span<const cdn_hash> hashes);

} // namespace cafegram::protocol
