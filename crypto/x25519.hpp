#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace cafegram::crypto {

/// The public half of an X25519 key whose private half are these octets (RFC 7748 section 5).
std::array<std::uint8_t, 32> x25519_public(std::span<const std::uint8_t, 32> private_key);

} // namespace cafegram::crypto
