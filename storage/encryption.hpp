#pragma once

#include <cafegram/crypto/aead.hpp>
#include <cafegram/storage/backend.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace cafegram::storage {

/// Where the key to an encrypted store comes from. 64 hexadecimal digits are the key itself;
/// anything else is a passphrase, from which the key is derived.
class store_key {
public:
  /// `file:PATH` or `env:NAME`. Errors: `bad_argument`.
  static result<store_key> named(std::string_view where);
  static store_key from_text(std::string_view text);
  /// The file's content without white space at its end.
  static store_key from_file(std::string path);
  static store_key from_environment(std::string variable);
  /// Asked once for each store that is opened.
  static store_key from(std::function<result<crypto::secret>()> callback);

  /// Errors: `storage`, naming file or variable; `bad_argument` for an empty one.
  result<crypto::secret> ask() const;

private:
  explicit store_key(std::function<result<crypto::secret>()> ask)
    : ask_{std::move(ask)} {}
  std::function<result<crypto::secret>()> ask_;
};

/// A store whose rows lie encrypted in `in`: values by AES-256-GCM, bound to their place; keys by
/// HMAC-SHA256, but for those that are numbers. What an observer sees is how many rows there are in
/// which table, how long they are, and which change. An empty store becomes encrypted.
/// Errors: `storage`, when the key is not the one, or `in` has rows that are not encrypted;
/// those of `store_key::ask`.
result<std::unique_ptr<backend>> encrypted_store(std::shared_ptr<backend> in, const store_key& key,
                                                 const crypto::scrypt_cost& cost = {});

/// Is what lies in `in` encrypted? Errors: those of `in`.
result<bool> is_encrypted(backend& in);

} // namespace cafegram::storage
