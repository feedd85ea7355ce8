#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/interfaces.hpp>
#include <cafegram/actors/stop.hpp>
#include <cafegram/bots/dispatcher.hpp>
#include <cafegram/bots/run.hpp>

#include <caf/scoped_actor.hpp>

#include <thread>
#include <utility>

namespace cafegram {

namespace {

/// A bot before may have stopped just now, and the client has not heard of it yet.
constexpr int claims = 20;
constexpr std::chrono::milliseconds between_claims{50};

result<void> claim(client& over, const caf::actor& by) {
  auto outcome = over.claim_updates(by, true);
  for (int n = 1; n < claims && !outcome && outcome.error().code == errc::bad_argument; ++n) {
    std::this_thread::sleep_for(between_claims);
    outcome = over.claim_updates(by, true);
  }
  return outcome;
}

} // namespace

struct bot::state {
  dispatcher_actor actor;
  stop_once life;

  state(caf::actor_system& of, dispatcher_actor with)
    : actor{std::move(with)}
    , life{of, caf::actor_cast<caf::actor>(actor)} {}
};

bot::bot(std::shared_ptr<state> s)
  : state_{std::move(s)} {}

result<bot> bot::start(client& over, const setup_function& setup, bot_options options) {
  if (on_actor_thread()) {
    return fail(errc::bad_argument, "bot::start waits, and may not be called by an actor");
  }
  auto routes = std::make_shared<router>();
  setup(*routes);
  if (routes->routes().empty()) {
    return fail(errc::bad_argument, "the bot's router has no line: use `on` or `otherwise`");
  }
  const auto now = over.status();
  if (!now.signing) {
    return fail(errc::cancelled, "the client does not answer: " + now.last_error);
  }
  dispatcher_setup with;
  with.client = caf::actor_cast<client_actor>(over.untyped_actor());
  with.signing = now.signing;
  with.self = now.self;
  with.routes = std::move(routes);
  with.options = options;
  auto actor = over.system().spawn(dispatcher, std::move(with));
  bot out{std::make_shared<state>(over.system(), actor)};
  if (auto claimed = claim(over, caf::actor_cast<caf::actor>(actor)); !claimed) {
    return std::unexpected(std::move(claimed.error()));
  }
  return out;
}

void bot::logged_in_as(const account& who) {
  caf::anon_send(state_->actor, who);
}

void bot::stop(std::chrono::milliseconds timeout) {
  state_->life.stop(timeout);
}

dispatcher_status bot::status() const {
  dispatcher_status out;
  if (!on_actor_thread()) {
    caf::scoped_actor self{state_->life.system()};
    self->request(state_->actor, std::chrono::seconds{5}, status_atom_v)
        .receive([&out](const dispatcher_status& now) { out = now; }, [](const caf::error&) {});
  }
  return out;
}

caf::actor bot::untyped_actor() const {
  return state_->life.actor();
}

} // namespace cafegram
