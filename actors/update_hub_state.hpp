#pragma once

#include <cafegram/actors/alarm.hpp>
#include <cafegram/actors/backoff.hpp>
#include <cafegram/actors/inbox_ledger.hpp>
#include <cafegram/actors/peer_memory.hpp>
#include <cafegram/actors/session_store.hpp>
#include <cafegram/actors/update_chats.hpp>
#include <cafegram/actors/update_fanout.hpp>
#include <cafegram/actors/update_hub.hpp>
#include <cafegram/actors/update_items.hpp>
#include <cafegram/protocol/account_updates.hpp>
#include <cafegram/storage/session.hpp>
#include <cafegram/tl/api.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace cafegram {

/// The identities that were added last; bounded.
class recent_identities {
public:
  /// False where it is known already.
  bool add(const std::string& identity) {
    if (!known_.insert(identity).second) {
      return false;
    }
    order_.push_back(identity);
    if (order_.size() > most) {
      known_.erase(order_.front());
      order_.pop_front();
    }
    return true;
  }

private:
  static constexpr std::size_t most = 1024;
  std::set<std::string> known_;
  std::deque<std::string> order_;
};

/// Objects from the wire that wait until their place is known; bounded by count and octets.
class waiting_objects {
public:
  /// False where there is no room.
  bool add(shared_bytes object) {
    if (objects_.size() >= most || octets_ + object->size() > most_octets) {
      return false;
    }
    octets_ += object->size();
    objects_.push_back(std::move(object));
    return true;
  }
  std::deque<shared_bytes> take() {
    octets_ = 0;
    return std::exchange(objects_, {});
  }

private:
  static constexpr std::size_t most = 1024;
  static constexpr std::size_t most_octets = std::size_t{8} << 20;
  std::deque<shared_bytes> objects_;
  std::size_t octets_ = 0;
};

/// What a hub holds. Its parts: where it begins, and its actor (update_hub.cpp), what comes from
/// the wire (update_wire.cpp), what the boxes ask for (update_difference.cpp), channels that are
/// followed (update_follow.cpp), the inbox and the way out (update_inbox.cpp), what comes from the
/// store again (update_stored.cpp), values of chats (update_values.cpp).
struct update_hub_state {
  explicit update_hub_state(update_hub_actor::pointer actor)
    : self{actor} {}
  ~update_hub_state();

  update_hub_actor::pointer self;
  runtime::services services;
  client_actor client;
  session_store_actor store;

  account who;
  updates_from start = updates_from::now;
  std::chrono::seconds max_age{0};
  /// Counts the beginnings: answers to what was asked for an earlier one are nothing to this one.
  std::uint64_t life = 0;
  bool started = false;
  /// Null until it is known whose they are.
  std::unique_ptr<protocol::account_updates> boxes;
  /// As in the store.
  std::map<std::int64_t, protocol::channel_place> places;
  waiting_objects kept;
  bool crowded = false;      ///< one found no place among those
  recent_identities queries; ///< that were handed out
  peer_memory users;
  std::vector<std::shared_ptr<const peers_seen>> came; ///< not told to the store yet

  inbox_ledger ledger;
  std::uint64_t last_number = 0;
  std::int64_t inbox_of = 0; ///< the account whose part of the store is in the ledger
  std::shared_ptr<storage::update_progress> unwritten; ///< null: nothing
  std::uint64_t sent_number = 0;                       ///< with the last write
  std::size_t writing = 0;                             ///< writes that are not answered
  bool stuck = false;                                  ///< the store cannot write
  std::optional<steady_time> write_at;
  std::optional<steady_time> read_at; ///< what is stored could not be read
  /// Who has told of ends with values hears when they are written: with the next write, and with
  /// those under way.
  std::vector<caf::response_promise> ends_unwritten;
  std::vector<caf::response_promise> ends_in_write;

  std::set<std::int64_t> followed; ///< channels
  /// Who waits to hear that one of them is.
  std::multimap<std::int64_t, caf::response_promise> to_follow;

  std::optional<update_fanout> receivers;
  caf::actor finisher;     ///< who has claimed the updates; null: nobody
  bool in_batches = false; ///< that one takes them so
  update_events batch;     ///< for it
  std::uint64_t claim = 0; ///< counts them
  /// The finisher is gone: then the others finish what it leaves, if none has come.
  std::optional<steady_time> inherit_at;
  bool handing_out = false;
  bool behind = false; ///< receivers are slow: what a difference brings again is left to it
  bool held = true;    ///< the boxes were told that there is no room
  std::vector<std::function<void()>> questions; ///< that wait for room
  alarm ticks;
  backoff waits{std::chrono::milliseconds{500}, std::chrono::seconds{30}};
  std::optional<steady_time> retry_at; ///< the store could not be read

