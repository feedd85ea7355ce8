#include <cafegram/actors/session_store.hpp>
#include <cafegram/actors/session_writer.hpp>
#include <cafegram/storage/chat_values.hpp>
#include <cafegram/storage/open.hpp>
#include <cafegram/tests/temporary_folder.hpp>

#include "hub_inbox_kit.hpp"

// Values of chats, that are written in one batch with the end of their updates.
namespace cafegram {

namespace {

using test::fresh;
using test::live;
using row_numbers = std::vector<std::uint64_t>;
using told_values = std::vector<chat_value>;

constexpr std::int64_t chat_of_ann = 7;

updates_finished end_of(row_numbers numbers, told_values values, std::int64_t chat = chat_of_ann,
                        std::int64_t account = test::me) {
  return {.numbers = std::move(numbers),
          .values = std::make_shared<const told_values>(std::move(values)),
          .chat = chat,
          .account = account};
}

std::string key_of(std::string_view key, std::int64_t chat = chat_of_ann) {
  return storage::chat_value_key(test::me, chat, key);
}

/// Tells ends and asks for values, as a dispatcher does.
struct value_asker {
  caf::actor_system& system;
  std::function<void()> run;
  update_hub_actor hub;
  int written = 0;
  std::vector<errc> refused = {};

  void post(updates_finished what) {
    system.spawn([this, to = hub, what](caf::event_based_actor* self) {
      self->request(to, caf::infinite, what)
          .then([this] { ++written; },
                [this](const caf::error& why) { refused.push_back(to_error(why).code); });
    });
    run();
  }
  std::string load(std::string key, std::int64_t chat = chat_of_ann,
                   std::int64_t account = test::me) {
    auto out = std::make_shared<std::string>("no answer");
    system.spawn([out, hub = hub, key, chat, account](caf::event_based_actor* self) {
      self->request(hub, caf::infinite, value_request{chat, key, account})
          .then([out](const stored_value& is) { *out = is.value.value_or("none"); },
                [out](const caf::error& why) { *out = to_string(to_error(why)); });
    });
    run();
    return *out;
  }
};

struct hub_values : test::inbox_stage {
  value_asker asker{actors.system(), [this] { actors.run(); }, hub};

  ~hub_values() override { asker.hub = nullptr; }

