#pragma once

#include <cafegram/protocol/framing.hpp>
#include <cafegram/protocol/server_clock.hpp>
#include <cafegram/protocol/server_session.hpp>
#include <cafegram/protocol/service.hpp>
#include <cafegram/tests/actors/loopback.hpp>
#include <cafegram/tests/protocol/exchange_kit.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace cafegram::test {

class line;

/// The call that is under way while a server does something wrong, as its server sees it.
struct open_call {
  protocol::auth_key key;
  std::uint64_t session = 0;
  protocol::msg_id id{};
  protocol::msg_id packet{}; ///< of the packet that the call came in
};

/// What a server does wrong, and how often before it behaves. Hooks run on the server's thread.
struct misdeed {
  int times = 1;
  /// Lies are told from the second exchange on: that of a temporary key.
  bool temporary = false;
  std::function<void(protocol::lying_server&)> lie = {};
  /// Changes an answer of the key exchange: 0 resPQ, 1 server_DH_params, 2 dh_gen.
  std::function<void(int step, bytes& payload)> at_payload = {};
  /// Stands in the place of such an answer; false: nothing was done, answer.
  std::function<bool(int step, line& to)> instead = {};
  /// As soon as there is a connection; only `raw` and `close` are possible.
  std::function<void(line& to)> at_accept = {};
  /// Once the call under way has come; false: it was refused and is not answered.
  std::function<bool(line& to, const open_call& call)> at_call = {};
  /// What it says of each message whose state is asked, before what its session says.
  std::optional<std::uint8_t> state = {};
  /// After `at_call` or `at_accept`: nothing more over this connection, the client has to make
  /// another.
  bool mute = false;
};

/// What a server has seen.
struct server_record {
  int lines = 0;     ///< connections
  int exchanges = 0; ///< begun
  int runs = 0;      ///< of the call under way, refused ones not counted
  std::vector<protocol::msg_id> acknowledged;
  std::vector<std::uint32_t> constructors; ///< of all messages, out of their containers
  std::vector<bytes> secrets;              ///< keys and nonces
};

/// The call under way, the second one, their answers, and an answer that nobody may get.
bytes first_call();
bytes second_call();
bytes right_answer();
bytes poison();
/// `rpc_result` of a call.
bytes result_of(protocol::msg_id call, bytes_view body);

/// One accepted socket.
class line {
public:
  line(plain_socket socket, int number);

  /// Sends a payload in a frame.
  void frame(bytes_view payload);
  /// Such a frame, to be spoiled.
  bytes framed(bytes_view payload);
  /// Sends octets as they are.
  void raw(bytes_view octets);
  void word(std::int32_t code);
  /// Seals `body` as a server does, under an id that was not used yet.
  void message(const open_call& call, bytes_view body);
  /// Fields of a message to be changed and sealed.
  protocol::message_header header(const open_call& call, std::chrono::seconds off = {});
  void sealed(const open_call& call, const protocol::message_header& header, bytes_view body);
  /// The next id, a little in the past: those of the session's own messages are higher.
  protocol::msg_id next_id(std::chrono::seconds off = {});
  /// Closes with what was sent on its way.
  void close();

private:
  friend class wrong_server;

  plain_socket socket_;
  int number_;
  bool mute_ = false;
  bool closed_ = false;
  protocol::server_transport framing_;
  std::unique_ptr<protocol::lying_server> exchange_;
  bool lies_ = false;
  protocol::msg_id_source ids_;
};

/// A data centre on a port of the loopback that makes keys, logs bots in, answers calls, and does
/// one thing wrong. Serves on a thread of its own.
class wrong_server {
public:
  explicit wrong_server(misdeed what);
  ~wrong_server();
  wrong_server(const wrong_server&) = delete;
  wrong_server& operator=(const wrong_server&) = delete;

  endpoint where() const { return listener_.where(); }
  /// Ends it and tells what it has seen.
  server_record finish();

private:
  using session_name = std::pair<std::uint64_t, std::uint64_t>;

  void serve();
  void accept();
  void read(line& from);
  void take(line& from, mutable_bytes_view payload);
  void take_query(line& from, bytes_view payload);
  void begin_exchange(line& from);
  void learn_secrets(const protocol::lying_server& exchange);
  void take_packet(line& from, mutable_bytes_view payload);
  void note(bytes_view body);
  bool does_not_take(line& from, const session_name& name, protocol::msg_id id, bytes_view body);
  void tell_states(line& from, const session_name& name, protocol::msg_id id, bytes_view body);
  void take_call(line& from, const session_name& name, protocol::server_session& session,
                 const protocol::call_arrived& call, protocol::msg_id packet);
  protocol::server_session& session_of(const session_name& name);
  void flush(line& to);

  misdeed what_;
  server_record record_;
  listener listener_;
  std::list<line> lines_;
  std::map<std::uint64_t, protocol::auth_key> keys_;
  std::map<session_name, protocol::server_session> sessions_;
  std::map<session_name, const line*> place_; ///< over which a session spoke last
  int misdone_ = 0;                           ///< outside of exchanges
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

} // namespace cafegram::test
