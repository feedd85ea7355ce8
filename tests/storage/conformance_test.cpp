#include <cafegram/storage/sqlite_store.hpp>
#include <cafegram/tests/storage/own_backend.hpp>

#include "conformance.hpp"

namespace cafegram::test {

namespace {

struct memory_harness {
  static constexpr bool outlives = false;
  result<std::shared_ptr<backend>> open() { return make_memory_store(); }
};

struct own_harness {
  static constexpr bool outlives = false;
  result<std::shared_ptr<backend>> open() { return std::make_shared<own_backend>(); }
};

struct sqlite_harness {
  static constexpr bool outlives = true;
  temporary_folder folder;
  result<std::shared_ptr<backend>> open() { return open_sqlite_store(folder.file("store.db")); }
};

} // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(memory, conformance, memory_harness);
INSTANTIATE_TYPED_TEST_SUITE_P(own, conformance, own_harness);
INSTANTIATE_TYPED_TEST_SUITE_P(sqlite, conformance, sqlite_harness);

} // namespace cafegram::test
