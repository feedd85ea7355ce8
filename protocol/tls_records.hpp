#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/protocol/message.hpp>

#include <array>

namespace cafegram::protocol {

/// Takes the stream out of the application data records of fake TLS, without keeping any of it.
class tls_record_reader {
public:
  /// `reading`: at which end this runs.
  explicit tls_record_reader(side reading)
    : reading_{reading} {}

  /// Takes octets off the front of `data` up to the next piece of the stream and returns that; an
  /// empty piece once `data` is used up. An error is final.
  /// Errors: `protocol_violation` for any other record, `limit` for one that is too long.
  result<bytes_view> next(bytes_view& data);

private:
  result<void> take_header();

  side reading_;
  std::array<std::uint8_t, 5> header_{};
  std::size_t have_ = 0; ///< octets of the header
  std::size_t left_ = 0; ///< of the record's content
  bool data_ = false;    ///< the content is of the stream
};

/// Puts a stream into application data records.
class tls_record_writer {
public:
  explicit tls_record_writer(side writing)
    : writing_{writing} {}

  /// Appends. A client's first record is preceded by ChangeCipherSpec.
  void write(bytes_view data, bytes& out);

private:
  side writing_;
  bool begun_ = false;
};

} // namespace cafegram::protocol
