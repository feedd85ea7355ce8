#include <cafegram/actors/messages.hpp>
#include <cafegram/actors/updates.hpp>
#include <cafegram/bots/updates.hpp>

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
  out->account = self.id != 0 ? self.id : from.account;
  out->account_username = self.username;
  if (from.lost) {
    const auto& gap = *from.lost;
    out->gap = gap;
    out->lost = gap.to && *gap.to > gap.from ? static_cast<std::uint64_t>(*gap.to - gap.from) : 1;
    out->chat = gap.channel != 0 ? chat_ref{chat_kind::channel, gap.channel, 0}
                                 : chat_ref{chat_kind::user, out->account, 0};
    return out;
  }
  out->chat = out->complete(conversation_of(from.update, out->account));
  return out;
}

any_update typed(const update_event& event, const account& self) {
  return update_factory::make(intake(event, self));
}

} // namespace cafegram
