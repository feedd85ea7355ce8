#include <cafegram/crypto/secure.hpp>

#include <cstring>

namespace cafegram::crypto {

/// For all that the compiler knows, the empty statement reads what was written.
void wipe(mutable_bytes_view data) {
  if (!data.empty()) {
    std::memset(data.data(), 0, data.size());
    asm volatile("" : : "r"(data.data()) : "memory");
  }
}

void wipe(std::string& text) {
  wipe(mutable_bytes_view{reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

} // namespace cafegram::crypto
