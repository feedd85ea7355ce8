#pragma once

#include <cafegram/protocol/envelope.hpp>
#include <cafegram/protocol/framing.hpp>
#include <cafegram/protocol/key_exchange.hpp>
#include <cafegram/protocol/service.hpp>
#include <cafegram/protocol/session.hpp>
#include <cafegram/sandbox/layers.hpp>
#include <cafegram/sandbox/read_json.hpp>

#include <arpa/inet.h>
#include <chrono>
#include <deque>
#include <map>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include "../support.hpp"

namespace cafegram::test {

using sandbox::json;

/// A client of the sandbox without any actor: one socket that blocks, and the pure machines of
/// protocol/. Every wait ends after ten seconds.
class raw_client {
public:
  struct settings {
    std::uint16_t port = 0;
    std::string key_pem;
    protocol::transport_options transport{};
    std::optional<std::int32_t> dc = 2;
    std::optional<std::int32_t> expires_in = {}; ///< for a temporary key
  };

  explicit raw_client(settings given)
    : settings_{std::move(given)} {
    open();
  }
  ~raw_client() {
    drop();
    for (const int old : abandoned_) {
      ::close(old);
    }
  }
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;

  /// Opens a fresh socket; an existing session goes on over it.
  void open() {
    drop();
    closed_ = false;
    word_ = 0;
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(settings_.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    framing_.emplace(protocol::client_transport::make(settings_.transport, random_).value());
    write(framing_->opening());
    if (session_) {
      session_->connected(std::chrono::steady_clock::now(), padded());
    }
  }

  /// The socket goes away without a word.
  void drop() {
    if (socket_ >= 0) {
      ::close(socket_);
      socket_ = -1;
      if (session_) {
        session_->disconnected();
      }
    }
  }

  /// Opens a fresh socket and leaves the old one as it is until the end.
  void abandon() {
    abandoned_.push_back(socket_);
    socket_ = -1;
    session_->disconnected();
    open();
  }

  /// Makes a key and a session on it. False when the server did not go along; see `word`.
  bool exchange() {
    protocol::client_key_exchange machine{
        {.keys = {crypto::rsa_public_key::from_pem(settings_.key_pem).value()},
         .dc = settings_.dc,
         .expires_in = settings_.expires_in},
        random_,
        std::make_shared<crypto::prime_cache>()};
    send_payload(machine.start(std::chrono::system_clock::now()));
    while (auto payload = next_payload()) {
      auto step = machine.on_message(*payload, std::chrono::system_clock::now());
      if (!step) {
        ADD_FAILURE() << to_string(step.error());
        return false;
      }
      if (step->done) {
        offset_ = step->done->server_time_offset;
        begin(step->done->key, step->done->salt);
        return true;
      }
      send_payload(step->send);
    }
    return false;
  }

  /// A new session on a key.
  void begin(const protocol::auth_key& key, std::uint64_t salt = 0) {
    const auto now = std::chrono::steady_clock::now();
    session_.emplace(key, protocol::salt_list{salt},
                     protocol::server_clock{now, server_now(), true}, random_);
    session_->connected(now, padded());
  }

  /// Binds the session's key, which must be a temporary one, before anything else is sent.
  void bind_to(const protocol::auth_key& permanent) {
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(server_now().time_since_epoch());
    session_->bind_to(permanent, static_cast<std::int32_t>(now.count() + 86'400));
  }

  /// Runs a function given as JSON and waits. `type` of the result, where it is not one object.
  result<json> call(const json& function, std::string_view type = "") {
    return wait(submit(codec().encode(function).value()), type);
  }

  protocol::request_id submit(bytes function) {
    const auto id = queue(std::move(function));
    pump(std::chrono::milliseconds{0});
    return id;
  }

  /// The same, to be sent with what comes next.
  protocol::request_id queue(bytes function, const protocol::request_options& options = {}) {
    const protocol::request_id id{++last_request_};
    EXPECT_TRUE(session_->submit(id, std::move(function), options));
    return id;
  }

  result<json> wait(protocol::request_id id, std::string_view type = "") {
    const bool came = until([&] { return has_outcome(id); });
    if (!came) {
      return fail(errc::deadline, "no answer");
    }
    if (const auto failed = failures_.find(id); failed != failures_.end()) {
      return std::unexpected(failed->second);
    }
    return type.empty() ? codec().decode(answers_.at(id))
                        : codec().decode_as(type, answers_.at(id));
  }

  bool has_outcome(protocol::request_id id) const {
    return answers_.contains(id) || failures_.contains(id);
  }

  /// The next update of this kind, from any `Updates` that was pushed.
  std::optional<json> update(std::string_view kind) {
    std::optional<json> found;
    until([&] {
      while (!found && !updates_.empty()) {
        json one = std::move(updates_.front());
        updates_.pop_front();
        if (one["_"] == kind) {
          found = std::move(one);
        }
      }
      return found.has_value();
    });
    return found;
  }

  json log_in(std::string_view token) {
    auto answer = call({{"_", "auth.importBotAuthorization"},
                        {"flags", 0},
                        {"api_id", 1},
                        {"api_hash", "0123456789abcdef0123456789abcdef"},
                        {"bot_auth_token", token}});
    EXPECT_TRUE(answer) << to_string(answer.error());
    return answer.value_or(json::object());
  }

  /// Asks the server to forget the key; true once it says that it has.
  bool destroy_key() {
    session_->destroy_key();
    return until([this] { return destroyed_ == protocol::key_destroyed::outcome::ok; });
  }

  void write(bytes_view data) {
    while (!data.empty()) {
      const auto count = ::send(socket_, data.data(), data.size(), MSG_NOSIGNAL);
      if (count <= 0) {
        return;
      }
      data = data.subspan(static_cast<std::size_t>(count));
    }
  }

  void send_payload(bytes_view payload) {
    bytes out;
    ASSERT_TRUE(framing_->encode(payload, false, out));
    write(out);
  }

  /// What comes of unencrypted payloads, and without a session of any; none when the other side
  /// closes or sends an error word.
  std::optional<bytes> next_payload() {
    until([this] { return !payloads_.empty() || word_ != 0; });
    if (payloads_.empty()) {
      return std::nullopt;
    }
    bytes out = std::move(payloads_.front());
    payloads_.pop_front();
    return out;
  }

  /// True once the other side has closed the socket.
  bool sees_close() {
    return until([this] { return closed_; });
  }

  /// Listens for so long at most; true once the other side has closed the socket.
  bool closes_within(std::chrono::milliseconds time) {
    if (!closed_) {
      pump(time);
    }
    return closed_;
  }

  /// Waits for a transport error word; 0 when none comes.
  std::int32_t word() {
    until([this] { return word_ != 0; });
    return word_;
  }

  protocol::client_session& session() { return *session_; }
  /// How often the server has said that the session is a new one.
  int sessions() const { return sessions_; }

  static const tl::dynamic_codec& codec() {
    static const auto layers = sandbox::layer_set::load({}).value();
    return layers->codec(layers->newest());
  }

private:
  bool padded() const { return settings_.transport.kind == protocol::framing::padded; }

  template <class Done>
  bool until(Done done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!done()) {
      if (std::chrono::steady_clock::now() >= end || closed_ || word_ != 0) {
        return false;
      }
      pump(std::chrono::milliseconds{100});
    }
    return true;
  }

  wall_time server_now() const {
    return std::chrono::system_clock::now() +
           std::chrono::duration_cast<wall_time::duration>(offset_);
  }

  void pump(std::chrono::milliseconds time) {
    flush();
    pollfd waiting{socket_, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(time.count())) > 0) {
      std::array<std::uint8_t, 65536> buffer;
      const auto count = ::recv(socket_, buffer.data(), buffer.size(), 0);
      if (count <= 0) {
        closed_ = true;
        return;
      }
      framing_->feed(std::span{buffer}.first(static_cast<std::size_t>(count)));
      take_frames();
    }
    if (session_) {
      session_->poll(std::chrono::steady_clock::now());
      take_events();
    }
    flush();
  }

  void take_frames() {
    for (;;) {
      auto event = framing_->next();
      if (!event || !*event) {
        closed_ = closed_ || !event;
        return;
      }
      if (const auto* frame = std::get_if<protocol::frame>(&**event)) {
        if (session_ && protocol::key_id_of(frame->payload) != 0) {
          session_->receive(frame->payload, std::chrono::steady_clock::now());
          take_events();
        } else {
          payloads_.push_back(to_bytes(frame->payload));
        }
      } else if (const auto* error_word = std::get_if<protocol::transport_error>(&**event)) {
        word_ = error_word->code;
      }
    }
  }

  void take_events() {
    while (auto event = session_->next_event()) {
      if (auto* answered = std::get_if<protocol::request_answered>(&*event)) {
        answers_[answered->id] = to_bytes(answered->body);
      } else if (auto* failed = std::get_if<protocol::request_failed>(&*event)) {
        failures_[failed->id] = std::move(failed->why);
      } else if (const auto* gone = std::get_if<protocol::key_destroyed>(&*event)) {
        destroyed_ = gone->what;
      } else if (std::holds_alternative<protocol::server_session_created>(*event)) {
        ++sessions_;
      } else if (auto* pushed = std::get_if<protocol::update_arrived>(&*event)) {
        take_updates(pushed->body);
      }
    }
  }

  void take_updates(bytes_view body) {
    const auto value = codec().decode(body);
    ASSERT_TRUE(value) << to_string(value.error());
    for (const json& one : value->value("updates", json::array())) {
      updates_.push_back(one);
    }
    if (!value->contains("updates")) {
      updates_.push_back(*value);
    }
  }

  void flush() {
    if (!session_ || socket_ < 0) {
      return;
    }
    std::vector<protocol::outgoing_packet> packets;
    while (session_->take_packets(packets, std::chrono::steady_clock::now())) {
    }
    for (const auto& packet : packets) {
      send_payload(packet.octets);
    }
  }

  settings settings_;
  std::shared_ptr<random_source> random_ = crypto::system_random();
  int socket_ = -1;
  std::vector<int> abandoned_;
  bool closed_ = false;
  std::int32_t word_ = 0;
  std::uint64_t last_request_ = 0;
  duration offset_{}; ///< of the server's time, from the key exchange
  std::optional<protocol::client_transport> framing_;
  std::optional<protocol::client_session> session_;
  std::optional<protocol::key_destroyed::outcome> destroyed_;
  std::deque<bytes> payloads_;
  std::map<protocol::request_id, bytes> answers_;
  std::map<protocol::request_id, error> failures_;
  std::deque<json> updates_;
  int sessions_ = 0;
};

} // namespace cafegram::test
