#pragma once

#include <cafegram/crypto/rsa.hpp>
#include <cafegram/protocol/envelope.hpp>
#include <cafegram/protocol/framing.hpp>
#include <cafegram/protocol/key_binding.hpp>
#include <cafegram/protocol/key_exchange.hpp>
#include <cafegram/protocol/server_session.hpp>
#include <cafegram/protocol/service.hpp>
#include <cafegram/tl/codec.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace cafegram::test {

/// A data centre in memory, octets in and out, over one socket at a time: makes keys, binds them,
/// and answers calls with their own octets. What it is to do wrong, a test says.
class mini_dc {
public:
  struct key_record {
    protocol::auth_key key;
    std::optional<std::int32_t> expires_in;
    std::optional<std::int32_t> dc;
    std::uint64_t bound_to = 0;
  };
  /// A call as it came, in order.
  struct seen_call {
    std::uint64_t key_id = 0;
    bytes body;
  };

  mini_dc(std::shared_ptr<const manual_clock> clock, std::shared_ptr<random_source> random)
    : clock_{std::move(clock)}
    , random_{std::move(random)} {}

  static std::shared_ptr<const crypto::rsa_private_key> rsa() {
    static const auto key =
        std::make_shared<const crypto::rsa_private_key>(crypto::rsa_private_key::generate());
    return key;
  }

  /// A fresh socket.
  void connect() {
    transport_.emplace(random_);
    exchange_.emplace(protocol::server_exchange_options{.key = rsa(), .prime = {}, .taken = {}},
                      random_);
    present_.clear();
    closed = false;
  }

  /// Takes what the client sends, gives what goes back.
  bytes feed(bytes_view data) {
    bytes out;
    transport_->feed(data);
    while (!closed) {
      auto event = transport_->next();
      EXPECT_TRUE(event);
      if (!event || !*event) {
        break;
      }
      if (const auto* frame = std::get_if<protocol::frame>(&**event)) {
        take(frame->payload, out);
      }
    }
    flush(out);
    return out;
  }

  /// Sends an error word and closes.
  bytes word(std::int32_t code) {
    bytes out;
    EXPECT_TRUE(transport_->encode_error(code, out));
    closed = true;
    return out;
  }

  /// Answers the calls that were held back.
  bytes answer_held() {
    hold_answers = false;
    for (const auto& [session, id, body] : held_) {
      if (const auto found = sessions_.find(session); found != sessions_.end()) {
        found->second.answer(id, body);
      }
    }
    held_.clear();
    bytes out;
    flush(out);
    return out;
  }

  void forget_key(std::uint64_t id) {
    keys.erase(id);
    std::erase_if(sessions_, [id](const auto& entry) { return entry.first.first == id; });
  }

  std::size_t count(bool temporary) const {
    std::size_t out = 0;
    for (const auto& [id, record] : keys) {
      out += record.expires_in.has_value() == temporary ? 1 : 0;
    }
    return out;
  }

  std::map<std::uint64_t, key_record> keys;
  std::vector<seen_call> calls;
  std::string refuse_binding;                         ///< with this error
  std::function<std::string(bytes_view)> refuse_call; ///< with this text and code 303
  std::function<std::optional<bytes>(bytes_view)>
      answer_call; ///< in the place of the call's octets
  bool hold_answers = false;
  bool forget_new_keys = false; ///< makes keys and knows none of them
  bool closed = true;
  int bindings = 0;
  int exchanges = 0;
  int plain_frames = 0; ///< of key exchanges, begun or ended

private:
  using session_name = std::pair<std::uint64_t, std::uint64_t>;
  struct held {
    session_name session;
    protocol::msg_id id;
    bytes body;
  };

  void send(bytes_view payload, bytes& out) { EXPECT_TRUE(transport_->encode(payload, out)); }

