#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/error.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace cafegram::tl {

static_assert(std::endian::native == std::endian::little, "TL is read and written in place");

/// Octets in the order of the wire.
using int128 = std::array<std::uint8_t, 16>;
using int256 = std::array<std::uint8_t, 32>;

inline constexpr std::uint32_t vector_id = 0x1cb5c415;
inline constexpr std::uint32_t bool_true_id = 0x997275b5;
inline constexpr std::uint32_t bool_false_id = 0xbc799737;

/// Bounds of one decode. What is over them is an error, before memory is taken.
struct limits {
  std::uint32_t depth = 128;                   ///< boxed values within boxed values
  std::uint32_t elements = 1u << 20;           ///< objects and elements of vectors, in all
  std::size_t memory = std::size_t{256} << 20; ///< octets that the decoded value may take, about
};

/// Why bytes did not decode.
enum class decode_fault : std::uint8_t {
  none,
  truncated,           ///< the input ends too early, or a length is larger than what is left
  unknown_constructor, ///< the schema has no such id
  wrong_constructor,   ///< an id that is known, or may not stand here
  bad_length,          ///< a string's length that has no meaning; a negative count
  too_deep,            ///< `limits::depth`
  too_large,           ///< `limits::elements` or `limits::memory`
  trailing,            ///< bytes are left behind the value
};

std::string_view to_string(decode_fault fault);

/// A failed decode: what, where, and in what.
struct decode_error {
  decode_fault fault = decode_fault::none;
  std::size_t offset = 0;        ///< from the start of the reader's input
  std::uint32_t constructor = 0; ///< the id that was read there, or the enclosing constructor's
};

/// `errc::limit` for `too_deep` and `too_large`, else `errc::malformed`; `number` is the offset.
cafegram::error to_error(const decode_error& e);

/// Reads TL's basic values from the front of a view. The first failure is kept; from then on every
/// read gives zero, so that callers check once, at the end.
/// All integers are little-endian. Spec: "Binary data serialization".
class reader {
public:
  explicit reader(bytes_view data, limits bounds = {})
    : data_{data}
    , bounds_{bounds} {}

  bool ok() const { return error_.fault == decode_fault::none; }
  const decode_error& failure() const { return error_; }
  std::size_t offset() const { return at_; }
  std::size_t remaining() const { return data_.size() - at_; }
  /// What is not read yet. Empty after a failure.
  bytes_view rest() const { return ok() ? data_.subspan(at_) : bytes_view{}; }

  std::uint32_t u32() { return fixed<std::uint32_t>(); }
  std::int32_t i32() { return fixed<std::int32_t>(); }
  std::uint64_t u64() { return fixed<std::uint64_t>(); }
  std::int64_t i64() { return fixed<std::int64_t>(); }
  double f64() { return fixed<double>(); }
  int128 i128() { return fixed<int128>(); }
  int256 i256() { return fixed<int256>(); }

  /// The next word without taking it; 0 where there is none.
  std::uint32_t peek_u32() const;

  /// A boxed `Bool`.
  bool boolean();

  /// Content of a `string` or `bytes`, within the input; the padding is skipped.
  bytes_view view();
  std::string string();
  bytes byte_string();

  /// Exactly `count` octets, within the input.
  bytes_view raw(std::size_t count);

  /// All that is left.
  bytes_view take_rest() { return raw(remaining()); }

  /// Number of elements. Boxed: `0x1cb5c415 count:u32`; bare: `count:u32`. Fails where they cannot
  /// all fit in the rest at `least` octets each, or pass a limit at `memory` octets each.
  std::uint32_t vector_count(bool boxed, std::size_t least, std::size_t memory);

  /// Takes the next word, which must be `id`.
  bool expect(std::uint32_t id);

  /// Fails with `trailing` if anything is left.
  void finish();

  /// Keeps the first failure only. `offset` is where the bad word begins.
  void fail(decode_fault fault, std::size_t offset, std::uint32_t constructor = 0);
  void fail(decode_fault fault, std::uint32_t constructor = 0) { fail(fault, at_, constructor); }

  /// Counts what is about to be made against the limits; false if it is too much.
  bool charge(std::uint64_t elements, std::uint64_t memory);

  /// One level deeper; false, with a failure, when it is one too many. `leave` after it either way.
  bool enter();
  void leave() { --depth_; }

  /// The constructor being read, for errors; gives back the one before.
  std::uint32_t within(std::uint32_t constructor) { return std::exchange(within_, constructor); }

private:
  template <class T>
  T fixed() {
    T out{};
    if (remaining() < sizeof(T) || !ok()) [[unlikely]] {
      fail(decode_fault::truncated);
      return out;
    }
    std::memcpy(&out, data_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return out;
  }

  bytes_view data_;
  std::size_t at_ = 0;
  limits bounds_;
  std::uint32_t depth_ = 0;
  std::uint32_t within_ = 0;
  std::uint64_t elements_ = 0;
  std::uint64_t memory_ = 0;
  decode_error error_;
};

/// Appends TL's basic values to a buffer of its own.
class writer {
public:
  writer() = default;
  /// Goes on behind what `out` holds.
  explicit writer(bytes out)
    : out_{std::move(out)} {}

  void u32(std::uint32_t value) { fixed(value); }
  void i32(std::int32_t value) { fixed(value); }
  void u64(std::uint64_t value) { fixed(value); }
  void i64(std::int64_t value) { fixed(value); }
  void f64(double value) { fixed(value); }
  void i128(const int128& value) { fixed(value); }
  void i256(const int256& value) { fixed(value); }
  void boolean(bool value) { u32(value ? bool_true_id : bool_false_id); }

  /// `len:u8 data pad` up to 253 octets, else `0xfe len:u24 data pad`; padded to four. At most
  /// 2^24 - 1 octets: longer ones make the writer `incomplete`.
  void string(std::string_view text) { byte_string(as_bytes(text)); }
  void byte_string(bytes_view data);

  void raw(bytes_view data) { out_.insert(out_.end(), data.begin(), data.end()); }

  /// `0x1cb5c415 count:u32`, or `count:u32` alone.
  void vector_header(bool boxed, std::size_t count);

  void reserve(std::size_t count) { out_.reserve(count); }
  std::size_t size() const { return out_.size(); }
  bytes_view view() const { return out_; }
  bytes take() { return std::exchange(out_, {}); }

  /// Overwrites the word at `offset`, which must have been written.
  void patch_u32(std::size_t offset, std::uint32_t value) {
    std::memcpy(out_.data() + offset, &value, sizeof(value));
  }

  /// Says that the value cannot be written: a boxed field was left empty, or a string is too long.
  /// `what` is static text; the first one is kept.
  void mark_incomplete(std::string_view what) {
    if (missing_.empty()) {
      missing_ = what;
    }
  }
  bool complete() const { return missing_.empty(); }
  /// What could not be written: a type's name, or a sentence. Empty when complete.
  std::string_view missing() const { return missing_; }

private:
  template <class T>
  void fixed(const T& value) {
    const auto at = out_.size();
    out_.resize(at + sizeof(T));
    std::memcpy(out_.data() + at, &value, sizeof(T));
  }

  bytes out_;
  std::string_view missing_;
};

} // namespace cafegram::tl
