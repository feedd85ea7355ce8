#include <cafegram/crypto/secure.hpp>
#include <cafegram/sandbox/builtin_schema.hpp>
#include <cafegram/sandbox/router.hpp>
#include <cafegram/sandbox/store.hpp>

#include <caf/all.hpp>

#include "../actors/virtual_time.hpp"
#include "world_support.hpp"

// The router with connections that the tests play, on a clock that they move.
namespace cafegram::sandbox {

namespace {

using namespace std::chrono_literals;

/// What a played connection has been sent, and the sessions that it holds.
struct held_wire {
  std::map<session_name, std::shared_ptr<live_session>> sessions;
  std::vector<std::shared_ptr<const session_letter>> letters;
  bool slow = false; ///< gives nothing up until `flush_atom`, and then `answer`
  std::optional<caf::typed_response_promise<session_answer>> asked;
  session_answer answer;
};

connection_actor::behavior_type played_connection(connection_actor::pointer self,
                                                  std::shared_ptr<held_wire> wire) {
  return {
      [](const bytes_received&) {},
      [](const bytes_drained&) {},
      [wire](const session_mail& mail) { wire->letters.push_back(mail.letter); },
      [self, wire](const session_release& what) -> caf::result<session_answer> {
        if (wire->slow) {
          wire->asked = self->make_response_promise<session_answer>();
          return *wire->asked;
        }
        const auto found = wire->sessions.find(what.name);
        if (found == wire->sessions.end()) {
          return session_answer{};
        }
        session_answer out{found->second};
        wire->sessions.erase(found);
        return out;
      },
      [](const key_end&) {},
      [](const faults_told&) {},
      [self](caf::close_atom) { self->quit(); },
      [wire](caf::flush_atom) {
        if (auto promise = std::exchange(wire->asked, std::nullopt)) {
          promise->deliver(wire->answer);
        }
      },
      [](caf::tick_atom, std::uint64_t) {},
  };
}

/// The router between connections that a test plays.
struct router_stage {
  test::virtual_system actors;
  std::shared_ptr<random_source> random = std::make_shared<seeded_random>(11);
  std::shared_ptr<const layer_set> layers = layer_set::load({}).value();
  protocol::auth_key key = protocol::auth_key::from(bytes(256, 7)).value();
  std::shared_ptr<known_key> known = std::make_shared<known_key>(key);
  router_actor router;
  caf::scoped_actor self{actors.system()};
  std::vector<caf::actor> all;

  router_stage() {
    const auto clock = actors.services().clock;
    start(world::open({}, make_memory_store(), random, clock->wall_now()).value(), clock);
  }
  router_stage(std::unique_ptr<world> model, std::shared_ptr<const clock_source> clock) {
    start(std::move(model), std::move(clock));
  }
  router_stage(const router_stage&) = delete;
  router_stage& operator=(const router_stage&) = delete;
  ~router_stage() {
    for (const auto& one : all) {
      caf::anon_send_exit(one, caf::exit_reason::kill);
    }
    caf::anon_send_exit(router, caf::exit_reason::user_shutdown);
    actors.run();
  }

  void start(std::unique_ptr<world> model, std::shared_ptr<const clock_source> clock) {
    router = spawn_router(
        actors.system(),
        {std::move(model), layers, std::make_shared<page_feed>(), std::move(clock), {}});
  }

  connection_actor join(std::uint64_t number, const std::shared_ptr<held_wire>& wire) {
    const connection_actor out = actors.system().spawn(played_connection, wire);
    all.push_back(caf::actor_cast<caf::actor>(out));
    caf::anon_send(router, caf::put_atom_v, number, out);
    actors.run();
    return out;
  }

  /// Asks for a session; the answer may come later.
  struct pending {
    std::optional<session_answer> answer;
  };
  std::shared_ptr<pending> ask(const session_name& name, std::uint64_t connection) {
    auto out = std::make_shared<pending>();
    const auto asker =
        actors.system().spawn([router = router, name, connection, out](caf::event_based_actor* me) {
          me->request(router, caf::infinite, session_query{name, connection})
              .then([out](const session_answer& answer) { out->answer = answer; },
                    [](const caf::error&) {});
        });
    actors.run();
    return out;
  }

  std::shared_ptr<live_session> make_session(std::uint64_t id) {
    return std::make_shared<live_session>(known, id, actors.services().clock->wall_now(),
                                          std::chrono::hours{1}, random);
  }

