#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/services.hpp>
#include <cafegram/actors/session_store.hpp>
#include <cafegram/actors/session_writer.hpp>
#include <cafegram/actors/system.hpp>
#include <cafegram/actors/updates.hpp>
#include <cafegram/storage/peers.hpp>
#include <cafegram/storage/session_rows.hpp>
#include <cafegram/storage/string_store.hpp>
#include <cafegram/tests/support.hpp>
#include <cafegram/tests/watchdog.hpp>
#include <cafegram/tl/api.hpp>

#include <caf/all.hpp>

#include <memory>
#include <string>
#include <utility>

// The peers of a session in its store's actor.
namespace cafegram {

namespace {

using namespace std::chrono_literals;

/// A store with a login, over rows.
struct peers_store : testing::Test {
  runtime rt;
  caf::scoped_actor self{rt.system()};
  std::shared_ptr<storage::backend> rows = storage::make_memory_store();
  std::shared_ptr<storage::session_backend> backend = storage::keep_session(rows);
  session_writer_actor writer = spawn_session_writer(rt.system(), 1);
  session_store_actor store;

  peers_store() {
    storage::session_state state;
    state.user = storage::user_record{7, true, "Bot", "bot"};
    EXPECT_TRUE(backend->commit({state, {}}));
    store = spawn_session_store(rt.system(), writer, backend, state, 1);
  }
  void TearDown() override {
    self->send_exit(store, caf::exit_reason::user_shutdown);
    self->wait_for(store);
    self->send(writer, shutdown_atom_v);
  }

