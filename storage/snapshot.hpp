#pragma once

#include <cafegram/storage/backend.hpp>
#include <cafegram/storage/row_map.hpp>

#include <cstdint>

namespace cafegram::storage {

/// A whole store at a point of its life, as files and strings hold it (store.proto).
struct snapshot {
  std::uint64_t number = 0; ///< of the last batch that is in it
  row_map rows;
};

/// The Protocol Buffers form. May hold secrets.
crypto::secret encode_snapshot(const row_map& rows, std::uint64_t number);
/// Errors: `malformed` for what is no such message; `storage` for rows that cannot be, with the
/// place of the row as `error::number`.
result<snapshot> decode_snapshot(bytes_view data);

/// The Protocol Buffers form. May hold secrets. Whether it is durable is not part of it.
crypto::secret encode_batch(const batch& what);
/// Errors: as above.
result<batch> decode_batch(bytes_view data);

} // namespace cafegram::storage
