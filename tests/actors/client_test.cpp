#include <cafegram/actors/client.hpp>
#include <cafegram/actors/invoke.hpp>
#include <cafegram/actors/method_traits.hpp>
#include <cafegram/storage/open.hpp>
#include <cafegram/storage/session.hpp>
#include <cafegram/tests/support.hpp>
#include <cafegram/tests/temporary_folder.hpp>
#include <cafegram/tests/watchdog.hpp>
#include <cafegram/tl/api.hpp>

#include <caf/all.hpp>

#include <future>

#include "loopback.hpp"

namespace cafegram {

namespace {

using namespace std::chrono_literals;

/// Points at a server that takes connections and says nothing.
struct silent_server {
  test::listener listener;

  client_options options() const {
    client_options out;
    out.api_id = 1;
    out.api_hash = "hash";
    out.dc = dc_override{2, listener.where()};
    return out;
  }
};

} // namespace

TEST(client_, refuses_options_that_cannot_work) {
  runtime rt;
  const silent_server server;
  const auto refused = [&rt](client_options options) {
    auto started = client::start(rt, std::move(options));
    return started ? errc::none : started.error().code;
  };
  auto bad = server.options();
  bad.api_id = 0;
  EXPECT_EQ(refused(bad), errc::bad_argument);
  bad = server.options();
  bad.transport = {transport_kind::full, true};
  EXPECT_EQ(refused(bad), errc::bad_argument);
  bad = server.options();
  bad.rsa_keys_pem = {"no key"};
  EXPECT_EQ(refused(bad), errc::malformed);
  bad = server.options();
  bad.session_path = "/no/such/folder/session";
  EXPECT_EQ(refused(bad), errc::storage);
}

TEST(client_, a_session_belongs_to_one_client) {
  runtime rt;
  const silent_server server;
  auto options = server.options();
  const test::temporary_folder folder;
  options.session_path = folder.file("session");
  {
    auto first = client::start(rt, options);
    ASSERT_TRUE(first) << to_string(first.error());
    auto second = client::start(rt, options);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, errc::session_in_use);
    EXPECT_EQ(second.error().number, ::getpid());
    first->stop();
    auto third = client::start(rt, options);
    EXPECT_TRUE(third) << "free again once the first has stopped";
    third->stop();
  }
}

TEST(client_, its_session_is_exported_while_it_runs) {
  runtime rt;
  const silent_server server;
  auto options = server.options();
  options.session = storage::make_memory_backend();
  storage::session_state session;
  session.user = storage::user_record{7, true, "Bot", "some_bot"};
  ASSERT_TRUE(options.session->commit({session}));
  auto bot = client::start(rt, options);
  ASSERT_TRUE(bot) << to_string(bot.error());
  const auto text = bot->export_session();
  ASSERT_TRUE(text) << to_string(text.error());
  const auto copy = storage::open_session("string:" + std::string{as_text(text->view())});
  ASSERT_TRUE(copy) << to_string(copy.error());
  const auto loaded = (*copy)->load();
  ASSERT_TRUE(loaded && *loaded);
  EXPECT_EQ((*loaded)->user, session.user);
  EXPECT_TRUE((*loaded)->signing_secret) << "as the client has made it";
  const auto locked = bot->export_session(
      {.key = storage::store_key::from_text("a passphrase"), .cost = {.cost = 16}});
  ASSERT_TRUE(locked) << to_string(locked.error());
  EXPECT_FALSE(storage::open_session("string:" + std::string{as_text(locked->view())}));
  bot->stop();
  EXPECT_EQ(bot->export_session().error().code, errc::cancelled);
}

