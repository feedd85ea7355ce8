#pragma once

#include <cafegram/storage/encryption.hpp>
#include <cafegram/storage/session.hpp>

#include <memory>
#include <optional>
#include <string>

namespace cafegram::storage {

struct open_options {
  std::optional<store_key> key = {}; ///< none: not encrypted
  bool create = true;                ///< where there is none yet; `storage` otherwise
};

/// Opens a store by a text:
///
///     memory
///     sqlite:PATH
///     file:PATH
///     string:TEXT              what `export_string` has written
///     postgresql://HOST/NAME   any URI of PostgreSQL's (postgres_store.hpp); `session=NAME` in it
///     PATH                     what is there, SQLite or a file; SQLite where there is nothing
///
/// Behind each may stand where its key comes from: `?key=file:PATH` or `?key=env:NAME`, with `&`
/// for `?` behind another parameter.
///
/// Errors: `storage`, those of each kind; when it is encrypted and there is no key;
/// `bad_argument` for a kind that this program was built without.
result<std::shared_ptr<backend>> open_store(const std::string& place,
                                            const open_options& options = {});

/// The same, for a client.
result<std::shared_ptr<session_backend>> open_session(const std::string& place,
                                                      const open_options& options = {});

} // namespace cafegram::storage
