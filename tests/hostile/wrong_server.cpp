#include "wrong_server.hpp"

#include <cafegram/crypto/secure.hpp>
#include <cafegram/tl/api.hpp>
#include <cafegram/tl/coding.hpp>

#include <algorithm>
#include <array>

namespace cafegram::test {

namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t bind_temp_auth_key = 0xcdd42a05;

wall_time now() {
  return std::chrono::system_clock::now();
}

duration unix_time() {
  return std::chrono::duration_cast<duration>(now().time_since_epoch());
}

bytes octets_of(std::initializer_list<std::uint32_t> words) {
  bytes out;
  for (const auto word : words) {
    append(out, as_bytes({reinterpret_cast<const char*>(&word), sizeof(word)}));
  }
  return out;
}

bool ends_with(bytes_view body, bytes_view end) {
  return body.size() >= end.size() && std::ranges::equal(body.last(end.size()), end);
}

/// True if the function, in its wrappers or not, has this constructor.
bool calls(bytes_view body, std::uint32_t constructor) {
  return !std::ranges::search(body, octets_of({constructor})).empty();
}

/// What a bot needs to log in and to stay.
bytes natural_answer(bytes_view body) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(unix_time());
  const auto date = static_cast<std::int32_t>(seconds.count());
  if (calls(body, bind_temp_auth_key)) {
    return protocol::write_longs(tl::bool_true_id, {});
  }
  if (calls(body, tl::auth::importBotAuthorization::tl_id)) {
    tl::user user;
    user.id = 1000001;
    user.bot = true;
    user.bot_info_version = 1;
    user.first_name = "hostile";
    return tl::encode(tl::auth::authorization{.user = user});
  }
  if (calls(body, tl::updates::getState::tl_id)) {
    return tl::encode(tl::updates::state{.pts = 1, .qts = 1, .date = date, .seq = 1});
  }
  if (calls(body, tl::updates::getDifference::tl_id)) {
    return tl::encode(tl::updates::differenceEmpty{.date = date, .seq = 1});
  }
  tl::config config;
  config.date = date;
  config.expires = date + 3600;
  config.test_mode = false;
  config.this_dc = 2;
  return tl::encode(config);
}

} // namespace

bytes first_call() {
  return octets_of({0x0ca11001, 0x11111111, 0x22222222});
}

bytes second_call() {
  return octets_of({0x0ca11002, 0x33333333, 0x44444444});
}

bytes right_answer() {
  return octets_of({0x600d0001, 0x55555555});
}

bytes poison() {
  return octets_of({0x0bad0001, 0x66666666});
}

bytes result_of(protocol::msg_id call, bytes_view body) {
  auto out = protocol::write_longs(protocol::ids::rpc_result, {protocol::number(call)});
  append(out, body);
  return out;
}

// -- one connection -----------------------------------------------------------------------------

line::line(plain_socket socket, int number)
  : socket_{std::move(socket)}
  , number_{number}
  , framing_{crypto::system_random()} {}

void line::raw(bytes_view octets) {
  while (!octets.empty() && !closed_) {
    const auto sent = ::send(socket_.fd(), octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return; // the client was quicker to close
    }
    octets = octets.subspan(static_cast<std::size_t>(sent));
  }
}

void line::frame(bytes_view payload) {
  raw(framed(payload));
}

bytes line::framed(bytes_view payload) {
  bytes out;
  EXPECT_TRUE(framing_.encode(payload, out));
  return out;
}

void line::word(std::int32_t code) {
  bytes out;
  EXPECT_TRUE(framing_.encode_error(code, out));
  raw(out);
}

protocol::msg_id line::next_id(std::chrono::seconds off) {
  const auto fresh = protocol::number(ids_.next(unix_time() - 1s, 1));
  return protocol::msg_id{fresh + (off.count() << 32)};
}

protocol::message_header line::header(const open_call& call, std::chrono::seconds off) {
  return {.salt = 1, .session_id = call.session, .id = next_id(off), .seqno = 1};
}

void line::sealed(const open_call& call, const protocol::message_header& header, bytes_view body) {
  frame(protocol::seal(call.key, protocol::side::server, {header, body}, *crypto::system_random())
            .octets);
}

void line::message(const open_call& call, bytes_view body) {
  sealed(call, header(call), body);
}

void line::close() {
  closed_ = true;
  ::shutdown(socket_.fd(), SHUT_WR);
}

// -- the server ---------------------------------------------------------------------------------

wrong_server::wrong_server(misdeed what)
  : what_{std::move(what)}
  , thread_{[this] { serve(); }} {}

