#pragma once

#include <cafegram/base/error.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace cafegram::sandbox {

/// Records by kind and key. Changes gather until `commit`, which keeps all of them or none.
/// What has been committed survives the death of the process at any moment.
class store {
public:
  using visitor = std::function<result<void>(std::string_view kind, std::string_view key,
                                             std::string_view value)>;

  virtual ~store() = default;

  /// Hands out every record, kinds and keys in ascending order; stops at the visitor's error.
  virtual result<void> load(const visitor& visit) = 0;
  virtual void put(std::string_view kind, std::string key, std::string value) = 0;
  virtual void erase(std::string_view kind, std::string key) = 0;
  /// Errors: `storage`; then nothing of the batch was kept.
  virtual result<void> commit() = 0;
};

/// Keeps nothing.
std::unique_ptr<store> make_memory_store();

/// SQLite database `world.db` (WAL, 0600) in `folder`, which is made where missing.
/// Errors: `storage` with the path and what to do.
result<std::unique_ptr<store>> open_sqlite_store(const std::filesystem::path& folder);

} // namespace cafegram::sandbox
