#include <cafegram/crypto/pooled_random.hpp>

#include <algorithm>

namespace cafegram::crypto {

void pooled_random::fill(mutable_bytes_view out) {
  if (out.size() > pool_size / 2) {
    return from_->fill(out);
  }
  if (out.size() > pool_size - used_) {
    from_->fill(pool_.view());
    used_ = 0;
  }
  const auto piece = pool_.view().subspan(used_, out.size());
  std::ranges::copy(piece, out.begin());
  wipe(piece);
  used_ += out.size();
}

} // namespace cafegram::crypto
