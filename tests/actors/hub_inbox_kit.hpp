#pragma once

#include "hub_kit.hpp"

namespace cafegram::test {

/// A receiver that answers when the test says so.
struct patient_receiver {
  caf::actor actor;
  std::vector<update_event> got;
  std::map<std::uint64_t, caf::response_promise> open;

  explicit patient_receiver(caf::actor_system& system) {
    actor = system.spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {[this, self](const update_event& event) -> caf::response_promise {
                got.push_back(event);
                return open[event.number] = self->make_response_promise();
              },
              [this](caf::ok_atom, std::uint64_t number) {
                open.at(number).deliver(caf::unit);
                open.erase(number);
              },
              [this](caf::flush_atom, std::uint64_t number, int code) {
                open.at(number).deliver(
                    to_caf(error::make(static_cast<errc>(code), "it is poison")));
                open.erase(number);
              }};
    });
  }
  std::vector<std::int64_t> marks() {
    std::vector<std::int64_t> out;
    for (const auto& event : std::exchange(got, {})) {
      out.push_back(mark_of(*event.update));
    }
    return out;
  }
};

/// A hub whose updates are claimed.
struct inbox_stage : testing::Test, hub_stage {
  std::unique_ptr<patient_receiver> bot = std::make_unique<patient_receiver>(actors.system());

  ~inbox_stage() override { end_bot(); }

  void start(updates_from from = updates_from::now) {
    begin(from);
    claim();
  }
  void claim() {
    caf::anon_send(hub, update_claim{bot->actor});
    actors.run();
  }
  void end_bot() {
    caf::anon_send_exit(bot->actor, caf::exit_reason::kill);
    bot->open.clear();
    actors.run();
  }
  void another_bot() {
    end_bot();
    bot = std::make_unique<patient_receiver>(actors.system());
    claim();
  }
  void another_hub(const inbox_bounds& bounds = {}) {
    caf::anon_send_exit(hub, caf::exit_reason::kill);
    actors.run();
    hub = spawn_update_hub(actors.system(), actors.services(), client, store, bounds);
  }
  void finish(std::size_t at = 0) {
    const auto next = std::next(bot->open.begin(), static_cast<std::ptrdiff_t>(at));
    caf::anon_send(bot->actor, caf::ok_atom_v, next->first);
    actors.run();
  }
  void refuse(errc code) {
    caf::anon_send(bot->actor, caf::flush_atom_v, bot->open.begin()->first, static_cast<int>(code));
    actors.run();
  }
  std::vector<storage::inbox_row> inbox() const {
    return read_inbox(*world->rows, 0, {.rows = 100'000, .octets = std::size_t{1} << 30})->records;
  }
  std::vector<storage::dead_letter> dead() const {
    return read_dead_letters(*world->rows, 0)->records;
  }
};

} // namespace cafegram::test
