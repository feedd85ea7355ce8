#include <cafegram/protocol/frame_codec.hpp>

#include <zlib.h>

#include <cstring>

namespace cafegram::protocol {
namespace {

constexpr std::uint32_t quick_ack_bit = 0x80000000;
constexpr std::size_t max_padding = 15;
constexpr std::size_t word_size = 4;
constexpr std::size_t full_overhead = 12;
/// A buffer larger than this is not kept for the next frame: an idle connection has little of its
/// own, and under load one read brings many frames.
constexpr std::size_t kept_capacity = 1U << 10;

std::unexpected<error> too_large(std::size_t size) {
  return fail(errc::limit, "a frame is announced that is over 16 MiB",
              static_cast<std::int64_t>(size));
}

std::unexpected<error> bad_length(std::size_t size) {
  return fail(errc::protocol_violation, "a frame's length has no meaning",
              static_cast<std::int64_t>(size));
}

std::uint32_t crc_of(bytes_view data) {
  return static_cast<std::uint32_t>(
      crc32(crc32(0, nullptr, 0), data.data(), static_cast<uInt>(data.size())));
}

void put_word(bytes& out, std::uint32_t value) {
  const auto at = out.size();
  out.resize(at + word_size);
  std::memcpy(out.data() + at, &value, word_size);
}

} // namespace

mutable_bytes_view frame_reader::extend(std::size_t size) {
  release();
  const auto at = buffer_.size();
  buffer_.resize(at + size);
  return mutable_bytes_view{buffer_}.subspan(at);
}

void frame_reader::release() {
  if (begin_ == 0) {
    return;
  }
  if (buffer_.capacity() > kept_capacity && buffered() < kept_capacity / 2) {
    buffer_ = bytes{buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), buffer_.end()};
  } else {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(begin_));
  }
  begin_ = 0;
}

frame_reader::outcome frame_reader::next() {
  switch (kind_) {
  case framing::abridged:
    return next_abridged();
  case framing::full:
    return next_full();
  default:
    return next_intermediate();
  }
}

std::uint32_t frame_reader::word(std::size_t offset) const {
  std::uint32_t out = 0;
  std::memcpy(&out, buffer_.data() + begin_ + offset, word_size);
  return out;
}

/// Hands the payload out once it is whole, or the error word that stands in its place.
frame_reader::outcome frame_reader::take(std::size_t header, std::size_t size, std::size_t trailer,
                                         bool wants_ack) {
  if (buffered() < header + size + trailer) {
    return std::nullopt;
  }
  const auto longest_word = word_size + (kind_ == framing::padded ? max_padding : 0);
  const auto payload = mutable_bytes_view{buffer_}.subspan(begin_ + header, size);
  std::optional<transport_event> out;
  if (size <= longest_word) {
    out = transport_error{static_cast<std::int32_t>(word(header))};
  } else {
    out = frame{.payload = payload, .quick_ack = wants_ack};
  }
  begin_ += header + size + trailer;
  return out;
}

frame_reader::outcome frame_reader::next_abridged() {
  if (buffered() < 1) {
    return std::nullopt;
  }
  const auto first = buffer_[begin_];
  const bool marked = (first & 0x80) != 0;
  if (marked && reading_ == side::client) {
    if (buffered() < word_size) {
      return std::nullopt;
    }
    const auto token = __builtin_bswap32(word(0));
    begin_ += word_size;
    return quick_ack{token};
  }
  std::size_t words = first & 0x7f;
  std::size_t header = 1;
  if (words == 0x7f) {
    if (buffered() < word_size) {
      return std::nullopt;
    }
    words = word(0) >> 8;
    header = word_size;
  }
  if (words == 0) {
    return bad_length(0);
  }
  if (words * word_size > max_frame) {
    return too_large(words * word_size);
  }
  return take(header, words * word_size, 0, marked);
}

frame_reader::outcome frame_reader::next_intermediate() {
  if (buffered() < word_size) {
    return std::nullopt;
  }
  const auto first = word(0);
  const bool marked = (first & quick_ack_bit) != 0;
  if (marked && reading_ == side::client) {
    begin_ += word_size;
    return quick_ack{first};
  }
  const std::size_t size = first & ~quick_ack_bit;
  if (size < word_size) {
    return bad_length(size);
  }
  if (size > max_frame + (kind_ == framing::padded ? max_padding : 0)) {
    return too_large(size);
  }
  return take(word_size, size, 0, marked);
}

frame_reader::outcome frame_reader::next_full() {
  if (buffered() < word_size) {
    return std::nullopt;
  }
  const std::size_t total = word(0);
  if (total > max_frame + full_overhead) {
    return too_large(total);
  }
  if (total < full_overhead + word_size || total % word_size != 0) {
    return bad_length(total);
  }
  if (buffered() < 2 * word_size) {
    return std::nullopt;
  }
  if (word(word_size) != full_seqno_) {
    return fail(errc::protocol_violation, "a full frame has the wrong sequence number",
                word(word_size));
  }
  if (buffered() < total) {
    return std::nullopt;
  }
  const auto covered = bytes_view{buffer_}.subspan(begin_, total - word_size);
  if (crc_of(covered) != word(total - word_size)) {
    return fail(errc::protocol_violation, "a full frame has the wrong CRC-32", full_seqno_);
  }
  ++full_seqno_;
  return take(2 * word_size, total - full_overhead, word_size, false);
}

result<void> frame_writer::write(bytes_view payload, bool wants_ack, random_source& random,
                                 bytes& out) {
  const auto size = payload.size();
  if (size == 0 || size % word_size != 0) {
    return fail(errc::bad_argument, "a payload has whole words", static_cast<std::int64_t>(size));
  }
  if (size > max_frame) {
    return fail(errc::limit, "a payload is over 16 MiB", static_cast<std::int64_t>(size));
  }
  const auto begin = out.size();
  const auto mark = wants_ack ? quick_ack_bit : 0;
  switch (kind_) {
  case framing::abridged:
    if (const auto words = static_cast<std::uint32_t>(size / word_size); words < 0x7f) {
      out.push_back(static_cast<std::uint8_t>(words | mark >> 24));
    } else {
      put_word(out, words << 8 | 0x7f | mark >> 24);
    }
    append(out, payload);
    break;
  case framing::intermediate:
    put_word(out, static_cast<std::uint32_t>(size) | mark);
    append(out, payload);
    break;
  case framing::padded: {
    // An error word goes without: several clients know it by its length.
    std::uint8_t padding[4];
    random.fill(padding);
    const std::size_t count = size > word_size ? padding[3] % 4 : 0;
    put_word(out, static_cast<std::uint32_t>(size + count) | mark);
    append(out, payload);
    append(out, bytes_view{padding}.first(count));
    break;
  }
  case framing::full:
    put_word(out, static_cast<std::uint32_t>(size + full_overhead));
    put_word(out, full_seqno_++);
    append(out, payload);
    put_word(out, crc_of(bytes_view{out}.subspan(begin)));
    break;
  }
  return {};
}

} // namespace cafegram::protocol
