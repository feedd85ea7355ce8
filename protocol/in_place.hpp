#pragma once

#include <cafegram/protocol/service.hpp>
#include <cafegram/tl/codec.hpp>

#include <cstring>
#include <optional>

// What every packet brings is read where it lies, without memory of its own.

namespace cafegram::protocol {

/// Goes through a container as `read_container` does.
class container_reader {
public:
  explicit container_reader(bytes_view body)
    : in_{body} {
    in_.u32();
    left_ = in_.vector_count(false, container_item_header, sizeof(container_item));
    if (left_ > max_container_messages) {
      in_.fail(tl::decode_fault::too_large);
    }
  }

  /// The next message; none behind the last one, or where something does not fit.
  std::optional<container_item> next() {
    if (left_ == 0 || !in_.ok()) {
      return std::nullopt;
    }
    --left_;
    container_item item{.id = msg_id{in_.i64()}, .seqno = in_.i32(), .body = {}};
    const auto size = in_.u32();
    if (size % 4 != 0) {
      in_.fail(tl::decode_fault::bad_length);
    }
    item.body = in_.raw(size);
    return in_.ok() ? std::optional{item} : std::nullopt;
  }

  /// Behind the last message: all of it was well-formed.
  bool whole() {
    in_.finish();
    return left_ == 0 && in_.ok();
  }

private:
  tl::reader in_;
  std::uint32_t left_ = 0;
};

/// True for a container that is well-formed to its end.
inline bool is_whole_container(bytes_view body) {
  container_reader in{body};
  while (in.next()) {
  }
  return in.whole();
}

/// As `read_ids`: gives each id to `take`. False, and gives none, where that would be none.
template <class Take>
bool for_each_id(bytes_view body, const Take& take) {
  tl::reader in{body};
  in.u32();
  const auto count = in.vector_count(true, sizeof(msg_id), sizeof(msg_id));
  const auto octets = in.raw(count * sizeof(msg_id));
  in.finish();
  if (!in.ok() || count > max_ids) {
    return false;
  }
  for (std::size_t at = 0; at < octets.size(); at += sizeof(msg_id)) {
    msg_id id{};
    std::memcpy(&id, octets.data() + at, sizeof(id));
    take(id);
  }
  return true;
}

} // namespace cafegram::protocol