  /// A slow connection gives up what it was asked for.
  void give(const connection_actor& holder, held_wire& wire,
            std::shared_ptr<live_session> session) {
    wire.answer = {std::move(session)};
    caf::anon_send(holder, caf::flush_atom_v);
    actors.run();
  }

  void mail(const session_name& name, session_letter letter) {
    caf::anon_send(router,
                   session_mail{name, std::make_shared<const session_letter>(std::move(letter))});
    actors.run();
  }

  static std::size_t news_in(const held_wire& wire) {
    return static_cast<std::size_t>(std::ranges::count_if(wire.letters, [](const auto& letter) {
      return std::holds_alternative<letter_updates>(*letter);
    }));
  }
};

struct router_test : testing::Test, router_stage {};

} // namespace

// A client may come back twice before its first connection has answered: the third one gets what
// the first one had, and no second session begins beside it.
TEST_F(router_test, a_session_that_is_asked_for_twice_moves_twice) {
  const session_name name{key.id(), 1};
  const auto session = make_session(1);
  const auto first = std::make_shared<held_wire>();
  const auto second = std::make_shared<held_wire>();
  const auto third = std::make_shared<held_wire>();
  const auto holder = join(1, first);
  join(2, second);
  join(3, third);
  ASSERT_TRUE(ask(name, 1)->answer);
  first->sessions[name] = session;
  first->slow = true;
  const auto to_second = ask(name, 2);
  const auto to_third = ask(name, 3);
  EXPECT_FALSE(to_second->answer);
  EXPECT_FALSE(to_third->answer);
  second->sessions[name] = session; // what the answer below will bring it
  give(holder, *first, session);
  ASSERT_TRUE(to_second->answer);
  EXPECT_EQ(to_second->answer->session, session);
  ASSERT_TRUE(to_third->answer);
  EXPECT_EQ(to_third->answer->session, session);
  mail(name, letter_updates{json::object()});
  EXPECT_EQ(news_in(*third), 1U);
  EXPECT_EQ(news_in(*second), 0U);
}

// The next connection may ask before the first one's end is known: its session is a new one, and
// gets what comes from then on.
TEST_F(router_test, a_session_that_is_forgotten_while_it_moves_has_a_successor) {
  const session_name name{key.id(), 1};
  const auto first = std::make_shared<held_wire>();
  const auto second = std::make_shared<held_wire>();
  const auto holder = join(1, first);
  join(2, second);
  ask(name, 1);
  first->slow = true;
  const auto to_second = ask(name, 2);
  caf::anon_send(router, session_parked{name, nullptr});
  actors.run();
  give(holder, *first, nullptr);
  ASSERT_TRUE(to_second->answer);
  EXPECT_EQ(to_second->answer->session, nullptr);
  mail(name, letter_updates{json::object()});
  EXPECT_EQ(news_in(*second), 1U);
}

namespace {

/// A world in which a person has clicked a bot's button and waits for its answer.
class router_with_a_click : public test::world_test {
protected:
  void SetUp() override {
    world_test::SetUp();
    const auto bot = log_in_bot();
    bob = log_in_person("15550100", "Bob");
    json click = make("messages.getBotCallbackAnswer");
    click["peer"] = peer(bob, "sandbox_1000001_bot");
    click["data"] = "eWVz";
    call(bob, text_to(click["peer"], "/start"));
    json to_bob = pushed(bot, "updateNewMessage")["message"]["from_id"];
    to_bob["_"] = "inputPeerUser";
    to_bob["access_hash"] = 0;
    json buttons = text_to(to_bob, "choose");
    buttons["reply_markup"] = parse(R"({"_":"replyInlineMarkup","rows":[
      {"_":"keyboardButtonRow","buttons":[
        {"_":"keyboardButtonCallback","text":"Yes","data":"eWVz"}]}]})");
    call(bot, buttons);
    click["msg_id"] = pushed(bob, "updateNewMessage")["message"]["id"];
    begin(bob, click);
  }

  std::uint64_t bob = 0; ///< his key, and his session
};

bool a_call_waits_in(router_stage& stage) {
  bool out = false;
  caf::anon_send(stage.router, router_task{std::make_shared<std::function<void(router_state&)>>(
                                   [&out](router_state& at) {
                                     out = at.parts.model->next_deadline().has_value();
                                   })});
  stage.actors.run();
  return out;
}

} // namespace

