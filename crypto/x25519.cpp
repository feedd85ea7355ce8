#include <cafegram/crypto/native.hpp>
#include <cafegram/crypto/x25519.hpp>

namespace cafegram::crypto {

std::array<std::uint8_t, 32> x25519_public(std::span<const std::uint8_t, 32> private_key) {
  constexpr const char* where = "X25519";
  const native::pkey_ptr key{
      native::need(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, private_key.data(),
                                                private_key.size()),
                   where)};
  std::array<std::uint8_t, 32> out{};
  std::size_t size = out.size();
  native::need(EVP_PKEY_get_raw_public_key(key.get(), out.data(), &size), where);
  return out;
}

} // namespace cafegram::crypto
