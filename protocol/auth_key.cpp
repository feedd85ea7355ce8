#include <cafegram/protocol/auth_key.hpp>

namespace cafegram::protocol {

struct auth_key::material {
  explicit material(crypto::auth_key_view key)
    : octets{key}
    , id{crypto::auth_key_id(key)}
    , aux_hash{crypto::auth_key_aux_hash(key)} {}

  crypto::fixed_secret<auth_key::octets> octets;
  std::uint64_t id;
  std::uint64_t aux_hash;
};

result<auth_key> auth_key::from(bytes_view key) {
  if (key.size() != octets) {
    return fail(errc::bad_argument, "an authorization key has 256 octets",
                static_cast<std::int64_t>(key.size()));
  }
  return auth_key{std::make_shared<const material>(crypto::auth_key_view{key.data(), octets})};
}

std::uint64_t auth_key::id() const {
  return key_->id;
}

std::uint64_t auth_key::aux_hash() const {
  return key_->aux_hash;
}

crypto::auth_key_view auth_key::view() const {
  return key_->octets.view();
}

} // namespace cafegram::protocol