TEST_F(router_with_a_click, which_goes_with_its_session_that_is_forgotten_while_it_moves) {
  router_stage stage{std::move(world),
                     std::shared_ptr<clock_source>{std::shared_ptr<void>{}, &clock}};
  const session_name name{bob, bob};
  const auto first = std::make_shared<held_wire>();
  const auto holder = stage.join(1, first);
  stage.join(2, std::make_shared<held_wire>());
  stage.ask(name, 1);
  first->slow = true;
  stage.ask(name, 2);
  EXPECT_TRUE(a_call_waits_in(stage));
  caf::anon_send(stage.router, session_parked{name, nullptr});
  EXPECT_FALSE(a_call_waits_in(stage)) << "nobody is left whom its answer could be told";
  stage.give(holder, *first, nullptr);
}

TEST_F(router_test, who_waits_for_a_session_that_ends_is_answered) {
  const session_name name{key.id(), 1};
  const auto first = std::make_shared<held_wire>();
  join(1, first);
  join(2, std::make_shared<held_wire>());
  join(3, std::make_shared<held_wire>());
  ask(name, 1);
  first->slow = true;
  ask(name, 2);
  const auto waiting = ask(name, 3);
  EXPECT_FALSE(waiting->answer);
  caf::anon_send(router, session_end{name});
  actors.run();
  ASSERT_TRUE(waiting->answer);
  EXPECT_EQ(waiting->answer->session, nullptr);
}

TEST_F(router_test, what_comes_while_a_session_moves_is_bounded_and_nothing_is_missed) {
  const session_name name{key.id(), 1};
  const auto first = std::make_shared<held_wire>();
  const auto second = std::make_shared<held_wire>();
  const auto holder = join(1, first);
  join(2, second);
  ask(name, 1);
  first->slow = true;
  ask(name, 2);
  for (int i = 0; i < 5000; ++i) {
    mail(name, letter_updates{json{{"_", "updatesTooLong"}, {"n", i}}});
  }
  mail(name, letter_answer{5, json(true)});
  give(holder, *first, make_session(1));
  EXPECT_LE(second->letters.size(), 300U);
  EXPECT_EQ(second->letters.size() - news_in(*second), 1U) << "no answer is ever given up";
  ASSERT_TRUE(std::holds_alternative<letter_updates>(*second->letters.back()));
  EXPECT_EQ(std::get<letter_updates>(*second->letters.back()).updates,
            (json{{"_", "updatesTooLong"}}))
      << "the client is told to fetch what it missed";
}

TEST_F(router_test, beyond_the_bound_the_oldest_parked_session_goes) {
  constexpr std::uint64_t count = 1003;
  const auto wire = std::make_shared<held_wire>();
  const auto holder = join(1, wire);
  // The later it is parked, the lower its name: the order of names must not matter.
  for (std::uint64_t n = 0; n < count; ++n) {
    const session_name name{key.id(), count - n};
    ask(name, 1);
    caf::send_as(holder, router, session_parked{name, make_session(name.session)});
    actors.pass(10ms);
  }
  actors.pass(1s);
  int gone = 0;
  for (std::uint64_t n = 0; n < count; ++n) {
    const auto found = ask({key.id(), count - n}, 2);
    ASSERT_TRUE(found->answer);
    if (!found->answer->session) {
      ++gone;
      EXPECT_LT(n, 3U) << "a younger one had to go";
    }
  }
  EXPECT_EQ(gone, 3);
}

// -- what it does about its connections: docs/supervision.md ------------------------------------

TEST(supervision, router_connection_dies) {
  router_stage stage;
  const session_name name{stage.key.id(), 5};
  const auto wire = std::make_shared<held_wire>();
  const auto first = stage.join(1, wire);
  ASSERT_TRUE(stage.ask(name, 1)->answer);
  wire->sessions[name] = stage.make_session(5);
  const auto next = std::make_shared<held_wire>();
  stage.join(2, next);
  caf::anon_send_exit(first, caf::exit_reason::kill);
  stage.actors.run();
  const auto again = stage.ask(name, 2);
  ASSERT_TRUE(again->answer);
  EXPECT_FALSE(again->answer->session) << "its sessions went with it: another one is begun";
  stage.mail(name, letter_updates{json::object()});
  EXPECT_EQ(router_stage::news_in(*next), 1U) << "mail finds the session where it is now";
}