wrong_server::~wrong_server() {
  finish();
}

server_record wrong_server::finish() {
  done_ = true;
  if (thread_.joinable()) {
    thread_.join();
  }
  return record_;
}

void wrong_server::serve() {
  while (!done_) {
    std::vector<pollfd> waiting{{listener_.fd(), POLLIN, 0}};
    for (const auto& one : lines_) {
      waiting.push_back({one.socket_.fd(), POLLIN, 0});
    }
    if (::poll(waiting.data(), waiting.size(), 10) <= 0) {
      continue;
    }
    auto entry = waiting.begin() + 1;
    for (auto& one : lines_) {
      if ((entry++)->revents != 0) {
        read(one);
      }
    }
    std::erase_if(lines_, [](const line& one) { return one.socket_.fd() < 0; });
    if (waiting.front().revents != 0) {
      accept();
    }
  }
}

void wrong_server::accept() {
  lines_.emplace_back(listener_.accept(), record_.lines++);
  if (what_.at_accept && misdone_ < what_.times) {
    ++misdone_;
    what_.at_accept(lines_.back());
    lines_.back().mute_ = what_.mute;
  }
}

void wrong_server::read(line& from) {
  std::array<std::uint8_t, 65536> buffer;
  const auto count = ::recv(from.socket_.fd(), buffer.data(), buffer.size(), 0);
  if (count <= 0) {
    std::erase_if(place_, [&from](const auto& entry) { return entry.second == &from; });
    from.socket_.close();
    return;
  }
  if (from.mute_ || from.closed_) {
    return;
  }
  from.framing_.feed(std::span{buffer}.first(static_cast<std::size_t>(count)));
  while (!from.mute_ && !from.closed_) {
    const auto event = from.framing_.next();
    ASSERT_TRUE(event) << "the client's framing is broken: " << to_string(event.error());
    if (!*event) {
      break;
    }
    if (const auto* frame = std::get_if<protocol::frame>(&**event)) {
      take(from, frame->payload);
    }
  }
  flush(from);
}

void wrong_server::take(line& from, mutable_bytes_view payload) {
  if (protocol::key_id_of(payload) == 0) {
    take_query(from, payload);
  } else {
    take_packet(from, payload);
  }
}

// -- key exchange -------------------------------------------------------------------------------

void wrong_server::begin_exchange(line& from) {
  const int first = what_.temporary ? 1 : 0;
  const int number = record_.exchanges++;
  from.exchange_ = std::make_unique<protocol::lying_server>();
  from.exchange_->random = seeded_random{crypto::system_random()->integer<std::uint64_t>()};
  from.exchange_->at_inner = [](protocol::exchange::server_inner& inner) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(unix_time());
    inner.server_time = static_cast<std::int32_t>(seconds.count());
  };
  from.lies_ = number >= first && number < first + what_.times;
  if (from.lies_ && what_.lie) {
    auto right_time = from.exchange_->at_inner;
    what_.lie(*from.exchange_);
    from.exchange_->at_inner = [right_time, lie = from.exchange_->at_inner](auto& inner) {
      right_time(inner);
      lie(inner);
    };
  }
}

void wrong_server::take_query(line& from, bytes_view payload) {
  const auto body = protocol::exchange::unwrap(payload);
  ASSERT_TRUE(body);
  const bool first = protocol::exchange::read_req_pq(*body).has_value();
  if (first) {
    begin_exchange(from);
  }
  ASSERT_TRUE(from.exchange_);
  const bool second = protocol::exchange::read_req_dh_params(*body).has_value();
  const int step = first ? 0 : second ? 1 : 2;
  auto answer = from.exchange_->reply(payload);
  learn_secrets(*from.exchange_);
  if (step == 2) {
    keys_.insert_or_assign(from.exchange_->key->id(), *from.exchange_->key);
  }
  if (from.lies_ && what_.instead && what_.instead(step, from)) {
    return;
  }
  if (from.lies_ && what_.at_payload) {
    what_.at_payload(step, answer);
  }
  from.frame(answer);
}

void wrong_server::learn_secrets(const protocol::lying_server& exchange) {
  record_.secrets.push_back(to_bytes(exchange.both.client));
  record_.secrets.push_back(to_bytes(exchange.both.server));
  if (exchange.keys) {
    record_.secrets.push_back(to_bytes(exchange.client.fresh));
  }
  if (exchange.key) {
    record_.secrets.push_back(to_bytes(exchange.key->view()));
  }
}

// -- messages -----------------------------------------------------------------------------------

