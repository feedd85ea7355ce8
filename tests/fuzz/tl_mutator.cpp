#include <cafegram/tests/tl/random_value.hpp>
#include <cafegram/tl/api.hpp>

#include <cstring>

// Changes octets of TL as libFuzzer does, and besides puts other constructors in the place of words
// and makes whole new values: no chance change of octets does either.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

using namespace cafegram;

const tl::definition_descriptor& any_definition(seeded_random& random) {
  const auto& all = tl::schema_table.definitions;
  return all[random.next() % all.size()];
}

} // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  static test::random_values values{tl::schema_table, 3};
  seeded_random random{seed};
  // The first octet may say what to do with the rest.
  const std::size_t offset = CAFEGRAM_FUZZ_HEADER;
  switch (random.next() % 16) {
  case 0: {
    const auto fresh = values.make(any_definition(random));
    if (offset <= size && offset + fresh.size() <= most) {
      std::memcpy(data + offset, fresh.data(), fresh.size());
      return offset + fresh.size();
    }
    break;
  }
  case 1:
  case 2:
  case 3:
    if (size >= offset + 4) {
      const auto word = random.next() % ((size - offset) / 4);
      std::memcpy(data + offset + 4 * word, &any_definition(random).id, 4);
      return size;
    }
    break;
  default:
    break;
  }
  return LLVMFuzzerMutate(data, size, most);
}
