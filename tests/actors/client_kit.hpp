#pragma once

#include <cafegram/actors/client_core.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/storage/session.hpp>
#include <cafegram/tests/support.hpp>
#include <cafegram/tl/api.hpp>

#include "fakes.hpp"
#include "virtual_time.hpp"

namespace cafegram::test {

/// A client with its pool and hub between connections that are fakes and a store in memory, on a
/// clock that the test moves: the same test makes the same steps each time.
struct client_kit : testing::Test {
  /// What became of a call, and when.
  struct outcome {
    bool ok = false;
    std::optional<error> why;
    steady_time at;
    int times = 0;
    bool settled() const { return times > 0; }
    bool failed_with(errc code) const { return why && why->code == code; }
  };

  virtual_system system;
  client_options options{.api_id = 1, .api_hash = "hash"};
  fake_lines lines;
  std::shared_ptr<played_session> kept = std::make_shared<played_session>();
  storage::session_state* stored = &kept->state;
  client_actor client;
  session_store_actor store;

  client_kit() {
    stored->home_dc = 2;
    stored->data_centres[2].auth_key = std::make_shared<const crypto::secret>(key_of(2)->view());
    options.catch_up = false;
  }
  ~client_kit() override {
    lines.kill_all();
    caf::anon_send_exit(client, caf::exit_reason::user_shutdown);
    system.run();
    lines.forget_all();
    system.system().await_actors_before_shutdown(false);
  }

  steady_time now() const { return system.services().clock->steady_now(); }

  void start(bool ready = true) {
    client_setup setup;
    auto profile = std::make_shared<connection_profile>();
    profile->timing = options.timing;
    profile->forward_secrecy = false; // a stored key is enough for a call to go
    profile->breaker = options.breaker;
    profile->restart = options.restart;
    setup.profile = profile;
    setup.addresses = addresses_of({2, 4, 5});
    setup.options = options;
    setup.session = *stored;
    setup.connect = lines.factory();
    setup.open_store = [this](caf::actor_system& in, auto, auto, auto, auto) {
      store = in.spawn(played_session_store, kept);
      return store;
    };
    client = spawn_client(system.system(), system.services(), std::move(setup));
    system.run();
    if (ready) {
      lines.front()->ready();
      system.run();
    }
  }

  /// Moves the clock in steps, so that ticks come in their order.
  void pass(std::chrono::milliseconds time, std::chrono::milliseconds step) {
    for (auto left = time; left.count() > 0; left -= step) {
      system.pass(std::min(left, step));
    }
  }
  void pass(std::chrono::milliseconds time) { pass(time, time); }

  template <class Function>
  std::shared_ptr<outcome> call(const Function& function, invoke_options how = {}) {
    auto out = std::make_shared<outcome>();
    invoke_request request{std::make_shared<const bytes>(tl::encode(function)), std::move(how)};
    const auto done = std::make_shared<const std::function<void(result<bytes>)>>(
        [this, out](const result<bytes>& answer) {
          out->ok = answer.has_value();
          out->why = answer ? std::nullopt : std::optional{answer.error()};
          out->at = now();
          ++out->times;
        });
    caf::anon_send(client, callback_call{std::move(request), done});
    system.run();
    return out;
  }

  /// How often a call has come to a connection.
  template <class Function>
  std::size_t seen(const Function& function) const {
    return all(tl::encode(function)).size();
  }
  /// Answers the newest one of these calls.
  template <class Function>
  void answer(const Function& function, bytes_view with = {}) {
    const auto last = all(tl::encode(function)).back();
    last.first->answer(last.second, with);
    system.run();
  }
  template <class Function>
  void refuse(const Function& function, std::int32_t code, std::string_view text) {
    const auto last = all(tl::encode(function)).back();
    last.first->refuse(last.second, code, text);
    system.run();
  }

  client_status status() {
    client_status out;
    caf::scoped_actor self{system.system()};
    auto asked = self->request(client, caf::infinite, status_atom_v);
    system.run();
    asked.receive([&out](const client_status& is) { out = is; }, [](const caf::error&) {});
    return out;
  }

  template <class Message>
  void send(Message what) {
    caf::anon_send(client, std::move(what));
    system.run();
  }

private:
  std::vector<std::pair<fake_line*, std::size_t>> all(const bytes& function) const {
    std::vector<std::pair<fake_line*, std::size_t>> out;
    for (const auto& line : lines) {
      for (std::size_t n = 0; n < line->calls.size(); ++n) {
        if (line->calls[n].function == bytes_view{function}) {
          out.emplace_back(line.get(), n);
        }
      }
    }
    return out;
  }
};

} // namespace cafegram::test
