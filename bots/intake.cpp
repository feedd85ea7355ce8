#include <cafegram/actors/updates.hpp>
#include <cafegram/bots/dispatcher.hpp>

namespace cafegram {

std::shared_ptr<const update_data> intake(const update_event& event, const account& self) {
  if (!event.update) {
    return nullptr;
  }
  const auto& from = *event.update;
  auto out = std::make_shared<update_data>();
  out->identity = from.identity;
  out->update = from.update;
  out->peers = from.peers;
  out->account = self.id;
  out->account_username = self.username;
  if (from.lost) {
    const auto& gap = *from.lost;
    out->gap = gap;
    out->lost = gap.to && *gap.to > gap.from ? static_cast<std::uint64_t>(*gap.to - gap.from) : 1;
    out->chat = gap.channel != 0 ? chat_ref{chat_kind::channel, gap.channel, 0}
                                 : chat_ref{chat_kind::user, self.id, 0};
    return out;
  }
  out->chat = out->complete(conversation_of(from.update, self.id));
  return out;
}

} // namespace cafegram
