#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/protocol/message.hpp>
#include <cafegram/protocol/salts.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

/// The messages that keep a session going. Spec: "Service Messages". They are few, on every
/// packet's way, and never change: read and written here by hand.
namespace cafegram::protocol {

/// Constructor ids.
namespace ids {
inline constexpr std::uint32_t msg_container = 0x73f1f8dc;
inline constexpr std::uint32_t gzip_packed = 0x3072cfa1;
inline constexpr std::uint32_t rpc_result = 0xf35c6d01;
inline constexpr std::uint32_t rpc_error = 0x2144ca19;
inline constexpr std::uint32_t rpc_drop_answer = 0x58e4a740;
inline constexpr std::uint32_t rpc_answer_unknown = 0x5e2ad36e;
inline constexpr std::uint32_t rpc_answer_dropped_running = 0xcd78e586;
inline constexpr std::uint32_t rpc_answer_dropped = 0xa43ad8b7;
inline constexpr std::uint32_t msgs_ack = 0x62d6b459;
inline constexpr std::uint32_t bad_msg_notification = 0xa7eff811;
inline constexpr std::uint32_t bad_server_salt = 0xedab447b;
inline constexpr std::uint32_t new_session_created = 0x9ec20908;
inline constexpr std::uint32_t ping = 0x7abe77ec;
inline constexpr std::uint32_t ping_delay_disconnect = 0xf3427b8c;
inline constexpr std::uint32_t pong = 0x347773c5;
inline constexpr std::uint32_t get_future_salts = 0xb921bd04;
inline constexpr std::uint32_t future_salts = 0xae500895;
inline constexpr std::uint32_t msgs_state_req = 0xda69fb52;
inline constexpr std::uint32_t msgs_state_info = 0x04deb57d;
inline constexpr std::uint32_t msgs_all_info = 0x8cc0d131;
inline constexpr std::uint32_t msg_detailed_info = 0x276d3ec6;
inline constexpr std::uint32_t msg_new_detailed_info = 0x809db6df;
inline constexpr std::uint32_t msg_resend_req = 0x7d861a08;
inline constexpr std::uint32_t msg_resend_ans_req = 0x8610baeb;
inline constexpr std::uint32_t destroy_session = 0xe7512126;
inline constexpr std::uint32_t destroy_session_ok = 0xe22045fc;
inline constexpr std::uint32_t destroy_session_none = 0x62d350c9;
inline constexpr std::uint32_t destroy_auth_key = 0xd1435160;
inline constexpr std::uint32_t destroy_auth_key_ok = 0xf660e1d4;
inline constexpr std::uint32_t destroy_auth_key_none = 0x0a9f2259;
inline constexpr std::uint32_t destroy_auth_key_fail = 0xea109b13;
inline constexpr std::uint32_t http_wait = 0x9299359f;
inline constexpr std::uint32_t invoke_after_msg = 0xcb9f372d;
inline constexpr std::uint32_t invoke_after_msgs = 0x3dc4b4f0;
} // namespace ids

/// Bounds of the specification.
constexpr std::size_t max_container_messages = 1020;
constexpr std::size_t max_container_octets = 1'044'448;
constexpr std::size_t max_ids = 8192;
/// msg_id seqno length, in front of each message of a container.
constexpr std::size_t container_item_header = 16;

/// The id of a boxed value; 0 if it is too short to have one.
std::uint32_t constructor_of(bytes_view body);

/// One message of a container. `body` lies in the container's octets.
struct container_item {
  msg_id id{};
  std::int32_t seqno = 0;
  bytes_view body;
};
/// Reads `msg_container count:u32 (msg_id:long seqno:int bytes:int body)*`; none if malformed or
/// over a bound.
std::optional<std::vector<container_item>> read_container(bytes_view body);
bytes write_container(std::span<const container_item> items);

/// Reads `constructor msg_ids:Vector<long>`: `msgs_ack`, `msgs_state_req`, `msg_resend_req`.
std::optional<std::vector<msg_id>> read_ids(bytes_view body);
bytes write_ids(std::uint32_t constructor, std::span<const msg_id> which);

/// The packed octets of `gzip_packed`; none if malformed.
std::optional<bytes_view> read_gzip(bytes_view body);

/// `rpc_result req_msg_id:long result:Object`.
struct rpc_result_view {
  msg_id request{};
  bytes_view body;
};
std::optional<rpc_result_view> read_rpc_result(bytes_view body);

/// `rpc_error error_code:int error_message:string`.
struct rpc_error_view {
  std::int32_t code = 0;
  std::string_view text;
};
std::optional<rpc_error_view> read_rpc_error(bytes_view body);
bytes write_rpc_error(std::int32_t code, std::string_view text);

/// `bad_msg_notification` and `bad_server_salt`.
struct bad_message {
  msg_id bad{};
  std::int32_t seqno = 0;
  std::int32_t code = 0;
  std::optional<std::uint64_t> salt;
};
std::optional<bad_message> read_bad_message(bytes_view body);
bytes write_bad_message(const bad_message& what);

/// `new_session_created first_msg_id:long unique_id:long server_salt:long`.
struct new_session {
  msg_id first{};
  std::int64_t unique_id = 0;
  std::uint64_t salt = 0;
};
std::optional<new_session> read_new_session(bytes_view body);
bytes write_new_session(const new_session& what);

/// `future_salts req_msg_id:long now:int salts:vector<future_salt>`: the vector is bare.
struct salts_answer {
  msg_id request{};
  std::int32_t now = 0;
  std::vector<future_salt> salts;
};
std::optional<salts_answer> read_future_salts(bytes_view body);
bytes write_future_salts(const salts_answer& what);

/// `msgs_state_info req_msg_id:long info:string`.
struct state_info {
  msg_id request{};
  bytes_view info;
};
std::optional<state_info> read_state_info(bytes_view body);
bytes write_state_info(msg_id request, bytes_view info);

/// `msgs_all_info msg_ids:Vector<long> info:string`.
struct all_info {
  std::vector<msg_id> which;
  bytes_view info;
};
std::optional<all_info> read_all_info(bytes_view body);

/// `msg_detailed_info msg_id:long answer_msg_id:long ...`, and `msg_new_detailed_info` without the
/// first.
struct detailed_info {
  std::optional<msg_id> request;
  msg_id answer{};
};
std::optional<detailed_info> read_detailed_info(bytes_view body);

/// A constructor with nothing but longs, such as `pong msg_id:long ping_id:long`.
bytes write_longs(std::uint32_t constructor, std::initializer_list<std::int64_t> values);
/// The first long of such a message; none if it is too short.
std::optional<std::int64_t> read_long(bytes_view body, std::size_t index = 0);

/// `ping_delay_disconnect ping_id:long disconnect_delay:int`, or `ping` (no delay).
struct ping_view {
  std::int64_t id = 0;
  std::optional<std::int32_t> delay;
};
std::optional<ping_view> read_ping(bytes_view body);
bytes write_ping(std::int64_t id, std::int32_t delay);

/// Status of a message in `msgs_state_info`. Spec: "Informational Message regarding Status".
namespace message_state {
inline constexpr std::uint8_t forgotten = 1;
inline constexpr std::uint8_t not_received = 2;
inline constexpr std::uint8_t too_new = 3; ///< not received, for its id is above all received
inline constexpr std::uint8_t received = 4;
inline constexpr std::uint8_t acknowledged = 8;
inline constexpr std::uint8_t processed = 32; ///< a query that is being run, or has been
inline constexpr std::uint8_t answered = 64;  ///< its answer was made
inline constexpr std::uint8_t mask = 7;
} // namespace message_state

} // namespace cafegram::protocol
