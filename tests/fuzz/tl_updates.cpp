// For: tl/updates.cpp
#include <cafegram/tl/api.hpp>
#include <cafegram/tl/updates.hpp>

#include "schemas.hpp"

// Updates in which some constructors are strangers.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cafegram;
  const bytes_view all{data, size};
  const auto got = tl::decode_updates(all, fuzz::small_limits);
  const auto plain = tl::decode<tl::Updates>(all, fuzz::small_limits);
  if (plain && !tl::holds<tl::unknown>(*plain)) {
    fuzz::holds(got.has_value() && tl::equal(*got, *plain), "what needs no help is left alone");
  }
  if (got) {
    const auto encoded = tl::encode(*got);
    fuzz::holds(tl::decode_updates(encoded, fuzz::small_limits).has_value(), "it decodes again");
  }
  return 0;
}
