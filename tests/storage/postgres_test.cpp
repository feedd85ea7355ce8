#include <cafegram/storage/open.hpp>
#include <cafegram/storage/postgres_store.hpp>

#include <arpa/inet.h>
#include <future>
#include <pqxx/pqxx>
#include <sys/socket.h>
#include <unistd.h>

#include "conformance.hpp"

// Beside a server of its own: tests/storage/postgres.sh.

namespace cafegram::test {

namespace {

std::string server() {
  const char* given = std::getenv("CAFEGRAM_TEST_POSTGRES");
  EXPECT_NE(given, nullptr) << "run this by tests/storage/postgres.sh";
  return given != nullptr ? given : "";
}

/// Says something to the server, as its administrator.
void run(const std::string& text) {
  pqxx::connection connection{server()};
  pqxx::work in{connection};
  in.exec(text);
  in.commit();
}

std::string fresh_uri() {
  static int number = 0;
  return server() + "?session=" + std::to_string(++number) + "&connect_timeout=10";
}

struct postgres_harness {
  static constexpr bool outlives = true;
  std::string uri = fresh_uri();
  result<std::shared_ptr<backend>> open() { return open_postgres_store(uri); }
};

struct postgres : testing::Test {
  std::string uri = fresh_uri();
  std::unique_ptr<backend> store = open();

  std::unique_ptr<backend> open() {
    auto opened = open_postgres_store(uri);
    EXPECT_TRUE(opened) << to_string(opened.error());
    return opened ? *std::move(opened) : nullptr;
  }
  result<void> put(const std::string& key, bool durable = false) {
    batch what;
    what.put(table::value, key, text_blob("x"));
    what.durable = durable;
    return store->apply(what);
  }
  std::string name() const {
    return uri.substr(uri.find("session=") + 8, uri.find('&') - uri.find("session=") - 8);
  }
  /// As if the owner had not been heard of for long.
  void let_lease_end() {
    run("UPDATE cafegram_lease SET expires = 'epoch' WHERE session = '" + name() + "'");
  }
  void cut_connection() {
    run("SELECT pg_terminate_backend(backend) FROM cafegram_lease WHERE session = '" + name() +
        "'");
  }
};

} // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(postgres, conformance, postgres_harness);

TEST_F(postgres, a_second_owner_is_refused_and_told_the_first) {
  const auto second = open_postgres_store(uri);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::session_in_use);
  EXPECT_EQ(second.error().number, ::getpid());
  EXPECT_NE(second.error().what.find("session " + name() + " is in use by process"),
            std::string::npos)
      << second.error().what;
  store = nullptr;
  EXPECT_TRUE(open_postgres_store(uri)) << "free after an orderly end";
}

TEST_F(postgres, who_was_taken_for_dead_changes_nothing_any_more) {
  ASSERT_TRUE(put("before"));
  let_lease_end();
  const auto next = open();
  ASSERT_TRUE(next);
  batch what;
  what.put(table::value, "theirs", {});
  ASSERT_TRUE(next->apply(what));
  for (int time = 0; time < 2; ++time) {
    const auto done = put("after");
    ASSERT_FALSE(done);
    EXPECT_NE(done.error().what.find("this process has lost it"), std::string::npos);
  }
  EXPECT_FALSE(*next->get(table::value, "after"));
  EXPECT_TRUE(*next->get(table::value, "before"));
  store = nullptr;
  EXPECT_TRUE(next->apply(what)) << "the end of the first takes nothing from the second";
}

TEST_F(postgres, a_lease_that_ended_stays_with_who_has_it_while_nobody_else_wants_it) {
  let_lease_end();
  EXPECT_TRUE(put("still mine"));
  EXPECT_FALSE(open_postgres_store(uri)) << "renewed by the batch";
}

TEST_F(postgres, a_connection_that_breaks_is_made_anew) {
  ASSERT_TRUE(put("a"));
  cut_connection();
  EXPECT_TRUE(put("b"));
  cut_connection();
  EXPECT_TRUE(*store->get(table::value, "b"));
  cut_connection();
  EXPECT_EQ(store->scan(table::value, {}, {})->rows.size(), 2U);
}

TEST_F(postgres, who_comes_back_to_find_another_owner_gives_up) {
  cut_connection();
  const auto next = open();
  ASSERT_TRUE(next) << "whose connection is gone has lost it";
  const auto written = put("a");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, errc::session_in_use) << "not to be tried again";
  const auto read = store->get(table::value, "a");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, errc::session_in_use);
}

