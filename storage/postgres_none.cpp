#include <cafegram/storage/postgres_store.hpp>

// In the place of postgres_store.cpp where libpqxx was not found.

namespace cafegram::storage {

result<std::unique_ptr<backend>> open_postgres_store(const std::string&, const postgres_options&) {
  return fail(errc::bad_argument,
              "this program was built without PostgreSQL: install libpqxx-dev and build it again");
}

bool has_postgres() {
  return false;
}

} // namespace cafegram::storage