TEST(client_, settles_what_is_under_way_when_it_stops) {
  runtime rt;
  const silent_server server;
  auto bot = client::start(rt, server.options());
  ASSERT_TRUE(bot);
  std::promise<errc> told;
  bot->invoke_bytes_async(tl::encode(tl::help::getConfig{}), {}, [&told](const result<bytes>& r) {
    told.set_value(r ? errc::none : r.error().code);
  });
  bot->stop(200ms);
  auto outcome = told.get_future();
  ASSERT_EQ(outcome.wait_for(0s), std::future_status::ready) << "before the stop has returned";
  EXPECT_EQ(outcome.get(), errc::cancelled);
  EXPECT_EQ(bot->invoke_sync(tl::help::getConfig{}).error().code, errc::cancelled);
}

TEST(client_, starts_and_stops_many_times) {
  runtime rt;
  const silent_server server;
  const auto running = [&rt] { return rt.system().registry().running(); };
  {
    const auto bot = client::start(rt, server.options());
    ASSERT_TRUE(bot);
    // What is made once is made.
    ASSERT_GE(server.listener.accept().fd(), 0);
  }
  const auto before = running();
  for (int round = 0; round < 100; ++round) {
    auto bot = client::start(rt, server.options());
    ASSERT_TRUE(bot);
    if (round % 2 == 0) {
      bot->stop(0ms);
    }
  }
  EXPECT_TRUE(test::comes_true([&] { return running() <= before; }))
      << running() << " actors, " << before << " before";
}

TEST(client_, blocking_calls_are_refused_where_actors_run) {
  runtime rt;
  const silent_server server;
  auto bot = client::start(rt, server.options());
  ASSERT_TRUE(bot);
  caf::scoped_actor self{rt.system()};
  auto worker = rt.system().spawn([&bot]() -> caf::behavior {
    return {[&bot](int) {
      return static_cast<int>(bot->invoke_sync(tl::help::getConfig{}).error().code);
    }};
  });
  int code = 0;
  self->request(worker, test::watchdog, 1)
      .receive([&code](int c) { code = c; }, [](const caf::error&) {});
  EXPECT_EQ(static_cast<errc>(code), errc::bad_argument);
}

TEST(client_, a_call_from_an_actor_is_answered_in_that_actor) {
  runtime rt;
  const silent_server server;
  auto bot = client::start(rt, server.options());
  ASSERT_TRUE(bot);
  std::promise<errc> told;
  auto handle = actor_of(*bot);
  rt.system().spawn([&told, handle](caf::event_based_actor* self) {
    invoke(self, handle, tl::help::getConfig{},
           [&told](const result<tl::Config>& answer) {
             told.set_value(answer ? errc::none : answer.error().code);
           },
           {.timeout = 100ms});
  });
  auto outcome = told.get_future();
  ASSERT_EQ(outcome.wait_for(test::watchdog), std::future_status::ready);
  EXPECT_EQ(outcome.get(), errc::deadline);
}

TEST(client_, what_cannot_be_encoded_is_told_at_once) {
  runtime rt;
  const silent_server server;
  auto bot = client::start(rt, server.options());
  ASSERT_TRUE(bot);
  // The peer is missing.
  const auto answer = bot->invoke_sync(tl::messages::sendMessage{.message = "x"});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, errc::bad_argument);
}

TEST(client_, no_bot_token_is_told_before_anything_is_sent) {
  runtime rt;
  const silent_server server;
  auto bot = client::start(rt, server.options());
  ASSERT_TRUE(bot);
  for (const auto* token : {"", "no colon", ":x", "12"}) {
    const auto who = bot->login_bot(token);
    ASSERT_FALSE(who) << token;
    EXPECT_EQ(who.error().code, errc::bad_argument);
  }
}

