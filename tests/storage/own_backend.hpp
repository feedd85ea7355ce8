#include <cafegram/storage/backend.hpp>

#include <map>
#include <mutex>

using namespace cafegram::storage;
using cafegram::result;

class own_backend final : public backend {
  result<void> apply(const batch& what) override {
    if (auto good = check(what); !good) {
      return good;
    }
    const std::lock_guard lock{mutex_};
    for (const auto& one : what.changes) {
      auto& rows = tables_[one.in];
      if (one.what == change::kind::clear) {
        rows.clear();
      } else if (rows.erase(one.key); one.what == change::kind::put) {
        rows.emplace(one.key, one.value);
      }
    }
    return {};
  }
  result<std::optional<blob>> get(table in, std::string_view key) override {
    const std::lock_guard lock{mutex_};
    const auto found = tables_[in].find(key);
    return found == tables_[in].end() ? std::nullopt : std::optional{found->second};
  }
  result<page> scan(table in, std::string_view after, const page_limits& limits) override {
    const std::lock_guard lock{mutex_};
    return take_page(tables_[in], after, limits);
  }
  std::string place() const override { return "a map of mine"; }

  std::mutex mutex_;
  std::map<table, std::map<std::string, blob, std::less<>>> tables_;
};