  void let_write() {
    caf::anon_send(store, caf::tick_atom_v);
    actors.run();
  }
  std::string stored(std::string_view key, std::int64_t chat = chat_of_ann) {
    return world->value(key_of(key, chat)).value_or("none");
  }
};

} // namespace

TEST_F(hub_values, are_written_in_one_batch_with_the_end_of_their_row) {
  start();
  wire(live({fresh(1, 11)}));
  const auto number = inbox().at(0).number;
  world->holds_writes = true;
  asker.post(end_of({number}, {{"a", "1"}}));
  EXPECT_EQ(inbox().size(), 1U);
  EXPECT_EQ(stored("a"), "none");
  ASSERT_EQ(world->unwritten.size(), 1U);
  const auto& rows = world->unwritten[0].progress->rows;
  EXPECT_EQ(std::ranges::count(rows, storage::table::value, &storage::change::in), 1);
  EXPECT_EQ(std::ranges::count(rows, storage::table::inbox, &storage::change::in), 1);
  EXPECT_EQ(asker.written, 0);
  let_write();
  EXPECT_TRUE(inbox().empty());
  EXPECT_EQ(stored("a"), "1");
  EXPECT_EQ(asker.written, 1);
  world->holds_writes = false;
}

TEST_F(hub_values, are_loaded_right_behind_an_end_that_is_not_written) {
  start();
  wire(live({fresh(1, 11), fresh(2, 12)}));
  const auto rows = inbox();
  world->holds_writes = true;
  asker.post(end_of({rows[0].number}, {{"a", "1"}, {"b", "1"}}));
  EXPECT_EQ(asker.load("a"), "1") << "the store has it";
  asker.post(end_of({rows[1].number}, {{"a", "2"}, {.key = "b", .erased = true}}));
  ASSERT_EQ(world->held_writes.size(), 1U) << "it waits for the write before";
  EXPECT_EQ(asker.load("a"), "2");
  EXPECT_EQ(asker.load("b"), "none");
  EXPECT_EQ(asker.load("c"), "none");
  let_write();
  let_write();
  EXPECT_EQ(asker.written, 2);
  EXPECT_EQ(stored("a"), "2");
  EXPECT_EQ(stored("b"), "none");
  world->holds_writes = false;
}

TEST_F(hub_values, of_two_chats_and_two_accounts_are_apart) {
  start();
  asker.post(end_of({}, {{"a", "ann's"}}));
  asker.post(end_of({}, {{"a", "bob's"}}, 8));
  asker.post(end_of({}, {{"a", "a group's"}}, -7));
  EXPECT_EQ(asker.load("a"), "ann's");
  EXPECT_EQ(asker.load("a", 8), "bob's");
  EXPECT_EQ(asker.load("a", -7), "a group's");
  world->stored.updates.reset();
  begin(updates_from::now, test::me + 1);
  EXPECT_EQ(asker.load("a", chat_of_ann, test::me + 1), "none");
}

TEST_F(hub_values, of_one_account_are_neither_read_nor_written_as_another_ones) {
  start();
  asker.post(end_of({}, {{"a", "mine"}}));
  world->stored.updates.reset();
  begin(updates_from::now, test::me + 1);
  asker.post(end_of({}, {{"a", "late"}}));
  EXPECT_EQ(asker.refused, std::vector{errc::cancelled});
  EXPECT_EQ(asker.load("a", chat_of_ann, test::me + 1), "none");
  EXPECT_NE(asker.load("a").find("another"), std::string::npos);
  EXPECT_EQ(stored("a"), "mine");
  asker.post(end_of({}, {{"a", "theirs"}}, chat_of_ann, test::me + 1));
  EXPECT_EQ(asker.load("a", chat_of_ann, test::me + 1), "theirs");
}

TEST_F(hub_values, an_end_that_is_told_twice_stores_once) {
  start();
  wire(live({fresh(1, 11), fresh(2, 12)}));
  const auto rows = inbox();
  const auto first = end_of({rows[0].number}, {{"a", "1"}});
  asker.post(first);
  asker.post(end_of({rows[1].number}, {{"a", "2"}}));
  asker.post(first);
  EXPECT_EQ(stored("a"), "2");
  EXPECT_EQ(asker.written, 3);
}

TEST_F(hub_values, a_hub_that_ends_says_that_it_does_not_know) {
  start();
  world->holds_writes = true;
  asker.post(end_of({}, {{"a", "1"}}));
  asker.post(end_of({}, {{"b", "1"}}));
  asker.hub = nullptr;
  caf::anon_send_exit(hub, caf::exit_reason::kill);
  actors.run();
  EXPECT_EQ(asker.refused, (std::vector{errc::unknown_outcome, errc::unknown_outcome}));
  while (!world->held_writes.empty()) {
    let_write();
  }
  EXPECT_EQ(stored("a"), "1");
  EXPECT_EQ(stored("b"), "1") << "what waited for the write before is given to the store";
  world->holds_writes = false;
}

namespace {

/// A hub over a real store, which a test has die and opens again.
class values_in_store : public testing::TestWithParam<const char*> {
protected:
  values_in_store() { open(); }
  ~values_in_store() override {
    die();
    caf::anon_send_exit(client_, caf::exit_reason::user_shutdown);
    caf::anon_send(writer_, shutdown_atom_v);
    stage_.run();
  }

