#pragma once

#include <cafegram/base/bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

namespace cafegram {

/// Octets that several may read and none changes, or nothing. Copies share them.
class shared_bytes {
public:
  shared_bytes() = default;
  shared_bytes(std::nullptr_t) {}
  /// Takes them over, without a copy.
  shared_bytes(bytes whole)
    : shared_bytes{std::make_shared<const bytes>(std::move(whole))} {}
  shared_bytes(std::shared_ptr<const bytes> whole)
    : view_{whole ? bytes_view{*whole} : bytes_view{}}
    , owner_{std::move(whole)} {}
  /// Views `data`, which lies in what `owner` keeps alive.
  shared_bytes(std::shared_ptr<const void> owner, bytes_view data)
    : view_{data}
    , owner_{std::move(owner)} {}

  /// Count and octets lie in one piece of memory.
  static shared_bytes copy_of(bytes_view data) {
    auto room = std::make_shared_for_overwrite<std::uint8_t[]>(data.size());
    std::ranges::copy(data, room.get());
    const bytes_view copied{room.get(), data.size()};
    return {std::shared_ptr<const void>{std::move(room)}, copied};
  }

  explicit operator bool() const { return owner_ != nullptr; }
  operator bytes_view() const { return view_; }
  const bytes_view& operator*() const { return view_; }
  const bytes_view* operator->() const { return &view_; }
  friend bool operator==(const shared_bytes& a, bytes_view b) {
    return std::ranges::equal(a.view_, b);
  }

private:
  bytes_view view_;
  std::shared_ptr<const void> owner_;
};

} // namespace cafegram
