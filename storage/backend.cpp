#include <cafegram/storage/backend.hpp>
#include <cafegram/storage/row_map.hpp>

#include <array>
#include <mutex>

namespace cafegram::storage {

namespace {

constexpr std::array<std::string_view, table_count> names{
    "about", "session", "state", "inbox", "dead", "send", "value", "peer", "name", "aside"};

class memory_store final : public backend {
public:
  result<void> apply(const batch& what) override {
    if (auto good = check(what); !good) {
      return good;
    }
    const std::lock_guard lock{mutex_};
    rows_.apply(what);
    return {};
  }
  result<std::optional<blob>> get(table in, std::string_view key) override {
    const std::lock_guard lock{mutex_};
    return rows_.get(in, key);
  }
  result<page> scan(table in, std::string_view after, const page_limits& limits) override {
    const std::lock_guard lock{mutex_};
    return rows_.scan(in, after, limits);
  }
  std::string place() const override { return "memory"; }

private:
  std::mutex mutex_;
  row_map rows_;
};

} // namespace

std::string_view name_of(table which) {
  const auto at = static_cast<std::size_t>(which);
  return at < names.size() ? names[at] : "unknown";
}

result<void> check(const batch& what) {
  for (const auto& one : what.changes) {
    const auto in = static_cast<std::size_t>(one.in);
    if (in >= table_count) {
      return fail(errc::bad_argument, "there is no such table", static_cast<std::int64_t>(in));
    }
    if (one.what != change::kind::clear && (one.key.empty() || one.key.size() > max_key)) {
      return fail(errc::bad_argument,
                  "a key of table " + std::string{name_of(one.in)} + " has to have 1 to " +
                      std::to_string(max_key) + " octets",
                  static_cast<std::int64_t>(one.key.size()));
    }
    if (one.value.size() > max_value) {
      return fail(errc::bad_argument,
                  "a value of table " + std::string{name_of(one.in)} + " has more than " +
                      std::to_string(max_value) + " octets",
                  static_cast<std::int64_t>(one.value.size()));
    }
  }
  return {};
}

std::unique_ptr<backend> make_memory_store() {
  return std::make_unique<memory_store>();
}

} // namespace cafegram::storage