TEST(method_traits, what_may_run_twice) {
  EXPECT_TRUE(may_repeat_by_default(tl::encode(tl::help::getConfig{})));
  EXPECT_TRUE(may_repeat_by_default(tl::encode(
      tl::messages::sendMessage{.peer = tl::inputPeerSelf{}, .message = "x", .random_id = 1})))
      << "its random_id makes the second one a double";
  EXPECT_FALSE(may_repeat_by_default(tl::encode(tl::account::deleteAccount{.reason = "x"})));
  EXPECT_FALSE(may_repeat_by_default(test::hex("01020304")));
  // Their verbs promise more than they keep.
  EXPECT_FALSE(may_repeat_by_default(
      tl::encode(tl::messages::getBotCallbackAnswer{.peer = tl::inputPeerSelf{}, .msg_id = 1})));
  EXPECT_FALSE(may_repeat_by_default(
      tl::encode(tl::messages::exportChatInvite{.peer = tl::inputPeerSelf{}})));
  EXPECT_FALSE(may_repeat_by_default(
      tl::encode(tl::auth::checkPassword{.password = tl::inputCheckPasswordEmpty{}})));
  EXPECT_EQ(method_name(tl::encode(tl::help::getConfig{})), "help.getConfig");
  EXPECT_EQ(login_effect_of(tl::encode(tl::auth::logOut{})), login_effect::out);
}

TEST(method_traits, are_those_of_the_call_within_all_that_wraps_it) {
  const auto wrapped = [](bytes_view function) {
    tl::writer out;
    out.u32(tl::invokeWithBusinessConnection::tl_id);
    out.string("a connection");
    out.raw(without_updates(function));
    return out.take();
  };
  EXPECT_TRUE(may_repeat_by_default(wrapped(tl::encode(
      tl::messages::sendMessage{.peer = tl::inputPeerSelf{}, .message = "x", .random_id = 1}))));
  EXPECT_FALSE(
      may_repeat_by_default(wrapped(tl::encode(tl::account::deleteAccount{.reason = "x"}))));
  EXPECT_EQ(login_effect_of(wrapped(tl::encode(tl::auth::logOut{}))), login_effect::out);
}

TEST(method_traits, a_cdn_is_told_nothing_of_the_machine) {
  auto octets = first_call_prefix(toward_cdns({.api_id = 5,
                                               .device_model = "the machine's name",
                                               .system_version = "its system",
                                               .app_version = "1.2",
                                               .system_lang_code = "fr",
                                               .lang_pack = "a pack",
                                               .lang_code = "it"}));
  append(octets, tl::encode(tl::upload::getCdnFile{}));
  const auto outer = tl::decode<tl::invokeWithLayer>(octets);
  ASSERT_TRUE(outer) << to_string(outer.error());
  const auto inner = tl::decode<tl::initConnection>(outer->query.view());
  ASSERT_TRUE(inner) << to_string(inner.error());
  EXPECT_EQ(inner->api_id, 5);
  EXPECT_EQ(inner->app_version, "1.2");
  EXPECT_EQ(inner->device_model, "n/a");
  EXPECT_EQ(inner->system_version, "n/a");
  EXPECT_EQ(inner->system_lang_code, "en");
  EXPECT_EQ(inner->lang_pack, "");
  EXPECT_EQ(inner->lang_code, "en");
}

TEST(method_traits, the_first_call_goes_out_in_its_wrappers) {
  auto octets = first_call_prefix({.api_id = 5,
                                   .device_model = "d",
                                   .system_version = "s",
                                   .app_version = "a",
                                   .system_lang_code = "en",
                                   .lang_pack = "",
                                   .lang_code = "en"});
  append(octets, tl::encode(tl::help::getConfig{}));
  const auto outer = tl::decode<tl::invokeWithLayer>(octets);
  ASSERT_TRUE(outer) << to_string(outer.error());
  EXPECT_EQ(outer->layer, tl::layer);
  const auto inner = tl::decode<tl::initConnection>(outer->query.view());
  ASSERT_TRUE(inner) << to_string(inner.error());
  EXPECT_EQ(inner->api_id, 5);
  EXPECT_EQ(inner->query.constructor_id(), tl::help::getConfig::tl_id);
}

} // namespace cafegram
