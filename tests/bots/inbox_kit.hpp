#pragma once

#include <cafegram/actors/errors.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "fixture.hpp"

namespace cafegram::test {

using numbers = std::vector<std::uint64_t>;

/// A bot with the hub of an account that the test plays: it tells what it hears of its updates.
class bot_inbox : public bot_test {
protected:
  bot_inbox() { hub_ = spawn_hub(); }
  ~bot_inbox() override {
    caf::anon_send_exit(hub_, caf::exit_reason::user_shutdown);
    hub_ = nullptr;
  }

  /// Hands updates to the bot, as the hub of an account does.
  caf::actor spawn_hub() {
    return system_.spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {[this, self](const update_event& event) {
                const auto number = event.number;
                self->request(bot_, caf::infinite, event)
                    .then([this, number] { finished_.push_back(number); },
                          [this, number](const caf::error& why) {
                            refused_.emplace(number, to_error(why).code);
                          });
              },
              [this](const update_failed& what) { failures_.push_back(what.number); },
              [this](const update_sent& what) { sends_[what.number].push_back(*what.what); },
              [this](const updates_finished& what) {
                (what.given_up ? buried_ : together_).push_back(what.numbers);
              },
              [this](const update_waits& what) { waits_[what.number] = what.waits; }};
    });
  }
  void hand(update_event event) {
    caf::anon_send(hub_, std::move(event));
    settle();
  }
  /// Its memory is gone with it: it hands out again what it had not heard of.
  void another_hub() {
    caf::anon_send_exit(hub_, caf::exit_reason::kill);
    settle();
    hub_ = spawn_hub();
  }
  update_event row(std::uint64_t number, const std::shared_ptr<const update_data>& data) {
    auto received = std::make_shared<received_update>();
    received->identity = data->identity;
    received->update = data->update;
    received->peers = data->peers;
    received->account = bot_id;
    return {received, number};
  }

  caf::actor hub_;
  numbers finished_;
  std::vector<numbers> together_; ///< finished in one change
  std::vector<numbers> buried_;   ///< given up in one change
  numbers failures_;
  std::map<std::uint64_t, errc> refused_;
  std::map<std::uint64_t, std::vector<made_send>> sends_;
  std::map<std::uint64_t, bool> waits_;
};

} // namespace cafegram::test
