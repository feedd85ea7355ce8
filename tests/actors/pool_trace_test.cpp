#include <cafegram/tl/api.hpp>

#include "../trace.hpp"
#include "pool_kit.hpp"

namespace cafegram {

namespace {

using namespace std::chrono_literals;
using test::fake_line;

/// What stands around the pool.
struct pool_there : test::pool_kit {
  void TestBody() override {}
};

/// A pool in a world where the seed decides what happens. All that the pool says, to whom and when,
/// is in the trace.
class pool_story {
public:
  explicit pool_story(std::uint64_t seed)
    : random_{seed} {
    world_.services.random = std::make_shared<seeded_random>(seed);
    world_.profile->pool.idle_after = 20s;
    world_.profile->pool.download_connections = 3;
    world_.profile->breaker.failures = 3;
    world_.start(true, {{2, pool_there::permanent(2)}});
  }

  void run(int steps) {
    for (int n = 0; n < steps; ++n) {
      step();
      world_.settle();
      observe();
    }
  }

  std::string trace() const { return seen_.hex(); }
  int answered = 0;
  int failed = 0;
  int deaths = 0;
  std::size_t lines() const { return world_.lines.size(); }

private:
  std::uint64_t pick(std::uint64_t below) { return random_.next() % below; }

  void step() {
    switch (pick(12)) {
    case 0:
    case 1:
    case 2:
    case 3:
      call();
      break;
    case 4:
      world_.pass(std::chrono::milliseconds{1 + pick(5000)}, 500ms);
      break;
    case 5:
      turn();
      break;
    default:
      if (auto* line = some_line()) {
        act(*line);
      }
    }
  }

