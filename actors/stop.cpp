#include <cafegram/actors/messages.hpp>
#include <cafegram/actors/stop.hpp>
#include <cafegram/actors/system.hpp>

#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

namespace cafegram {

void stop_and_wait(caf::actor_system& system, const caf::actor& actor,
                   std::chrono::milliseconds timeout) {
  if (on_actor_thread()) {
    caf::anon_send(actor, stop_request{timeout});
    return;
  }
  caf::scoped_actor self{system};
  self->monitor(actor);
  self->send(actor, stop_request{timeout});
  self->receive([](const caf::down_msg&) {},
                caf::after(timeout + std::chrono::seconds{5}) >> [] {});
}

} // namespace cafegram