  void comes(std::int64_t id, std::string username, std::int64_t to = 7) {
    auto seen = std::make_shared<peers_seen>();
    seen->users.emplace(id, tl::user{.id = id,
                                     .access_hash = id * 10,
                                     .first_name = "A",
                                     .username = std::move(username)});
    self->send(store, peers_came{.account = to, .seen = {seen}});
  }
  std::optional<storage::peer_address> find(const peer_name& what) {
    std::optional<storage::peer_address> out;
    self->request(store, 5s, peer_lookup{what})
        .receive(
            [&out](const peer_found& found) {
              out = found.peer ? std::optional{*found.peer} : std::nullopt;
            },
            [](const caf::error& why) { ADD_FAILURE() << to_string(to_error(why)); });
    return out;
  }
  /// 0: it is not found.
  std::int64_t hash_of(const peer_name& what) {
    const auto found = find(what);
    return found ? found->access_hash : 0;
  }
  void change(session_change by) {
    self->request(store, 5s, std::move(by))
        .receive([]() {}, [](const caf::error&) { ADD_FAILURE(); });
  }
  bool is_written(std::int64_t id) {
    return find_peer(*rows, storage::peer_kind::user, id).value().has_value();
  }
};

std::string text_of(const exported_session& made) {
  return std::string{as_text(made.text->view())};
}

/// A thread that a disk never lets go.
session_writer_actor::behavior_type hung_writer() {
  return {
      [](const session_write&) -> caf::result<void> { return caf::delegated<void>{}; },
      [](const inbox_read&) -> caf::result<inbox_page> { return caf::delegated<inbox_page>{}; },
      [](const peer_read&) -> caf::result<stored_peer> { return caf::delegated<stored_peer>{}; },
      [](const value_read&) -> caf::result<stored_value> { return caf::delegated<stored_value>{}; },
      [](const export_read&) -> caf::result<exported_session> {
        return caf::sec::invalid_argument;
      },
      [](shutdown_atom) {},
  };
}

} // namespace

TEST_F(peers_store, a_string_of_the_session_has_what_was_not_written_yet) {
  comes(5, "ann");
  change({[](storage::session_state& state) { state.home_dc = 4; }, false});
  std::string text;
  self->request(store, 5s, session_export{std::make_shared<const storage::string_options>()})
      .receive([&text](const exported_session& made) { text = text_of(made); },
               [](const caf::error& why) { ADD_FAILURE() << to_string(to_error(why)); });
  const auto copy = storage::open_string_store(text);
  ASSERT_TRUE(copy) << to_string(copy.error());
  const auto session = read_session(**copy);
  ASSERT_TRUE(session && *session);
  EXPECT_EQ((*session)->home_dc, 4);
  EXPECT_EQ((*session)->user->id, 7);
  EXPECT_TRUE(find_peer(**copy, storage::peer_kind::user, 5).value().has_value());
}

TEST_F(peers_store, finds_those_that_came_written_or_not) {
  comes(1, "one");
  comes(2, "two");
  EXPECT_FALSE(is_written(1));
  EXPECT_EQ(hash_of(peer_name::user(1)), 10);
  EXPECT_EQ(hash_of(peer_name::username("two")), 20);
  EXPECT_EQ(find(peer_name::user(3)), std::nullopt);
  self->request(store, 5s, caf::flush_atom_v).receive([]() {}, [](const caf::error&) {});
  EXPECT_TRUE(is_written(1));
  EXPECT_EQ(hash_of(peer_name::user(1)), 10) << "the memory holds one";
  EXPECT_EQ(hash_of(peer_name::username("two")), 20);
}

TEST_F(peers_store, writes_them_together_with_the_updates_that_they_came_with) {
  comes(1, "one");
  auto progress = std::make_shared<storage::update_progress>();
  progress->account = 7;
  progress->counters = storage::update_state{25, 1, 1, 1};
  change({.apply = {}, .at_once = true, .progress = progress});
  EXPECT_TRUE(is_written(1));
}

TEST_F(peers_store, writes_within_a_second_what_came_by_itself) {
  comes(1, "one");
  EXPECT_TRUE(test::comes_true([this] { return is_written(1); }));
}

TEST_F(peers_store, takes_none_of_another_account) {
  comes(1, "one", 8);
  EXPECT_EQ(find(peer_name::user(1)), std::nullopt);
}

TEST_F(peers_store, an_account_that_goes_takes_its_own_along) {
  comes(1, "one");
  change({[](storage::session_state&) {}, true});
  comes(2, "two");
  change({[](storage::session_state& state) { state.user->id = 8; }, true});
  for (const std::int64_t id : {1, 2}) {
    EXPECT_EQ(find(peer_name::user(id)), std::nullopt);
    EXPECT_FALSE(is_written(id));
  }
  comes(1, "one", 8);
  change({[](storage::session_state&) {}, true});
  EXPECT_TRUE(is_written(1)) << "of the new one nothing is known already";
}

TEST_F(peers_store, collects_no_more_look_ups_than_a_bound_while_the_disk_hangs) {
  self->send_exit(store, caf::exit_reason::user_shutdown);
  self->wait_for(store);
  const auto hung = rt.system().spawn(hung_writer);
  store = spawn_session_store(rt.system(), hung, backend, **backend->load());
  for (std::int64_t id = 1; id <= 65'536; ++id) {
    self->send(store, peer_lookup{peer_name::user(id)});
  }
  auto code = errc::none;
  self->request(store, 60s, peer_lookup{peer_name::user(1)})
      .receive([](const peer_found&) { ADD_FAILURE(); },
               [&code](const caf::error& why) { code = to_error(why).code; });
  EXPECT_EQ(code, errc::limit);
  self->send_exit(hung, caf::exit_reason::kill);
}

TEST_F(peers_store, finds_them_in_the_next_process) {
  comes(1, "one");
  self->send_exit(store, caf::exit_reason::user_shutdown);
  self->wait_for(store);
  store = spawn_session_store(rt.system(), writer, backend, **backend->load());
  EXPECT_EQ(hash_of(peer_name::user(1)), 10);
  EXPECT_EQ(hash_of(peer_name::username("ONE")), 10);
}

} // namespace cafegram
