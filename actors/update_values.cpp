#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/update_hub_state.hpp>
#include <cafegram/storage/chat_values.hpp>

#include <caf/all.hpp>

#include <algorithm>
#include <ranges>

// Ends of updates, and values of chats that are written together with them.
namespace cafegram {

namespace {

/// What is on its way when the account becomes another one is not to be read or written as that
/// one's: chats may have the same ids.
error of_another_account() {
  return error::make(errc::cancelled, "the account is another one");
}

} // namespace

caf::result<void> update_hub_state::ended(const updates_finished& what) {
  if (what.given_up) {
    give_up(what.numbers, *what.given_up);
    return caf::unit;
  }
  if (what.values) {
    return ended_with_values(what);
  }
  finish(what.numbers);
  return caf::unit;
}

/// All of it is in `unwritten` before anything is given to the store, so it goes in one batch. A
/// row that is there no more was ended by the same values before, and they may be old by now. One
/// that is in the store alone ends when it is handed out.
caf::result<void> update_hub_state::ended_with_values(const updates_finished& what) {
  if (what.account != who.id) {
    return to_caf(of_another_account());
  }
  const bool any = what.numbers.empty() || std::ranges::any_of(what.numbers, [this](auto number) {
                     return ledger.knows(number);
                   });
  if (!any) {
    return caf::unit;
  }
  storage::batch rows;
  for (const auto& one : *what.values) {
    auto key = storage::chat_value_key(who.id, what.chat, one.key);
    if (one.erased) {
      rows.erase(storage::table::value, std::move(key));
    } else {
      rows.put(storage::table::value, std::move(key), storage::to_blob(as_bytes(one.value)));
    }
  }
  add_rows(std::move(rows));
  auto promise = self->make_response_promise();
  ends_unwritten.push_back(promise);
  finish(what.numbers);
  write(); // there may have been no row
  return promise;
}

/// What is not given to the store yet is here; the store knows what it has not written.
caf::result<stored_value> update_hub_state::value_of(const value_request& what) {
  if (what.account != who.id) {
    return to_caf(of_another_account());
  }
  auto key = storage::chat_value_key(who.id, what.chat, what.key);
  if (unwritten) {
    const auto latest = std::views::reverse(unwritten->rows);
    const auto found = std::ranges::find_if(latest, [&key](const storage::change& one) {
      return one.in == storage::table::value && one.key == key;
    });
    if (found != latest.end()) {
      return found->what == storage::change::kind::put
                 ? stored_value{std::string{as_text(found->value)}}
                 : stored_value{};
    }
  }
  return self->delegate(store, value_lookup{std::move(key)});
}

void update_hub_state::ends_written() {
  for (auto& one : std::exchange(ends_in_write, {})) {
    one.deliver(caf::unit);
  }
}

/// What was given to the store is written whatever becomes of this hub, but nobody is left to say
/// so; what was not is lost with its account.
void update_hub_state::ends_refused(const error& why) {
  const auto given = error::make(errc::unknown_outcome, "the store has it: " + why.what);
  for (auto& one : std::exchange(ends_in_write, {})) {
    one.deliver(to_caf(given));
  }
  for (auto& one : std::exchange(ends_unwritten, {})) {
    one.deliver(to_caf(why));
  }
}

} // namespace cafegram
