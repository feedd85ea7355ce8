#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/error.hpp>

#include <optional>

namespace cafegram::protocol {

/// Requests and answers up to this length are never compressed.
constexpr std::size_t gzip_from = 1024;

/// `gzip_packed` around `body`, boxed; none if that would not be shorter.
std::optional<bytes> gzip_pack(bytes_view body);

/// Unpacks compressed octets of either form (gzip or zlib).
/// Errors: `limit` over `budget` octets, `malformed`.
result<bytes> gzip_unpack(bytes_view packed, std::size_t budget);

} // namespace cafegram::protocol
