#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/server.hpp>

#include <fmt/format.h>

#include <algorithm>

#include "../actors/loopback.hpp"
#include "../watchdog.hpp"
#include "event_reader.hpp"
#include "raw_client.hpp"

/// Faults as they are seen on the wire and in the log of the run.
namespace cafegram::sandbox {
namespace {

using test::raw_client;
using tl::json;

constexpr std::string_view faults_token = "1000001:AAAbbbCCC";

class faults_server : public ::testing::Test {
protected:
  void SetUp() override { log::configure({log::level::error}); }
  void TearDown() override {
    server_.reset();
    log::configure({});
  }

  void start(std::initializer_list<const char*> exact,
             std::initializer_list<const char*> rates = {}, std::uint64_t seed = 1) {
    server_.reset();
    server_options options;
    options.event_log = log_.path();
    options.faults.seed = seed;
    for (const auto* one : exact) {
      ASSERT_TRUE(options.faults.add_exact(one)) << one;
    }
    for (const auto* one : rates) {
      ASSERT_TRUE(options.faults.add(one)) << one;
    }
    auto made = server::start(runtime_, options);
    ASSERT_TRUE(made) << to_string(made.error());
    server_ = *std::move(made);
  }

  raw_client::settings settings() const {
    return {server_->port(),
            server_->public_key_pem(),
            {.kind = protocol::framing::abridged, .obfuscated = false}};
  }