TEST_F(postgres, who_loses_it_is_told_without_asking_for_anything) {
  store = nullptr;
  auto opened = open_postgres_store(uri, {.lease = std::chrono::seconds{9}});
  ASSERT_TRUE(opened) << to_string(opened.error());
  store = *std::move(opened);
  std::promise<errc> told;
  store->when_lost([&told](const error& why) { told.set_value(why.code); });
  let_lease_end();
  const auto next = open();
  ASSERT_TRUE(next);
  auto outcome = told.get_future();
  ASSERT_EQ(outcome.wait_for(std::chrono::seconds{30}), std::future_status::ready);
  EXPECT_EQ(outcome.get(), errc::session_in_use);
  errc late = errc::none;
  store->when_lost([&late](const error& why) { late = why.code; });
  EXPECT_EQ(late, errc::session_in_use) << "who asks later is told at once";
}

TEST_F(postgres, a_server_that_crashes_has_all_that_was_durable) {
  ASSERT_TRUE(put("earlier"));
  ASSERT_TRUE(put("durable", true));
  const char* restart = std::getenv("CAFEGRAM_TEST_POSTGRES_RESTART");
  ASSERT_NE(restart, nullptr);
  ASSERT_EQ(std::system(restart), 0);
  const auto found = store->get(table::value, "durable");
  ASSERT_TRUE(found) << to_string(found.error());
  EXPECT_TRUE(*found);
  EXPECT_TRUE(*store->get(table::value, "earlier"));
  EXPECT_TRUE(put("later"));
}

TEST_F(postgres, sessions_of_one_database_know_nothing_of_each_other) {
  ASSERT_TRUE(put("a"));
  const auto other = open_postgres_store(fresh_uri());
  ASSERT_TRUE(other);
  EXPECT_TRUE(rows_of(**other).empty());
  batch what;
  what.clear(table::value);
  ASSERT_TRUE((*other)->apply(what));
  EXPECT_TRUE(*store->get(table::value, "a"));
}

TEST_F(postgres, a_session_in_it_is_opened_by_its_uri_and_encrypted) {
  const auto place = fresh_uri();
  const open_options with{.key = store_key::from_text(std::string(64, '3'))};
  {
    const auto session = open_session(place, with);
    ASSERT_TRUE(session) << to_string(session.error());
    ASSERT_TRUE((*session)->commit({sample_session()}));
  }
  EXPECT_FALSE(open_session(place));
  EXPECT_TRUE((*open_session(place, with))->load()->has_value());
}

TEST(postgres_place, a_server_that_is_not_there_is_an_error_without_the_password) {
  const auto store =
      open_postgres_store("postgresql://me:top-secret@127.0.0.1:1/db?session=s&connect_timeout=2");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, errc::storage);
  EXPECT_EQ(store.error().what.find("top-secret"), std::string::npos) << store.error().what;
  EXPECT_FALSE(open_postgres_store("postgresql://[broken"));
}

TEST(postgres_place, a_password_may_have_what_parameters_begin_with) {
  auto uri = server();
  uri.insert(uri.find('@'), ":a?b&session=c");
  for (const auto& with : {uri, uri + "?session=other"}) {
    const auto store = open_postgres_store(with);
    ASSERT_TRUE(store) << with << ": " << to_string(store.error());
    const std::string_view session = with == uri ? "session default" : "session other";
    EXPECT_NE((*store)->place().find(session), std::string::npos) << (*store)->place();
  }
}

TEST(postgres_place, a_server_that_says_nothing_is_not_waited_for) {
  const int mute = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ASSERT_EQ(::bind(mute, reinterpret_cast<const sockaddr*>(&at), size), 0);
  ASSERT_EQ(::listen(mute, 8), 0); // connections are made, and nobody reads from them
  ASSERT_EQ(::getsockname(mute, reinterpret_cast<sockaddr*>(&at), &size), 0);
  auto outcome = std::async(std::launch::async, [port = ntohs(at.sin_port)] {
    return open_postgres_store("postgresql://me@127.0.0.1:" + std::to_string(port) + "/db",
                               {.patience = std::chrono::seconds{2}});
  });
  EXPECT_EQ(outcome.wait_for(std::chrono::seconds{20}), std::future_status::ready);
  ::close(mute); // by which the others hear that it is gone
  const auto store = outcome.get();
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, errc::storage);
}

TEST(postgres_place, a_newer_format_is_refused_by_its_number) {
  ASSERT_TRUE(open_postgres_store(fresh_uri()));
  run("UPDATE cafegram_format SET version = 2");
  const auto store = open_postgres_store(fresh_uri());
  run("UPDATE cafegram_format SET version = 1");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().number, 2);
  EXPECT_NE(store.error().what.find("version 2"), std::string::npos);
}

} // namespace cafegram::test
