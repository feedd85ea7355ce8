#include <cafegram/actors/peer_notes.hpp>
#include <cafegram/actors/session_store.hpp>
#include <cafegram/storage/inbox.hpp>
#include <cafegram/storage/peers.hpp>
#include <cafegram/storage/string_store.hpp>

#include "client_world.hpp"

// A session that another process has taken over, as it may in PostgreSQL.
namespace cafegram {

namespace {

using namespace std::chrono_literals;
using test::client_world;

std::unexpected<error> taken() {
  return fail(errc::session_in_use, "this process has lost it: session s is in use", 42);
}

/// A store and the session in it. Begins to refuse, or says first that it will.
class leased_backend final : public storage::session_backend, public storage::backend {
public:
  result<std::optional<storage::session_state>> load() override { return std::nullopt; }
  result<void> commit(const storage::session_batch&) override {
    ++writes;
    return lost ? taken() : result<void>{};
  }
  result<std::string> put_aside(const storage::session_state&, std::string_view) override {
    return lost ? taken() : result<std::string>{};
  }
  storage::backend* rows() override { return this; }

  result<void> apply(const storage::batch&) override { return lost ? taken() : result<void>{}; }
  result<std::optional<storage::blob>> get(storage::table, std::string_view) override {
    return lost ? taken() : result<std::optional<storage::blob>>{};
  }
  result<storage::page> scan(storage::table, std::string_view,
                             const storage::page_limits&) override {
    return lost ? taken() : result<storage::page>{};
  }
  std::string place() const override { return "test"; }
  void when_lost(std::function<void(const error&)> tell) override { tell_lost = std::move(tell); }

  bool lost = false;
  int writes = 0;
  std::function<void(const error&)> tell_lost;
};

/// Does at once what its threads would do.
session_writer_actor::behavior_type played_writer() {
  return {
      [](const session_write& what) -> caf::result<void> {
        const auto outcome = what.to->commit(*what.batch);
        return outcome ? caf::result<void>{caf::unit} : to_caf(outcome.error());
      },
      [](const inbox_read& what) -> caf::result<inbox_page> {
        auto content = storage::read_unfinished(*what.from->rows(), what.after);
        return content ? caf::result<inbox_page>{inbox_page{
                             std::make_shared<const storage::inbox_content>(*std::move(content))}}
                       : to_caf(content.error());
      },
      [](const peer_read& what) -> caf::result<stored_peer> {
        const auto found = storage::find_named_peer(*what.from->rows(), key_of(what.what));
        return found ? caf::result<stored_peer>{stored_peer{}} : to_caf(found.error());
      },
      [](const value_read& what) -> caf::result<stored_value> {
        const auto found = what.from->rows()->get(storage::table::value, what.key);
        return found ? caf::result<stored_value>{stored_value{}} : to_caf(found.error());
      },
      [](const export_read& what) -> caf::result<exported_session> {
        const auto found = export_string(*what.from->rows(), *what.how);
        return found ? caf::result<exported_session>{exported_session{}} : to_caf(found.error());
      },
      [](shutdown_atom) {},
  };
}

struct leased {
  explicit leased(test::client_world& in_world)
    : world{in_world} {
    writer = world.actors.system().spawn(played_writer);
    world.open_store = [this](caf::actor_system& in) {
      return spawn_session_store(in, writer, backend, world.kept->state);
    };
  }
  leased(const leased&) = delete;
  leased& operator=(const leased&) = delete;
  ~leased() { caf::anon_send_exit(writer, caf::exit_reason::kill); }

  void expect_the_end(const client_world::outcome& call) const {
    ASSERT_TRUE(world.end);
    EXPECT_EQ(world.end->code, errc::session_in_use);
    ASSERT_TRUE(call.why);
    EXPECT_EQ(call.why->code, errc::session_in_use);
    EXPECT_EQ(call.why->number, 42);
    EXPECT_TRUE(world.line().ended) << "no connection is left that uses the key";
    const auto writes = backend->writes;
    world.actors.pass(60s);
    EXPECT_EQ(backend->writes, writes) << "nothing is tried again";
    EXPECT_EQ(world.stores.size(), 1U) << "nor opened again";
    EXPECT_EQ(world.lines.size(), 1U);
  }

  test::client_world& world;
  std::shared_ptr<leased_backend> backend = std::make_shared<leased_backend>();
  session_writer_actor writer;
};

/// The session is lost in silence; `question` to its store is where that shows.
template <class Question>
void expect_the_end_at(Question question) {
  client_world world;
  const leased by{world};
  world.start();
  world.actors.pass(2s);
  const auto call = world.call();
  by.backend->lost = true;
  caf::anon_send(world.stores.back(), std::move(question));
  world.actors.run();
  by.expect_the_end(*call);
}

} // namespace

TEST(supervision, client_session_store_loses_its_session) {
  client_world world;
  const leased by{world};
  world.start();
  world.push(1, 11);
  ASSERT_EQ(world.seen, std::vector<std::int64_t>{1});
  const auto call = world.call();
  by.backend->lost = true;
  const auto writes = by.backend->writes;
  world.push(2, 12);
  EXPECT_EQ(by.backend->writes, writes + 1);
  EXPECT_EQ(world.seen, std::vector<std::int64_t>{1}) << "the new owner gets it";
  by.expect_the_end(*call);
}

TEST(lost_session, ends_a_client_that_writes_nothing) {
  client_world world;
  const leased by{world};
  world.start();
  world.actors.pass(2s);
  const auto call = world.call();
  const auto writes = by.backend->writes;
  by.backend->lost = true;
  ASSERT_TRUE(by.backend->tell_lost);
  by.backend->tell_lost(taken().error());
  world.actors.run();
  EXPECT_EQ(by.backend->writes, writes);
  by.expect_the_end(*call);
  by.backend->tell_lost(taken().error()); // nobody is there any more
}

TEST(lost_session, ends_a_client_that_reads) {
  expect_the_end_at(value_lookup{"chat/"});
}

TEST(lost_session, ends_a_client_that_looks_a_peer_up) {
  expect_the_end_at(peer_lookup{peer_name::username("somebody")});
}

TEST(lost_session, ends_a_client_that_exports_its_session) {
  expect_the_end_at(session_export{std::make_shared<const storage::string_options>()});
}

TEST(lost_session, whoever_waits_for_a_write_is_told_why) {
  test::virtual_system actors;
  const auto backend = std::make_shared<leased_backend>();
  const auto writer = actors.system().spawn(played_writer);
  const auto store = spawn_session_store(actors.system(), writer, backend, {});
  backend->lost = true;
  std::optional<error> told;
  std::optional<error> end;
  const auto asker = actors.system().spawn([&](caf::event_based_actor* self) -> caf::behavior {
    self->monitor(store);
    self->set_down_handler([&end](const caf::down_msg& down) { end = to_error(down.reason); });
    self->request(store, caf::infinite, session_change{[](storage::session_state&) {}, true})
        .then([]() { ADD_FAILURE(); }, [&told](const caf::error& why) { told = to_error(why); });
    return {[](int) {}};
  });
  actors.run();
  ASSERT_TRUE(told);
  EXPECT_EQ(*told, taken().error());
  ASSERT_TRUE(end);
  EXPECT_EQ(*end, taken().error());
  EXPECT_EQ(backend->writes, 1) << "the end of the store writes nothing either";
  for (const auto& one :
       {caf::actor_cast<caf::actor>(writer), caf::actor_cast<caf::actor>(asker)}) {
    caf::anon_send_exit(one, caf::exit_reason::kill);
  }
  actors.run();
}

} // namespace cafegram
