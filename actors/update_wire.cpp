#include <cafegram/actors/update_hub_state.hpp>
#include <cafegram/base/log.hpp>

#include <caf/all.hpp>

// What the connection brings, to its boxes.
namespace cafegram {

void update_hub_state::receive(const raw_updates& what) {
  if (!started) {
    // Where this belongs is known when the place is.
    crowded = !kept.add(what.object) || crowded;
    return;
  }
  process(what.object, false);
  check();
}

void update_hub_state::process(const shared_bytes& object, bool own) {
  if (auto container = read(object, own)) {
    apply(boxes->receive(*std::move(container), now()));
  } else if (!own) {
    apply(boxes->suspect(now()));
  }
}

/// Who a short form names is needed to answer; where that is unknown the difference tells.
/// Spec: "Recovering gaps", "Incomplete update".
std::optional<protocol::update_container> update_hub_state::read(const shared_bytes& object,
                                                                 bool own) {
  const auto said = read_updates(*object, who.id);
  if (!said) {
    log::warn("update_hub", "updates that cannot be read: {}", to_string(said.error()));
    return {};
  }
  note_peers(said->peers);
  const bool strangers = said->short_form && !users.knows(*said, who.id);
  return container_of(
      *said, {said->short_form ? users.known(*said) : said->peers, said->date, own, strangers});
}

void update_hub_state::suspect(const updates_suspect& why) {
  log::debug("update_hub", "difference, because {}", why.reason);
  if (started) {
    apply(boxes->suspect(now()));
    check();
  }
}

void update_hub_state::own(const own_result& what) {
  if (!started) {
    // Where it belongs tells the state that is asked for; but who is who nobody tells again.
    self->send(store, peers_came{.account = what.account, .result = what.object});
    return;
  }
  if (const auto place = place_of_result(*what.object)) {
    // Nothing to hand out, but without it the next update would look like a gap.
    protocol::update_container step;
    step.own = true;
    step.items.push_back(step_of(*place));
    apply(boxes->receive(std::move(step), now()));
  } else {
    process(what.object, true);
  }
  check();
}

} // namespace cafegram
