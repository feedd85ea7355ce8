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
  out->chat = out->complete(conversation_of(from.update, self.id));
  return out;
}

} // namespace cafegram