  void call() {
    constexpr std::array purposes{connection_purpose::main, connection_purpose::main,
                                  connection_purpose::upload, connection_purpose::download};
    invoke_options how;
    how.timeout = std::chrono::milliseconds{500 + pick(60'000)};
    how.may_repeat = pick(2) == 0;
    how.purpose = purposes[pick(purposes.size())];
    how.tag = pick(5);
    if (pick(4) == 0) {
      how.dc = 4;
    }
    outcomes_.push_back(world_.call(how));
  }

  /// Something happens to the client as a whole.
  void turn() {
    switch (pick(5)) {
    case 0:
      world_.send(cancel_calls{1 + pick(4)});
      break;
    case 1:
      world_.send(network_available{});
      break;
    case 2:
      caf::anon_send(world_.pool, caf::migrate_atom_v, pick(2) == 0 ? 2 : 4);
      break;
    case 3:
      world_.send(login_noted{pick(4) != 0});
      break;
    default:
      protocol::dc_address media;
      media.dc = protocol::dc_id{2};
      media.host = "127.0.0.9";
      media.media_only = pick(2) == 0;
      world_.send(addresses_learned{{media}});
    }
  }

  fake_line* some_line() {
    std::vector<fake_line*> alive;
    for (const auto& line : world_.lines) {
      if (!line->ended) {
        alive.push_back(line.get());
      }
    }
    return alive.empty() ? nullptr : alive[pick(alive.size())];
  }

  void act(fake_line& line) {
    if (line.keys().make && pick(2) == 0) {
      make_keys(line);
      return;
    }
    switch (pick(10)) {
    case 0:
      line.tell(connection_report{line.setup.dc, connection_phase::waiting, "cut", false, true});
      break;
    case 1:
      line.ready();
      break;
    case 2:
      ++deaths;
      line.die();
      break;
    case 3:
      if (const auto& key = line.keys().temporary) {
        line.tell(key_news{.dc = line.setup.dc, .key_id = key->key->id(), .why = {}});
      }
      break;
    default:
      settle_one(line);
    }
  }

  void make_keys(fake_line& line) {
    if (!line.keys().permanent) {
      line.tell(pool_there::permanent(line.setup.dc, 1'750'000'000));
    }
    auto key = world_.temporary(line.setup.dc, 100 + pick(1000));
    key.media = line.setup.route.media;
    line.tell(key);
    line.ready();
  }

  /// One of the calls that it has been given, whether or not anybody waits for it.
  void settle_one(fake_line& line) {
    if (line.calls.empty()) {
      return;
    }
    constexpr std::array<std::pair<int, const char*>, 4> refusals{
        {{401, "AUTH_KEY_UNREGISTERED"}, {500, "INTERNAL"}, {420, "FLOOD_WAIT_3"}, {400, "NO"}}};
    const auto which = line.calls.size() - 1 - pick(std::min<std::size_t>(line.calls.size(), 5));
    if (pick(3) == 0) {
      const auto& [code, text] = refusals[pick(refusals.size())];
      line.refuse(which, code, text);
    } else if (tl::reader{*line.calls[which].function}.peek_u32() ==
               tl::auth::exportAuthorization::tl_id) {
      line.answer(which, tl::encode(tl::auth::ExportedAuthorization{
                             tl::auth::exportedAuthorization{.id = 42, .bytes = bytes{1}}}));
    } else {
      line.answer(which);
    }
  }

  void observe() {
    seen_.add(number(world_.services.clock->steady_now().time_since_epoch().count()));
    known_.resize(world_.lines.size());
    for (std::size_t n = 0; n < world_.lines.size(); ++n) {
      observe(*world_.lines[n], known_[n]);
    }
    for (const auto& one : outcomes_) {
      if (!one->settled()) {
        continue;
      }
      ++(one->ok ? answered : failed);
      seen_.add(one->why ? to_string(*one->why) : "ok");
    }
    std::erase_if(outcomes_, [](const auto& one) { return one->settled(); });
    for (const auto& report : world_.reports) {
      seen_.add(number(report.dc));
      seen_.add(report.detail);
      seen_.add(number(report.phase) * 2 + (report.key_unknown ? 1 : 0));
    }
    world_.reports.clear();
    seen_.add(world_.lost_logins.size());
  }

  struct seen_of_line {
    std::size_t calls = 0;
    std::size_t drops = 0;
    std::size_t orders = 0;
  };

  void observe(const fake_line& line, seen_of_line& known) {
    seen_.add(number(line.setup.dc) * 2 + (line.ended ? 1 : 0));
    for (; known.calls < line.calls.size(); ++known.calls) {
      const auto& one = line.calls[known.calls];
      seen_.add(one.id);
      seen_.add(*one.function);
      seen_.add(number(one.deadline.time_since_epoch().count()));
      seen_.add((one.may_repeat ? 1U : 0U) + (one.without_updates ? 2U : 0U) +
                (one.gzip ? 4U : 0U));
    }
    for (; known.drops < line.dropped.size(); ++known.drops) {
      seen_.add(line.dropped[known.drops]);
    }
    for (; known.orders < line.orders.size(); ++known.orders) {
      const auto& one = line.orders[known.orders];
      seen_.add(one.permanent ? one.permanent->key->id() : 0);
      seen_.add(one.temporary ? one.temporary->key->id() : 0);
      seen_.add(one.after * 4 + (one.make ? 2 : 0) + (one.renew ? 1 : 0));
    }
  }

  template <class Number>
  static std::uint64_t number(Number of) {
    return static_cast<std::uint64_t>(of);
  }

  pool_there world_;
  seeded_random random_;
  test::trace seen_;
  std::vector<std::shared_ptr<pool_there::outcome>> outcomes_; ///< not settled yet
  std::vector<seen_of_line> known_;
};

std::string trace_of(std::uint64_t seed) {
  pool_story story{seed};
  story.run(1500);
  return story.trace();
}

} // namespace

TEST(pool_trace, has_all_kinds_of_things_in_it) {
  pool_story story{test::seed()};
  story.run(1500);
  EXPECT_GT(story.answered, 50);
  EXPECT_GT(story.failed, 50);
  EXPECT_GT(story.deaths, 10);
  EXPECT_GT(story.lines(), 20U);
}

TEST(pool_trace, the_same_seed_makes_the_same) {
  const auto base = test::seed();
  const auto first = trace_of(base);
  std::cout << "trace=" << first << std::endl;
  EXPECT_EQ(trace_of(base), first);
  EXPECT_NE(trace_of(base + 1), first);
}

TEST(pool_trace, another_process_makes_the_same) {
  const auto here = trace_of(test::seed());
  EXPECT_EQ(test::trace_elsewhere("pool_trace.the_same_seed_makes_the_same"), here);
}

} // namespace cafegram
