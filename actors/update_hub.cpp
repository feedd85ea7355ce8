#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/update_hub_state.hpp>
#include <cafegram/base/log.hpp>

#include <caf/all.hpp>

namespace cafegram {

namespace {

/// Bots are told of any gap; persons are supposed to ask for little at once.
constexpr std::int32_t bot_limit = 100'000;

protocol::update_bounds bounds_for(const account& who, std::chrono::seconds max_age,
                                   random_source& random) {
  protocol::update_bounds out;
  out.salt = random.integer<std::uint64_t>();
  out.max_age = max_age;
  out.most_followed = most_followed_channels;
  if (who.bot) {
    out.first_limit = bot_limit;
    out.most_limit = bot_limit;
  }
  return out;
}

} // namespace

// -- beginning ----------------------------------------------------------------------------------

/// Answers to what was asked before are nothing to what begins now, and what comes until it has
/// begun waits.
void update_hub_state::begin(const hub_start& how) {
  ++life;
  started = false;
  boxes.reset();
  questions.clear();
  retry_at.reset();
  if (who.id != 0 && who.id != how.who.id) {
    forget_account();
  }
  tell_peers();
  if (unwritten) {
    // Else the store would tell a place before updates that are accepted already.
    give_to_store();
  }
  who = how.who;
  start = how.from;
  max_age = how.max_age;
  go_on();
}

/// What was accepted before comes before what comes now.
void update_hub_state::go_on() {
  if (inbox_of != who.id) {
    open_inbox();
  } else {
    find_beginning();
  }
}

/// What another one has seen says nothing about this one's updates.
void update_hub_state::forget_account() {
  kept = {};
  queries = {};
  users = {};
  places.clear();
  ledger.clear();
  unwritten = nullptr;
  const auto another = error::make(errc::cancelled, "the account is another one");
  ends_refused(another);
  forget_followed(another);
  inbox_of = 0;
}

void update_hub_state::find_beginning() {
  self->request(store, look_up_patience, load_atom_v)
      .then(
          [this, of = life](const session_snapshot& stored) {
            if (of == life) {
              take_stored(stored);
            }
          },
          [this, of = life](const caf::error& why) { store_failed(why, of); });
}

void update_hub_state::take_stored(const session_snapshot& stored) {
  waits.reset();
  const auto& session = *stored.state;
  std::optional<protocol::account_place> place;
  if (session.updates) {
    place = {session.updates->pts, session.updates->qts, session.updates->date,
             session.updates->seq, session.updates->named_until};
  }
  places.clear();
  for (const auto& [channel, counter] : session.channels) {
    places[channel] = {channel, counter.pts, counter.unsure, counter.closed, counter.since};
  }
  start_boxes(place);
}

/// From now on all goes through the boxes, first of all what came before.
void update_hub_state::start_boxes(const std::optional<protocol::account_place>& stored) {
  using from = protocol::updates_start::from;
  const auto how = start == updates_from::login && stored ? from::login
                   : start == updates_from::now           ? from::now
                                                          : from::stored;
  boxes = std::make_unique<protocol::account_updates>(bounds_for(who, max_age, *services.random));
  started = true;
  held = !has_room();
  if (held) {
    apply(boxes->full({}, true, now()));
  }
  for (const auto channel : ledger.full_channels()) {
    apply(boxes->full(protocol::channel_box(channel), true, now()));
  }
  std::vector<protocol::update_container> early;
  for (const auto& object : kept.take()) {
    if (auto one = read(object, false)) {
      early.push_back(*std::move(one));
    }
  }
  apply(boxes->start({how, stored}, std::move(early), now()));
  if (std::exchange(crowded, false)) {
    apply(boxes->suspect(now()));
  }
  for (const auto channel : std::set{followed}) {
    begin_to_follow(channel);
  }
  check();
}

/// Tells the boxes when there is none, and when there is again.
void update_hub_state::look_for_room() {
  read_stored();
  const auto backlog = receivers->backlog();
  if (!behind && backlog > update_backlog) {
    behind = true;
    log::warn("update_hub", "receivers are slow: {} updates wait", backlog);
  } else if (behind && backlog < update_backlog / 2) {
    behind = false;
  }
  if (!started) {
    return;
  }
  for (const auto& [channel, full] : ledger.take_channel_news()) {
    apply(boxes->full(protocol::channel_box(channel), full, now()));
  }
  if (held != !has_room()) {
    held = !has_room();
    apply(boxes->full({}, held, now()));
  }
  if (!questions.empty() && may_ask()) {
    for (const auto& question : std::exchange(questions, {})) {
      question();
    }
  }
}

void update_hub_state::check() {
  auto next = steady_time::max();
  for (const auto& at : {retry_at, write_at, read_at, inherit_at}) {
    next = std::min(next, at.value_or(steady_time::max()));
  }
  if (started) {
    next = std::min(next, boxes->next_deadline());
  }
  if (next != steady_time::max()) {
    ticks.set(self, next, now());
  }
}

void update_hub_state::tick(std::uint64_t number) {
  if (!ticks.rings(number)) {
    return;
  }
  if (retry_at && *retry_at <= now()) {
    retry_at.reset();
    go_on();
  }
  if (write_at && *write_at <= now()) {
    try_to_write();
  }
  if (read_at && *read_at <= now()) {
    read_at.reset();
    read_stored();
  }
  if (inherit_at && *inherit_at <= now()) {
    inherit();
  }
  if (started) {
    apply(boxes->poll(now()));
  }
  check();
}

namespace {

update_hub_actor::behavior_type hub(update_hub_actor::stateful_pointer<update_hub_state> self,
                                    const runtime::services& services, client_actor client,
                                    session_store_actor store, const inbox_bounds& bounds) {
  auto& state = self->state;
  state.ledger = inbox_ledger{bounds};
  state.services = services;
  state.client = std::move(client);
  state.store = std::move(store);
  state.receivers.emplace(self, [self](std::uint64_t number, update_fanout::fate how) {
    self->state.settled(number, how);
  });
  self->set_down_handler([self](const caf::down_msg& down) { self->state.receiver_ended(down); });
  return {
      [self](const raw_updates& what) { self->state.receive(what); },
      [self](const updates_suspect& why) { self->state.suspect(why); },
      [self](const own_result& what) { self->state.own(what); },
      [self](const channel_follow& what) { return self->state.follow(what); },
      [self](caf::subscribe_atom, const caf::actor& receiver) { self->state.subscribe(receiver); },
      [self](const update_claim& by) { self->state.claimed(by); },
      [self](const update_failed& what) { self->state.failed(what); },
      [self](const update_sent& what) { self->state.sent(what); },
      [self](const update_waits& what) { self->state.waits_for(what); },
      [self](const updates_finished& what) { return self->state.ended(what); },
      [self](const value_request& what) { return self->state.value_of(what); },
      [self](caf::close_atom) { self->quit(); },
      [self](const hub_start& how) { self->state.begin(how); },
      [self](status_atom) { return self->state.ledger.picture(); },
      [self](caf::tick_atom, std::uint64_t number) { self->state.tick(number); },
  };
}

} // namespace

update_hub_actor spawn_update_hub(caf::actor_system& system, const runtime::services& services,
                                  client_actor client, session_store_actor store,
                                  const inbox_bounds& bounds) {
  return system.spawn(hub, services, std::move(client), std::move(store), bounds);
}

} // namespace cafegram
