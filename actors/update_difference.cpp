#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/invoke.hpp>
#include <cafegram/actors/update_hub_state.hpp>
#include <cafegram/base/log.hpp>

#include <caf/all.hpp>

#include <algorithm>

// Catching up. Spec: "updates.getDifference".
namespace cafegram {

void update_hub_state::fetch_difference() {
  fetching = true;
  again = false;
  common.begin_difference();
  secondary.begin_difference();
  last_sign = now();
  invoke(self, client,
         tl::updates::getDifference{.pts = state.pts, .date = state.date, .qts = state.qts},
         [this, of = life, asked = state](const result<tl::updates::Difference>& answer) {
           if (of != life) {
             return;
           }
           fetching = false;
           if (answer) {
             take_difference(*answer, asked);
           } else {
             difference_refused(answer.error());
           }
         });
}

/// A place that the server does not have (it has lost its latest, or was put back) it never will.
void update_hub_state::difference_refused(const error& why) {
  if (why.is_rpc("PERSISTENT_TIMESTAMP_INVALID") || why.is_rpc("PERSISTENT_TIMESTAMP_EMPTY")) {
    log::warn("update_hub", "the server does not know pts {}: {}; going on from where it is",
              state.pts, to_string(why));
    fetch_state();
  } else {
    retry_later(why);
  }
}

void update_hub_state::take_difference(const tl::updates::Difference& answer,
                                       const storage::update_state& asked) {
  tl::match(
      answer,
      [this](const tl::updates::differenceEmpty& empty) {
        waits.reset();
        state.date = std::max(state.date, empty.date);
        state.seq = empty.seq;
        restart_boxes();
        finish_difference();
      },
      [this](const tl::updates::difference& whole) {
        waits.reset();
        apply_difference(whole, whole.state);
        finish_difference();
      },
      [this, &asked](const tl::updates::differenceSlice& part) {
        apply_difference(part, part.intermediate_state);
        go_on_after(asked);
      },
      [this, &asked](const tl::updates::differenceTooLong& gap) {
        log::warn("update_hub", "updates are lost between pts {} and {}", state.pts, gap.pts);
        state.pts = gap.pts;
        go_on_after(asked);
      },
      [this](const tl::unknown&) {
        log::warn("update_hub", "a difference that this schema does not know; going on after it");
        fetch_state();
      });
}

/// More is to come.
void update_hub_state::go_on_after(const storage::update_state& asked) {
  if (state.pts == asked.pts && state.qts == asked.qts) {
    retry_later(error::make(errc::malformed, "a part of a difference that leads nowhere"));
    return;
  }
  waits.reset();
  if (behind) {
    // The rest stays with the server until the receivers have taken this.
    again = true;
    finish_difference();
  } else {
    fetch_difference();
  }
}

template <class Difference>
void update_hub_state::apply_difference(const Difference& from, const tl::updates::State& to) {
  const auto peers = std::make_shared<peers_seen>();
  note_users(*peers, from.users);
  note_chats(*peers, from.chats);
  users.note(*peers);
  for (const auto& message : from.new_messages) {
    deliver({tl::updateNewMessage{.message = message, .pts = 0, .pts_count = 0}, peers, 0, false});
  }
  for (const auto& update : from.other_updates) {
    deliver({update, peers, 0, false});
  }
  if (const auto* known = tl::get_if<tl::updates::state>(to)) {
    take_state(*known);
  }
}

void update_hub_state::retry_later(const error& why) {
  retry_at = now() + waits.take(*services.random);
  log::info("update_hub", "no difference yet: {}", to_string(why));
  again = true;
  ticks.set(self, *retry_at, now());
}

void update_hub_state::finish_difference() {
  fetching = false;
  if (receivers->empty()) {
    return;
  }
  for (const auto& object : kept.take()) {
    process(object, false);
  }
  beginning.reset();
  check();
}

} // namespace cafegram
