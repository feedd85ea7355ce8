#pragma once

#include <cafegram/actors/client_core.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/method_traits.hpp>
#include <cafegram/actors/session_writer.hpp>
#include <cafegram/bots/bot.hpp>
#include <cafegram/bots/dispatcher.hpp>
#include <cafegram/sandbox/connection.hpp>
#include <cafegram/sandbox/router.hpp>
#include <cafegram/sandbox/store.hpp>
#include <cafegram/storage/inbox.hpp>
#include <cafegram/storage/session.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "../actors/virtual_network.hpp"

namespace cafegram::test {

/// What handlers make calls through. While it is shut it holds their calls back: so the handlers
/// that wait for one do not return.
struct call_gate {
  bool shut = false;
  std::deque<std::pair<invoke_request, caf::response_promise>> held;
};

inline caf::behavior gatekeeper(caf::event_based_actor* self, std::shared_ptr<call_gate> gate,
                                caf::actor client) {
  return {[self, gate, client](const invoke_request& request) -> caf::response_promise {
            auto promise = self->make_response_promise();
            if (gate->shut) {
              gate->held.emplace_back(request, promise);
            } else {
              promise.delegate(client, request);
            }
            return promise;
          },
          [self, client](const peer_request& request) -> caf::response_promise {
            auto promise = self->make_response_promise();
            promise.delegate(client, request);
            return promise;
          },
          [gate, client](caf::ok_atom) {
            for (auto& [request, promise] : std::exchange(gate->held, {})) {
              promise.delegate(client, request);
            }
          }};
}

/// A bot with its client and store, and a Telegram: all that there is from the handler to the
/// messages of the sandbox, but for threads, the wire and the time, which the test has.
class whole_house {
public:
  static constexpr std::int64_t who = 1'000'003;

  explicit whole_house(std::shared_ptr<storage::session_backend> session,
                       const inbox_bounds& bounds = {})
    : backend_{std::move(session)} {
    auto services = net_.services();
    connector_ = net_.system().spawn([this] { return connector(); });
    writer_ = net_.system().spawn(session_worker);
    services.connector = connector_;
    services.writer = writer_;
    start_telegram(services);
    start_client(services, bounds);
  }
  whole_house(const whole_house&) = delete;
  whole_house& operator=(const whole_house&) = delete;
  ~whole_house() {
    gate->held.clear();
    for (const auto& actor :
         {caf::actor_cast<caf::actor>(bot_), gatekeeper_, caf::actor_cast<caf::actor>(client_),
          caf::actor_cast<caf::actor>(router_), caf::actor_cast<caf::actor>(connector_)}) {
      if (actor) {
        caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
        run();
      }
    }
    caf::anon_send(writer_, shutdown_atom_v);
    run();
  }

  account log_in() { return ask<account>(client_, bot_login{"1000003:a-secret"}).value(); }

  /// Logs in, and has a bot handle what comes.
  void start_bot(const bot::setup_function& setup, const bot_options& options = {}) {
    const auto self = log_in();
    auto routes = std::make_shared<router>();
    setup(*routes);
    gatekeeper_ = net_.system().spawn(gatekeeper, gate, caf::actor_cast<caf::actor>(client_));
    dispatcher_setup with{caf::actor_cast<caller_actor>(gatekeeper_), signing_, self,
                          std::move(routes), options};
    bot_ = net_.system().spawn(dispatcher, std::move(with));
    caf::anon_send(client_, update_claim{caf::actor_cast<caf::actor>(bot_), true});
    run();
  }

  /// Carries octets and runs actors until there is nothing more to do.
  void run() {
    do {
      net_.run();
    } while (carry());
  }
  void pass(std::chrono::milliseconds time, std::chrono::milliseconds step) {
    for (auto left = time; left.count() > 0; left -= step) {
      net_.pass(std::min(left, step));
      run();
    }
  }
  /// The calls that were held are made, and no other is held.
  void open_gate() {
    gate->shut = false;
    caf::anon_send(gatekeeper_, caf::ok_atom_v);
    run();
  }

  /// Asks an actor; what it takes meanwhile takes no time.
  template <class Answer, class Handle, class Message>
  std::optional<Answer> ask(Handle of, Message what) {
    auto out = std::make_shared<std::optional<Answer>>();
    net_.system().spawn([out, of, what](caf::event_based_actor* self) {
      self->request(of, caf::infinite, what)
          .then([out](const Answer& is) { *out = is; },
                [](const caf::error& why) { ADD_FAILURE() << to_string(to_error(why)); });
    });
    run();
    return *out;
  }
  /// A call of the bot's client, beside its handlers.
  template <class Function>
  std::optional<typename Function::result_type> call(const Function& function) {
    using value = typename Function::result_type;
    const auto answer = ask<invoke_answer>(
        client_, invoke_request{std::make_shared<const bytes>(tl::encode(function)), {}});
    auto out = answer ? tl::decode<value>(*answer->result) : result<value>{};
    return answer && out ? std::optional{*std::move(out)} : std::nullopt;
  }
  client_status of_client() { return ask<client_status>(client_, status_atom_v).value(); }
  dispatcher_status of_bot() { return ask<dispatcher_status>(bot_, status_atom_v).value(); }

