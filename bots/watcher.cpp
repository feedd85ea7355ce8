#include <cafegram/actors/errors.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/bots/watcher.hpp>

#include <caf/event_based_actor.hpp>

#include <utility>

namespace cafegram {

namespace {

caf::behavior watcher(caf::event_based_actor* self, const client_actor& client,
                      const caf::actor& dispatcher, std::string token,
                      const std::function<void()>& ended) {
  self->set_down_handler([ended, self](const caf::down_msg& down) {
    log::error("bot", "one of its actors has ended: {}", to_string(to_error(down.reason)));
    ended();
    self->quit();
  });
  self->monitor(client);
  self->monitor(dispatcher);
  // Without a time-out: the client tries until it is refused.
  self->request(client, caf::infinite, bot_login{std::move(token)})
      .then([self, dispatcher](const account& who) { self->send(dispatcher, who); },
            [ended, self](const caf::error& e) {
              log::error("bot", "login failed: {}", to_string(to_error(e)));
              ended();
              self->quit();
            });
  return {[](stop_request) { /* lives until it is told to end */ }};
}

} // namespace

caf::actor spawn_watcher(caf::actor_system& system, const client_actor& client,
                         const caf::actor& dispatcher, std::string token,
                         std::function<void()> ended) {
  return system.spawn(watcher, client, dispatcher, std::move(token), std::move(ended));
}

} // namespace cafegram
