#include <cafegram/tl/api.hpp>
#include <cafegram/tl/updates.hpp>

#include <optional>

namespace cafegram::tl {

namespace {

/// Reads a container update by update. The container is the part of the input behind its id.
class container_reader {
public:
  container_reader(bytes_view body, bool combined, const limits& bounds)
    : body_{body}
    , combined_{combined}
    , bounds_{bounds} {}

  std::optional<Updates> read() {
    reader in{body_, bounds_};
    const auto count = in.vector_count(true, 4, sizeof(Update));
    if (!in.ok() || !read_from(in.offset(), count)) {
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

  struct tail {
    std::vector<User> users;
    std::vector<Chat> chats;
    std::int32_t date = 0;
    std::int32_t seq_start = 0;
    std::int32_t seq = 0;
  };

  /// Reads `left` updates and the tail from `at` to the end.
  bool read_from(std::size_t at, std::uint32_t left) {
    const auto kept = updates_.size();
    for (; left > 0; --left) {
      reader in{body_.subspan(at), bounds_};
      auto update = decode_prefix<Update>(in);
      if (!in.ok()) {
        const bool found =
            in.failure().fault == decode_fault::unknown_constructor && skip_unknown(at, left - 1);
        if (!found) {
          updates_.resize(kept);
        }
        return found;
      }
      at += in.offset();
      updates_.push_back(std::move(update));
    }
    if (!read_tail(at)) {
      updates_.resize(kept);
      return false;
    }
    return true;
  }

  /// Tries where the unknown update at `at` ends.
  bool skip_unknown(std::size_t at, std::uint32_t left) {
    const auto place = updates_.size();
    const auto id = reader{body_.subspan(at)}.u32();
    updates_.emplace_back();
    for (auto end = at + 4; end + 4 <= body_.size(); end += 4) {
      if (!may_begin(reader{body_.subspan(end)}.u32(), left)) {
        continue;
      }
      if (--trials_ < 0) {
        break;
      }
      if (read_from(end, left)) {
        updates_[place] = unknown{id, to_bytes(body_.subspan(at + 4, end - at - 4))};
        return true;
      }
    }
    updates_.resize(place);
    return false;
  }

  /// The next update may be unknown too: any word that the schema does not place elsewhere.
  static bool may_begin(std::uint32_t word, std::uint32_t left) {
    if (left == 0) {
      return word == vector_id;
    }
    const auto& type = Update::tl_type_info;
    for (std::size_t i = 0; i < type.count; ++i) {
      if (type.alternatives[i].id == word) {
        return true;
      }
    }
    return false;
  }

  bool read_tail(std::size_t at) {
    reader in{body_.subspan(at), bounds_};
    tail_.users = decode_prefix<std::vector<User>>(in);
    tail_.chats = decode_prefix<std::vector<Chat>>(in);
    tail_.date = in.i32();
    tail_.seq_start = combined_ ? in.i32() : 0;
    tail_.seq = in.i32();
    in.finish();
    return in.ok();
  }

  bytes_view body_;
  bool combined_;
  limits bounds_;
  std::vector<Update> updates_;
  tail tail_;
  int trials_ = 64; ///< each costs at most one pass over the rest
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
