#include <cafegram/protocol/in_place.hpp>
#include <cafegram/protocol/service.hpp>
#include <cafegram/tl/codec.hpp>

#include <cstring>

namespace cafegram::protocol {
namespace {

msg_id read_msg_id(tl::reader& in) {
  return msg_id{in.i64()};
}

std::vector<msg_id> read_id_vector(tl::reader& in) {
  const auto count = in.vector_count(true, sizeof(std::int64_t), sizeof(msg_id));
  std::vector<msg_id> out;
  if (count > max_ids) {
    in.fail(tl::decode_fault::too_large);
    return out;
  }
  out.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    out.push_back(read_msg_id(in));
  }
  return out;
}

/// The value if the reader met no failure and is at the end.
template <class T>
std::optional<T> whole(tl::reader& in, T value) {
  in.finish();
  return in.ok() ? std::optional<T>{std::move(value)} : std::nullopt;
}

} // namespace

std::uint32_t constructor_of(bytes_view body) {
  return tl::reader{body}.peek_u32();
}

std::optional<std::vector<container_item>> read_container(bytes_view body) {
  container_reader in{body};
  std::vector<container_item> out;
  while (const auto item = in.next()) {
    out.push_back(*item);
  }
  return in.whole() ? std::optional{std::move(out)} : std::nullopt;
}

bytes write_container(std::span<const container_item> items) {
  std::size_t size = 8;
  for (const auto& item : items) {
    size += container_item_header + item.body.size();
  }
  tl::writer out;
  out.reserve(size);
  out.u32(ids::msg_container);
  out.u32(static_cast<std::uint32_t>(items.size()));
  for (const auto& item : items) {
    out.i64(number(item.id));
    out.i32(item.seqno);
    out.u32(static_cast<std::uint32_t>(item.body.size()));
    out.raw(item.body);
  }
  return out.take();
}

std::optional<std::vector<msg_id>> read_ids(bytes_view body) {
  tl::reader in{body};
  in.u32();
  auto out = read_id_vector(in);
  return whole(in, std::move(out));
}

bytes write_ids(std::uint32_t constructor, std::span<const msg_id> which) {
  tl::writer out;
  out.reserve(12 + 8 * which.size());
  out.u32(constructor);
  out.vector_header(true, which.size());
  for (const auto id : which) {
    out.i64(number(id));
  }
  return out.take();
}

std::optional<bytes_view> read_gzip(bytes_view body) {
  tl::reader in{body};
  in.u32();
  const auto packed = in.view();
  return whole(in, packed);
}

std::optional<rpc_result_view> read_rpc_result(bytes_view body) {
  tl::reader in{body};
  in.u32();
  rpc_result_view out{.request = read_msg_id(in), .body = {}};
  out.body = in.take_rest();
  return whole(in, out);
}

std::optional<rpc_error_view> read_rpc_error(bytes_view body) {
  tl::reader in{body};
  in.u32();
  rpc_error_view out{.code = in.i32(), .text = {}};
  out.text = as_text(in.view());
  return in.ok() ? std::optional{out} : std::nullopt;
}

bytes write_rpc_error(std::int32_t code, std::string_view text) {
  tl::writer out;
  out.u32(ids::rpc_error);
  out.i32(code);
  out.string(text);
  return out.take();
}

std::optional<bad_message> read_bad_message(bytes_view body) {
  tl::reader in{body};
  const auto constructor = in.u32();
  bad_message out{.bad = read_msg_id(in), .seqno = in.i32(), .code = in.i32(), .salt = {}};
  if (constructor == ids::bad_server_salt) {
    out.salt = in.u64();
  }
  return whole(in, out);
}

bytes write_bad_message(const bad_message& what) {
  tl::writer out;
  out.u32(what.salt ? ids::bad_server_salt : ids::bad_msg_notification);
  out.i64(number(what.bad));
  out.i32(what.seqno);
  out.i32(what.code);
  if (what.salt) {
    out.u64(*what.salt);
  }
  return out.take();
}

std::optional<new_session> read_new_session(bytes_view body) {
  tl::reader in{body};
  in.u32();
  const new_session out{.first = read_msg_id(in), .unique_id = in.i64(), .salt = in.u64()};
  return whole(in, out);
}

bytes write_new_session(const new_session& what) {
  return write_longs(ids::new_session_created,
                     {number(what.first), what.unique_id, static_cast<std::int64_t>(what.salt)});
}

std::optional<salts_answer> read_future_salts(bytes_view body) {
  tl::reader in{body};
  in.u32();
  salts_answer out{.request = read_msg_id(in), .now = in.i32(), .salts = {}};
  const auto count = in.vector_count(false, 16, sizeof(future_salt));
  if (count > max_ids) {
    return std::nullopt;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    out.salts.push_back({.valid_since = in.i32(), .valid_until = in.i32(), .salt = in.u64()});
  }
  return whole(in, std::move(out));
}

bytes write_future_salts(const salts_answer& what) {
  tl::writer out;
  out.u32(ids::future_salts);
  out.i64(number(what.request));
  out.i32(what.now);
  out.vector_header(false, what.salts.size());
  for (const auto& salt : what.salts) {
    out.i32(salt.valid_since);
    out.i32(salt.valid_until);
    out.u64(salt.salt);
  }
  return out.take();
}

std::optional<state_info> read_state_info(bytes_view body) {
  tl::reader in{body};
  in.u32();
  state_info out{.request = read_msg_id(in), .info = {}};
  out.info = in.view();
  return whole(in, out);
}

bytes write_state_info(msg_id request, bytes_view info) {
  tl::writer out;
  out.u32(ids::msgs_state_info);
  out.i64(number(request));
  out.byte_string(info);
  return out.take();
}

std::optional<all_info> read_all_info(bytes_view body) {
  tl::reader in{body};
  in.u32();
  all_info out{.which = read_id_vector(in), .info = {}};
  out.info = in.view();
  if (out.info.size() != out.which.size()) {
    return std::nullopt;
  }
  return whole(in, std::move(out));
}

std::optional<detailed_info> read_detailed_info(bytes_view body) {
  tl::reader in{body};
  detailed_info out;
  if (in.u32() == ids::msg_detailed_info) {
    out.request = read_msg_id(in);
  }
  out.answer = read_msg_id(in);
  in.i32(); // octets of the answer
  in.i32(); // status, always 0
  return whole(in, out);
}

bytes write_longs(std::uint32_t constructor, std::initializer_list<std::int64_t> values) {
  tl::writer out;
  out.reserve(4 + 8 * values.size());
  out.u32(constructor);
  for (const auto value : values) {
    out.i64(value);
  }
  return out.take();
}

std::optional<std::int64_t> read_long(bytes_view body, std::size_t index) {
  const auto offset = 4 + 8 * index;
  if (body.size() < offset + 8) {
    return std::nullopt;
  }
  std::int64_t out = 0;
  std::memcpy(&out, body.data() + offset, sizeof(out));
  return out;
}

std::optional<ping_view> read_ping(bytes_view body) {
  tl::reader in{body};
  const bool delayed = in.u32() == ids::ping_delay_disconnect;
  ping_view out{.id = in.i64(), .delay = {}};
  if (delayed) {
    out.delay = in.i32();
  }
  return whole(in, out);
}

bytes write_ping(std::int64_t id, std::int32_t delay) {
  tl::writer out;
  out.u32(ids::ping_delay_disconnect);
  out.i64(id);
  out.i32(delay);
  return out.take();
}

} // namespace cafegram::protocol