  void take(mutable_bytes_view payload, bytes& out) {
    const auto id = protocol::key_id_of(payload);
    if (id == 0) {
      ++plain_frames;
      auto step = exchange_->on_message(payload, clock_->wall_now());
      if (step.transport_error != 0) {
        append(out, word(step.transport_error));
        return;
      }
      if (step.done) {
        ++exchanges;
        if (!forget_new_keys) {
          keys.emplace(step.done->key.id(),
                       key_record{step.done->key, step.done->expires_in, step.done->dc});
        }
      }
      send(step.send, out);
      return;
    }
    const auto known = keys.find(id);
    if (known == keys.end()) {
      append(out, word(-404));
      return;
    }
    const auto opened = protocol::open(known->second.key, protocol::side::client, payload);
    ASSERT_EQ(opened.status, protocol::open_status::ok);
    const session_name name{id, opened.header.session_id};
    auto found = sessions_.find(name);
    if (found == sessions_.end()) {
      found = sessions_
                  .emplace(name, protocol::server_session{known->second.key,
                                                          name.second,
                                                          unique_++,
                                                          std::make_shared<protocol::server_salts>(
                                                              known->second.key),
                                                          random_,
                                                          {.check_salt = false}})
                  .first;
    }
    if (present_.insert(name).second) {
      found->second.attached();
    }
    EXPECT_TRUE(found->second.receive(opened, clock_->wall_now()));
    while (auto event = found->second.next_event()) {
      if (const auto* call = std::get_if<protocol::call_arrived>(&*event)) {
        take_call(known->second, name, *call);
      } else if (std::holds_alternative<protocol::destroy_key_asked>(*event)) {
        found->second.key_destroyed();
        destroyed.push_back(id);
      }
    }
  }

  void take_call(key_record& key, const session_name& name, const protocol::call_arrived& call) {
    auto& session = sessions_.at(name);
    tl::reader in{call.body};
    if (in.u32() == 0xcdd42a05) {
      ++bindings;
      const auto permanent = keys.find(in.u64());
      const auto nonce = in.i64();
      const auto expires_at = in.i32();
      const auto proof = in.byte_string();
      if (!refuse_binding.empty() || permanent == keys.end()) {
        session.answer_error(call.id, 400,
                             refuse_binding.empty() ? "ENCRYPTED_MESSAGE_INVALID" : refuse_binding);
        return;
      }
      const auto opened = protocol::open_binding(permanent->second.key, proof);
      ASSERT_TRUE(opened);
      EXPECT_EQ(opened->id, call.id);
      EXPECT_EQ(opened->what, (protocol::key_binding{nonce, key.key.id(), permanent->first,
                                                     name.second, expires_at}));
      key.bound_to = permanent->first;
      session.answer(call.id, protocol::write_longs(tl::bool_true_id, {}));
      return;
    }
    EXPECT_TRUE(!key.expires_in || key.bound_to != 0) << "a call before the key was bound";
    calls.push_back({key.key.id(), call.body});
    if (const auto text = refuse_call ? refuse_call(call.body) : std::string{}; !text.empty()) {
      session.answer_error(call.id, 303, text);
      return;
    }
    if (hold_answers) {
      held_.push_back({name, call.id, call.body});
      return;
    }
    const auto special = answer_call ? answer_call(call.body) : std::nullopt;
    session.answer(call.id, special.value_or(call.body));
  }

  void flush(bytes& out) {
    for (const auto& name : present_) {
      const auto found = sessions_.find(name);
      bytes packet;
      while (!closed && found != sessions_.end() &&
             found->second.take_packet(packet, clock_->wall_now())) {
        send(packet, out);
        packet.clear();
      }
    }
  }

public:
  std::vector<std::uint64_t> destroyed;

private:
  std::shared_ptr<const manual_clock> clock_;
  std::shared_ptr<random_source> random_;
  std::optional<protocol::server_transport> transport_;
  std::optional<protocol::server_key_exchange> exchange_;
  std::map<session_name, protocol::server_session> sessions_;
  std::set<session_name> present_; ///< that have spoken over this socket
  std::vector<held> held_;
  std::int64_t unique_ = 1;
};

} // namespace cafegram::test
