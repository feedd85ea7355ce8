#include <cafegram/actors/dc_pool.hpp>
#include <cafegram/actors/services.hpp>
#include <cafegram/actors/session_store.hpp>
#include <cafegram/actors/session_writer.hpp>
#include <cafegram/actors/system.hpp>
#include <cafegram/actors/update_hub.hpp>
#include <cafegram/bench/measure.hpp>
#include <cafegram/bench/process.hpp>
#include <cafegram/bench/updates.hpp>
#include <cafegram/bench/updates_line.hpp>
#include <cafegram/bots/dispatcher.hpp>
#include <cafegram/storage/inbox.hpp>
#include <cafegram/storage/open.hpp>
#include <cafegram/tl/api.hpp>

#include <caf/all.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <thread>

namespace cafegram::bench {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::int64_t bot_id = 7'000'000'001;
constexpr std::size_t together = 64;
/// So many may be fed and not handled: far less than the inbox takes, for it hears of an end some
/// messages after the handler's.
constexpr std::size_t most_under_way = 2'000;
constexpr std::chrono::seconds patience{60};

/// Knows where the account stands, and nothing else.
client_actor::behavior_type played_client() {
  return {
      [](const invoke_request&) {
        const tl::updates::Difference nothing = tl::updates::differenceEmpty{.date = 1, .seq = 1};
        return invoke_answer{std::make_shared<const bytes>(tl::encode(nothing))};
      },
      [](const callback_call&) {},
      [](const cancel_calls&) {},
      [](const peer_request&) -> caf::result<resolved_peer> { return caf::sec::invalid_argument; },
      [](const session_export&) -> caf::result<exported_session> {
        return caf::sec::invalid_argument;
      },
      [](const bot_login&) -> caf::result<account> { return caf::sec::invalid_argument; },
      [](caf::subscribe_atom, const caf::actor&) {},
      [](const channel_follow&) {},
      [](const update_claim&) {},
      [](status_atom) { return client_status{}; },
      [](const network_available&) {},
      [](const stop_request&) -> caf::result<caf::ok_atom> { return caf::ok_atom_v; },
      [](const connection_report&) {},
      [](const login_lost&) {},
      [](caf::tick_atom, std::uint64_t) {},
  };
}

/// When each update came to its handler, by its message's id.
struct journal {
  std::vector<clock::time_point> came;
  std::atomic<std::size_t> handled = 0;

  explicit journal(std::size_t size)
    : came(size + 1) {}
};

std::int64_t writer_of(std::int32_t id, std::size_t chats) {
  return 1'000 + id % static_cast<std::int64_t>(chats);
}

/// `id` counts from 0: that one is fed before the clock runs.
tl::Update message(std::int32_t id, std::size_t chats) {
  tl::message what;
  what.id = id;
  what.peer_id = tl::peerUser{.user_id = writer_of(id, chats)};
  what.date = 1'750'000'000;
  what.message = "A message as people write them to bots, of some thirty or fifty octets";
  return tl::updateNewMessage{.message = std::move(what), .pts = 2 + id, .pts_count = 1};
}

tl::User person(std::int64_t id) {
  return tl::user{.id = id,
                  .access_hash = id * 7919,
                  .first_name = "A first name",
                  .last_name = "and a last one",
                  .username = fmt::format("user_{}", id),
                  .photo = tl::userProfilePhoto{.photo_id = id, .dc_id = 2},
                  .lang_code = "en"};
}

/// Containers of `each` messages with ids from `first` to `last`, with those who wrote them where
/// `with_users` says so.
std::vector<shared_bytes> containers(std::size_t first, std::size_t last, std::size_t each,
                                     std::size_t chats, bool with_users = false) {
  std::vector<shared_bytes> out;
  for (std::size_t id = first; id <= last;) {
    tl::updates_ next;
    next.date = 1'750'000'000;
    for (std::size_t n = 0; n < each && id <= last; ++n, ++id) {
      next.updates.push_back(message(static_cast<std::int32_t>(id), chats));
      if (with_users && n < chats) {
        next.users.push_back(person(writer_of(static_cast<std::int32_t>(id), chats)));
      }
    }
    out.emplace_back(std::make_shared<const bytes>(tl::encode(tl::Updates{std::move(next)})));
  }
  return out;
}

/// A hub, its store and a bot, with nothing of the network unless it is connected.
class stage {
public:
  stage(const std::string& place, std::size_t threads, journal& to)
    : runtime_{{.threads = threads}}
    , journal_{to} {
    auto opened = storage::open_session(place);
    if (!opened) {
      failure_ = opened.error();
      return;
    }
    storage::session_state session;
    session.user = storage::user_record{bot_id, true, "Bot", "bot"};
    session.updates = storage::update_state{1, 0, 1, 1};
    if (auto kept = (*opened)->commit({session, {}}); !kept) {
      failure_ = kept.error();
      return;
    }
    auto& system = runtime_.system();
    client_ = system.spawn(played_client);
    store_ = spawn_session_store(system, runtime_.shared().writer, *std::move(opened), session);
    hub_ = spawn_update_hub(system, runtime_.shared(), client_, store_);
    start_bot();
    const account who{bot_id, true, "Bot", "bot"};
    caf::anon_send(hub_, update_claim{caf::actor_cast<caf::actor>(bot_), true});
    caf::anon_send(hub_, hub_start{who, updates_from::stored});
  }
  stage(const stage&) = delete;
  stage& operator=(const stage&) = delete;
  ~stage() {
    for (const auto& actor :
         {caf::actor_cast<caf::actor>(pool_), caf::actor_cast<caf::actor>(bot_),
          caf::actor_cast<caf::actor>(hub_), caf::actor_cast<caf::actor>(store_),
          caf::actor_cast<caf::actor>(client_)}) {
      if (actor) {
        caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
      }
    }
  }