  bool outlives() const { return std::string{GetParam()} != "memory"; }
  void open() {
    const std::string kind = GetParam();
    backend_ = storage::open_session(outlives() ? kind + ":" + folder_.file("bot") : kind).value();
    const auto there = backend_->load().value();
    storage::session_state session = there.value_or(storage::session_state{});
    session.user = storage::user_record{test::me, true, {}, {}};
    EXPECT_TRUE(backend_->commit({session, {}}));
    store_ = spawn_session_store(stage_.system(), writer_, backend_, session);
    hub_ = spawn_update_hub(stage_.system(), stage_.services(), client_, store_);
    caf::anon_send(hub_,
                   hub_start{{.id = test::me, .bot = true, .first_name = {}, .username = {}},
                             there && there->updates ? updates_from::stored : updates_from::now});
    taker_ = stage_.system().spawn([this]() -> caf::behavior {
      return {[this](const update_events& batch) {
        for (const auto& event : batch.events) {
          given_.push_back(event.number);
        }
      }};
    });
    caf::anon_send(hub_, update_claim{taker_, true});
    stage_.run();
    asker_.hub = hub_;
  }
  /// What the handlers would have told is told by nobody.
  void die() {
    asker_.hub = nullptr;
    for (const auto& one : {taker_, caf::actor_cast<caf::actor>(hub_)}) {
      caf::anon_send_exit(one, caf::exit_reason::kill);
      stage_.run();
    }
    caf::anon_send_exit(store_, caf::exit_reason::user_shutdown);
    stage_.run();
    hub_ = nullptr;
    store_ = nullptr;
    taker_ = nullptr;
    backend_.reset();
    given_.clear();
  }
  void says(std::int32_t id) {
    caf::anon_send(hub_, live({fresh(id, 10 + id)}));
    stage_.run();
  }
  std::size_t rows() { return read_inbox(*backend_->rows(), 0)->records.size(); }
  std::string stored(std::string_view key) {
    const auto found = backend_->rows()->get(storage::table::value, key_of(key)).value();
    return found ? std::string{as_text(*found)} : "none";
  }

  test::temporary_folder folder_;
  test::virtual_system stage_;
  std::shared_ptr<test::hub_world> world_ = std::make_shared<test::hub_world>();
  client_actor client_ = stage_.system().spawn(test::played_client, world_);
  session_writer_actor writer_ = stage_.system().spawn(session_worker);
  std::shared_ptr<storage::session_backend> backend_;
  session_store_actor store_;
  update_hub_actor hub_;
  caf::actor taker_;
  row_numbers given_;
  value_asker asker_{stage_.system(), [this] { stage_.run(); }, {}};
};

} // namespace

TEST_P(values_in_store, are_there_with_the_end_and_not_before) {
  says(1);
  ASSERT_EQ(given_.size(), 1U);
  EXPECT_EQ(asker_.load("count"), "none");
  asker_.post(end_of({given_[0]}, {{"count", "1"}}));
  EXPECT_EQ(rows(), 0U);
  EXPECT_EQ(stored("count"), "1");
  EXPECT_EQ(asker_.load("count"), "1");
}

TEST_P(values_in_store, a_death_in_between_leaves_row_and_old_value) {
  says(1);
  asker_.post(end_of({given_.at(0)}, {{"count", "1"}}));
  says(2); // its handler counts, and dies before it can say so
  ASSERT_EQ(given_.size(), 2U);
  EXPECT_EQ(asker_.load("count"), "1");
  EXPECT_EQ(rows(), 1U);
  EXPECT_EQ(stored("count"), "1");
  if (!outlives()) {
    return;
  }
  die();
  open();
  ASSERT_EQ(given_.size(), 1U) << "it is handled again, once";
  EXPECT_EQ(asker_.load("count"), "1");
  asker_.post(end_of({given_[0]}, {{"count", "2"}}));
  die();
  open();
  EXPECT_TRUE(given_.empty());
  EXPECT_EQ(asker_.load("count"), "2");
}

INSTANTIATE_TEST_SUITE_P(, values_in_store, testing::Values("memory", "sqlite", "file"),
                         [](const auto& one) { return std::string{one.param}; });

} // namespace cafegram
