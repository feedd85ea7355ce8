#include <cafegram/crypto/native.hpp>
#include <cafegram/crypto/secure.hpp>

#include <openssl/rand.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace cafegram::crypto {

namespace native {

void out_of_order(const char* where) {
  std::fprintf(stderr, "cafegram: libcrypto failed in %s\n", where);
  std::abort();
}

} // namespace native

namespace {

class libcrypto_random final : public random_source {
public:
  void fill(mutable_bytes_view out) override {
    constexpr std::size_t step = 1 << 20;
    for (; !out.empty(); out = out.subspan(std::min(step, out.size()))) {
      native::need(RAND_bytes(out.data(), static_cast<int>(std::min(step, out.size()))),
                   "RAND_bytes");
    }
  }
};

} // namespace

secret::secret(std::size_t size)
  : data_{std::make_unique<std::uint8_t[]>(size)}
  , size_{size} {}

secret::secret(bytes_view data)
  : secret{data.size()} {
  std::copy(data.begin(), data.end(), data_.get());
}

secret::secret(secret&& other) noexcept
  : data_{std::move(other.data_)}
  , size_{std::exchange(other.size_, 0)} {}

secret& secret::operator=(secret&& other) noexcept {
  if (this != &other) {
    wipe(view());
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

secret::~secret() {
  wipe(view());
}

std::shared_ptr<random_source> system_random() {
  return std::make_shared<libcrypto_random>();
}

} // namespace cafegram::crypto
