#include <cafegram/actors/errors.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/bots/dispatcher.hpp>

#include <utility>

// Values of chats on their way to and from the account's hub. Ends with values are told at once and
// not gathered with others, so what is loaded after them is asked for behind them.
namespace cafegram {

namespace {

/// The part of an account's hub that is for values.
using value_keeper = caf::typed_actor<caf::reacts_to<updates_finished>,
                                      caf::replies_to<value_request>::with<stored_value>>;

/// Of values that are not known to be written. Beyond it no chat gets its next update: a disk that
/// is slow or full would have them gather here.
constexpr std::size_t most_value_octets = std::size_t{16} << 20;

std::size_t octets_of(const updates_finished& what) {
  constexpr std::size_t overhead = 128;
  std::size_t out = 0;
  for (const auto& one : *what.values) {
    out += overhead + one.key.size() + one.value.size();
  }
  return out;
}

std::shared_ptr<const updates_finished> ends_with(chat_key chat, std::int64_t account,
                                                  std::vector<std::uint64_t> rows,
                                                  std::vector<chat_value> values) {
  auto out = std::make_shared<updates_finished>();
  out->numbers = std::move(rows);
  out->values = std::make_shared<const std::vector<chat_value>>(std::move(values));
  out->chat = chat;
  out->account = account;
  return out;
}

} // namespace

/// Who answers is the store: nothing waits here.
caf::result<stored_value> dispatcher_state::value_of(const value_request& what) {
  const auto hub = caf::actor_cast<caf::strong_actor_ptr>(hub_);
  if (!hub) {
    return to_caf(error::make(errc::cancelled, "there is no account that keeps values"));
  }
  auto whole = what;
  whole.account = account_or_own(what.account);
  return self_->delegate(caf::actor_cast<value_keeper>(hub), std::move(whole));
}

/// An update that a program has made may name none.
std::int64_t dispatcher_state::account_or_own(std::int64_t account) const {
  return account != 0 ? account : setup_.self.id;
}

void dispatcher_state::on_values_stored(values_stored& message) {
  tell_values(
      ends_with(message.chat, account_or_own(message.account), {}, std::move(message.values)));
}

/// With all that their run has consumed. What is in no inbox has no row to go with.
void dispatcher_state::end_with_values(chat_state& chat, const finished& message,
                                       queued_update& update) {
  for (const auto number : message.more) {
    const auto other = chat.land(number);
    if (!other) {
      continue;
    }
    ++counts_.finished;
    --in_flight_;
    chat.busy = chat.busy && number != chat.current;
    update.kept = update.kept || other->kept;
    other->each_row([&update](std::uint64_t row) { update.more_rows.push_back(row); });
  }
  std::vector<std::uint64_t> rows;
  if (update.kept) {
    update.each_row([&rows](std::uint64_t row) { rows.push_back(row); });
    std::erase(rows, 0U);
  }
  const auto told = ends_with(message.chat, account_or_own(update.data->account), std::move(rows),
                              message.values);
  tell_values(told);
  update.each_row([this](std::uint64_t row) { end_row(row, {}); });
  for (const auto row : told->numbers) {
    ended_.set_values(row, told);
  }
}

/// One that is new has rows whose ends the one before had not given to the store: it is told again
/// before anything else. In the order of the ends, which need not be that of the rows, or an old
/// value would come over a newer one; and of all at once, or a load would come before one of them.
void dispatcher_state::hear_from_hub() {
  const auto hub = caf::actor_cast<caf::actor_addr>(self_->current_sender());
  if (hub == hub_) {
    return;
  }
  hub_ = hub;
  untold_octets_ = 0;
  for (const auto& one : ended_.unwritten_values()) {
    tell_values(one);
  }
  go_on_behind_store();
}

/// A hub that dies before it has given them to the store leaves the rows where they are.
void dispatcher_state::tell_values(const std::shared_ptr<const updates_finished>& what) {
  const auto hub = caf::actor_cast<caf::strong_actor_ptr>(hub_);
  if (!hub) {
    values_not_told(*what, true,
                    error::make(errc::cancelled, "there is no account that keeps them"));
    return;
  }
  value_octets_ += octets_of(*what);
  const auto settled = [this, what] {
    value_octets_ -= octets_of(*what);
    go_on_behind_store();
  };
  self_->request(caf::actor_cast<value_keeper>(hub), caf::infinite, *what)
      .then(
          [this, what, settled]() {
            for (const auto row : what->numbers) {
              ended_.set_values(row, nullptr);
            }
            settled();
          },
          [this, what, settled, told = hub_](const caf::error& why) {
            const auto reason = to_error(why);
            // One that refuses them lives, and no other may follow; CAF alone tells of one's end.
            const bool refused =
                why.category() == caf::atom("cafegram") && reason.code == errc::cancelled;
            values_not_told(*what, !refused && told == hub_, reason);
            settled();
          });
}

/// Those with rows are told again to the hub that comes next: until then they are kept, and count.
/// One that has given them to the store and dies cannot say whether they are written.
void dispatcher_state::values_not_told(const updates_finished& what, bool next_follows,
                                       const error& why) {
  if (!what.numbers.empty()) {
    untold_octets_ += next_follows ? octets_of(what) : 0;
  } else if (why.code != errc::unknown_outcome) {
    log::error("dispatcher", "chat {}: values that belong to no update of the inbox are lost: {}",
               what.chat, to_string(why));
  }
}

/// While it is over that nothing is delivered.
bool dispatcher_state::store_has_room() const {
  return value_octets_ + untold_octets_ <= most_value_octets;
}

/// True where so much is on its way to the store that the chat's next update waits for that.
bool dispatcher_state::waits_for_store(chat_key key, chat_state& chat) {
  if (store_has_room()) {
    return false;
  }
  if (!std::exchange(chat.behind_store, true)) {
    behind_store_.push_back(key);
  }
  return true;
}

/// Not in one queue with those who wait for a conversation: such a one may wait for just that of
/// somebody behind it here.
void dispatcher_state::go_on_behind_store() {
  while (store_has_room() && !behind_store_.empty()) {
    const auto key = behind_store_.front();
    behind_store_.pop_front();
    if (const auto at = chats_.find(key); at != chats_.end()) {
      at->second.behind_store = false;
      pump(key, at->second);
    }
  }
}

} // namespace cafegram
