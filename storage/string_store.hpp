#pragma once

#include <cafegram/storage/backend.hpp>
#include <cafegram/storage/encryption.hpp>
#include <cafegram/storage/session.hpp>

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace cafegram::storage {

/// A store in memory that begins with what a string holds; nothing of what happens to it outlives
/// the object. A string is what files hold (session_file.hpp, any version), in base64.
/// Errors: `storage`, with the offset of what is wrong as `error::number`; never with the text.
result<std::unique_ptr<backend>> open_string_store(std::string_view text);

struct string_options {
  std::size_t peers = 100;
  /// Taken before any others, such as those that were used last.
  std::vector<peer_record> first = {};
  std::optional<store_key> key = {}; ///< encrypts the string
  crypto::scrypt_cost cost = {};
};

/// Login, keys, counters and some peers, as a string: whoever has it has the account.
/// Errors: those of `from`; `storage` where there is no session.
result<crypto::secret> export_string(backend& from, const string_options& options = {});
/// The same of a session at hand, such as that of a running client. Its peers come after
/// `options.first`.
result<crypto::secret> export_string(const session_state& from, const string_options& options = {});

/// Every row of `from` into `to`, in batches, the last of them durable and with the session: who is
/// stopped on the way leaves no login behind, and begins anew. What `to` has besides stays where it
/// has a session; without one its rows go, but for sessions put aside. Errors: those of both.
result<void> copy_store(backend& from, backend& to);

} // namespace cafegram::storage
