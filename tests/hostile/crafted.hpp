#pragma once

#include <cafegram/protocol/gzip.hpp>
#include <cafegram/protocol/service.hpp>
#include <cafegram/tl/codec.hpp>

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstddef>
#include <initializer_list>
#include <string>

/// Octets that no well-meaning side sends.
namespace cafegram::test {

/// What unpacks to more than 64 MiB.
inline constexpr std::size_t bomb_size = (std::size_t{64} << 20) + 1024;

inline bytes words(std::initializer_list<std::uint32_t> values) {
  tl::writer out;
  for (const auto value : values) {
    out.u32(value);
  }
  return out.take();
}

/// `gzip_packed` of `plain` and so many zeros behind it.
inline bytes gzip_packed(bytes_view plain, std::size_t zeros = 0) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
  bytes out(1024 + plain.size() + zeros / 500);
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  bytes nothing(std::size_t{1} << 16);
  bytes front = to_bytes(plain);
  const auto feed = [&stream](mutable_bytes_view data, int flush) {
    stream.next_in = data.data();
    stream.avail_in = static_cast<uInt>(data.size());
    return deflate(&stream, flush);
  };
  feed(front, Z_NO_FLUSH);
  for (; zeros > nothing.size(); zeros -= nothing.size()) {
    feed(nothing, Z_NO_FLUSH);
  }
  EXPECT_EQ(feed(mutable_bytes_view{nothing}.first(zeros), Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  tl::writer packed;
  packed.u32(protocol::ids::gzip_packed);
  packed.byte_string(out);
  return packed.take();
}

/// Packed again and again.
inline bytes nested_gzip(bytes plain, int depth) {
  for (int i = 0; i < depth; ++i) {
    plain = gzip_packed(plain);
  }
  return plain;
}

/// `gzip_packed` of what was never packed.
inline bytes no_gzip() {
  tl::writer out;
  out.u32(protocol::ids::gzip_packed);
  out.byte_string(bytes(40, 0x1f));
  return out.take();
}

} // namespace cafegram::test
