#include <cafegram/storage/encryption.hpp>
#include <cafegram/storage/file_store.hpp>
#include <cafegram/storage/session_file.hpp>
#include <cafegram/storage/sqlite_store.hpp>
#include <cafegram/storage/string_store.hpp>
#include <cafegram/tests/storage/own_backend.hpp>

#include "conformance.hpp"

namespace cafegram::test {

struct memory_harness {
  static constexpr bool outlives = false;
  result<std::shared_ptr<backend>> open() { return make_memory_store(); }
};

struct own_harness {
  static constexpr bool outlives = false;
  result<std::shared_ptr<backend>> open() { return std::make_shared<own_backend>(); }
};

/// Files that are folded all the time.
struct file_harness {
  static constexpr bool outlives = true;
  temporary_folder folder;
  result<std::shared_ptr<backend>> open() {
    return open_file_store(folder.file("store"), {.shortest_log = 2000});
  }
};

struct sqlite_harness {
  static constexpr bool outlives = true;
  temporary_folder folder;
  result<std::shared_ptr<backend>> open() { return open_sqlite_store(folder.file("store.db")); }
};

/// The owner's key is derived for each opening: cheaply, here.
constexpr crypto::scrypt_cost cheap{.cost = 16};

struct encrypted_harness {
  static constexpr bool outlives = true;
  sqlite_harness plain;
  result<std::shared_ptr<backend>> open() {
    auto opened = plain.open();
    if (!opened) {
      return opened;
    }
    return encrypted_store(*std::move(opened), store_key::from_text("a passphrase"), cheap);
  }
};

struct encrypted_file_harness {
  static constexpr bool outlives = true;
  file_harness plain;
  result<std::shared_ptr<backend>> open() {
    auto opened = plain.open();
    if (!opened) {
      return opened;
    }
    return encrypted_store(*std::move(opened), store_key::from_text(std::string(64, 'a')));
  }
};

struct string_harness {
  static constexpr bool outlives = false;
  result<std::shared_ptr<backend>> open() {
    return open_string_store(to_base64url(wrap_session_file(encode_snapshot({}, 0).view()).view()));
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(memory, conformance, memory_harness);
INSTANTIATE_TYPED_TEST_SUITE_P(own, conformance, own_harness);
INSTANTIATE_TYPED_TEST_SUITE_P(string, conformance, string_harness);
INSTANTIATE_TYPED_TEST_SUITE_P(encrypted, conformance, encrypted_harness);
INSTANTIATE_TYPED_TEST_SUITE_P(encrypted_file, conformance, encrypted_file_harness);
INSTANTIATE_TYPED_TEST_SUITE_P(file, conformance, file_harness);
INSTANTIATE_TYPED_TEST_SUITE_P(sqlite, conformance, sqlite_harness);

} // namespace cafegram::test