  steady_time now() const { return services.clock->steady_now(); }
  /// Somebody is there to be handed updates.
  bool heard() const { return finisher || !receivers->empty(); }
  bool has_room() const { return !behind && !stuck && !ledger.full() && heard(); }
  /// What is written still counts too: it is with the receivers before the answer comes.
  bool may_ask() const {
    return has_room() && receivers->backlog() + ledger.unwritten() <= update_backlog;
  }

  // -- beginning
  void begin(const hub_start& how);
  void go_on();
  void find_beginning();
  void forget_account();
  void take_stored(const session_snapshot& stored);
  void start_boxes(const std::optional<protocol::account_place>& stored);

  // -- from the wire
  void receive(const raw_updates& what);
  void process(const shared_bytes& object, bool own);
  std::optional<protocol::update_container> read(const shared_bytes& object, bool own);
  void suspect(const updates_suspect& why);
  void own(const own_result& what);

  // -- what the boxes say
  void apply(protocol::update_outcome&& outcome);
  void take(const protocol::update_outcome& outcome);
  void note_places(const protocol::update_outcome& outcome);
  void note_peers(std::shared_ptr<const peers_seen> peers);
  void tell_peers();
  void tell(const protocol::updates_lost& what);
  void ask(protocol::update_outcome&& outcome);
  void when_there_is_room(std::function<void()> question);
  void ask_place();
  void ask_difference(const protocol::account_place& from);
  void ask_channel(const protocol::channel_question& from);
  void ask_channel_at(const protocol::channel_question& from, std::int64_t hash);
  void with_address(std::int64_t channel, const std::function<void(std::int64_t hash)>& then,
                    const std::function<void(protocol::difference_failure)>& failed);
  protocol::update_outcome look_up(std::int64_t channel);
  void load_unsure(const protocol::unsure_page& page);

  // -- followed channels (update_follow.cpp)
  caf::result<void> follow(const channel_follow& what);
  void begin_to_follow(std::int64_t channel);
  void find_place(std::int64_t channel);
  void place_found(std::int64_t channel, const result<tl::messages::ChatFull>& answer);
  void follows(std::int64_t channel);
  void unfollow(std::int64_t channel, const error& why);
  void forget_followed(const error& why);

  // -- inbox
  void open_inbox();
  void read_inbox(std::uint64_t after, std::uint64_t of);
  void store_failed(const caf::error& why, std::uint64_t of);
  void take_inbox(const storage::inbox_content& content);
  void accept(const protocol::update_item& item, bool counted);
  void keep(std::shared_ptr<const received_update> update, std::int64_t channel, bool in_store);
  storage::update_progress& next_write();
  void add_rows(storage::batch&& rows);
  void write();
  void give_to_store();
  void wrote(std::uint64_t number);
  void not_written(const caf::error& why);
  void try_to_write();

  // -- out of the store
  std::string conversation_of(const storage::inbox_row& row, std::int64_t channel) const;
  std::map<std::uint64_t, inbox_entry> entries_of(const storage::inbox_content& content);
  std::optional<inbox_entry> entry_of(const storage::inbox_row& row,
                                      std::vector<storage::send_record> sends);
  void read_stored();
  void take_part(const stored_part& part, const storage::inbox_content& content);
  void part_not_read(const stored_part& part, const caf::error& why);

  // -- out
  void hand_out();
  void give(std::uint64_t number, const inbox_entry& entry);
  void send_batch();
  void settled(std::uint64_t number, update_fanout::fate how);
  void finish(const std::vector<std::uint64_t>& numbers);
  void finish(std::uint64_t number) { finish(std::vector<std::uint64_t>{number}); }
  void give_up(const std::vector<std::uint64_t>& numbers, const std::string& why);
  void give_up(std::uint64_t number, const std::string& why) {
    give_up(std::vector<std::uint64_t>{number}, why);
  }
  caf::result<void> ended(const updates_finished& what);
  caf::result<void> ended_with_values(const updates_finished& what);
  caf::result<stored_value> value_of(const value_request& what);
  void ends_written();
  void ends_refused(const error& why);
  void bury(const storage::dead_letter& what, const std::vector<storage::send_record>& sends);
  void drop_dead_letters();
  void failed(const update_failed& what);
  void sent(const update_sent& what);
  void waits_for(const update_waits& what);
  void inherit();
  storage::inbox_row row_of(const inbox_entry& entry, std::uint64_t number) const;
  std::int64_t seconds_now() const;
  void look_for_room();
  void subscribe(const caf::actor& receiver);
  void claimed(const update_claim& by);
  void receiver_ended(const caf::down_msg& down);

  void check();
  void tick(std::uint64_t number);
};

} // namespace cafegram
