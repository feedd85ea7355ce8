#pragma once

#include <cafegram/crypto/secure.hpp>

namespace cafegram::crypto {

/// Draws from another source in large pieces and hands out small ones: a call of the system's
/// generator costs more than encrypting a short message. What was handed out is wiped. For one
/// owner at a time, where `from` may be shared by threads.
class pooled_random final : public random_source {
public:
  explicit pooled_random(std::shared_ptr<random_source> from)
    : from_{std::move(from)} {}

  void fill(mutable_bytes_view out) override;

private:
  static constexpr std::size_t pool_size = 2048;

  std::shared_ptr<random_source> from_;
  fixed_secret<pool_size> pool_;
  std::size_t used_ = pool_size;
};

} // namespace cafegram::crypto
