// For: storage/session.cpp storage/session_file.cpp storage/snapshot.cpp storage/log_file.cpp
// storage/peer_record.cpp
#include <cafegram/storage/log_file.hpp>
#include <cafegram/storage/session.hpp>
#include <cafegram/storage/session_file.hpp>

#include "fuzz.hpp"

// A session file: as it is, and with a header that fits, so that the payload is read; and the log
// beside one.
//
//     what:u8 0 file, 1 session, 2 snapshot, 3 log as it is, 4 log of one record
namespace {

using namespace cafegram;
using namespace cafegram::storage;

bool at_fault(const error& why) {
  return why.code == errc::malformed || why.code == errc::storage;
}

void read_session(bytes_view payload) {
  const auto state = decode_session(payload);
  if (!state) {
    fuzz::holds(at_fault(state.error()), "the payload is at fault");
    return;
  }
  const auto once = encode_session(*state);
  const auto again = decode_session(once.view());
  fuzz::holds(again.has_value(), "what was written can be read");
  const auto twice = encode_session(*again);
  fuzz::holds(std::ranges::equal(once.view(), twice.view()), "and is the same");
}

void read_file(bytes_view file) {
  const auto rows = read_session_file(file);
  if (!rows) {
    fuzz::holds(rows.error().code == errc::storage, "the file is at fault");
    return;
  }
  const auto once = encode_snapshot(rows->rows, rows->number);
  const auto again = read_session_file(wrap_session_file(once.view()).view());
  fuzz::holds(again && again->number == rows->number, "what was written can be read");
  const auto twice = encode_snapshot(again->rows, again->number);
  fuzz::holds(std::ranges::equal(once.view(), twice.view()), "and is the same");
}

void read_log(bytes_view log) {
  row_map rows;
  const auto end = replay_log(log, 0, rows);
  fuzz::holds(end ? end->length <= log.size() : end.error().code == errc::storage,
              "the log ends within itself");
}

void read_record(bytes_view payload) {
  const auto what = decode_batch(payload);
  if (!what) {
    fuzz::holds(at_fault(what.error()), "the payload is at fault");
    return;
  }
  auto log = to_bytes(as_bytes(log_magic));
  append(log, encode_log_record(*what, 1, log.size()).view());
  row_map rows;
  const auto end = replay_log(log, 0, rows);
  fuzz::holds(end && end->number == 1 && end->length == log.size(), "what was written can be read");
  row_map same;
  same.apply(*what);
  fuzz::holds(std::ranges::equal(encode_snapshot(rows, 1).view(), encode_snapshot(same, 1).view()),
              "and is the same");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in{data, size};
  const auto what = in.octet() % 5;
  const auto given = in.rest();
  if (what == 0) {
    read_file(given);
  } else if (what == 1) {
    read_session(given);
    read_file(wrap_session_file(given, 1).view());
  } else if (what == 2) {
    read_file(wrap_session_file(given).view());
  } else if (what == 3) {
    read_log(given);
  } else {
    read_record(given);
  }
  return 0;
}