protocol::server_session& wrong_server::session_of(const session_name& name) {
  if (const auto found = sessions_.find(name); found != sessions_.end()) {
    return found->second;
  }
  const auto& key = keys_.at(name.first);
  return sessions_
      .emplace(name, protocol::server_session{key,
                                              name.second,
                                              crypto::system_random()->integer<std::int64_t>(),
                                              std::make_shared<protocol::server_salts>(key),
                                              crypto::system_random(),
                                              {.check_salt = false}})
      .first->second;
}

void wrong_server::take_packet(line& from, mutable_bytes_view payload) {
  const auto known = keys_.find(protocol::key_id_of(payload));
  if (known == keys_.end()) {
    from.word(-404);
    return;
  }
  const bool tail = from.framing_.detected()->kind == protocol::framing::padded;
  const auto opened = protocol::open(known->second, protocol::side::client, payload, tail);
  ASSERT_EQ(opened.status, protocol::open_status::ok);
  note(opened.body);
  const session_name name{known->first, opened.header.session_id};
  auto& session = session_of(name);
  if (std::exchange(place_[name], &from) != &from) {
    session.attached();
  }
  if (what_.state) {
    if (does_not_take(from, name, opened.header.id, opened.body)) {
      return;
    }
    tell_states(from, name, opened.header.id, opened.body);
  }
  EXPECT_TRUE(session.receive(opened, now()));
  while (auto event = session.next_event()) {
    if (const auto* call = std::get_if<protocol::call_arrived>(&*event)) {
      take_call(from, name, session, *call, opened.header.id);
    }
  }
}

/// True where it refuses the call under way before its session has it, and would acknowledge it.
bool wrong_server::does_not_take(line& from, const session_name& name, protocol::msg_id id,
                                 bytes_view body) {
  if (what_.state == protocol::message_state::received || misdone_ >= what_.times) {
    return false;
  }
  if (protocol::constructor_of(body) == protocol::ids::msg_container) {
    const auto items = protocol::read_container(body).value();
    return std::ranges::any_of(items, [&](const protocol::container_item& item) {
      return does_not_take(from, name, item.id, item.body);
    });
  }
  if (!ends_with(body, first_call())) {
    return false;
  }
  ++misdone_;
  what_.at_call(from, {keys_.at(name.first), name.second, id, id});
  return true;
}

/// Of two answers the first one counts.
void wrong_server::tell_states(line& from, const session_name& name, protocol::msg_id id,
                               bytes_view body) {
  if (protocol::constructor_of(body) == protocol::ids::msg_container) {
    const auto items = protocol::read_container(body).value();
    for (const auto& item : items) {
      tell_states(from, name, item.id, item.body);
    }
  } else if (protocol::constructor_of(body) == protocol::ids::msgs_state_req) {
    const auto which = protocol::read_ids(body).value();
    from.message({.key = keys_.at(name.first), .session = name.second},
                 protocol::write_state_info(id, bytes(which.size(), *what_.state)));
  }
}

void wrong_server::note(bytes_view body) {
  if (protocol::constructor_of(body) == protocol::ids::msg_container) {
    const auto items = protocol::read_container(body).value();
    for (const auto& item : items) {
      note(item.body);
    }
    return;
  }
  record_.constructors.push_back(protocol::constructor_of(body));
  if (record_.constructors.back() == protocol::ids::msgs_ack) {
    const auto which = protocol::read_ids(body).value();
    record_.acknowledged.insert(record_.acknowledged.end(), which.begin(), which.end());
  }
}

void wrong_server::take_call(line& from, const session_name& name,
                             protocol::server_session& session, const protocol::call_arrived& call,
                             protocol::msg_id packet) {
  const bool under_way = ends_with(call.body, first_call());
  if (!under_way) {
    session.answer(call.id, ends_with(call.body, second_call()) ? right_answer()
                                                                : natural_answer(call.body));
    return;
  }
  bool taken = true;
  if (what_.at_call && misdone_ < what_.times) {
    ++misdone_;
    taken = what_.at_call(from, {keys_.at(name.first), name.second, call.id, packet});
    from.mute_ = what_.mute;
  }
  if (taken) {
    ++record_.runs;
    session.answer(call.id, right_answer());
  }
}

void wrong_server::flush(line& to) {
  for (const auto& [name, place] : place_) {
    bytes packet;
    while (!to.mute_ && !to.closed_ && place == &to &&
           sessions_.at(name).take_packet(packet, now())) {
      to.frame(packet);
      packet.clear();
    }
  }
}

} // namespace cafegram::test