TEST(supervision, router_connection_stalls) {
  router_stage stage;
  const session_name name{stage.key.id(), 5};
  const auto wire = std::make_shared<held_wire>();
  stage.join(1, wire);
  stage.ask(name, 1);
  wire->slow = true;
  stage.join(2, std::make_shared<held_wire>());
  const auto waiting = stage.ask(name, 2);
  EXPECT_FALSE(waiting->answer) << "it is asked to give the session up, and does not";
  EXPECT_TRUE(stage.ask({stage.key.id(), 6}, 2)->answer) << "the router itself goes on";
  stage.actors.pass(5s);
  EXPECT_TRUE(waiting->answer) << "nobody waits for it for ever";
  wire->asked.reset();
}

namespace {

json news_of_channel(std::int64_t channel, std::int32_t pts) {
  json message = {{"_", "message"}, {"peer_id", {{"_", "peerChannel"}, {"channel_id", channel}}}};
  return {{"_", "updates"},
          {"updates", json::array({{{"_", "updateNewChannelMessage"},
                                    {"message", std::move(message)},
                                    {"pts", pts},
                                    {"pts_count", 1}}})},
          {"users", json::array()},
          {"chats", json::array({{{"_", "channel"}, {"id", channel}}})},
          {"date", 1},
          {"seq", 0}};
}

void add_news(kept_letters& to, json updates) {
  to.add(std::make_shared<const session_letter>(letter_updates{std::move(updates)}));
}

std::vector<json> updates_in(const std::vector<std::shared_ptr<const session_letter>>& letters) {
  std::vector<json> out;
  for (const auto& letter : letters) {
    if (const auto* told = std::get_if<letter_updates>(letter.get())) {
      out.push_back(told->updates);
    }
  }
  return out;
}

} // namespace

TEST(kept_letters_test, too_much_of_one_channel_becomes_one_word) {
  kept_letters kept;
  add_news(kept, {{"_", "updateShort"}});
  for (std::int32_t pts = 1; pts <= 100; ++pts) {
    add_news(kept, news_of_channel(7, pts));
    if (pts <= 3) {
      add_news(kept, news_of_channel(8, pts));
    }
  }
  const auto told = updates_in(kept.take());
  ASSERT_EQ(told.size(), 5U);
  EXPECT_EQ(told[0]["_"], "updateShort");
  EXPECT_EQ(told[3], news_of_channel(8, 3));
  const json& word = told[4]["updates"][0];
  EXPECT_EQ(word["_"], "updateChannelTooLong");
  EXPECT_EQ(word["channel_id"], 7);
  EXPECT_EQ(word["pts"], 100);
  EXPECT_EQ(told[4]["chats"].size(), 1U);
  EXPECT_TRUE(kept.empty());
}

TEST(kept_letters_test, too_much_of_all_becomes_one_word) {
  kept_letters kept;
  for (std::size_t i = 0; i <= kept_letters::most_news; ++i) {
    add_news(kept, news_of_channel(static_cast<std::int64_t>(i) + 1, 5));
  }
  add_news(kept, {{"_", "updateShort"}}); // what comes later the difference brings too
  for (std::int32_t pts = 1; pts <= 100; ++pts) {
    add_news(kept, news_of_channel(7, pts));
  }
  kept.add(std::make_shared<const session_letter>(letter_answer{5, json(true)}));
  const auto letters = kept.take();
  EXPECT_EQ(letters.size(), 2U) << "no answer is ever given up";
  EXPECT_EQ(updates_in(letters), (std::vector<json>{{{"_", "updatesTooLong"}}}));
}

// What comes while a client is away goes into its session when it is back; after a long time it
// is told to fetch it.
TEST_F(router_test, who_was_away_for_long_is_told_to_fetch) {
  for (const bool is_long : {false, true}) {
    const session_name name{key.id(), is_long ? 2U : 1U};
    const auto wire = std::make_shared<held_wire>();
    const auto holder = join(is_long ? 2 : 1, wire);
    ask(name, is_long ? 2 : 1);
    const auto session = make_session(name.session);
    caf::send_as(holder, router, session_parked{name, session});
    actors.run();
    for (int i = 0; i < 3; ++i) {
      mail(name, letter_updates{
                     json{{"_", "updateShort"}, {"update", {{"_", "updateConfig"}}}, {"date", i}}});
    }
    EXPECT_EQ(session->wire.unacknowledged(), 0U) << "nothing is put into a session that is away";
    actors.pass(is_long ? 6min : 1min);
    ASSERT_EQ(ask(name, 3)->answer->session, session);
    EXPECT_EQ(session->wire.unacknowledged(), is_long ? 1U : 3U);
  }
}

} // namespace cafegram::sandbox
