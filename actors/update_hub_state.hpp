#pragma once

#include <cafegram/actors/alarm.hpp>
#include <cafegram/actors/backoff.hpp>
#include <cafegram/actors/peer_memory.hpp>
#include <cafegram/actors/update_fanout.hpp>
#include <cafegram/actors/update_hub.hpp>
#include <cafegram/actors/update_parts.hpp>
#include <cafegram/protocol/update_box.hpp>
#include <cafegram/storage/session.hpp>
#include <cafegram/tl/api.hpp>

#include <deque>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

namespace cafegram {

/// An update that a box holds, with what came with it.
struct boxed_update {
  tl::Update update;
  std::shared_ptr<const peers_seen> peers;
  std::int32_t date = 0;
  bool own = false;
};

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

/// What a hub holds. Its parts: beginning and end of the way (update_hub.cpp), what comes from the
/// wire (update_wire.cpp), differences (update_difference.cpp).
struct update_hub_state {
  explicit update_hub_state(update_hub_actor::pointer actor)
    : self{actor} {}

  update_hub_actor::pointer self;
  runtime::services services;
  client_actor client;
  session_store_actor store;

  account who;
  updates_from start = updates_from::now;
  /// Which account's: answers to what was asked for an earlier one are nothing to this one.
  std::uint64_t life = 0;
  bool started = false;
  bool fetching = false;
  /// Where the counting began at this login, until what came before is handed out: updates up to
  /// here come in no difference, and nobody has seen them.
  std::optional<storage::update_state> beginning;
  bool again = false; ///< another difference once this one is done
  storage::update_state state;
  protocol::update_box common;
  protocol::update_box secondary;
  std::unordered_map<std::uint64_t, boxed_update> held;
  std::uint64_t next_token = 1;
  waiting_objects kept;
  recent_identities queries; ///< that were handed out
  peer_memory users;

  std::optional<update_fanout> receivers;
  bool behind = false; ///< receivers are slow: what a difference brings again is left to it
  alarm ticks;
  backoff waits{std::chrono::milliseconds{500}, std::chrono::seconds{30}};
  std::optional<steady_time> retry_at;
  steady_time last_sign{};

  steady_time now() const { return services.clock->steady_now(); }

  // -- beginning
  void begin(const hub_start& how);
  void find_beginning();
  void forget_account();
  void take_stored(const session_snapshot& stored);
  void fetch_state();
  void take_state(const tl::updates::state& now_there);

  // -- from the wire
  void receive(const raw_updates& what);
  void process(const shared_bytes& object, bool own);
  void process(const update_batch& batch, bool own);
  bool names_strangers(const update_batch& batch) const;
  void place(const tl::Update& update, const std::shared_ptr<const peers_seen>& peers,
             const update_batch& batch, bool own);
  void offer(protocol::update_box& box, boxed_update what, const update_place& place);
  void settle(const protocol::box_verdict& verdict);
  void move_counter(const update_place& place);
  void suspect(const updates_suspect& why);
  void own(const own_result& what);

  // -- difference
  void fetch_difference();
  void difference_refused(const error& why);
  void go_on_after(const storage::update_state& asked);
  void take_difference(const tl::updates::Difference& answer, const storage::update_state& asked);
  template <class Difference>
  void apply_difference(const Difference& from, const tl::updates::State& to);
  void retry_later(const error& why);
  void finish_difference();
  void restart_boxes();

  // -- out
  void deliver(const boxed_update& what);
  void relieved();
  void subscribe(const caf::actor& receiver);

  void save() const;
  void check();
  void tick(std::uint64_t number);
};

} // namespace cafegram
