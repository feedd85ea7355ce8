#pragma once

#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/interfaces.hpp>

#include <caf/all.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace cafegram::test {

/// A connector that answers when a test says so, or never.
class late_connector {
public:
  explicit late_connector(caf::actor_system& in)
    : actor_{in.spawn(behavior, state_)} {}
  late_connector(const late_connector&) = delete;
  late_connector& operator=(const late_connector&) = delete;
  ~late_connector() { caf::anon_send_exit(actor_, caf::exit_reason::kill); }

  const connector_actor& actor() const { return actor_; }
  /// How often it was asked.
  std::size_t asked() const { return state_->asked; }

  /// Answers one request; they are numbered from 0 on.
  void answer(std::size_t which, connected with) {
    act([which, with = std::move(with)](promises& held) { held.at(which).deliver(with); });
  }
  void refuse(std::size_t which, const error& why) {
    act([which, why](promises& held) { held.at(which).deliver(to_caf(why)); });
  }

private:
  using promises = std::vector<caf::typed_response_promise<connected>>;
  struct state {
    std::size_t asked = 0;
    std::deque<std::function<void(promises&)>> to_do;
  };

  /// Only the actor itself may deliver what it has promised.
  static connector_actor::behavior_type behavior(connector_actor::pointer self,
                                                 std::shared_ptr<state> told) {
    auto held = std::make_shared<promises>();
    return {[self, held, told](const connect_request&) {
              ++told->asked;
              held->push_back(self->make_response_promise<connected>());
              return held->back();
            },
            [held, told](poll_atom) {
              told->to_do.front()(*held);
              told->to_do.pop_front();
            }};
  }
  void act(std::function<void(promises&)> what) {
    state_->to_do.push_back(std::move(what));
    caf::anon_send(actor_, poll_atom_v);
  }

  std::shared_ptr<state> state_ = std::make_shared<state>();
  connector_actor actor_;
};

} // namespace cafegram::test
