#include <cafegram/protocol/tls_records.hpp>

#include <algorithm>
#include <utility>

namespace cafegram::protocol {
namespace {

constexpr std::uint8_t change_cipher_spec_type = 0x14;
constexpr std::uint8_t alert = 0x15;
constexpr std::uint8_t application_data = 0x17;
/// RFC 8446 section 5.2.
constexpr std::size_t max_record = (16U << 10) + 256;
/// What the official clients send: two segments of TCP.
constexpr std::size_t client_record = 2878;
constexpr std::size_t server_record = 16U << 10;

} // namespace

result<bytes_view> tls_record_reader::next(bytes_view& data) {
  while (!data.empty()) {
    if (have_ < header_.size()) {
      header_[have_++] = data.front();
      data = data.subspan(1);
      if (have_ == header_.size()) {
        if (auto good = take_header(); !good) {
          return std::unexpected(std::move(good.error()));
        }
      }
      continue;
    }
    const auto piece = data.first(std::min(left_, data.size()));
    data = data.subspan(piece.size());
    left_ -= piece.size();
    have_ = left_ == 0 ? 0 : have_;
    if (data_) {
      return piece;
    }
    if (piece[0] != 1) {
      return fail(errc::protocol_violation, "a ChangeCipherSpec of TLS has no meaning", piece[0]);
    }
  }
  return bytes_view{};
}

result<void> tls_record_reader::take_header() {
  const auto type = header_[0];
  left_ = static_cast<std::size_t>(header_[3]) << 8 | header_[4];
  data_ = type == application_data;
  const bool allowed =
      data_ || (type == change_cipher_spec_type && reading_ == side::server && left_ == 1);
  if (type == alert) {
    return fail(errc::protocol_violation, "the other side ended the TLS stream with an alert");
  }
  if (!allowed || header_[1] != 3 || header_[2] != 3) {
    return fail(errc::protocol_violation, "this is no TLS record of application data", type);
  }
  if (left_ > max_record) {
    return fail(errc::limit, "a TLS record is too long", static_cast<std::int64_t>(left_));
  }
  if (left_ == 0) {
    have_ = 0;
  }
  return {};
}

void tls_record_writer::write(bytes_view data, bytes& out) {
  if (!std::exchange(begun_, true) && writing_ == side::client) {
    append(out, bytes{change_cipher_spec_type, 3, 3, 0, 1, 1});
  }
  const auto most = writing_ == side::client ? client_record : server_record;
  while (!data.empty()) {
    const auto piece = data.first(std::min(most, data.size()));
    data = data.subspan(piece.size());
    append(out, bytes{application_data, 3, 3, static_cast<std::uint8_t>(piece.size() >> 8),
                      static_cast<std::uint8_t>(piece.size())});
    append(out, piece);
  }
}

} // namespace cafegram::protocol
