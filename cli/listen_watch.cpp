#include <cafegram/actors/errors.hpp>
#include <cafegram/cli/listen_watch.hpp>

#include <caf/all.hpp>

#include <chrono>
#include <utility>

namespace cafegram::cli {
namespace {

using end_function = std::function<void(const std::string&)>;

caf::behavior watcher(caf::event_based_actor* self, const client_actor& account,
                      const caf::actor& printer, const end_function& tell) {
  const auto end = [tell, self](const std::string& why) {
    tell(why);
    self->quit();
  };
  self->monitor(account);
  self->monitor(printer);
  self->set_down_handler([end, printing = printer.address()](const caf::down_msg& down) {
    const std::string who = down.source == printing ? "what prints updates" : "the client";
    end(who + " has ended: " + to_string(to_error(down.reason)));
  });
  self->send(self, caf::tick_atom_v);
  return {
      [self, account, end](caf::tick_atom) {
        const auto look_again = [self] {
          self->delayed_send(self, std::chrono::seconds{2}, caf::tick_atom_v);
        };
        self->request(account, std::chrono::seconds{5}, status_atom_v)
            .then(
                [end, look_again](const client_status& now) {
                  if (now.login == login_state::logged_out) {
                    end("the login has ended: " + now.last_error);
                  } else {
                    look_again();
                  }
                },
                // It was busy; its end would be told by the monitor.
                [look_again](const caf::error&) { look_again(); });
      },
  };
}

} // namespace

caf::actor watch_listening(caf::actor_system& system, const client_actor& account,
                           const caf::actor& printer, end_function end) {
  return system.spawn(watcher, account, printer, std::move(end));
}

} // namespace cafegram::cli
