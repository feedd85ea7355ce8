#pragma once

#include <cafegram/base/bytes.hpp>

#include <array>
#include <initializer_list>

namespace cafegram::crypto {

using digest_md5 = std::array<std::uint8_t, 16>;
using digest_sha1 = std::array<std::uint8_t, 20>;
using digest_sha256 = std::array<std::uint8_t, 32>;
using digest_sha512 = std::array<std::uint8_t, 64>;

/// Digests of one view, or of several as if they were one behind the other.
digest_md5 md5(bytes_view data);
digest_sha1 sha1(bytes_view data);
digest_sha1 sha1(std::initializer_list<bytes_view> parts);
digest_sha256 sha256(bytes_view data);
digest_sha256 sha256(std::initializer_list<bytes_view> parts);
digest_sha512 sha512(bytes_view data);
digest_sha512 sha512(std::initializer_list<bytes_view> parts);

/// RFC 2104 with the digest of the name.
digest_sha256 hmac_sha256(bytes_view key, bytes_view data);
digest_sha512 hmac_sha512(bytes_view key, bytes_view data);

/// RFC 8018 PBKDF2, 64 octets out. `iterations` of 100,000 take about 50 ms.
digest_sha512 pbkdf2_hmac_sha512(bytes_view password, bytes_view salt, std::uint32_t iterations);

/// Compares without telling by its time where the difference is; false for different lengths.
bool constant_time_equal(bytes_view a, bytes_view b);

} // namespace cafegram::crypto
