#pragma once

#include <cafegram/protocol/gzip.hpp>
#include <cafegram/protocol/message.hpp>
#include <cafegram/protocol/service.hpp>

#include <deque>
#include <vector>

#include "fuzz.hpp"

/// Messages that name others: what makes a sequence of frames more than one frame after another.
namespace cafegram::fuzz {

/// The ids that may be named, the newest last. Bounded, so that a number names the same for long.
class known_ids {
public:
  void add(protocol::msg_id id) {
    ids_.push_back(id);
    if (ids_.size() > 64) {
      ids_.pop_front();
    }
  }
  /// Counted from the newest.
  protocol::msg_id at(std::size_t index) const {
    return ids_.empty() ? protocol::msg_id{} : ids_[ids_.size() - 1 - index % ids_.size()];
  }
  bool empty() const { return ids_.empty(); }

private:
  std::deque<protocol::msg_id> ids_;
};

/// `changes:u8 (word:u8 index:u8)* piece`: a body, in which ids of `known` take the place of what
/// stands there.
inline bytes read_body(input& in, const known_ids& known) {
  struct reference {
    std::size_t word;
    std::size_t index;
  };
  std::vector<reference> references(in.octet() & 7);
  for (auto& [word, index] : references) {
    word = in.octet();
    index = in.octet();
  }
  auto out = to_bytes(in.piece());
  out.resize(out.size() / 4 * 4);
  for (const auto& [word, index] : references) {
    const auto id = known.at(index);
    if (out.size() >= sizeof(id)) {
      const auto at = 4 * word % (out.size() - sizeof(id) + 4) / 4 * 4;
      std::memcpy(out.data() + at, &id, sizeof(id));
    }
  }
  return out;
}

/// The same body compressed, where that can be done.
inline bytes packed(bytes body) {
  const auto out = protocol::gzip_pack(body);
  return out ? *out : std::move(body);
}

} // namespace cafegram::fuzz
