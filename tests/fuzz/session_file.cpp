// For: storage/session.cpp
#include <cafegram/storage/session.hpp>
#include <cafegram/storage/session_file.hpp>

#include "fuzz.hpp"

// A session file: as it is, and with a header that fits, so that the payload is read.
//
//     what:u8 file or payload
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cafegram;
  using namespace cafegram::storage;
  fuzz::input in{data, size};
  const bool wrap = in.flag();
  const auto given = in.rest();
  const auto file = wrap ? to_bytes(wrap_session_file(given).view()) : to_bytes(given);
  const auto payload = unwrap_session_file(file);
  if (!payload) {
    fuzz::holds(!wrap, "what we wrapped is unwrapped");
    fuzz::holds(payload.error().code == errc::storage, "the file is at fault");
    return 0;
  }
  const auto state = decode_session(*payload);
  if (!state) {
    const auto code = state.error().code;
    fuzz::holds(code == errc::malformed || code == errc::storage, "the payload is at fault");
    return 0;
  }
  const auto once = encode_session(*state);
  const auto again = decode_session(once.view());
  fuzz::holds(again.has_value(), "what was written can be read");
  const auto twice = encode_session(*again);
  fuzz::holds(std::ranges::equal(once.view(), twice.view()), "and is the same");
  return 0;
}
