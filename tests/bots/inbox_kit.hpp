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
    held_ends_.clear();
    held_loads_.clear();
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
              [this, self](const update_events& batch) { self->send(bot_, batch); },
              [this](const update_failed& what) { failures_.push_back(what.number); },
              [this](const update_sent& what) { sends_[what.number].push_back(*what.what); },
              [this, self](const updates_finished& what) -> caf::result<void> {
                (what.given_up ? buried_ : together_).push_back(what.numbers);
                why_buried_ = what.given_up.value_or(why_buried_);
                return keep(self, what);
              },
              [this](caf::ok_atom, bool written) {
                written ? held_ends_.back().deliver(caf::unit)
                        : held_ends_.back().deliver(
                              to_caf(error::make(errc::unknown_outcome, "the hub has ended")));
                held_ends_.pop_back();
              },
              [this, self](const value_request& what) -> caf::result<stored_value> {
                loaded_.push_back(what.key);
                EXPECT_EQ(what.account, account_);
                if (hold_loads_) {
                  held_loads_.push_back(self->make_response_promise<stored_value>());
                  return held_loads_.back();
                }
                if (unreadable_) {
                  return to_caf(error::make(errc::storage, "not now"));
                }
                const auto found = values_.find({what.chat, what.key});
                return found != values_.end() ? stored_value{found->second} : stored_value{};
              },
              [this](const update_waits& what) { waits_[what.number] = what.waits; }};
    });
  }
  void hand(update_event event) {
    caf::anon_send(hub_, std::move(event));
    settle();
  }
  /// The same, as it does with a bot that takes them in batches.
  void hand_together(std::vector<update_event> events) {
    caf::anon_send(hub_, update_events{std::move(events)});
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
    received->account = account_;
    return {received, number};
  }

  /// As the store of an account does; where ends are held nobody hears that it has.
  caf::result<void> keep(caf::event_based_actor* self, const updates_finished& what) {
    if (!what.values) {
      return caf::unit;
    }
    EXPECT_EQ(what.account, account_);
    ends_with_values_.push_back(what.numbers);
    for (const auto& one : *what.values) {
      if (one.erased) {
        values_.erase({what.chat, one.key});
      } else {
        values_[{what.chat, one.key}] = one.value;
      }
    }
    if (hold_ends_) {
      held_ends_.push_back(self->make_response_promise());
      return held_ends_.back();
    }
    return caf::unit;
  }
  /// Of the end that was told last and is held.
  void answer_end(bool written) {
    caf::anon_send(hub_, caf::ok_atom_v, written);
    settle();
  }
  std::string value(const person& of, const std::string& key) const {
    const auto found = values_.find({of.id, key});
    return found != values_.end() ? found->second : "none";
  }

  caf::actor hub_;
  std::int64_t account_ = bot_id; ///< whose updates and values come
  std::map<std::pair<std::int64_t, std::string>, std::string> values_; ///< by chat and key
  std::vector<numbers> ends_with_values_;
  std::vector<std::string> loaded_; ///< keys that were asked for
  bool unreadable_ = false;
  bool hold_loads_ = false; ///< they are never answered
  std::vector<caf::typed_response_promise<stored_value>> held_loads_;
  bool hold_ends_ = false;
  std::vector<caf::response_promise> held_ends_;
  numbers finished_;
  std::vector<numbers> together_; ///< finished in one change
  std::vector<numbers> buried_;   ///< given up in one change
  std::string why_buried_;        ///< those of the last such
  numbers failures_;
  std::map<std::uint64_t, errc> refused_;
  std::map<std::uint64_t, std::vector<made_send>> sends_;
  std::map<std::uint64_t, bool> waits_;
};

} // namespace cafegram::test
