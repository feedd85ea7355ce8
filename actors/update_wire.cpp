#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/update_hub_state.hpp>
#include <cafegram/base/log.hpp>

#include <caf/all.hpp>

#include <algorithm>

// What the connection brings, in its place.
namespace cafegram {

void update_hub_state::receive(const raw_updates& what) {
  last_sign = now();
  if (!started) {
    // Where this belongs is known when the state is.
    again = !kept.add(what.object) || again;
    return;
  }
  if (receivers->empty()) {
    // Taken from nobody: the state stays, and the first receiver gets the difference.
    again = true;
    return;
  }
  process(what.object, false);
  check();
}

void update_hub_state::process(const shared_bytes& object, bool own) {
  const auto batch = read_updates(*object, who.id);
  if (!batch) {
    log::warn("update_hub", "updates that cannot be read: {}", to_string(batch.error()));
  } else if (fetching && !own && batch->seq_start != 0) {
    // The difference that is under way may bring the same: its state will tell.
    again = !kept.add(object) || again;
  } else {
    process(*batch, own);
  }
}

/// Updates with a counter of their own go by that. The others of a container go by its `seq`: an
/// old one has been handed out, and what is beyond a gap comes with the difference.
void update_hub_state::process(const update_batch& batch, bool own) {
  users.note(*batch.peers);
  if (batch.too_long || names_strangers(batch)) {
    again = true;
    return;
  }
  if (batch.own) {
    move_counter(*batch.own);
  }
  const bool counted = batch.seq_start != 0 && state.seq != 0;
  const bool gap = counted && batch.seq_start > state.seq + 1;
  // What came before the counting began has been seen by nobody.
  const bool old = counted && batch.seq_start <= state.seq && !beginning;
  const auto peers = batch.short_form ? users.known(batch) : batch.peers;
  for (const auto& update : batch.updates) {
    const auto order = place_of(update).order;
    // A query has no counter and comes in no difference.
    if (order == update_order::common || order == update_order::secondary || is_query(update) ||
        (!gap && !old)) {
      place(update, peers, batch, own);
    }
  }
  if (gap) {
    again = true;
  } else if (batch.seq > state.seq) {
    state.seq = batch.seq;
    state.date = std::max(state.date, batch.date);
  }
}

/// Who a short form names is needed to answer; where that is unknown the difference tells.
/// Spec: "Working with Updates", "updateShortMessage".
bool update_hub_state::names_strangers(const update_batch& batch) const {
  return batch.short_form && !users.knows(batch, who.id);
}

void update_hub_state::place(const tl::Update& update,
                             const std::shared_ptr<const peers_seen>& peers,
                             const update_batch& batch, bool own) {
  const auto where = place_of(update);
  boxed_update what{update, peers, batch.date, own};
  if (where.order == update_order::common) {
    offer(common, std::move(what), where);
  } else if (where.order == update_order::secondary) {
    offer(secondary, std::move(what), where);
  } else {
    deliver(what);
  }
}

void update_hub_state::offer(protocol::update_box& box, boxed_update what,
                             const update_place& place) {
  if (beginning && place.value <= (&box == &common ? beginning->pts : beginning->qts)) {
    deliver(what);
    return;
  }
  const auto token = next_token++;
  held.emplace(token, std::move(what));
  settle(box.offer(protocol::update_token{token}, place.value, place.count, now()));
}

void update_hub_state::settle(const protocol::box_verdict& verdict) {
  for (const auto token : verdict.drop) {
    held.erase(static_cast<std::uint64_t>(token));
  }
  if (verdict.apply.empty()) {
    return;
  }
  // Told to the store first: who has seen an update may rely on it that no later hub brings it
  // again. A hub dies between two messages, never between these two steps.
  state.pts = common.value().value_or(state.pts);
  state.qts = secondary.value().value_or(state.qts);
  save();
  for (const auto token : verdict.apply) {
    const auto found = held.find(static_cast<std::uint64_t>(token));
    const auto what = std::move(found->second);
    held.erase(found);
    if (what.update) {
      deliver(what);
    }
  }
}

void update_hub_state::move_counter(const update_place& place) {
  // Nothing to hand out, but without it the next update would look like a gap.
  offer(common, {}, place);
}

void update_hub_state::suspect(const updates_suspect& why) {
  log::debug("update_hub", "difference, because {}", why.reason);
  again = true;
  check();
}

void update_hub_state::own(const own_result& what) {
  if (!started) {
    return;
  }
  if (const auto place = place_of_result(*what.object)) {
    move_counter(*place);
  } else {
    process(what.object, true);
  }
  check();
}

} // namespace cafegram
