#include <cafegram/actors/client.hpp>
#include <cafegram/actors/client_core.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/method_traits.hpp>
#include <cafegram/actors/session_store.hpp>
#include <cafegram/actors/stop.hpp>
#include <cafegram/protocol/dc_options.hpp>
#include <cafegram/storage/open.hpp>

#include <caf/all.hpp>

namespace cafegram {

namespace {

std::unexpected<error> blocked() {
  return fail(errc::bad_argument,
              "a blocking call on a thread that runs actors: use invoke(self, ...) there");
}

result<std::vector<crypto::rsa_public_key>> trusted_keys(const client_options& options) {
  if (options.rsa_keys_pem.empty()) {
    return options.test_dcs ? crypto::telegram_test_keys() : crypto::telegram_production_keys();
  }
  std::vector<crypto::rsa_public_key> out;
  for (const auto& pem : options.rsa_keys_pem) {
    auto key = crypto::rsa_public_key::from_pem(pem);
    if (!key) {
      return std::unexpected(std::move(key.error()));
    }
    out.push_back(*std::move(key));
  }
  return out;
}

/// An MTProxy takes obfuscated connections alone, and padded ones if its secret says so.
transport_choice transport_of(const client_options& options) {
  auto out = options.transport;
  if (options.proxy && options.proxy->kind == proxy_kind::mtproxy) {
    out.obfuscated = true;
    out.kind = options.proxy->secret.padded ? transport_kind::padded : out.kind;
  }
  return out;
}

address_book addresses_of(const client_options& options) {
  if (options.dc) {
    return address_book::pinned(*options.dc, transport_of(options));
  }
  const auto known = protocol::builtin_addresses(options.test_dcs);
  const bool v6_first = options.ip == ip_choice::ipv6_first || options.ip == ip_choice::ipv6_only;
  const bool by_proxy = options.proxy && options.proxy->kind != proxy_kind::mtproxy;
  return {{known.begin(), known.end()}, transport_of(options), v6_first, by_proxy};
}

result<void> check(const client_options& options) {
  if (options.api_id <= 0 || options.api_hash.empty()) {
    return fail(errc::bad_argument, "api_id and api_hash are needed: https://my.telegram.org/apps");
  }
  if (options.transport.obfuscated && options.transport.kind == transport_kind::full) {
    return fail(errc::bad_argument, "the full transport cannot be obfuscated");
  }
  if (options.forward_secrecy && options.temporary_key_lifetime < std::chrono::seconds{30}) {
    return fail(errc::bad_argument, "a temporary key has to live for at least 30 seconds");
  }
  if (options.proxy) {
    if (auto good = protocol::check(*options.proxy); !good) {
      return good;
    }
    if (options.proxy->kind == proxy_kind::mtproxy &&
        options.transport.kind == transport_kind::full) {
      return fail(errc::bad_argument, "the full transport does not go through an MTProxy");
    }
  }
  if (options.dc && (options.dc->address.host.empty() || options.dc->address.port == 0)) {
    return fail(errc::bad_argument, "the data centre's address is not complete");
  }
  return {};
}

result<std::shared_ptr<storage::session_backend>> open_backend(const client_options& options) {
  if (options.session) {
    return options.session;
  }
  return storage::open_session(options.session_path.empty() ? "memory" : options.session_path);
}

/// The session as stored, or a new one that is stored at once: its secret must never change.
result<storage::session_state> load_session(storage::session_backend& backend, bool test,
                                            random_source& random) {
  auto loaded = backend.load();
  if (!loaded) {
    return std::unexpected(std::move(loaded.error()));
  }
  auto state = loaded->value_or(storage::session_state{});
  if (*loaded && state.test != test) {
    return fail(errc::bad_argument, "session " + backend.place() + " belongs to " +
                                        (state.test ? "the test" : "Telegram's own") +
                                        " data centres");
  }
  state.test = test;
  if (!state.signing_secret) {
    crypto::secret fresh{32};
    random.fill(fresh.view());
    state.signing_secret = std::make_shared<const crypto::secret>(std::move(fresh));
    if (auto kept = backend.commit({state}); !kept) {
      return std::unexpected(std::move(kept.error()));
    }
  }
  return state;
}

std::shared_ptr<const connection_profile> make_profile(const client_options& options,
                                                       std::vector<crypto::rsa_public_key> keys) {
  const auto& device = options.device;
  auto out = std::make_shared<connection_profile>();
  out->test = options.test_dcs;
  out->transport = transport_of(options);
  out->ip = options.ip;
  if (options.proxy) {
    out->proxy = std::make_shared<const proxy_server>(*options.proxy);
  }
  out->timing = options.timing;
  out->pool = options.pool;
  out->breaker = options.breaker;
  out->restart = options.restart;
  out->forward_secrecy = options.forward_secrecy;
  out->temporary_key_lifetime = options.temporary_key_lifetime;
  out->rsa_keys = std::move(keys);
  const first_call_info said{.api_id = options.api_id,
                             .device_model = device.device_model,
                             .system_version = device.system_version,
                             .app_version = device.app_version,
                             .system_lang_code = device.system_lang_code,
                             .lang_pack = device.lang_pack,
                             .lang_code = device.lang_code};
  out->first_call_prefix = first_call_prefix(said);
  out->cdn_call_prefix = first_call_prefix(toward_cdns(said));
  out->on_progress = options.on_progress;
  return out;
}

} // namespace

struct client::state {
  client_actor actor;
  client_options options;
  stop_once life;
  std::atomic<call_tag> last_tag = 0;

