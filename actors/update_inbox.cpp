#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/inbox_rows.hpp>
#include <cafegram/actors/protections.hpp>
#include <cafegram/actors/update_hub_state.hpp>
#include <cafegram/base/log.hpp>

#include <caf/all.hpp>

#include <algorithm>
#include <bit>
#include <iterator>

// From the boxes into the store, from there to the receivers, until each update is finished.
namespace cafegram {

namespace {

constexpr std::chrono::seconds after_failed_write{5};
/// So many go to a receiver in one message: it begins with them while the next are made ready.
constexpr std::size_t most_together = 64;
/// Typed, or it would not learn who has sent them.
using batch_receiver = caf::typed_actor<caf::reacts_to<update_events>>;
/// A bot that is stopped and started again finds what it has left.
constexpr std::chrono::minutes inheritance{1};

/// Behind those of earlier hubs and processes, for they were given from the same clock.
std::uint64_t first_number(wall_time now) {
  const auto since = std::chrono::floor<std::chrono::microseconds>(now.time_since_epoch()).count();
  return static_cast<std::uint64_t>(since);
}

} // namespace

/// What waits for the write before is given to the store; nobody is left to hear how that went.
update_hub_state::~update_hub_state() {
  if (!came.empty()) {
    caf::anon_send(store, peers_came{.account = who.id, .seen = std::move(came)});
  }
  if (unwritten) {
    caf::anon_send(store, session_change{.apply = {}, .progress = std::move(unwritten)});
    std::ranges::move(std::exchange(ends_unwritten, {}), std::back_inserter(ends_in_write));
  }
  ends_refused(error::make(errc::cancelled, "the hub has ended"));
  forget_followed(error::make(errc::connection_lost, "the hub has ended"));
}

// -- at the beginning ---------------------------------------------------------------------------

/// What was told to the store before is written first: a hub that is started again finds it.
void update_hub_state::open_inbox() {
  ledger.clear();
  self->request(store, look_up_patience, caf::flush_atom_v)
      .then([this, of = life]() { read_inbox(0, of); },
            [this, of = life](const caf::error& why) { store_failed(why, of); });
}

void update_hub_state::read_inbox(std::uint64_t after, std::uint64_t of) {
  if (of != life) {
    return;
  }
  self->request(store, look_up_patience, inbox_request{after})
      .then(
          [this, of](const inbox_page& page) {
            if (of == life) {
              take_inbox(*page.content);
            }
          },
          [this, of](const caf::error& why) { store_failed(why, of); });
}

void update_hub_state::store_failed(const caf::error& why, std::uint64_t of) {
  if (of == life) {
    log::error("update_hub", "the store cannot be read: {}", to_string(to_error(why)));
    retry_at = now() + waits.take(*services.random);
    check();
  }
}

void update_hub_state::take_inbox(const storage::inbox_content& content) {
  ledger.set_stored(content.stored);
  if (content.dead) {
    ledger.set_dead(*content.dead);
    drop_dead_letters(); // of a program that had another bound, or none
  }
  ledger.set_by_chat(true); // whoever comes: so much may be there that memory comes first
  last_number = std::max(last_number, content.last);
  for (auto& [number, entry] : entries_of(content)) {
    ledger.add(number, std::move(entry));
  }
  if (content.more) {
    read_inbox(content.last, life);
    return;
  }
  waits.reset();
  inbox_of = who.id;
  last_number = std::max(last_number, first_number(services.clock->wall_now()));
  const auto unfinished = ledger.picture();
  if (unfinished.rows > 0) {
    log::info("update_hub", "{} updates are not finished and handed out again",
              unfinished.rows + unfinished.stored_rows);
  }
  write();
  find_beginning();
}

// -- in -----------------------------------------------------------------------------------------

/// Of what nothing counts no end may come, and nobody who has it stands behind: while nobody
/// listens, and where there is no room, it is not worth a row.
void update_hub_state::accept(const protocol::update_item& item, bool counted) {
  const auto& what = static_cast<const handed_update&>(*item.body);
  if (what.own || !what.update) {
    return;
  }
  auto update = std::make_shared<received_update>();
  const auto when = what.date != 0 ? static_cast<std::uint64_t>(what.date) : last_number + 1;
  update->identity = identity_of(who.id, what.update, when);
  if (is_query(what.update) && !queries.add(update->identity)) {
    return;
  }
  update->update = what.update;
  update->peers = what.peers;
  update->date = what.date;
  update->account = who.id;
  const bool worth_a_row = protections::inbox && (counted || (heard() && !ledger.full()));
  keep(std::move(update), item.box.channel,
       worth_a_row && item.role != protocol::update_role::transient);
}

void update_hub_state::keep(std::shared_ptr<const received_update> update, std::int64_t channel,
                            bool in_store) {
  inbox_entry entry{.update = std::move(update), .channel = channel};
  entry.kept = in_store;
  ++last_number;
  if (in_store) {
    const auto row = cafegram::row_of(*entry.update, last_number, services.clock->wall_now());
    entry.chat = conversation_of(row, channel);
    entry.album = album_in(entry.update->update);
    entry.octets = octets_of(row);
    entry.received_at = row.received_at;
    auto& written = next_write().rows;
    storage::batch rows{std::move(written)};
    put(rows, row);
    written = std::move(rows.changes);
  }
  const auto dropped = ledger.dropped();
  ledger.set_heard(heard());
  ledger.set_by_chat(finisher && receivers->empty());
  ledger.add(last_number, std::move(entry));
  if (ledger.dropped() != dropped && std::has_single_bit(ledger.dropped())) {
    log::warn("update_hub", "{} updates that come once are dropped, for nobody takes them in time",
              ledger.dropped());
  }
}

storage::update_progress& update_hub_state::next_write() {
  if (!unwritten) {
    unwritten = std::make_shared<storage::update_progress>();
    unwritten->account = who.id;
  }
  return *unwritten;
}

void update_hub_state::add_rows(storage::batch&& rows) {
  auto& to = next_write().rows;
  if (to.empty()) {
    to = std::move(rows.changes);
  } else {
    std::ranges::move(rows.changes, std::back_inserter(to));
  }
}

/// One write at a time; what comes meanwhile goes with the next one. Handed out is only what is
/// written, so whatever happens to the process, it comes again until it is finished.
void update_hub_state::write() {
  if (writing > 0 || stuck) {
    return;
  }
  tell_peers();
  if (!unwritten) {
    ledger.written(last_number);
    hand_out();
    return;
  }
  give_to_store();
}

/// Rows of an earlier write that is under way are not written yet: the answer waits for them too.
void update_hub_state::give_to_store() {
  const bool at_once = writing > 0 || stuck || !unwritten->rows.empty();
  ++writing;
  sent_number = last_number;
  // No deadline: what is not known to be written is not handed out. The store's death is an answer
  // too, for the client monitors it and ends with all its parts.
  self->request(store, caf::infinite,
                session_change{.apply = {}, .at_once = at_once, .progress = std::move(unwritten)})
      .then(
          [this, number = last_number]() {
            --writing;
            wrote(number);
          },
          [this](const caf::error& why) {
            --writing;
            not_written(why);
          });
  unwritten = nullptr;
  std::ranges::move(std::exchange(ends_unwritten, {}), std::back_inserter(ends_in_write));
}

void update_hub_state::wrote(std::uint64_t number) {
  stuck = false;
  ends_written();
  ledger.written(number);
  hand_out();
  write();
  look_for_room();
  check();
}

/// The store tries by itself; until it has succeeded nothing is handed out, and nothing taken.
void update_hub_state::not_written(const caf::error& why) {
  log::error("update_hub", "updates are not written: {}", to_string(to_error(why)));
  stuck = true;
  write_at = now() + after_failed_write;
  look_for_room();
  check();
}

void update_hub_state::try_to_write() {
  write_at.reset();
  self->request(store, look_up_patience, caf::flush_atom_v)
      .then([this, number = sent_number]() { wrote(number); },
            [this](const caf::error& why) { not_written(why); });
}

// -- out ----------------------------------------------------------------------------------------

void update_hub_state::hand_out() {
  if (handing_out) {
    return; // a receiver that drops one has called: all goes on in its order
  }
  handing_out = true;
  while (finisher) {
    const auto number = ledger.give();
    if (number == 0) {
      break;
    }
    give(number, *ledger.find(number));
  }
  send_batch();
  while (!receivers->empty()) {
    const auto number = ledger.show();
    if (number == 0) {
      break;
    }
    auto& entry = *ledger.find(number);
    entry.holders = receivers->size();
    entry.answered = false;
    receivers->add({entry.update, number, entry.kept, entry.failures});
  }
  handing_out = false;
}

void update_hub_state::give(std::uint64_t number, const inbox_entry& entry) {
  update_event event{entry.update, number, entry.kept, entry.failures};
  if (!entry.sends.empty()) {
    auto sends = std::make_shared<std::vector<made_send>>();
    for (const auto& one : entry.sends) {
      sends->push_back({one.random_id, static_cast<std::int32_t>(one.sent_id.value_or(0)), one.date,
                        one.was_duplicate});
    }
    event.sends = std::move(sends);
  }
  if (in_batches) {
    batch.events.push_back(std::move(event));
    if (batch.events.size() == most_together) {
      send_batch();
    }
    return;
  }
  self->request(finisher, caf::infinite, std::move(event))
      .then([this, number]() { finish(number); },
            [this, number, of = claim](const caf::error& why) {
              const auto error = to_error(why);
              if (of == claim && error.code != errc::cancelled) {
                give_up(number, to_string(error));
              }
            });
}

void update_hub_state::send_batch() {
  if (!batch.events.empty()) {
    self->send(caf::actor_cast<batch_receiver>(finisher), std::exchange(batch, {}));
  }
}

void update_hub_state::settled(std::uint64_t number, update_fanout::fate how) {
  auto* entry = ledger.find(number);
  if (entry != nullptr && entry->holders > 0) {
    --entry->holders;
    entry->answered = entry->answered || how == update_fanout::fate::answered;
    // A bot that is started again finds also what has come meanwhile.
    const bool finished_by_others = finisher || entry->given || inherit_at;
    if (entry->holders == 0 && !(entry->kept && finished_by_others)) {
      if (entry->answered || !entry->kept) {
        finish(number);
      } else {
        ledger.show_again(number);
      }
    }
  }
  look_for_room();
  check();
}

/// They are dealt with, whoever else has them: in one change, for they may have been handled as
/// one.
void update_hub_state::finish(const std::vector<std::uint64_t>& numbers) {
  bool any = false;
  storage::batch rows;
  rows.changes.reserve(numbers.size());
  for (const auto number : numbers) {
    const auto* entry = ledger.find(number);
    if (entry == nullptr) {
      continue;
    }
    if (entry->kept) {
      erase_inbox(rows, number);
      for (const auto& send : entry->sends) {
        erase_send(rows, number, send.place);
      }
    }
    ledger.erase(number);
    any = true;
  }
  if (any) {
    if (!rows.empty()) {
      add_rows(std::move(rows));
    }
    write();
    look_for_room();
  }
}

void update_hub_state::give_up(const std::vector<std::uint64_t>& numbers, const std::string& why) {
  bool any = false;
  for (const auto number : numbers) {
    const auto* entry = ledger.find(number);
    if (entry == nullptr) {
      continue;
    }
    log::error("update_hub", "update {} ({}) goes to the dead letters: {}", number,
               entry->update->identity, why);
    if (entry->kept) {
      auto row = row_of(*entry, number);
      row.last_failure = why;
      row.failures += 1;
      bury({std::move(row), seconds_now()}, entry->sends);
    }
    ledger.erase(number);
    any = true;
  }
  if (any) {
    write();
    look_for_room();
  }
}

/// Counted where it outlives the process; the receiver tries again by itself.
void update_hub_state::failed(const update_failed& what) {
  auto* entry = ledger.find(what.number);
  if (entry == nullptr || !entry->kept) {
    return;
  }
  ++entry->failures;
  entry->last_failure = what.why;
  storage::batch rows;
  put(rows, row_of(*entry, what.number));
  add_rows(std::move(rows));
  write();
}

/// It goes with the update: where that is finished by the time of the next write, neither is there.
void update_hub_state::sent(const update_sent& what) {
  auto* entry = ledger.find(what.number);
  if (entry == nullptr || !entry->kept) {
    return;
  }
  storage::send_record record;
  record.number = what.number;
  record.place = static_cast<std::uint32_t>(entry->sends.size());
  record.random_id = what.what->random_id;
  record.settled = true;
  if (what.what->sent_id != 0) {
    record.sent_id = what.what->sent_id;
  }
  record.date = what.what->date;
  record.was_duplicate = what.what->was_duplicate;
  storage::batch rows;
  put(rows, record);
  add_rows(std::move(rows));
  entry->sends.push_back(std::move(record));
  ledger.grow(what.number, octets_of_send);
  write();
}

void update_hub_state::waits_for(const update_waits& what) {
  ledger.set_waiting(what.number, what.waits);
  look_for_room();
  check();
}

storage::inbox_row update_hub_state::row_of(const inbox_entry& entry, std::uint64_t number) const {
  auto out = cafegram::row_of(*entry.update, number, services.clock->wall_now());
  out.received_at = entry.received_at;
  out.failures = entry.failures;
  out.last_failure = entry.last_failure;
  return out;
}

std::int64_t update_hub_state::seconds_now() const {
  return std::chrono::floor<std::chrono::seconds>(services.clock->wall_now())
      .time_since_epoch()
      .count();
}

// -- receivers ----------------------------------------------------------------------------------

/// Who finishes updates has them all already.
void update_hub_state::subscribe(const caf::actor& receiver) {
  if (finisher != receiver) {
    receivers->subscribe(receiver);
  }
  hand_out();
  look_for_room();
  check();
}

/// By the same one again: what it has it ends as it got it, what comes next comes as it says now.
void update_hub_state::claimed(const update_claim& by) {
  if (finisher == by.receiver) {
    in_batches = by.in_batches;
    return;
  }
  if (finisher) {
    self->demonitor(finisher.address());
    ledger.take_back();
  }
  finisher = by.receiver;
  in_batches = by.in_batches;
  ++claim;
  inherit_at.reset();
  self->monitor(finisher);
  hand_out();
  receivers->remove(caf::actor_cast<caf::actor_addr>(finisher));
  look_for_room();
  check();
}

void update_hub_state::receiver_ended(const caf::down_msg& down) {
  if (finisher == down.source) {
    finisher = nullptr;
    ++claim;
    ledger.take_back();
    inherit_at = now() + inheritance;
  }
  receivers->remove(down.source);
  hand_out();
  look_for_room();
  check();
}

/// What the others have answered is finished, for nobody else comes; what they have not they see
/// again.
void update_hub_state::inherit() {
  inherit_at.reset();
  if (finisher || receivers->empty()) {
    return;
  }
  for (const auto number : ledger.left_over()) {
    if (ledger.find(number)->answered) {
      finish(number);
    } else {
      ledger.show_again(number);
    }
  }
  hand_out();
  look_for_room();
}

} // namespace cafegram
