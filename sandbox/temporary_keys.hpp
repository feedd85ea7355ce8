#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace cafegram::sandbox {

/// The temporary keys of perfect forward secrecy: until when each lives, and for which permanent
/// key it stands. In memory alone, as Telegram's: after a restart there are none. At most
/// `most_keys`; over that the one with the shortest life left goes. Pure.
class temporary_keys {
public:
  static constexpr std::size_t most_keys = 100'000;

  struct entry {
    std::int64_t created = 0;    ///< Unix time
    std::int64_t expires = 0;    ///< Unix time
    std::uint64_t permanent = 0; ///< 0: not bound
  };

  /// What had to go for it.
  std::optional<std::uint64_t> add(std::uint64_t id, std::int64_t now, std::int64_t expires);
  const entry* find(std::uint64_t id) const;
  /// `id` is here. Its life can only get shorter.
  void bind(std::uint64_t id, std::uint64_t permanent, std::int64_t expires);
  void forget(std::uint64_t id);
  /// Takes out those whose time has come.
  std::vector<std::uint64_t> expire(std::int64_t now);
  std::vector<std::uint64_t> bound_to(std::uint64_t permanent) const;
  std::optional<std::int64_t> next_expiry() const;
  const std::map<std::uint64_t, entry>& all() const { return keys_; }

private:
  std::map<std::uint64_t, entry> keys_;
  std::set<std::pair<std::int64_t, std::uint64_t>> by_expiry_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> by_permanent_;
};

} // namespace cafegram::sandbox
