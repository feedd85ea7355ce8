#include <cafegram/storage/row_map.hpp>

namespace cafegram::storage {

void row_map::put(rows& to, const std::string& key, const blob& value) {
  auto [at, fresh] = to.try_emplace(key);
  octets_ += value.size() + (fresh ? key.size() : 0);
  octets_ -= at->second.size();
  at->second = value;
}

void row_map::erase(rows& from, rows::iterator which) {
  octets_ -= which->first.size() + which->second.size();
  from.erase(which);
}

void row_map::apply(const batch& what) {
  for (const auto& one : what.changes) {
    auto& in = tables_.at(static_cast<std::size_t>(one.in));
    switch (one.what) {
    case change::kind::put:
      put(in, one.key, one.value);
      break;
    case change::kind::erase:
      if (const auto found = in.find(one.key); found != in.end()) {
        erase(in, found);
      }
      break;
    case change::kind::clear:
      while (!in.empty()) {
        erase(in, in.begin());
      }
      break;
    }
  }
}

std::optional<blob> row_map::get(table in, std::string_view key) const {
  const auto& from = tables_.at(static_cast<std::size_t>(in));
  const auto found = from.find(key);
  return found == from.end() ? std::nullopt : std::optional{found->second};
}

page row_map::scan(table in, std::string_view after, const page_limits& limits) const {
  return take_page(tables_.at(static_cast<std::size_t>(in)), after, limits);
}

void row_map::each(const std::function<void(table, const std::string&, const blob&)>& take) const {
  for (std::size_t in = 0; in < table_count; ++in) {
    for (const auto& [key, value] : tables_[in]) {
      take(static_cast<table>(in), key, value);
    }
  }
}

} // namespace cafegram::storage
