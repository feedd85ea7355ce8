#include <cafegram/actors/protections.hpp>
#include <cafegram/actors/signing.hpp>
#include <cafegram/crypto/hash.hpp>
#include <cafegram/crypto/secure.hpp>

#include <algorithm>
#include <cstring>
#include <random>

namespace cafegram {

namespace {

void append_sized(bytes& out, bytes_view part) {
  // Each part behind its length: no two lists of parts give the same octets.
  const auto size = static_cast<std::uint32_t>(part.size());
  for (unsigned shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<std::uint8_t>(size >> shift));
  }
  append(out, part);
}

} // namespace

struct signer::state {
  crypto::secret key;
};

signer::signer(bytes_view secret)
  : state_{std::make_unique<const state>(state{crypto::secret{secret}})} {}

signer::~signer() = default;

std::int64_t signer::random_id(std::string_view identity, bytes_view request,
                               std::uint32_t n) const {
  bytes input;
  append_sized(input, as_bytes("random_id"));
  append_sized(input, as_bytes(identity));
  append_sized(input, crypto::sha256(request));
  if (!protections::send_identity) {
    append_sized(input, as_bytes(std::to_string(std::random_device{}())));
  }
  std::int64_t out = 0;
  for (std::uint32_t attempt = 0; out == 0; ++attempt) {
    auto numbered = input;
    append_sized(numbered, as_bytes(std::to_string(n) + "." + std::to_string(attempt)));
    const auto digest = crypto::hmac_sha256(state_->key.view(), numbered);
    std::memcpy(&out, digest.data(), sizeof(out));
  }
  return out;
}

bytes signer::tag(std::string_view purpose, bytes_view data, std::size_t length) const {
  bytes input;
  append_sized(input, as_bytes("tag"));
  append_sized(input, as_bytes(purpose));
  append_sized(input, data);
  const auto digest = crypto::hmac_sha256(state_->key.view(), input);
  return to_bytes(bytes_view{digest}.first(std::min(length, digest.size())));
}

bool signer::verify(std::string_view purpose, bytes_view data, bytes_view given) const {
  return !given.empty() && given.size() <= std::tuple_size_v<crypto::digest_sha256> &&
         crypto::constant_time_equal(tag(purpose, data, given.size()), given);
}

std::int64_t send_scope::random_id(bytes_view request) {
  const auto digest = crypto::sha256(request);
  if (auto& free = given_back_[digest]; !free.empty()) {
    const auto out = free.front();
    free.erase(free.begin());
    return out;
  }
  return signer_->random_id(identity_, request, counts_[digest]++);
}

void send_scope::give_back(bytes_view request, std::int64_t random_id) {
  given_back_[crypto::sha256(request)].push_back(random_id);
}

} // namespace cafegram
