#pragma once

#include <cafegram/storage/row_map.hpp>

#include <cstdint>
#include <string_view>

namespace cafegram::storage {

/// The log beside a snapshot: the batches since.
/// `magic:"CAFELOG1" record*`, each record
/// `mark:u32le length:u32le number:u64le synced:u64le digest:16*u8 payload:length*u8`:
/// the batch `number` (`encode_batch`), written when the first `synced` octets of the log were
/// known to outlive a power cut; `digest` begins SHA-256 over all before it and the payload.
constexpr std::string_view log_magic = "CAFELOG1";
constexpr std::size_t log_record_header = 40;

crypto::secret encode_log_record(const batch& what, std::uint64_t number, std::uint64_t synced);

struct log_end {
  std::uint64_t number = 0; ///< of the last batch
  std::size_t length = 0;   ///< what is behind was never whole: it is to be cut off
};

/// Applies to `rows`, which hold all batches up to `number`, those that follow. A record that is
/// not whole ends the log, unless one behind it says that it was synced: then it is damaged.
/// Errors: `storage`; `error::number` is the offset of what is wrong.
result<log_end> replay_log(bytes_view log, std::uint64_t number, row_map& rows);

} // namespace cafegram::storage
