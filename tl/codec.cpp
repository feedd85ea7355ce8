#include <cafegram/tl/codec.hpp>

#include <fmt/format.h>

namespace cafegram::tl {

std::string_view to_string(decode_fault fault) {
  switch (fault) {
  case decode_fault::none:
    return "no fault";
  case decode_fault::truncated:
    return "the input ends too early";
  case decode_fault::unknown_constructor:
    return "unknown constructor";
  case decode_fault::wrong_constructor:
    return "this constructor may not stand here";
  case decode_fault::bad_length:
    return "impossible length";
  case decode_fault::too_deep:
    return "nested too deep";
  case decode_fault::too_large:
    return "too many or too large values";
  case decode_fault::trailing:
    return "octets are left behind the value";
  }
  return "unnamed fault";
}

cafegram::error to_error(const decode_error& e) {
  const bool bound = e.fault == decode_fault::too_deep || e.fault == decode_fault::too_large;
  return cafegram::error::make(bound ? errc::limit : errc::malformed,
                               fmt::format("TL: {} at offset {}, constructor {:08x}",
                                           to_string(e.fault), e.offset, e.constructor),
                               static_cast<std::int64_t>(e.offset));
}

std::uint32_t reader::peek_u32() const {
  std::uint32_t out = 0;
  if (ok() && remaining() >= sizeof(out)) {
    std::memcpy(&out, data_.data() + at_, sizeof(out));
  }
  return out;
}

bool reader::boolean() {
  const auto at = at_;
  const auto id = u32();
  if (id == bool_true_id) {
    return true;
  }
  if (id != bool_false_id) {
    fail(decode_fault::wrong_constructor, at, id);
  }
  return false;
}

bytes_view reader::view() {
  if (!ok() || remaining() < 4) {
    fail(decode_fault::truncated);
    return {};
  }
  const auto at = at_;
  std::size_t length = data_[at];
  std::size_t head = 1;
  if (length == 254) {
    length = data_[at + 1] | std::size_t{data_[at + 2]} << 8 | std::size_t{data_[at + 3]} << 16;
    head = 4;
  } else if (length == 255) {
    fail(decode_fault::bad_length);
    return {};
  }
  const auto padded = (head + length + 3) / 4 * 4;
  if (padded > remaining()) {
    fail(decode_fault::truncated);
    return {};
  }
  at_ += padded;
  return data_.subspan(at + head, length);
}

std::string reader::string() {
  const auto text = view();
  return charge(0, text.size()) ? std::string{as_text(text)} : std::string{};
}

bytes reader::byte_string() {
  const auto data = view();
  return charge(0, data.size()) ? to_bytes(data) : bytes{};
}

bytes_view reader::raw(std::size_t count) {
  if (!ok() || count > remaining()) {
    fail(decode_fault::truncated);
    return {};
  }
  const auto at = at_;
  at_ += count;
  return data_.subspan(at, count);
}

std::uint32_t reader::vector_count(bool boxed, std::size_t least, std::size_t memory) {
  if (boxed && !expect(vector_id)) {
    return 0;
  }
  const auto at = at_;
  const auto count = u32();
  if (count > 0x7fffffff) {
    fail(decode_fault::bad_length, at);
    return 0;
  }
  if (std::uint64_t{count} * least > remaining()) {
    fail(decode_fault::truncated, at);
    return 0;
  }
  return charge(count, std::uint64_t{count} * memory) ? count : 0;
}

bool reader::expect(std::uint32_t id) {
  const auto at = at_;
  const auto found = u32();
  if (found != id) {
    fail(decode_fault::wrong_constructor, at, found);
  }
  return ok();
}

void reader::finish() {
  if (remaining() != 0) {
    fail(decode_fault::trailing);
  }
}

void reader::fail(decode_fault fault, std::size_t offset, std::uint32_t constructor) {
  if (ok()) {
    error_ = {fault, offset, constructor != 0 ? constructor : within_};
  }
}

bool reader::charge(std::uint64_t elements, std::uint64_t memory) {
  elements_ += elements;
  memory_ += memory;
  if (elements_ > bounds_.elements || memory_ > bounds_.memory) {
    fail(decode_fault::too_large);
  }
  return ok();
}

bool reader::enter() {
  if (++depth_ > bounds_.depth) {
    fail(decode_fault::too_deep);
  }
  return ok();
}

void writer::byte_string(bytes_view data) {
  if (data.size() >= std::size_t{1} << 24) {
    mark_incomplete("a string of 16 MiB or more");
    data = {};
  }
  const auto size = data.size();
  const std::size_t head = size < 254 ? 1 : 4;
  const auto at = out_.size();
  out_.resize(at + (head + size + 3) / 4 * 4);
  if (head == 1) {
    out_[at] = static_cast<std::uint8_t>(size);
  } else {
    const auto word = static_cast<std::uint32_t>(size << 8 | 254);
    std::memcpy(out_.data() + at, &word, sizeof(word));
  }
  if (size != 0) {
    std::memcpy(out_.data() + at + head, data.data(), size);
  }
}

void writer::vector_header(bool boxed, std::size_t count) {
  if (boxed) {
    u32(vector_id);
  }
  u32(static_cast<std::uint32_t>(count));
}

} // namespace cafegram::tl
