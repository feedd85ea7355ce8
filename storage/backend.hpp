#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/crypto/secure.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cafegram::storage {

/// Overwrites what it gives back: some rows hold keys.
template <class T>
struct wiping_allocator {
  using value_type = T;
  wiping_allocator() = default;
  template <class U>
  wiping_allocator(const wiping_allocator<U>&) {}
  T* allocate(std::size_t count) { return std::allocator<T>{}.allocate(count); }
  void deallocate(T* data, std::size_t count) {
    crypto::wipe({reinterpret_cast<std::uint8_t*>(data), count * sizeof(T)});
    std::allocator<T>{}.deallocate(data, count);
  }
  template <class U>
  friend bool operator==(const wiping_allocator&, const wiping_allocator<U>&) {
    return true;
  }
};

/// A row's value.
using blob = std::vector<std::uint8_t, wiping_allocator<std::uint8_t>>;

inline blob to_blob(bytes_view data) {
  return {data.begin(), data.end()};
}

/// The tables of a store. The numbers stand in everything stored: none is used twice.
enum class table : std::uint8_t {
  about = 0,   ///< the store itself: how it is encrypted
  session = 1, ///< keys and login
  state = 2,   ///< where the account stands in its updates, one row for each box
  inbox = 3,   ///< updates that are not finished; keys are numbers
  dead = 4,    ///< updates that were given up; keys are numbers
  send = 5,    ///< what was sent while an update was handled; keys are numbers
  value = 6,   ///< the user's own
  peer = 7,    ///< users, groups and channels ever seen
  name = 8,    ///< usernames and phones, to peers
  aside = 9,   ///< sessions that have ended, by the time of that
};
constexpr std::size_t table_count = 10;

/// `inbox`, for messages to people.
std::string_view name_of(table which);

constexpr std::size_t max_key = 512;
constexpr std::size_t max_value = std::size_t{64} << 20;

/// One step of a batch.
struct change {
  enum class kind : std::uint8_t {
    put = 1,   ///< the row is there, and is this
    erase = 2, ///< the row is not there
    clear = 3, ///< the table has no rows
  };
  kind what = kind::put;
  table in = table::value;
  std::string key; ///< 1 to `max_key` octets; none for `clear`
  blob value;      ///< up to `max_value` octets, for `put`
};

/// Changes that are made together or not at all, one after the other.
struct batch {
  std::vector<change> changes;
  /// Outlives a power cut; without it the death of the process alone. A durable batch takes all
  /// that were applied before it along.
  bool durable = false;

  void put(table in, std::string key, blob value) {
    changes.push_back({change::kind::put, in, std::move(key), std::move(value)});
  }
  void erase(table in, std::string key) {
    changes.push_back({change::kind::erase, in, std::move(key), {}});
  }
  void clear(table in) { changes.push_back({change::kind::clear, in, {}, {}}); }
  bool empty() const { return changes.empty(); }
};

/// Errors: `bad_argument` for a key or value that no backend has to take.
result<void> check(const batch& what);

struct row {
  std::string key;
  blob value;

  friend bool operator==(const row&, const row&) = default;
};

/// How much one page holds: whichever is reached first, but one row at least.
struct page_limits {
  std::size_t rows = 256;
  std::size_t octets = std::size_t{1} << 20;
};

struct page {
  std::vector<row> rows;
  bool more = false; ///< behind the last one
};

/// One page of `rows`, a map from key to value that is ordered octet by octet (as `std::string`
/// is).
template <class Rows>
page take_page(const Rows& rows, std::string_view after, const page_limits& limits) {
  page out;
  std::size_t octets = 0;
  auto at = rows.upper_bound(after);
  for (; at != rows.end() && out.rows.size() < limits.rows && octets < limits.octets; ++at) {
    octets += at->first.size() + at->second.size();
    out.rows.push_back({at->first, at->second});
  }
  out.more = at != rows.end();
  return out;
}

/// Keeps rows. A store has one owner, who has it until the backend is destroyed. Calls may block
/// and may come from several threads; each sees whole batches only.
///
/// Who writes one: docs/storage.md.
class backend {
public:
  virtual ~backend() = default;

  /// All of `what` or nothing. After it returns the batch is there for whoever opens the store
  /// next, in the measure of `batch::durable`. Applying a batch twice is as applying it once.
  /// Errors: `storage`; what was there before is whole, and the same batch may be tried again.
  /// `session_in_use` from this or any other function: another owner has the store for good.
  virtual result<void> apply(const batch& what) = 0;
  /// Errors: `storage`; `malformed` for a row that is damaged, where others can be read.
  virtual result<std::optional<blob>> get(table in, std::string_view key) = 0;
  /// Rows whose key is above `after` (all for an empty one) by rising keys, octet by octet.
  /// Errors: `storage`; `malformed` for a damaged row of a table whose keys are numbers, with its
  /// number as `error::number`, where no whole one comes before it: who wants the rest goes on
  /// behind it.
  virtual result<page> scan(table in, std::string_view after, const page_limits& limits) = 0;
  /// For people: `memory`, or the file's path. Never with a password.
  virtual std::string place() const = 0;
  /// `tell` is called, from any thread, once another owner has the store: who neither reads nor
  /// writes would not learn it. One at a time. Where that cannot happen, nothing is to be done.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): whoever overrides it keeps what it gets.
  virtual void when_lost(std::function<void(const error&)> /*tell*/) {}
};

/// Reads a table to its end, page by page, and hands each row to `take` (which returns
/// `result<void>`). Errors: those of `scan`, and the first one of `take`.
template <class Take>
result<void> for_each_row(backend& of, table in, Take take) {
  std::string after;
  for (bool more = true; more;) {
    auto got = of.scan(in, after, {});
    if (!got) {
      return std::unexpected(std::move(got.error()));
    }
    more = got->more && !got->rows.empty();
    for (auto& one : got->rows) {
      if (auto taken = take(one); !taken) {
        return taken;
      }
      after = std::move(one.key);
    }
  }
  return {};
}

/// Nothing outlives the object.
std::unique_ptr<backend> make_memory_store();

} // namespace cafegram::storage
