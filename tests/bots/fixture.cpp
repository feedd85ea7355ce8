#include "fixture.hpp"

#include <cafegram/actors/errors.hpp>

#include <caf/typed_event_based_actor.hpp>

namespace cafegram::test {

namespace {

constexpr int most_steps = 1'000'000;

std::int64_t marked_id(const peer_name& what) {
  const auto kind = what.what() == peer_name::form::user    ? chat_kind::user
                    : what.what() == peer_name::form::group ? chat_kind::group
                                                            : chat_kind::channel;
  return chat_ref{kind, what.id(), 0}.marked_id();
}

caf::behavior fake_client(caf::event_based_actor* self, std::shared_ptr<fake_telegram> telegram) {
  return {
      [self, telegram](const invoke_request& request) -> caf::result<invoke_answer> {
        telegram->calls.push_back(to_bytes(*request.function));
        if (telegram->hold) {
          telegram->unanswered.push_back(
              {to_bytes(*request.function), self->make_response_promise()});
          return telegram->unanswered.back().promise;
        }
        return invoke_answer{
            std::make_shared<const bytes>(telegram->natural_answer(*request.function))};
      },
      [self, telegram](const peer_request& what) -> caf::result<resolved_peer> {
        const auto marked = marked_id(what.what);
        telegram->looked_up.push_back(marked);
        if (telegram->hold_addresses) {
          telegram->unaddressed.emplace_back(marked, self->make_response_promise<resolved_peer>());
          return telegram->unaddressed.back().second;
        }
        auto found = telegram->address(marked);
        return found ? caf::result<resolved_peer>{*found} : to_caf(found.error());
      },
      [telegram](caf::flush_atom) {
        for (; !telegram->unaddressed.empty(); telegram->unaddressed.pop_front()) {
          auto& [marked, promise] = telegram->unaddressed.front();
          auto found = telegram->address(marked);
          found ? promise.deliver(*found) : promise.deliver(to_caf(found.error()));
        }
      },
      [telegram](caf::ok_atom) {
        const auto verdict = std::move(telegram->verdicts.front());
        telegram->verdicts.pop_front();
        auto first = std::move(telegram->unanswered.front());
        telegram->unanswered.pop_front();
        if (verdict.code != errc::none) {
          first.promise.deliver(to_caf(verdict));
        } else {
          first.promise.deliver(invoke_answer{
              std::make_shared<const bytes>(telegram->natural_answer(first.function))});
        }
      },
  };
}

} // namespace

tl::User person::boxed() const {
  tl::user user;
  user.id = id;
  user.access_hash = id * 11;
  user.first_name = first_name;
  return user;
}

std::shared_ptr<update_data> person::base(std::string identity, tl::Update update) const {
  auto data = std::make_shared<update_data>();
  data->account = bot_id;
  data->account_username = "some_bot";
  auto peers = std::make_shared<peers_seen>();
  peers->users.emplace(id, boxed());
  data->peers = std::move(peers);
  data->identity = std::move(identity);
  data->chat = data->complete(conversation_of(update, bot_id));
  data->update = std::move(update);
  return data;
}

namespace {

tl::message message_of(std::int64_t user, std::int32_t id, std::string text) {
  tl::peerUser peer;
  peer.user_id = user;
  tl::message message;
  message.id = id;
  message.peer_id = peer;
  message.date = 1'750'000'000;
  message.message = std::move(text);
  return message;
}

} // namespace

std::shared_ptr<const update_data> person::says(std::int32_t message_id, std::string text,
                                                std::vector<tl::MessageEntity> entities) const {
  auto message = message_of(id, message_id, std::move(text));
  if (!entities.empty()) {
    message.entities = std::move(entities);
  }
  tl::updateNewMessage update;
  update.message = message;
  return base("message/4242/" + std::to_string(id) + "/" + std::to_string(message_id), update);
}

std::shared_ptr<const update_data> person::edits(std::int32_t message_id, std::string text) const {
  auto message = message_of(id, message_id, std::move(text));
  message.edit_date = 1'750'000'100;
  tl::updateEditMessage update;
  update.message = message;
  return base("edit/" + std::to_string(message_id), update);
}

std::shared_ptr<const update_data> person::presses(std::int32_t message_id, std::string_view data,
                                                   std::int64_t query_id) const {
  tl::peerUser peer;
  peer.user_id = id;
  tl::updateBotCallbackQuery update;
  update.query_id = query_id;
  update.user_id = id;
  update.peer = peer;
  update.msg_id = message_id;
  update.data = to_bytes(as_bytes(data));
  return base("query/4242/" + std::to_string(query_id), update);
}

system_config::system_config() {
  set("scheduler.policy", caf::atom("testing"));
}

bot_test::bot_test()
  : system_{config_}
  , scheduler_{dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler())} {
  self_.id = bot_id;
  self_.bot = true;
  self_.username = "some_bot";
  client_ = system_.spawn(fake_client, telegram_);
  telegram_->poke = [client = client_] { caf::anon_send(client, caf::ok_atom_v); };
}

