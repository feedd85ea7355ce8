#include <cafegram/protocol/gzip.hpp>
#include <cafegram/protocol/service.hpp>
#include <cafegram/tl/codec.hpp>

#include <zlib.h>

#include <algorithm>

namespace cafegram::protocol {
namespace {

constexpr int gzip_form = 15 + 16;
constexpr int either_form = 15 + 32;
constexpr int memory_level = 8;

/// Ends a zlib stream on every way out.
struct inflating {
  z_stream stream{};
  bool begun = inflateInit2(&stream, either_form) == Z_OK;
  inflating() = default;
  inflating(const inflating&) = delete;
  inflating& operator=(const inflating&) = delete;
  ~inflating() {
    if (begun) {
      inflateEnd(&stream);
    }
  }
};

} // namespace

std::optional<bytes> gzip_pack(bytes_view body) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_form, memory_level,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return std::nullopt;
  }
  bytes packed(body.size());
  stream.next_in = const_cast<Bytef*>(body.data()); // zlib's interface; it is only read
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  const bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  const auto size = packed.size() - stream.avail_out;
  deflateEnd(&stream);
  if (!whole) {
    return std::nullopt;
  }
  tl::writer out;
  out.reserve(size + 12);
  out.u32(ids::gzip_packed);
  out.byte_string(bytes_view{packed}.first(size));
  if (out.size() >= body.size() || !out.complete()) {
    return std::nullopt;
  }
  return out.take();
}

result<bytes> gzip_unpack(bytes_view packed, std::size_t budget) {
  inflating inflation;
  if (!inflation.begun) {
    return fail(errc::limit, "no memory to unpack gzip");
  }
  auto& stream = inflation.stream;
  stream.next_in = const_cast<Bytef*>(packed.data()); // zlib's interface; it is only read
  stream.avail_in = static_cast<uInt>(packed.size());
  bytes out;
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    if (out.size() >= budget) {
      return fail(errc::limit, "gzip unpacks to more than is allowed",
                  static_cast<std::int64_t>(budget));
    }
    const auto begin = out.size();
    const auto step = std::clamp<std::size_t>(std::max(begin, packed.size() * 4), 512, 1U << 20);
    out.resize(std::min(begin + step, budget));
    stream.next_out = out.data() + begin;
    stream.avail_out = static_cast<uInt>(out.size() - begin);
    status = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    const bool stuck = stream.avail_out != 0 && status == Z_OK;
    if ((status != Z_OK && status != Z_STREAM_END) || stuck) {
      return fail(errc::malformed, "gzip cannot be unpacked", static_cast<std::int64_t>(begin));
    }
  }
  return out;
}

} // namespace cafegram::protocol
