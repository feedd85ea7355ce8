#include <cafegram/tl/api.hpp>
#include <cafegram/tl/updates.hpp>

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

namespace cafegram::tl {

namespace {

/// Reads a container update by update. The container is the part of the input behind its id.
class container_reader {
public:
  container_reader(bytes_view body, bool combined, const limits& bounds)
    : whole_{body, bounds}
    , combined_{combined}
    , work_left_{free_work + 4 * body.size()} {}

  std::optional<Updates> read() {
    const auto count = whole_.vector_count(true, 4, sizeof(Update));
    if (!whole_.ok() || !read_from(whole_, count) || doubtful_) {
      return std::nullopt;
    }
    if (combined_) {
      return updatesCombined{.updates = std::move(updates_),
                             .users = std::move(tail_.users),
                             .chats = std::move(tail_.chats),
                             .date = tail_.date,
                             .seq_start = tail_.seq_start,
                             .seq = tail_.seq};
    }
    return updates_struct{.updates = std::move(updates_),
                          .users = std::move(tail_.users),
                          .chats = std::move(tail_.chats),
                          .date = tail_.date,
                          .seq = tail_.seq};
  }

private:
  using updates_struct = ::cafegram::tl::updates_;

  /// Octets that may be read in all, beside four times the container.
  static constexpr std::size_t free_work = std::size_t{4} << 20;

  struct tail {
    std::vector<User> users;
    std::vector<Chat> chats;
    std::int32_t date = 0;
    std::int32_t seq_start = 0;
    std::int32_t seq = 0;
  };

  /// Reads `left` updates and the tail from `in` to the end. A copy of a reader goes on where it
  /// is, and with what it has counted: the bounds hold for the container as a whole.
  bool read_from(reader in, std::uint32_t left) {
    const auto kept = updates_.size();
    for (; left > 0; --left) {
      const reader before = in;
      auto update = decode_prefix<Update>(in);
      spend(in.offset() - before.offset());
      if (!in.ok()) {
        const bool found = in.failure().fault == decode_fault::unknown_constructor &&
                           skip_unknown(before, left - 1);
        if (!found) {
          updates_.resize(kept);
        }
        return found;
      }
      updates_.push_back(std::move(update));
    }
    if (!read_tail(in)) {
      updates_.resize(kept);
      return false;
    }
    return true;
  }

  /// Finds where the unknown update at `from` ends: where all behind it can be read. There must be
  /// one such place only: its content may be a stranger's text that looks like further updates.
  bool skip_unknown(const reader& from, std::uint32_t left) {
    const auto place = updates_.size();
    const auto rest = from.rest();
    std::size_t length = 0;
    std::vector<Update> behind;
    tail last;
    updates_.emplace_back();
    for (std::size_t end = 4; end + 4 <= rest.size() && !doubtful_; end += 4) {
      spend(1);
      if (!may_begin(reader{rest.subspan(end)}.u32(), left)) {
        continue;
      }
      reader after = from;
      after.raw(end);
      if (!read_from(after, left)) {
        continue;
      }
      doubtful_ = doubtful_ || length != 0;
      length = end;
      behind.assign(
          std::make_move_iterator(updates_.begin() + 1 + static_cast<std::ptrdiff_t>(place)),
          std::make_move_iterator(updates_.end()));
      last = std::exchange(tail_, {});
      updates_.resize(place + 1);
    }
    updates_.resize(place);
    if (length == 0 || doubtful_) {
      return false;
    }
    updates_.emplace_back(unknown{reader{rest}.u32(), to_bytes(rest.subspan(4, length - 4))});
    updates_.insert(updates_.end(), std::make_move_iterator(behind.begin()),
                    std::make_move_iterator(behind.end()));
    tail_ = std::move(last);
    return true;
  }

  /// The next update may be unknown too: any word that the schema does not place elsewhere.
  static bool may_begin(std::uint32_t word, std::uint32_t left) {
    if (left == 0) {
      return word == vector_id;
    }
    const std::span all{Update::tl_type_info.alternatives, Update::tl_type_info.count};
    return std::ranges::binary_search(all, word, {}, &detail::alternative::id);
  }

  bool read_tail(reader in) {
    const auto begin = in.offset();
    tail_.users = decode_prefix<std::vector<User>>(in);
    tail_.chats = decode_prefix<std::vector<Chat>>(in);
    tail_.date = in.i32();
    tail_.seq_start = combined_ ? in.i32() : 0;
    tail_.seq = in.i32();
    spend(in.offset() - begin);
    in.finish();
    return in.ok();
  }

  /// Whoever makes us read more than that wants nothing else.
  void spend(std::size_t octets) {
    doubtful_ = doubtful_ || octets > work_left_;
    work_left_ -= std::min(octets, work_left_);
  }

  reader whole_;
  bool combined_;
  std::size_t work_left_;
  bool doubtful_ = false; ///< it can be read in more than one way, or not within bounds
  std::vector<Update> updates_;
  tail tail_;
};

/// `updateShort update:Update date:int`: the date is the last word.
std::optional<Updates> read_short(bytes_view body) {
  if (body.size() < 8) {
    return std::nullopt;
  }
  reader in{body};
  const auto id = in.u32();
  const auto content = in.raw(body.size() - 8);
  return updateShort{.update = unknown{id, to_bytes(content)}, .date = in.i32()};
}

} // namespace

result<Updates> decode_updates(bytes_view data, const limits& bounds) {
  auto whole = decode<Updates>(data, bounds);
  const auto* opaque = whole ? get_if<unknown>(*whole) : nullptr;
  if (opaque == nullptr) {
    return whole;
  }
  std::optional<Updates> parts;
  if (opaque->id == updates_::tl_id || opaque->id == updatesCombined::tl_id) {
    parts = container_reader{opaque->body, opaque->id == updatesCombined::tl_id, bounds}.read();
  } else if (opaque->id == updateShort::tl_id) {
    parts = read_short(opaque->body);
  }
  return parts ? *std::move(parts) : std::move(whole);
}

} // namespace cafegram::tl
