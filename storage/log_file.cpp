#include <cafegram/crypto/hash.hpp>
#include <cafegram/storage/log_file.hpp>
#include <cafegram/storage/snapshot.hpp>

#include <algorithm>
#include <optional>

namespace cafegram::storage {

namespace {

constexpr std::string_view mark = "\xc5"
                                  "CFB";
constexpr std::size_t record_length_at = 4;
constexpr std::size_t number_at = 8;
constexpr std::size_t synced_at = 16;
constexpr std::size_t record_digest_at = 24;
constexpr std::size_t digest_size = 16;

template <class Number>
Number read_number(bytes_view data, std::size_t at) {
  Number out = 0;
  for (std::size_t i = 0; i < sizeof out; ++i) {
    out |= static_cast<Number>(data[at + i]) << (8 * i);
  }
  return out;
}

template <class Number>
void write_number(mutable_bytes_view data, std::size_t at, Number value) {
  for (std::size_t i = 0; i < sizeof value; ++i) {
    data[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
}

struct record {
  std::uint64_t number = 0;
  std::uint64_t synced = 0;
  bytes_view payload;
};

/// The record at the beginning of `data`; none that is not whole.
std::optional<record> whole_record(bytes_view data) {
  if (data.size() < log_record_header || as_text(data.first(mark.size())) != mark) {
    return std::nullopt;
  }
  const auto length = read_number<std::uint32_t>(data, record_length_at);
  if (data.size() - log_record_header < length) {
    return std::nullopt;
  }
  const auto payload = data.subspan(log_record_header, length);
  const auto digest = crypto::sha256({data.first(record_digest_at), payload});
  if (!std::ranges::equal(bytes_view{digest}.first(digest_size),
                          data.subspan(record_digest_at, digest_size))) {
    return std::nullopt;
  }
  return record{read_number<std::uint64_t>(data, number_at),
                read_number<std::uint64_t>(data, synced_at), payload};
}

/// Does a whole record behind `at` say that what stands at `at` was synced?
bool was_synced(bytes_view log, std::size_t at) {
  const auto text = as_text(log);
  for (auto found = text.find(mark, at + 1); found != std::string_view::npos;
       found = text.find(mark, found + 1)) {
    const auto later = whole_record(log.subspan(found));
    if (later && later->synced > at) {
      return true;
    }
  }
  return false;
}

std::unexpected<error> damaged(std::string what, std::size_t at) {
  return fail(errc::storage, std::move(what), static_cast<std::int64_t>(at));
}

} // namespace

crypto::secret encode_log_record(const batch& what, std::uint64_t number, std::uint64_t synced) {
  const auto payload = encode_batch(what);
  crypto::secret out{log_record_header + payload.size()};
  const auto view = out.view();
  std::ranges::copy(mark, view.begin());
  write_number(view, record_length_at, static_cast<std::uint32_t>(payload.size()));
  write_number(view, number_at, number);
  write_number(view, synced_at, synced);
  const auto digest = crypto::sha256({view.first(record_digest_at), payload.view()});
  std::copy_n(digest.begin(), digest_size, view.begin() + record_digest_at);
  std::ranges::copy(payload.view(), view.begin() + log_record_header);
  return out;
}

result<log_end> replay_log(bytes_view log, std::uint64_t number, row_map& rows) {
  if (log.size() < log_magic.size() || as_text(log.first(log_magic.size())) != log_magic) {
    return damaged("not a log: wrong first 8 octets", 0);
  }
  auto at = log_magic.size();
  while (at < log.size()) {
    const auto next = whole_record(log.subspan(at));
    if (!next) {
      if (was_synced(log, at)) {
        return damaged("damaged: the checksum of a batch does not match", at);
      }
      break;
    }
    if (next->number > number + 1) {
      return damaged("a batch is missing between " + std::to_string(number) + " and " +
                         std::to_string(next->number),
                     at);
    }
    // A snapshot is written before its log begins anew: after a power cut between the two the log
    // begins with what the snapshot has.
    if (next->number == number + 1) {
      const auto what = decode_batch(next->payload);
      if (!what) {
        return damaged(what.error().what, at);
      }
      rows.apply(*what);
      ++number;
    }
    at += log_record_header + next->payload.size();
  }
  return log_end{number, at};
}

} // namespace cafegram::storage
