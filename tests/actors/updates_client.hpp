#pragma once

#include <algorithm>

#include "client_kit.hpp"
#include "hub_kit.hpp"

namespace cafegram::test {

/// A bot's client whose server counts from pts 10, and who receives its updates.
struct updates_client : client_kit {
  using marks = std::vector<std::int64_t>;

  marks got;
  caf::actor hub; ///< known when it has handed out an update
  caf::actor receiver =
      system.system().spawn([this](caf::event_based_actor* self) -> caf::behavior {
        return {[this, self](const update_event& event) {
          hub = caf::actor_cast<caf::actor>(self->current_sender());
          got.push_back(mark_of(*event.update));
        }};
      });

  updates_client() { stored->user = storage::user_record{me, true, "Bot", "bot"}; }
  ~updates_client() override {
    hub = nullptr;
    caf::anon_send_exit(receiver, caf::exit_reason::user_shutdown);
    system.run();
  }

  void begin() {
    start();
    caf::anon_send(client, caf::subscribe_atom_v, receiver);
    system.run();
  }
  /// What a client that begins now asks for.
  void tell_state() {
    answer(tl::updates::getState{}, tl::encode(tl::updates::State{tl::updates::state{
                                        .pts = 10, .qts = 3, .date = 1, .seq = 1}}));
  }
  void push(tl::Update what) {
    lines.front()->tell(live({std::move(what)}));
    system.run();
  }
  marks take() { return std::exchange(got, {}); }

  /// So many of these calls, whatever is in them, have come to the first connection.
  template <class Function>
  std::ptrdiff_t count() const {
    return std::ranges::count_if(lines.front()->calls, [](const submit_call& one) {
      return tl::reader{*one.function}.peek_u32() == Function::tl_id;
    });
  }
};

} // namespace cafegram::test
