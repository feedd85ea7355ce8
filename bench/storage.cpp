#include <cafegram/bench/storage.hpp>
#include <cafegram/storage/inbox.hpp>
#include <cafegram/storage/open.hpp>
#include <cafegram/storage/peers.hpp>
#include <cafegram/storage/session_rows.hpp>

#include <algorithm>
#include <random>
#include <utility>

namespace cafegram::bench {
namespace {

using clock = std::chrono::steady_clock;
using storage::backend;

double seconds_since(clock::time_point begin) {
  return std::chrono::duration<double>(clock::now() - begin).count();
}

storage::inbox_row update(std::uint64_t number) {
  storage::inbox_row out;
  out.number = number;
  out.identity = "message/7000000001/user/42/" + std::to_string(number);
  out.account = 7'000'000'001;
  out.chat = "user/" + std::to_string(number % 1000);
  out.update = bytes(250, static_cast<std::uint8_t>(number));
  out.date = 1'750'000'000;
  return out;
}

/// Updates a second; `durable` batches are synced one by one.
result<double> run_inbox(backend& on, std::chrono::milliseconds time, bool durable) {
  constexpr std::uint64_t together = 64;
  const auto begin = clock::now();
  std::uint64_t number = 0;
  while (clock::now() - begin < time) {
    storage::batch what;
    what.durable = durable;
    for (std::uint64_t i = 0; i < together; ++i) {
      if (number >= together) {
        storage::erase_inbox(what, number - together + 1);
      }
      storage::put(what, update(++number));
    }
    storage::put(what, storage::update_state{static_cast<std::int32_t>(number), 0, 0, 0});
    if (auto done = on.apply(what); !done) {
      return std::unexpected(std::move(done.error()));
    }
  }
  return static_cast<double>(number) / seconds_since(begin);
}

result<void> add_inbox(const std::string& name, const std::string& place,
                       std::chrono::milliseconds time, std::vector<figure>& to) {
  for (const bool durable : {false, true}) {
    const auto store = storage::open_store(place);
    if (!store) {
      return std::unexpected(store.error());
    }
    const auto rate = run_inbox(**store, time, durable);
    if (!rate) {
      return std::unexpected(rate.error());
    }
    to.push_back({"storage/inbox/" + name + (durable ? "/durable" : ""), *rate, "updates/s"});
  }
  return {};
}

result<void> fill_peers(const std::string& place, std::size_t count) {
  const auto store = storage::open_store(place);
  if (!store) {
    return std::unexpected(store.error());
  }
  storage::batch what;
  storage::session_state session;
  session.home_dc = 2;
  storage::put(what, session);
  for (std::size_t id = 1; id <= count; ++id) {
    storage::put(what, storage::peer_record{storage::peer_kind::user,
                                            static_cast<std::int64_t>(id),
                                            static_cast<std::int64_t>(id * 7919),
                                            {"user_" + std::to_string(id)},
                                            std::to_string(15'000'000'000 + id)});
    if (id % 1000 == 0 || id == count) {
      if (auto done = (*store)->apply(std::exchange(what, {})); !done) {
        return done;
      }
    }
  }
  return (*store)->apply(what);
}

/// Milliseconds until the session is there, the median of several times.
result<double> start_time(const std::string& place) {
  std::vector<double> times;
  for (int round = 0; round < 9; ++round) {
    const auto begin = clock::now();
    const auto store = storage::open_store(place);
    const auto session = store ? storage::read_session(**store) : std::unexpected(store.error());
    if (!session) {
      return std::unexpected(session.error());
    }
    times.push_back(seconds_since(begin) * 1000);
  }
  std::ranges::sort(times);
  return times[times.size() / 2];
}

/// Look-ups a second.
result<double> run_lookups(const std::string& place, std::size_t count, bool by_name,
                           std::chrono::milliseconds time) {
  const auto store = storage::open_store(place);
  if (!store) {
    return std::unexpected(store.error());
  }
  std::minstd_rand random{5};
  const auto begin = clock::now();
  std::size_t done = 0;
  for (; clock::now() - begin < time; ++done) {
    const auto id = static_cast<std::int64_t>(random() % count + 1);
    const auto found =
        by_name ? find_named_peer(**store, storage::username_key("user_" + std::to_string(id)))
                : find_peer(**store, storage::peer_kind::user, id);
    if (!found) {
      return std::unexpected(found.error());
    }
    if (!*found) {
      return fail(errc::not_found, "a peer that was stored is not found", id);
    }
  }
  return static_cast<double>(done) / seconds_since(begin);
}

result<void> add_peers(const storage_options& options, std::vector<figure>& to) {
  const auto many = "sqlite:" + options.folder + "/many";
  const auto none = "sqlite:" + options.folder + "/none";
  const auto begin = clock::now();
  for (const auto& [place, count] : {std::pair{none, std::size_t{0}}, {many, options.peers}}) {
    if (auto filled = fill_peers(place, count); !filled) {
      return filled;
    }
  }
  to.push_back({"storage/peers/written-per-second",
                static_cast<double>(options.peers) / seconds_since(begin), "peers/s"});
  for (const auto& [name, place] : {std::pair{"no", none}, {"many", many}}) {
    const auto time = start_time(place);
    if (!time) {
      return std::unexpected(time.error());
    }
    to.push_back({std::string{"storage/start-ms/"} + name + "-peers", *time, "ms"});
  }
  for (const bool by_name : {false, true}) {
    const auto rate = run_lookups(many, options.peers, by_name, options.time);
    if (!rate) {
      return std::unexpected(rate.error());
    }
    to.push_back({std::string{"storage/peers/found-by-"} + (by_name ? "username" : "id"), *rate,
                  "look-ups/s"});
  }
  return {};
}

} // namespace

result<std::vector<figure>> run_storage(const storage_options& options) {
  std::vector<figure> out;
  const std::pair<std::string, std::string> kinds[] = {
      {"memory", "memory"},
      {"file", "file:" + options.folder + "/file"},
      {"sqlite", "sqlite:" + options.folder + "/sqlite"}};
  for (const auto& [name, place] : kinds) {
    if (auto done = add_inbox(name, place, options.time, out); !done) {
      return std::unexpected(std::move(done.error()));
    }
  }
  if (auto done = add_peers(options, out); !done) {
    return std::unexpected(std::move(done.error()));
  }
  return out;
}

} // namespace cafegram::bench