bot_test::~bot_test() {
  telegram_->unanswered.clear();
  telegram_->unaddressed.clear();
  telegram_->poke = nullptr;
  caf::anon_send_exit(bot_, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(client_, caf::exit_reason::user_shutdown);
  bot_ = nullptr;
  client_ = nullptr;
  settle();
  system_.await_actors_before_shutdown(false);
}

void bot_test::start(const std::function<void(router&)>& setup, bot_options options) {
  auto routes = std::make_shared<router>();
  setup(*routes);
  const bytes secret(32, 7);
  dispatcher_setup with{caf::actor_cast<caller_actor>(client_),
                        std::make_shared<const signer>(secret), self_, std::move(routes), options};
  bot_ = system_.spawn(dispatcher, std::move(with));
  settle();
}

std::shared_ptr<bot_test::reception> bot_test::post(std::shared_ptr<const update_data> update) {
  auto outcome = std::make_shared<reception>(reception::waits);
  system_.spawn([outcome, update, bot = bot_](caf::event_based_actor* self) {
    self->request(bot, caf::infinite, local_update{update})
        .then([outcome] { *outcome = reception::taken; },
              [outcome](const caf::error&) { *outcome = reception::refused; });
  });
  return outcome;
}

std::shared_ptr<bot_test::reception> bot_test::give_raw(const update_data& data) {
  auto received = std::make_shared<received_update>();
  received->identity = data.identity;
  received->update = data.update;
  received->peers = data.peers;
  received->account = bot_id;
  auto outcome = std::make_shared<reception>(reception::waits);
  system_.spawn([outcome, received, bot = bot_](caf::event_based_actor* self) {
    self->request(bot, caf::infinite, update_event{received})
        .then([outcome] { *outcome = reception::taken; },
              [outcome](const caf::error&) { *outcome = reception::refused; });
  });
  settle();
  return outcome;
}

std::shared_ptr<bot_test::reception> bot_test::give(std::shared_ptr<const update_data> update) {
  auto outcome = post(std::move(update));
  settle();
  return outcome;
}

dispatcher_status bot_test::status() {
  auto out = std::make_shared<dispatcher_status>();
  system_.spawn([out, bot = bot_](caf::event_based_actor* self) {
    self->request(bot, caf::infinite, status_atom_v)
        .then([out](const dispatcher_status& s) { *out = s; },
              [](const caf::error& e) { ADD_FAILURE() << caf::to_string(e); });
  });
  settle();
  return *out;
}

void bot_test::settle() {
  int steps = 0;
  while (scheduler_.try_run_once()) {
    // Who tries again without a pause would go on for ever: the time stands still.
    ASSERT_LT(++steps, most_steps) << "it does not come to rest";
  }
}

void bot_test::pass(duration time) {
  for (auto left = time; left > duration::zero();) {
    const auto step = std::min<duration>(left, std::chrono::milliseconds{500});
    scheduler_.advance_time(step);
    settle();
    left -= step;
  }
}

} // namespace cafegram::test