  state(caf::actor_system& of, client_actor with, client_options given)
    : actor{std::move(with)}
    , options{std::move(given)}
    , life{of, caf::actor_cast<caf::actor>(actor)} {}
};

client::client(std::shared_ptr<state> s)
  : state_{std::move(s)} {}

result<client> client::start(runtime& on, client_options options) {
  if (auto good = check(options); !good) {
    return std::unexpected(std::move(good.error()));
  }
  auto keys = trusted_keys(options);
  if (!keys) {
    return std::unexpected(std::move(keys.error()));
  }
  auto backend = open_backend(options);
  if (!backend) {
    return std::unexpected(std::move(backend.error()));
  }
  auto session = load_session(**backend, options.test_dcs, *on.shared().random);
  if (!session) {
    return std::unexpected(std::move(session.error()));
  }
  client_setup setup;
  setup.profile = make_profile(options, *std::move(keys));
  setup.addresses = addresses_of(options);
  setup.backend = *std::move(backend);
  setup.signing = std::make_shared<const signer>(session->signing_secret->view());
  setup.session = *std::move(session);
  setup.options = options;
  auto& system = on.system();
  auto actor = spawn_client(system, on.shared(), std::move(setup));
  return client{std::make_shared<state>(system, std::move(actor), std::move(options))};
}

result<bytes> client::invoke_bytes(bytes function, invoke_options options) {
  if (on_actor_thread()) {
    return blocked();
  }
  caf::scoped_actor self{state_->life.system()};
  result<bytes> out;
  invoke_request request{std::make_shared<const bytes>(std::move(function)), std::move(options)};
  self->request(state_->actor, caf::infinite, std::move(request))
      .receive([&out](const invoke_answer& answer) { out = to_bytes(*answer.result); },
               [&out](const caf::error& why) { out = std::unexpected(to_error(why)); });
  return out;
}

void client::invoke_bytes_async(bytes function, invoke_options options,
                                std::function<void(result<bytes>)> done) {
  invoke_request request{std::make_shared<const bytes>(std::move(function)), std::move(options)};
  auto shared = std::make_shared<const std::function<void(result<bytes>)>>(std::move(done));
  caf::anon_send(state_->actor, callback_call{std::move(request), std::move(shared)});
}

result<tl::InputPeer> client::resolve_peer(const peer_name& name,
                                           std::chrono::milliseconds timeout) {
  if (on_actor_thread()) {
    return blocked();
  }
  caf::scoped_actor self{state_->life.system()};
  result<tl::InputPeer> out;
  self->request(state_->actor, caf::infinite, peer_request{name, timeout})
      .receive([&out](const resolved_peer& found) { out = found.peer; },
               [&out](const caf::error& why) { out = std::unexpected(to_error(why)); });
  return out;
}

result<crypto::secret> client::export_session(const storage::string_options& options) {
  if (on_actor_thread()) {
    return blocked();
  }
  caf::scoped_actor self{state_->life.system()};
  result<crypto::secret> out;
  session_export how{std::make_shared<const storage::string_options>(options)};
  self->request(state_->actor, look_up_patience, std::move(how))
      .receive([&out](const exported_session& made) { out = made.text->clone(); },
               [&out](const caf::error& why) { out = std::unexpected(to_error(why)); });
  return out;
}

call_tag client::new_tag() {
  return ++state_->last_tag;
}

void client::cancel(call_tag tag) {
  caf::anon_send(state_->actor, cancel_calls{tag});
}

result<account> client::login_bot(std::string_view token, std::chrono::milliseconds timeout) {
  if (on_actor_thread()) {
    return blocked();
  }
  caf::scoped_actor self{state_->life.system()};
  result<account> out;
  self->request(state_->actor, timeout, bot_login{std::string{token}})
      .receive([&out](const account& who) { out = who; },
               [&out](const caf::error& why) { out = std::unexpected(to_error(why)); });
  if (!out && out.error().code == errc::deadline) {
    if (const auto last = status().last_error; !last.empty()) {
      out.error().what = "not logged in yet: " + last;
    }
  }
  return out;
}

void client::subscribe(const caf::actor& receiver) {
  caf::anon_send(state_->actor, caf::subscribe_atom_v, receiver);
}

result<void> client::claim_updates(const caf::actor& receiver, bool in_batches) {
  if (on_actor_thread()) {
    return blocked();
  }
  caf::scoped_actor self{state_->life.system()};
  result<void> out;
  self->request(state_->actor, std::chrono::seconds{5}, update_claim{receiver, in_batches})
      .receive([]() {}, [&out](const caf::error& why) { out = std::unexpected(to_error(why)); });
  return out;
}

result<void> client::follow_channel(std::int64_t channel, std::chrono::milliseconds timeout) {
  if (on_actor_thread()) {
    return blocked();
  }
  caf::scoped_actor self{state_->life.system()};
  result<void> out;
  self->request(state_->actor, timeout, channel_follow{channel})
      .receive([]() {}, [&out](const caf::error& why) { out = std::unexpected(to_error(why)); });
  if (!out && out.error().code == errc::deadline) {
    unfollow_channel(channel); // who is told that it failed does not expect its updates
  }
  return out;
}

void client::unfollow_channel(std::int64_t channel) {
  caf::anon_send(state_->actor, channel_follow{channel, false});
}

void client::network_available() {
  caf::anon_send(state_->actor, cafegram::network_available{});
}

client_status client::status() {
  client_status out;
  if (!on_actor_thread()) {
    caf::scoped_actor self{state_->life.system()};
    self->request(state_->actor, std::chrono::seconds{5}, status_atom_v)
        .receive([&out](const client_status& now) { out = now; },
                 [&out](const caf::error& why) { out.last_error = to_string(to_error(why)); });
  }
  return out;
}

void client::stop(std::chrono::milliseconds timeout) {
  state_->life.stop(timeout);
}

const client_options& client::options() const {
  return state_->options;
}

caf::actor client::untyped_actor() const {
  return state_->life.actor();
}

caf::actor_system& client::system() const {
  return state_->life.system();
}

} // namespace cafegram