  /// Something that people do, or see.
  template <class T>
  result<T> in_world(std::function<sandbox::paged<T>(sandbox::world&, wall_time)> action) {
    auto out = std::make_shared<std::optional<result<T>>>();
    auto task = [out, action = std::move(action)](sandbox::router_state& at) {
      auto done = action(*at.parts.model, at.now());
      at.spread(done.effects);
      out->emplace(std::move(done.value));
    };
    caf::anon_send(
        router_, sandbox::router_task{std::make_shared<std::function<void(sandbox::router_state&)>>(
                     std::move(task))});
    run();
    return out->value();
  }
  /// Private chats, groups, supergroups and channels in turn.
  std::vector<sandbox::page_load_chat> make_chats(std::int32_t count) {
    return in_world<std::vector<sandbox::page_load_chat>>(
               [count](sandbox::world& in, wall_time now) {
                 return in.create_load({who, count, count}, now);
               })
        .value();
  }
  void write(const sandbox::page_load_chat& chat, std::string text) {
    sandbox::page_text message;
    message.as = chat.writer;
    message.to = chat.chat;
    message.text = std::move(text);
    const auto sent = in_world<sandbox::page_message>(
        [message](sandbox::world& in, wall_time now) { return in.send(message, now); });
    ASSERT_TRUE(sent) << to_string(sent.error());
  }

  /// How often the client has connected.
  std::size_t connections() const { return lines_.size(); }
  std::size_t octets_sent() const { return octets_sent_; }
  std::size_t octets_received() const { return octets_received_; }
  std::vector<storage::inbox_row> inbox() {
    return read_inbox(*backend_->rows(), 0, everything)->records;
  }
  std::vector<storage::dead_letter> dead() {
    return read_dead_letters(*backend_->rows(), 0, everything)->records;
  }

  std::shared_ptr<call_gate> gate = std::make_shared<call_gate>();

private:
  static constexpr storage::page_limits everything{.rows = 1'000'000,
                                                   .octets = std::size_t{1} << 30};
  struct line {
    caf::io::connection_handle client;
    caf::io::connection_handle server;
  };

  static std::shared_ptr<const crypto::rsa_private_key> rsa() {
    static const auto key =
        std::make_shared<const crypto::rsa_private_key>(crypto::rsa_private_key::generate());
    return key;
  }

  void start_telegram(const runtime::services& services) {
    sandbox::world_options about;
    about.alice = false;
    const auto layers = sandbox::layer_set::load({}).value();
    router_ = sandbox::spawn_router(
        net_.system(), {sandbox::world::open(about, sandbox::make_memory_store(), services.random,
                                             services.clock->wall_now())
                            .value(),
                        layers,
                        std::make_shared<sandbox::page_feed>(),
                        services.clock,
                        {}});
    const sandbox::rsa_keys keys = std::make_shared<const sandbox::rsa_keys::element_type>(
        sandbox::rsa_keys::element_type{{2, rsa()}});
    parts_ = {router_, layers, keys, services.clock, services.random, 2, false};
  }

  void start_client(const runtime::services& services, const inbox_bounds& bounds) {
    const bytes secret(32, 7);
    signing_ = std::make_shared<const signer>(secret);
    client_setup setup;
    setup.session.signing_secret = std::make_shared<const crypto::secret>(bytes_view{secret});
    EXPECT_TRUE(backend_->commit({setup.session, {}}));
    setup.options.api_id = 1;
    setup.options.api_hash = "hash";
    setup.options.dc = dc_override{2, {"127.0.0.1", 1}};
    setup.options.inbox = bounds;
    auto profile = std::make_shared<connection_profile>();
    profile->timing = setup.options.timing;
    profile->rsa_keys = {rsa()->public_key()};
    profile->first_call_prefix = first_call_prefix({.api_id = 1,
                                                    .device_model = "test",
                                                    .system_version = "1",
                                                    .app_version = "1",
                                                    .system_lang_code = "en",
                                                    .lang_pack = "",
                                                    .lang_code = "en"});
    setup.addresses = address_book::pinned(*setup.options.dc, profile->transport);
    setup.profile = std::move(profile);
    setup.backend = backend_;
    setup.signing = signing_;
    client_ = spawn_client(net_.system(), services, std::move(setup));
    run();
  }

  /// Each socket is one of two ends; at the other one is the sandbox.
  connector_actor::behavior_type connector() {
    return {
        [this](const connect_request& request) {
          auto near = net_.accept();
          const auto client = net_.socket();
          auto far = net_.accept();
          lines_.push_back({client, net_.socket()});
          sandbox::spawn_connection(net_.system(), parts_, lines_.size(), "test", std::move(far));
          return connected{std::move(near), request.candidates.front()};
        },
        [](poll_atom) {},
    };
  }

  bool carry() {
    bool any = false;
    for (const auto& one : lines_) {
      any = carry(one.client, one.server, octets_sent_) || any;
      any = carry(one.server, one.client, octets_received_) || any;
    }
    return any;
  }
  bool is_open(caf::io::connection_handle end) {
    const auto& socket = net_.sockets().impl_ptr(end);
    return socket && socket->parent() != nullptr;
  }
  bool carry(caf::io::connection_handle from, caf::io::connection_handle to, std::size_t& count) {
    auto& sockets = net_.sockets();
    if (!is_open(from) || !is_open(to)) {
      return false;
    }
    if (auto& written = sockets.output_buffer(from); !written.empty()) {
      const auto octets = std::exchange(written, {});
      count += octets.size();
      // As the kernel has taken them.
      sockets.impl_ptr(from)->data_transferred(&sockets, octets.size(), 0);
      sockets.virtual_send(to, octets);
      return true;
    }
    // A reader that had halted goes on.
    return !sockets.virtual_network_buffer(to).empty() && sockets.read_data(to);
  }

  virtual_network net_;
  std::shared_ptr<storage::session_backend> backend_;
  std::shared_ptr<const signer> signing_;
  sandbox::connection_parts parts_;
  std::vector<line> lines_;
  std::size_t octets_sent_ = 0;
  std::size_t octets_received_ = 0;
  connector_actor connector_;
  session_writer_actor writer_;
  sandbox::router_actor router_;
  client_actor client_;
  caf::actor gatekeeper_;
  dispatcher_actor bot_;
};

} // namespace cafegram::test
