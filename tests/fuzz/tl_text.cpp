// For: tl/text_read.cpp
#include <cafegram/tl/api.hpp>

#include "schemas.hpp"

// JSON of any kind to the octets of typed values. What it makes must decode and read the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cafegram;
  const auto text = as_text({data, size});
  const auto octets = tl::from_json(text, tl::schema_table);
  if (octets) {
    const auto again = tl::from_json(tl::to_json(*octets, tl::schema_table), tl::schema_table);
    fuzz::holds(again.has_value() && *again == *octets, "text says all of a value");
  } else {
    fuzz::holds(!octets.error().what.empty(), "an error says what does not fit");
  }
  if (const auto updates = tl::from_json<tl::Updates>(text)) {
    fuzz::holds(static_cast<bool>(*updates), "a value it is");
  }
  if (const auto list = tl::from_json<std::vector<std::int64_t>>(text)) {
    const auto back = tl::from_json<std::vector<std::int64_t>>(tl::to_json(*list));
    fuzz::holds(fuzz::is(back, *list), "as it was");
  }
  return 0;
}