  const std::optional<error>& failure() const { return failure_; }
  void feed(const shared_bytes& container) { caf::anon_send(hub_, raw_updates{container}); }

  /// From now on the hub has what comes over a connection, by the actors that a client has for it.
  void connect(pool_setup to) {
    pool_ =
        spawn_dc_pool(runtime_.system(), runtime_.shared(), std::move(to), store_, client_, hub_);
  }

  bool begin(std::size_t chats) {
    feed(containers(0, 0, 1, chats).front());
    return begun();
  }

  /// One update goes all the way: the hub has begun then, and loses none for want of room.
  bool begun() { return wait_for(1) && settle(); }

  /// Until so many have come to their handlers, and these have ended.
  bool wait_for(std::size_t count) {
    return wait_until(runtime_.system(), [this, count](caf::scoped_actor& self) {
      if (journal_.handled < count) {
        return false;
      }
      const auto now = ask<dispatcher_status>(self, bot_, status_atom_v);
      return now && now->finished >= count;
    });
  }

  /// Until hub and store have done their part as well: the inbox is empty, in the store too.
  bool settle() {
    return wait_until(runtime_.system(), [this](caf::scoped_actor& self) {
      const auto inbox = ask<inbox_picture>(self, hub_, status_atom_v);
      if (!inbox || inbox->rows + inbox->stored_rows + inbox->waiting > 0) {
        return false;
      }
      const auto page = ask<inbox_page>(self, store_, inbox_request{});
      return page && page->content->rows.empty();
    });
  }

private:
  template <class Done>
  static bool wait_until(caf::actor_system& system, Done done) {
    const auto until = clock::now() + patience;
    caf::scoped_actor self{system};
    while (!done(self)) {
      if (clock::now() >= until) {
        return false;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    return true;
  }

  /// None: no answer.
  template <class Answer, class Handle, class Question>
  static std::optional<Answer> ask(caf::scoped_actor& self, const Handle& of, Question what) {
    std::optional<Answer> out;
    self->request(of, std::chrono::seconds{5}, std::move(what))
        .receive([&out](const Answer& told) { out = told; }, [](const caf::error&) {});
    return out;
  }

  void start_bot() {
    auto routes = std::make_shared<router>();
    routes->on(kind<new_message>(), [to = &journal_](const new_message& one) {
      to->came[static_cast<std::size_t>(one.id())] = clock::now();
      ++to->handled;
    });
    dispatcher_setup setup;
    setup.client = caf::actor_cast<caller_actor>(client_);
    setup.signing = std::make_shared<const signer>(bytes(32, 7));
    setup.self = {bot_id, true, "Bot", "bot"};
    setup.routes = std::move(routes);
    bot_ = runtime_.system().spawn(dispatcher, std::move(setup));
  }

  runtime runtime_;
  journal& journal_;
  std::optional<error> failure_;
  client_actor client_;
  session_store_actor store_;
  update_hub_actor hub_;
  dispatcher_actor bot_;
  dc_pool_actor pool_; ///< null: the hub is fed directly
};

std::unexpected<error> too_slow() {
  return fail(errc::deadline,
              "the updates have not come to their handlers and left the inbox within a minute");
}

struct load {
  std::string place = {};
  std::size_t threads = 1;
  std::size_t chats = 10;
  std::size_t count = 1;
  bool with_users = false;
};

struct pace {
  double per_second = 0; ///< until their handlers had ended
  double cpu_us = 0;     ///< of the whole process, for each, until the inbox was empty
};

result<pace> throughput(const load& what) {
  journal log{what.count};
  const auto all = containers(1, what.count, together, what.chats, what.with_users);
  stage on{what.place, what.threads, log};
  if (on.failure()) {
    return std::unexpected(*on.failure());
  }
  if (!on.begin(what.chats)) {
    return too_slow();
  }
  const auto feed = [&] {
    const auto until = clock::now() + patience;
    for (std::size_t n = 0; n < all.size(); ++n) {
      while (n * together > log.handled + most_under_way) {
        if (clock::now() > until) {
          return false;
        }
        std::this_thread::sleep_for(std::chrono::microseconds{200});
      }
      on.feed(all[n]);
    }
    return true;
  };
  const auto cost = cost_of(
      {clock::now, own_cpu}, feed, [&] { return on.wait_for(what.count + 1); },
      [&] { return on.settle(); });
  if (!cost) {
    return too_slow();
  }
  const auto count = static_cast<double>(what.count);
  return pace{count / cost->seconds, cost->cpu_seconds * 1e6 / count};
}

/// Messages with ids from `first` to `last`, each in a container and a packet of its own. Their
/// packets are dated as they will be sent: never ahead of time, and behind it by no more than it
/// takes to make them all.
result<packet_row> packets(played_centre& by, std::size_t first, std::size_t last,
                           std::size_t chats, double rate) {
  packet_row out;
  const auto began = std::chrono::system_clock::now();
  for (std::size_t id = first; id <= last; ++id) {
    const std::chrono::duration<double> after{static_cast<double>(id - first) / rate};
    const auto due = began + std::chrono::duration_cast<wall_time::duration>(after);
    const auto container = containers(id, id, 1, chats).front();
    if (auto made = by.pack(to_bytes(*container), due, out); !made) {
      return std::unexpected(std::move(made.error()));
    }
  }
  return out;
}

/// A hub that has its updates over a connection, and who sends them there.
class line_stage {
public:
  static result<std::unique_ptr<line_stage>> open(const std::string& place, std::size_t threads,
                                                  std::size_t chats, std::size_t count) {
    auto centre = played_centre::open();
    if (!centre) {
      return std::unexpected(centre.error());
    }
    auto out = std::make_unique<line_stage>(*std::move(centre), place, threads, count);
    if (auto met = out->meet(chats); !met) {
      return std::unexpected(met.error());
    }
    return out;
  }
  line_stage(played_centre centre, const std::string& place, std::size_t threads, std::size_t count)
    : centre_{std::move(centre)}
    , count_{count}
    , log_{count}
    , on_{place, threads, log_} {}

  /// The rate at which updates that are sent as fast as the bot handles them have come to it.
  result<double> rate(std::size_t chats) {
    const auto all = packets(centre_, 1, count_, chats, 1e9);
    if (!all) {
      return std::unexpected(all.error());
    }
    const auto began = clock::now();
    for (std::size_t sent = 0; sent < count_;) {
      const auto most = std::min(count_, log_.handled + most_under_way);
      if (most == sent) {
        if (clock::now() > began + patience) {
          return too_slow();
        }
        std::this_thread::sleep_for(std::chrono::microseconds{200});
        continue;
      }
      if (auto done = centre_.send(all->between(sent, most)); !done) {
        return std::unexpected(done.error());
      }
      sent = most;
    }
    if (!on_.wait_for(count_ + 1)) {
      return too_slow();
    }
    return static_cast<double>(count_) / seconds(clock::now() - began);
  }

  /// Microseconds, of 99 in 100, from when its encrypted octets were due at the connection to when
  /// its handler was entered.
  result<double> p99(std::size_t chats, double rate) {
    const auto all = packets(centre_, 1, count_, chats, rate);
    if (!all) {
      return std::unexpected(all.error());
    }
    const timetable schedule{clock::now(), rate};
    if (const auto sent = centre_.send(*all, schedule); !sent) {
      return std::unexpected(sent.error());
    }
    if (!on_.wait_for(count_ + 1)) {
      return too_slow();
    }
    return p99_us(schedule, std::span{log_.came}.subspan(1));
  }

private:
  result<void> meet(std::size_t chats) {
    if (on_.failure()) {
      return std::unexpected(*on_.failure());
    }
    on_.connect(centre_.setup());
    if (auto met = centre_.meet(); !met) {
      return met;
    }
    const auto first = packets(centre_, 0, 0, chats, 1);
    if (!first) {
      return std::unexpected(first.error());
    }
    if (auto sent = centre_.send(first->octets); !sent) {
      return sent;
    }
    return on_.begun() ? result<void>{} : too_slow();
  }

  // The pool's connection ends before the socket that it goes to.
  played_centre centre_;
  std::size_t count_;
  journal log_;
  stage on_;
};

class updates_run {
public:
  explicit updates_run(const updates_options& options)
    : options_{options} {}

  std::vector<figure> figures() { return std::move(out_); }

  std::optional<error> measure(std::string_view kind, std::size_t threads) {
    const auto group = fmt::format("{}/{}threads", kind, threads);
    for (const std::size_t chats : {10, 10'000}) {
      const load what{.threads = threads, .chats = chats, .count = options_.updates};
      if (auto failed = rate(kind, fmt::format("{}/{}chats", group, chats), what)) {
        return failed;
      }
    }
    // As Telegram sends them to bots; the others stand beside what was measured before.
    const load named{
        .threads = threads, .chats = 10'000, .count = options_.updates, .with_users = true};
    if (auto failed = rate(kind, fmt::format("{}/10000chats/with-users", group), named)) {
      return failed;
    }
    return wanted(fmt::format("updates/p99-us/{}", group)) ? tail(kind, group, threads)
                                                           : std::nullopt;
  }

private:
  bool wanted(std::string_view name) const {
    return name.find(options_.only) != std::string_view::npos;
  }

  std::string place(std::string_view kind) {
    return kind == "memory" ? std::string{kind}
                            : fmt::format("sqlite:{}/{}", options_.folder, ++stores_);
  }

  std::optional<error> rate(std::string_view kind, const std::string& name, const load& what) {
    return wanted(fmt::format("updates/{}", name)) ? take_rate(kind, name, what) : std::nullopt;
  }

  std::optional<error> take_rate(std::string_view kind, const std::string& name, load what) {
    what.place = place(kind);
    const auto measured = throughput(what);
    if (!measured) {
      return measured.error();
    }
    out_.push_back({fmt::format("updates/{}", name), measured->per_second, "updates/s"});
    out_.push_back({fmt::format("updates/cpu-us/{}", name), measured->cpu_us, "us"});
    return {};
  }

  /// Half of the load is half of what comes over the same way.
  std::optional<error> tail(std::string_view kind, const std::string& group, std::size_t threads) {
    constexpr std::size_t chats = 10'000;
    const auto over = [&](auto measure) -> result<double> {
      const auto on = line_stage::open(place(kind), threads, chats, options_.for_latency);
      return on ? measure(**on) : std::unexpected(on.error());
    };
    const auto full = over([](line_stage& on) { return on.rate(chats); });
    if (!full) {
      return full.error();
    }
    out_.push_back({fmt::format("updates/{}/over-a-connection", group), *full, "updates/s"});
    const auto p99 = over([&full](line_stage& on) { return on.p99(chats, *full / 2); });
    if (!p99) {
      return p99.error();
    }
    out_.push_back({fmt::format("updates/p99-us/{}", group), *p99, "us"});
    return {};
  }

  const updates_options& options_;
  std::vector<figure> out_;
  int stores_ = 0;
};

} // namespace

result<std::vector<figure>> run_updates(const updates_options& options) {
  updates_run run{options};
  for (const std::string_view kind : {"memory", "sqlite"}) {
    for (const std::size_t threads : {1, 2}) {
      if (auto failed = run.measure(kind, threads)) {
        return std::unexpected(*std::move(failed));
      }
    }
  }
  return run.figures();
}

} // namespace cafegram::bench
