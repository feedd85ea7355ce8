#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/invoke.hpp>
#include <cafegram/actors/update_hub_state.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/protocol/update_table.hpp>
#include <cafegram/storage/peers.hpp>

#include <caf/all.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

// What the boxes ask for, and what they hand out. Spec: "Recovering gaps".
namespace cafegram {

namespace {

/// What comes while a write is under way is told with the next one; but so much is enough.
constexpr std::size_t most_held_back = 64;

/// None: the answer could not be read.
protocol::difference_failure failure_of(const std::optional<error>& why) {
  if (!why || why->code == errc::malformed || why->code == errc::limit) {
    return protocol::difference_failure::unreadable;
  }
  return why->rpc ? protocol::failure_of(*why->rpc) : protocol::difference_failure::later;
}

template <class T>
std::optional<error> error_of(const result<T>& answer) {
  return answer ? std::nullopt : std::optional{answer.error()};
}

std::string_view name_of(protocol::box_kind box) {
  switch (box) {
  case protocol::box_kind::common:
  case protocol::box_kind::channel:
    return "pts";
  case protocol::box_kind::secondary:
    return "qts";
  case protocol::box_kind::sequence:
    return "seq";
  case protocol::box_kind::none:
    break;
  }
  return "none";
}

std::string_view name_of(protocol::loss why) {
  switch (why) {
  case protocol::loss::too_long:
    return "too long";
  case protocol::loss::forbidden:
    return "forbidden";
  case protocol::loss::too_old:
    return "too old";
  case protocol::loss::not_wanted:
    return "not wanted";
  case protocol::loss::place_lost:
    return "place lost";
  case protocol::loss::never_came:
    return "never came";
  case protocol::loss::no_room:
    return "no room";
  }
  return "unknown";
}

} // namespace

/// Channels that it names are looked up before anything is written: behind the account's place
/// nobody names them again, so that is written together with what is owed of them.
void update_hub_state::apply(protocol::update_outcome&& outcome) {
  take(outcome);
  auto& channels = outcome.load_channels;
  std::vector<protocol::update_outcome> found;
  for (std::size_t at = 0; at < channels.size(); ++at) {
    auto& one = found.emplace_back(look_up(channels[at]));
    take(one);
    std::ranges::move(one.load_channels, std::back_inserter(channels));
  }
  write();
  ask(std::move(outcome));
  for (auto& one : found) {
    ask(std::move(one));
  }
  look_for_room();
}

void update_hub_state::take(const protocol::update_outcome& outcome) {
  note_places(outcome);
  for (const auto& one : outcome.told) {
    if (const auto* lost = std::get_if<protocol::updates_lost>(&one)) {
      tell(*lost);
      continue;
    }
    const auto& accepted = std::get<protocol::accepted_updates>(one);
    for (const auto& item : accepted.updates) {
      accept(item, accepted.box.kind != protocol::box_kind::none);
    }
  }
}

/// They are written together with the updates before them, so none is ever ahead of the inbox.
void update_hub_state::note_places(const protocol::update_outcome& outcome) {
  if (!outcome.save && outcome.save_channels.empty() && !outcome.forget_all && !outcome.doubt_all) {
    return;
  }
  auto& to = next_write();
  if (outcome.forget_all) {
    places.clear();
    to.forget = true;
    to.channels.clear();
  }
  if (outcome.save) {
    to.counters = {outcome.save->pts, outcome.save->qts, outcome.save->date, outcome.save->seq,
                   outcome.save->named_until};
  }
  const auto put = [&to](const protocol::channel_place& place) {
    to.channels.emplace_back(place.channel, storage::channel_counter{place.pts, place.unsure,
                                                                     place.closed, place.since});
  };
  if (outcome.doubt_all) {
    for (auto& [channel, place] : places) {
      if (!place.closed && !std::exchange(place.unsure, true)) {
        put(place);
      }
    }
  }
  for (const auto& place : outcome.save_channels) {
    places[place.channel] = place;
    put(place);
  }
}

/// The store has them before the updates that they came with, and writes both together.
void update_hub_state::note_peers(std::shared_ptr<const peers_seen> peers) {
  users.note(*peers);
  if (peers->users.empty() && peers->chats.empty()) {
    return;
  }
  came.push_back(std::move(peers));
  if (came.size() == most_held_back) {
    tell_peers();
  }
}

void update_hub_state::tell_peers() {
  if (!came.empty()) {
    self->send(store, peers_came{.account = who.id, .seen = std::exchange(came, {})});
  }
}

/// It takes the place of what it is about, so it is kept as that would be; while nobody hears it,
/// one for each box.
void update_hub_state::tell(const protocol::updates_lost& what) {
  const auto box = name_of(what.box.kind);
  const auto before = ledger.last_note(what.box.channel, std::string{box});
  auto* joined = before != 0 ? ledger.find(before) : nullptr;
  if (joined != nullptr && heard() && joined->update->lost->to != what.from) {
    joined = nullptr;
  }
  const auto from = joined != nullptr ? joined->update->lost->from : what.from;
  const auto to = what.to ? std::to_string(*what.to) : "?";
  auto note = std::make_shared<received_update>();
  note->identity = fmt::format("lost/{}/{}/{}/{}-{}", who.id, what.box.channel, box, from, to);
  note->peers = std::make_shared<peers_seen>();
  note->account = who.id;
  note->lost = lost_updates{what.box.channel, std::string{box}, from, what.to,
                            std::string{name_of(what.why)}};
  log::warn("update_hub", "updates are lost, {}: {} of {}, from {} to {}", note->lost->why, box,
            what.box.channel == 0 ? "the account" : "channel " + std::to_string(what.box.channel),
            what.from, to);
  if (joined == nullptr) {
    keep(std::move(note), what.box.channel, true);
    return;
  }
  joined->update = std::move(note);
  storage::batch rows;
  put(rows, row_of(*joined, before));
  add_rows(std::move(rows));
}

// -- questions ----------------------------------------------------------------------------------

void update_hub_state::ask(protocol::update_outcome&& outcome) {
  if (outcome.ask_place) {
    ask_place();
  }
  if (outcome.ask) {
    when_there_is_room([this, from = *outcome.ask] { ask_difference(from); });
  }
  for (const auto& one : outcome.ask_channels) {
    when_there_is_room([this, one] { ask_channel(one); });
  }
  if (outcome.load_unsure) {
    load_unsure(*outcome.load_unsure);
  }
}

/// What an answer would bring stays with the server until the receivers have taken what they have.
void update_hub_state::when_there_is_room(std::function<void()> question) {
  if (may_ask()) {
    question();
  } else {
    questions.push_back(std::move(question));
  }
}

void update_hub_state::ask_place() {
  invoke(self, client, tl::updates::getState{},
         [this, of = life](const result<tl::updates::State>& answer) {
           if (of != life) {
             return;
           }
           const auto* there = answer ? tl::get_if<tl::updates::state>(*answer) : nullptr;
           apply(there != nullptr
                     ? boxes->place({there->pts, there->qts, there->date, there->seq}, now())
                     : boxes->place_failed({}, now()));
           check();
         });
}

void update_hub_state::ask_difference(const protocol::account_place& from) {
  invoke(self, client,
         tl::updates::getDifference{.pts = from.pts, .date = from.date, .qts = from.qts},
         [this, of = life](const result<tl::updates::Difference>& answer) {
           if (of != life) {
             return;
           }
           auto peers = std::make_shared<peers_seen>();
           auto some = answer ? difference_of(*answer, *peers) : std::nullopt;
           note_peers(std::move(peers));
           if (some) {
             some->server_time = static_cast<std::int32_t>(seconds_now());
             apply(boxes->difference(*std::move(some), now()));
           } else {
             const auto why = error_of(answer);
             log::info("update_hub", "no difference yet: {}",
                       why ? to_string(*why) : "it is of a newer schema");
             apply(boxes->difference_failed(failure_of(why), {}, now()));
           }
           check();
         });
}

void update_hub_state::ask_channel(const protocol::channel_question& from) {
  with_address(
      from.channel, [this, from](std::int64_t hash) { ask_channel_at(from, hash); },
      [this, id = from.channel](protocol::difference_failure why) {
        apply(boxes->difference_of_failed(id, why, {}, now()));
        check();
      });
}

/// `then` gets what addresses the channel. One that was seen last before this hub began is looked
/// up. Few are asked about at once: one whose answer does not come is not to hold the others up.
void update_hub_state::with_address(
    std::int64_t channel, const std::function<void(std::int64_t hash)>& then,
    const std::function<void(protocol::difference_failure)>& failed) {
  const auto hash = users.channel_hash(channel);
  if (hash || who.bot) {
    // Bots are known to their channels by themselves: they may leave the hash out.
    then(hash.value_or(0));
    return;
  }
  self->request(store, look_up_patience, peer_lookup{peer_name::channel(channel)})
      .then(
          [this, channel, then, failed, of = life](const peer_found& found) {
            if (of != life) {
              return;
            }
            if (found.peer && !found.peer->seen_in) {
              users.note_address(channel, found.peer->access_hash);
            }
            // Somebody may have told of it meanwhile.
            if (const auto known = users.channel_hash(channel)) {
              then(*known);
            } else {
              failed(protocol::difference_failure::no_address);
            }
          },
          [this, failed, of = life](const caf::error& why) {
            log::error("update_hub", "a channel cannot be looked up: {}", to_string(to_error(why)));
            if (of == life) {
              failed(protocol::difference_failure::later);
            }
          });
}

void update_hub_state::ask_channel_at(const protocol::channel_question& from, std::int64_t hash) {
  const auto id = from.channel;
  invoke(self, client,
         tl::updates::getChannelDifference{
             .channel = tl::inputChannel{.channel_id = id, .access_hash = hash},
             .filter = tl::channelMessagesFilterEmpty{},
             .pts = from.pts,
             .limit = from.limit},
         [this, of = life, id](const result<tl::updates::ChannelDifference>& answer) {
           if (of != life) {
             return;
           }
           auto peers = std::make_shared<peers_seen>();
           auto some = answer ? difference_of(*answer, id, *peers) : std::nullopt;
           note_peers(std::move(peers));
           if (some) {
             some->server_time = static_cast<std::int32_t>(seconds_now());
             apply(boxes->difference_of(id, *std::move(some), now()));
           } else {
             const auto why = error_of(answer);
             log::info("update_hub", "no difference of channel {}: {}", id,
                       why ? to_string(*why) : "it is of a newer schema");
             apply(boxes->difference_of_failed(id, failure_of(why), {}, now()));
           }
           check();
         });
}

// -- places of channels -------------------------------------------------------------------------

protocol::update_outcome update_hub_state::look_up(std::int64_t channel) {
  const auto found = places.find(channel);
  return boxes->loaded(channel, found == places.end() ? std::nullopt : std::optional{found->second},
                       now());
}

void update_hub_state::load_unsure(const protocol::unsure_page& page) {
  std::vector<protocol::channel_place> out;
  for (auto it = places.upper_bound(page.beyond); it != places.end() && out.size() < page.most;
       ++it) {
    if (it->second.unsure) {
      out.push_back(it->second);
    }
  }
  apply(boxes->loaded_unsure(out, now()));
}

} // namespace cafegram
