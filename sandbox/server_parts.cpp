#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/patient_door.hpp>
#include <cafegram/sandbox/server_key.hpp>
#include <cafegram/sandbox/server_parts.hpp>

#include <caf/all.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace cafegram::sandbox {

namespace {

std::vector<std::int32_t> centres_of(const server_options& options) {
  std::vector<std::int32_t> out{options.dc_id};
  for (const data_centre& one : options.more_dcs) {
    out.push_back(one.id);
  }
  return out;
}

/// `name` of the first data centre, `name` with the number of a further one.
std::filesystem::path of_centre(const server_options& options, std::filesystem::path name,
                                std::int32_t dc) {
  if (dc != options.dc_id) {
    name += fmt::format(".dc{}", dc);
  }
  return name;
}

} // namespace

result<void> check_centres(const server_options& options) {
  auto here = centres_of(options);
  std::ranges::sort(here);
  if (const auto twice = std::ranges::adjacent_find(here); twice != here.end()) {
    return fail(errc::bad_argument, fmt::format("data centre {} is there twice", *twice));
  }
  if (here.front() <= 0) {
    return fail(errc::bad_argument, "data centres are numbered from 1");
  }
  std::vector<std::int32_t> named;
  named.reserve(options.homes.size() + 2);
  for (const auto& [who, dc] : options.homes) {
    named.push_back(dc);
  }
  for (const std::int32_t dc : {options.file_dc, options.stats_dc}) {
    if (dc != 0) {
      named.push_back(dc);
    }
  }
  for (const std::int32_t dc : named) {
    if (!std::ranges::binary_search(here, dc)) {
      return fail(errc::bad_argument, fmt::format("there is no data centre {} here", dc));
    }
  }
  return {};
}

result<std::vector<door>> open_doors(caf::actor_system& system, const server_options& options) {
  std::vector<door> out;
  const auto open = [&](const std::string& host, std::uint16_t port, std::int32_t dc,
                        std::shared_ptr<const mtproxy_port> mtproxy) -> result<void> {
    auto handle = open_door(system, host, port);
    if (!handle) {
      return std::unexpected(handle.error());
    }
    out.push_back({*std::move(handle), dc, std::move(mtproxy)});
    return {};
  };
  auto good = open(options.host, options.port, options.dc_id, nullptr);
  for (std::size_t i = 0; good && i < options.more_dcs.size(); ++i) {
    const data_centre& one = options.more_dcs[i];
    good = open(one.host, one.port, one.id, nullptr);
  }
  for (std::size_t i = 0; good && i < options.mtproxies.size(); ++i) {
    const mtproxy_listener& one = options.mtproxies[i];
    good =
        open(one.host, one.port, options.dc_id, std::make_shared<const mtproxy_port>(one.secret));
  }
  if (!good) {
    return std::unexpected(std::move(good).error());
  }
  return out;
}

result<rsa_keys> load_keys(const server_options& options) {
  auto out =
      std::make_shared<std::map<std::int32_t, std::shared_ptr<const crypto::rsa_private_key>>>();
  for (const std::int32_t dc : centres_of(options)) {
    auto key = load_server_key(options.data, of_centre(options, "server_key.pem", dc).string());
    if (!key) {
      return std::unexpected(key.error());
    }
    if (!options.key_out.empty()) {
      auto kept = write_public_key(of_centre(options, options.key_out, dc), (*key)->public_key());
      if (!kept) {
        return std::unexpected(kept.error());
      }
    }
    out->emplace(dc, *std::move(key));
  }
  return out;
}

result<std::unique_ptr<world>> open_world(const server_options& options,
                                          const std::map<std::int32_t, std::uint16_t>& ports,
                                          std::shared_ptr<random_source> random, wall_time now) {
  world_options out;
  out.dc_id = options.dc_id;
  out.test_mode = options.test_mode;
  out.address = options.host;
  out.port = ports.at(options.dc_id);
  for (const data_centre& one : options.more_dcs) {
    out.data_centres[one.id] = {one.host, ports.at(one.id)};
  }
  out.homes = options.homes;
  out.file_dc = options.file_dc;
  out.stats_dc = options.stats_dc;
  out.alice = options.alice;
  out.short_forms = options.short_forms;
  out.difference_slice = options.difference_slice;
  out.difference_total = options.difference_total;
  out.message_log = options.message_log;
  if (out.message_log.empty() && !options.data.empty()) {
    out.message_log = options.data / "messages.jsonl";
  }
  if (options.data.empty()) {
    return world::open(std::move(out), make_memory_store(), std::move(random), now);
  }
  auto records = open_sqlite_store(options.data);
  if (!records) {
    return std::unexpected(records.error());
  }
  return world::open(std::move(out), *std::move(records), std::move(random), now);
}

result<event_sink> open_log(caf::actor_system& system, const server_options& options,
                            std::shared_ptr<const clock_source> clock) {
  if (options.event_log.empty()) {
    return event_sink{};
  }
  const wall_time now = clock->wall_now();
  auto file = event_file::open(options.event_log, std::move(clock));
  if (!file) {
    return std::unexpected(file.error());
  }
  auto out = spawn_event_writer(system, *std::move(file));
  out.tell_always(event_lines::started(now, centres_of(options)));
  out.tell_always(event_lines::planned(now, options.faults));
  return out;
}

caf::actor watch(caf::actor_system& system, const server_actors& parts,
                 std::function<void()> on_failure) {
  return system.spawn(
      [parts, on_failure = std::move(on_failure)](caf::event_based_actor* self) -> caf::behavior {
        self->monitor(parts.router);
        for (const auto& listener : parts.listeners) {
          self->monitor(listener);
        }
        if (parts.events) {
          self->monitor(parts.events);
        }
        self->set_down_handler([self, on_failure](const caf::down_msg& down) {
          log::error("sandbox", "a part of it has ended: {}", caf::to_string(down.reason));
          if (on_failure) {
            on_failure();
          }
          self->quit();
        });
        return {[](caf::ok_atom) { /* lives until it is told to end */ }};
      });
}

} // namespace cafegram::sandbox