  /// A client that has sent the first message of a key exchange.
  test::plain_socket ask() const {
    const auto random = crypto::system_random();
    protocol::client_key_exchange machine{
        {.keys = {crypto::rsa_public_key::from_pem(server_->public_key_pem()).value()}, .dc = 2},
        random,
        std::make_shared<crypto::prime_cache>()};
    auto framing = protocol::client_transport::make({.kind = protocol::framing::abridged}, random);
    bytes out = framing->opening();
    EXPECT_TRUE(
        framing->encode(machine.start(std::chrono::system_clock::now()), false, out).has_value());
    test::plain_socket socket{::socket(AF_INET, SOCK_STREAM, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socket.write(out);
    return socket;
  }

  /// What it gets back, until the socket closes or there is enough.
  bytes first_answer(std::size_t most = 10'000) const { return ask().read(most); }

  std::vector<json> logged(std::string_view event) {
    server_->flush_log();
    return log_.all(event);
  }

  test::event_log_file log_;
  runtime runtime_;
  std::unique_ptr<server> server_;
};

TEST_F(faults_server, a_frame_is_cut_at_each_of_its_octets) {
  start({});
  const auto length = first_answer(1); // in words; the abridged framing needs one octet for it
  ASSERT_EQ(length.size(), 1U);
  const std::uint32_t frame = 1 + 4U * length.front();
  server_options options;
  for (std::uint32_t octets = 0; octets <= frame; ++octets) {
    options.faults.exact.push_back({fault_kind::cut, {octets + 1, fault_way::out, 1}, octets});
  }
  server_.reset();
  auto made = server::start(runtime_, options);
  ASSERT_TRUE(made);
  server_ = *std::move(made);
  for (std::uint32_t octets = 0; octets <= frame; ++octets) {
    EXPECT_EQ(first_answer().size(), octets);
  }
  EXPECT_EQ(server_->faults().of(fault_kind::cut), frame + 1);
}

TEST_F(faults_server, a_frame_that_comes_is_cut_before_it_is_looked_at) {
  start({"cut=in/1/1"});
  EXPECT_TRUE(first_answer().empty());
}

// No reset and no end until its time is over.
TEST_F(faults_server, a_half_open_connection_says_nothing_and_ends_in_time) {
  start({"half-open=in/1/1,60000", "half-open=in/2/1,600"});
  const auto longer = ask();
  const auto shorter = ask();
  ASSERT_TRUE(shorter.readable(test::watchdog));
  EXPECT_TRUE(shorter.read(1).empty()) << "its end";
  EXPECT_FALSE(longer.readable(std::chrono::milliseconds{0}));
}

TEST_F(faults_server, says_the_words_of_the_transport) {
  start({"error-404=out/1/1", "error-429=out/2/1", "error-444=out/3/1"});
  for (const std::int32_t word : {-404, -429, -444}) {
    raw_client client{settings()};
    EXPECT_FALSE(client.exchange());
    EXPECT_EQ(client.word(), word);
  }
}

TEST_F(faults_server, refuses_calls_that_do_not_run) {
  start({"flood-wait=call/1/2,7", "error-500=call/1/3"});
  raw_client client{settings()};
  ASSERT_TRUE(client.exchange());
  client.log_in(faults_token);
  const auto flooded = client.call({{"_", "updates.getState"}});
  ASSERT_FALSE(flooded);
  EXPECT_EQ(flooded.error().rpc->code, 420);
  EXPECT_EQ(flooded.error().rpc->text, "FLOOD_WAIT_7");
  const auto failed = client.call({{"_", "updates.getState"}});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().rpc->code, 500);
  EXPECT_TRUE(client.call({{"_", "updates.getState"}}));
  const auto calls = logged("call");
  ASSERT_EQ(calls.size(), 4U);
  EXPECT_EQ(calls[1]["executed"], false);
  EXPECT_EQ(calls[1]["error"], "420 FLOOD_WAIT_7");
  EXPECT_EQ(calls[1]["method"], "updates.getState");
  EXPECT_EQ(calls[1]["user"], 1000001);
  EXPECT_EQ(calls[2]["error"], "500 RPC_CALL_FAIL");
  EXPECT_EQ(calls[3]["executed"], true);
  EXPECT_EQ(calls[3]["call"], calls[2]["call"]) << "they ask for the same";
}

TEST_F(faults_server, holds_an_answer_back) {
  start({"late-answer=call/1/1,300", "late-answer=call/1/2,60000"});
  raw_client client{settings()};
  ASSERT_TRUE(client.exchange());
  ASSERT_TRUE(client.call({{"_", "help.getNearestDc"}})) << "it comes";
  const auto late = client.submit(raw_client::codec().encode({{"_", "help.getConfig"}}).value());
  ASSERT_TRUE(client.call({{"_", "help.getNearestDc"}})) << "the next one overtakes it";
  EXPECT_FALSE(client.has_outcome(late));
}

// The answers of a session that is forgotten are gone, and its client is told of another one.
TEST_F(faults_server, forgets_a_session_while_it_is_in_use) {
  start({"forget-session=in/1/6", "late-answer=call/1/2,60000"});
  raw_client client{settings()};
  ASSERT_TRUE(client.exchange()); // three frames
  ASSERT_TRUE(client.call({{"_", "help.getNearestDc"}}));
  const auto lost = client.submit(raw_client::codec().encode({{"_", "help.getConfig"}}).value());
  ASSERT_TRUE(client.call({{"_", "help.getNearestDc"}}));
  EXPECT_EQ(client.sessions(), 2);
  static_cast<void>(lost);
}

TEST_F(faults_server, forgets_a_session_between_two_connections) {
  start({"forget-session=end/1/1"});
  raw_client client{settings()};
  ASSERT_TRUE(client.exchange());
  ASSERT_TRUE(client.call({{"_", "help.getNearestDc"}}));
  for (const int sessions : {2, 2}) {
    // Who is faster than the end of its old connection takes the session from there.
    const auto ended = logged("close").size() + 1;
    client.drop();
    EXPECT_TRUE(test::comes_true([&] { return logged("close").size() >= ended; }));
    client.open();
    ASSERT_TRUE(client.call({{"_", "help.getNearestDc"}}));
    EXPECT_EQ(client.sessions(), sessions) << "forgotten once, then kept";
  }
}

TEST_F(faults_server, changes_its_salts_and_its_clock_under_a_session) {
  start({"wrong-salt=in/1/5", "wrong-time=in/1/8,3600"});
  raw_client client{settings()};
  ASSERT_TRUE(client.exchange());
  for (int i = 0; i < 8; ++i) {
    EXPECT_TRUE(client.call({{"_", "help.getNearestDc"}})) << i;
  }
  EXPECT_EQ(server_->faults().of(fault_kind::wrong_salt), 1U);
  EXPECT_EQ(server_->faults().of(fault_kind::wrong_time), 1U);
}

TEST_F(faults_server, slow_lines_still_carry_all) {
  start({"slow-write=out/1/4,400", "slow-read=in/1/5,400"});
  raw_client client{settings()};
  ASSERT_TRUE(client.exchange());
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(client.call({{"_", "help.getConfig"}})) << i;
  }
  EXPECT_EQ(server_->faults().of(fault_kind::slow_write), 1U);
  EXPECT_EQ(server_->faults().of(fault_kind::slow_read), 1U);
}

// Pushed updates get lost, come late, twice and in another order; answers do not.
TEST_F(faults_server, pushed_updates_go_astray) {
  start({"push-drop=push/1/2", "push-repeat=push/1/3", "push-reorder=push/1/5,60000",
         "push-delay=push/1/7,60000"});
  raw_client client{settings()};
  ASSERT_TRUE(client.exchange());
  client.log_in(faults_token);
  const auto dora = server_->page().create_user("Dora", "dora");
  ASSERT_TRUE(dora);
  page_text text;
  text.as = dora->id;
  text.to = 1000001;
  for (int i = 1; i <= 8; ++i) {
    text.text = std::to_string(i);
    ASSERT_TRUE(server_->page().send(text));
  }
  std::string order;
  const auto hear = [&] {
    const auto update = client.update("updateNewMessage");
    ASSERT_TRUE(update) << order;
    order += update->at("message").at("message").get<std::string>();
  };
  for (std::size_t i = 0; i < 7; ++i) {
    ASSERT_NO_FATAL_FAILURE(hear());
  }
  EXPECT_EQ(order, "1334658");
  // What is held back is not lost with the connection.
  client.drop();
  client.open();
  ASSERT_TRUE(client.call({{"_", "help.getNearestDc"}}));
  ASSERT_NO_FATAL_FAILURE(hear());
  EXPECT_EQ(order, "13346587");
  const auto state = client.call({{"_", "updates.getState"}});
  EXPECT_EQ(state->at("pts"), 9);
  EXPECT_EQ(server_->faults().of(fault_kind::push_drop), 1U);
  EXPECT_EQ(logged("fault").at(0)["way"], "push");
}

TEST_F(faults_server, can_be_switched_while_it_runs) {
  start({});
  raw_client client{settings()};
  ASSERT_TRUE(client.exchange());
  ASSERT_TRUE(client.call({{"_", "help.getNearestDc"}}));
  fault_plan plan;
  ASSERT_TRUE(plan.add("error-500=1"));
  server_->set_faults(plan);
  ASSERT_TRUE(server_->page().state()) << "the router has had it, and told the connections";
  EXPECT_FALSE(client.call({{"_", "help.getNearestDc"}}));
  raw_client other{settings()};
  ASSERT_TRUE(other.exchange());
  EXPECT_FALSE(other.call({{"_", "help.getNearestDc"}})) << "also on connections that come later";
  server_->set_faults({});
  ASSERT_TRUE(server_->page().state());
  EXPECT_TRUE(client.call({{"_", "help.getNearestDc"}}));
  EXPECT_EQ(logged("plan").size(), 3U);
}

TEST_F(faults_server, the_same_seed_spoils_the_same_calls) {
  const auto run = [this](std::uint64_t seed) {
    std::filesystem::remove(log_.path());
    start({}, {"late-answer=3,5", "error-500=4", "flood-wait=5,9"}, seed);
    raw_client client{settings()};
    EXPECT_TRUE(client.exchange());
    for (int i = 0; i < 40; ++i) {
      static_cast<void>(client.call({{"_", "help.getNearestDc"}}));
    }
    std::vector<std::string> out;
    for (auto& line : logged("fault")) {
      line.erase("at");
      out.push_back(line.dump());
    }
    return out;
  };
  const auto seed = test::seed();
  const auto first = run(seed);
  EXPECT_GT(first.size(), 10U);
  EXPECT_EQ(run(seed), first);
  EXPECT_NE(run(seed + 1), first);
}

TEST_F(faults_server, the_log_tells_what_ran_and_what_was_stored) {
  start({"duplicate=out/1/4"});
  raw_client client{settings()};
  ASSERT_TRUE(client.exchange());
  client.log_in(faults_token);
  const auto alice = client.call({{"_", "contacts.resolveUsername"}, {"username", "alice"}});
  const json& user = alice->at("users").at(0);
  const auto send = [&](const char* words, const char* random_id) {
    return client.call({{"_", "messages.sendMessage"},
                        {"peer",
                         {{"_", "inputPeerUser"},
                          {"user_id", user.at("id")},
                          {"access_hash", user.at("access_hash")}}},
                        {"message", words},
                        {"random_id", random_id}});
  };
  ASSERT_TRUE(send("one", "11"));
  ASSERT_TRUE(send("one", "12"));
  ASSERT_TRUE(send("two", "13"));
  EXPECT_FALSE(send("two", "13")) << "RANDOM_ID_DUPLICATE";
  const auto all = logged("");
  EXPECT_EQ(all.at(0)["event"], "start");
  EXPECT_EQ(all.at(0)["dcs"], json::array({2}));
  EXPECT_EQ(all.at(1)["event"], "plan");
  EXPECT_EQ(all.at(2)["event"], "open");
  const auto faults = logged("fault");
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0]["kind"], "duplicate");
  EXPECT_EQ(faults[0]["number"], 4);
  auto calls = logged("call");
  std::erase_if(calls, [](const json& c) { return c["method"] != "messages.sendMessage"; });
  ASSERT_EQ(calls.size(), 4U);
  EXPECT_EQ(calls[0]["call"], calls[1]["call"]) << "without random_id they are the same";
  EXPECT_NE(calls[1]["call"], calls[2]["call"]);
  EXPECT_EQ(calls[0]["random_id"], "11");
  EXPECT_EQ(calls[0]["user"], 1000001);
  EXPECT_EQ(calls[3]["executed"], true);
  EXPECT_EQ(calls[3]["error"], "500 RANDOM_ID_DUPLICATE");
  std::vector<std::string> stored; // her answers are between
  for (const json& line : logged("message")) {
    if (line["from"] == 1000001) {
      stored.push_back(line["text"].get<std::string>() + line["random_id"].get<std::string>());
    }
  }
  EXPECT_EQ(stored, (std::vector<std::string>{"one11", "one12", "two13"}));
}

// What was logged stands there once the server has stopped, its last line too.
TEST_F(faults_server, the_log_is_whole_after_a_stop) {
  start({});
  {
    raw_client client{settings()};
    ASSERT_TRUE(client.exchange());
    ASSERT_TRUE(client.call({{"_", "help.getNearestDc"}}));
  }
  server_->stop();
  const auto all = log_.all();
  EXPECT_EQ(all.back()["event"], "stop");
  EXPECT_EQ(log_.all("call").size(), 1U);
  EXPECT_EQ(log_.all("open").size(), 1U);
  EXPECT_EQ(log_.all("close").size(), 1U);
}

} // namespace
} // namespace cafegram::sandbox
