// For: storage/foreign_session.cpp storage/string_store.cpp
#include <cafegram/storage/foreign_session.hpp>
#include <cafegram/storage/string_store.hpp>

#include "fuzz.hpp"

// A string session: of another library's in each format, and of ours.
//
//     text
namespace {

using namespace cafegram;
using namespace cafegram::storage;

void read(std::string_view text, session_format format) {
  const auto session = read_foreign(text, format);
  if (!session) {
    fuzz::holds(session.error().code == errc::malformed, "the string is at fault");
    return;
  }
  fuzz::holds(session->auth_key && session->auth_key->size() == 256, "a key is whole");
  const auto written = write_foreign(*session, format);
  if (!written) {
    fuzz::holds(written.error().code == errc::bad_argument, "what cannot be said is named");
    return;
  }
  const auto again = read_foreign(as_text(written->view()), format);
  fuzz::holds(again.has_value(), "what was written can be read");
  fuzz::holds(again->dc == session->dc && again->user == session->user &&
                  again->test == session->test && again->bot == session->bot &&
                  again->address == session->address,
              "and is the same");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = as_text({data, size});
  for (const auto format : {session_format::telethon, session_format::gramjs,
                            session_format::pyrogram, session_format::mtcute}) {
    read(text, format);
  }
  if (const auto format = guess_format(text)) {
    (void)read_foreign(text, *format);
  }
  const auto ours = open_string_store(text);
  fuzz::holds(ours || ours.error().code == errc::storage, "the string is at fault");
  return 0;
}
