#pragma once

#include <cafegram/storage/backend.hpp>

#include <array>
#include <functional>
#include <map>

namespace cafegram::storage {

/// All rows of a store in memory. A value; no thread but the owner's.
class row_map {
public:
  void apply(const batch& what);
  std::optional<blob> get(table in, std::string_view key) const;
  page scan(table in, std::string_view after, const page_limits& limits) const;

  /// Hands out every row, tables and keys rising.
  void each(const std::function<void(table, const std::string&, const blob&)>& take) const;
  /// Of keys and values together.
  std::size_t octets() const { return octets_; }

private:
  using rows = std::map<std::string, blob, std::less<>>;

  void put(rows& to, const std::string& key, const blob& value);
  void erase(rows& from, rows::iterator which);

  std::array<rows, table_count> tables_;
  std::size_t octets_ = 0;
};

} // namespace cafegram::storage
