#pragma once

#include <cafegram/actors/address_book.hpp>
#include <cafegram/actors/dc_pool.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/protocol/auth_key.hpp>
#include <cafegram/storage/inbox.hpp>
#include <cafegram/storage/peers.hpp>
#include <cafegram/storage/session.hpp>
#include <cafegram/tests/support.hpp>

#include <caf/all.hpp>

#include <deque>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "played_change.hpp"

// What stands around a pool or a client while a test plays with it.
namespace cafegram::test {

/// A connection that does what the test says, as the pool sees it.
struct fake_line {
  connection_setup setup;
  dc_connection_actor actor;
  connection_owner_actor owner;
  std::vector<submit_call> calls;
  std::vector<call_id> dropped;
  std::vector<key_order> orders;
  std::deque<std::function<void(dc_connection_actor::pointer)>> to_do;
  bool ended = false;

  /// The last that it was told of keys.
  const key_order& keys() const { return orders.empty() ? setup.keys : orders.back(); }

  template <class Message>
  void tell(Message what) {
    to_do.emplace_back(
        [this, what](dc_connection_actor::pointer self) { self->send(owner, what); });
    caf::anon_send(actor, caf::tick_atom_v, std::uint64_t{0});
  }
  void ready() { tell(connection_report{setup.dc, connection_phase::ready, "x"}); }
  void answer(std::size_t which, bytes_view body = {}) {
    auto result = body.empty() ? bytes{9, 9, 9, 9} : to_bytes(body);
    tell(call_settled{calls.at(which).id, std::make_shared<const bytes>(std::move(result)), {}});
  }
  void refuse(std::size_t which, std::int32_t code, std::string_view text) {
    tell(call_settled{calls.at(which).id, nullptr, error::from_rpc(code, text)});
  }
  void die() const { caf::anon_send_exit(actor, caf::exit_reason::kill); }
};

inline dc_connection_actor::behavior_type
fake_connection(dc_connection_actor::stateful_pointer<caf::unit_t> self,
                std::shared_ptr<fake_line> line) {
  self->attach_functor([line] { line->ended = true; });
  return {
      [](const bytes_received&) {},
      [](const bytes_drained&) {},
      [line](const submit_call& call) { line->calls.push_back(call); },
      [line](const drop_call& call) { line->dropped.push_back(call.id); },
      [line](const key_order& order) { line->orders.push_back(order); },
      [](const network_available&) {},
      [](caf::flush_atom) {},
      [self, line](caf::tick_atom, std::uint64_t) {
        auto next = std::move(line->to_do.front());
        line->to_do.pop_front();
        next(self);
      },
  };
}

inline auto key_of(std::uint64_t seed) {
  seeded_random random{seed};
  bytes octets(protocol::auth_key::octets);
  random.fill(octets);
  return std::make_shared<const protocol::auth_key>(*protocol::auth_key::from(octets));
}

/// The connections that a pool has opened, from the first on.
struct fake_lines : std::vector<std::shared_ptr<fake_line>> {
  /// The factory for the pool; this must not move while it is in use.
  connection_factory factory() {
    return [this](caf::actor_system& in, const runtime::services&, connection_setup how,
                  connection_owner_actor of) {
      auto line = std::make_shared<fake_line>();
      line->setup = std::move(how);
      line->owner = std::move(of);
      line->actor = in.spawn(fake_connection, line);
      push_back(line);
      return line->actor;
    };
  }
  void kill_all() {
    for (const auto& line : *this) {
      line->die();
    }
  }
  /// Lets go of the actors, which know the lines themselves.
  void forget_all() {
    for (const auto& line : *this) {
      line->owner = nullptr;
      line->actor = nullptr;
    }
  }
};

/// What a session store was told, and how it is to behave.
struct played_session {
  storage::session_state state;
  bool silent = false; ///< answers nothing but what it holds
  bool hangs = false;  ///< what is to be written at once never is
  bool mute = false;   ///< does not tell what it holds
  int flushes = 0;
  std::vector<session_ended> ended;
  std::vector<peers_came> peers;
  std::map<std::string, storage::peer_address> addresses; ///< by names for people
  std::vector<std::string> looked_up;
};

inline session_store_actor::behavior_type
played_session_store(std::shared_ptr<played_session> kept) {
  const auto answer = [kept](bool at_once = false) -> caf::result<void> {
    if (kept->silent || (kept->hangs && at_once)) {
      return caf::delegated<void>{}; // to nobody
    }
    return caf::unit;
  };
  return {
      [kept](load_atom) -> caf::result<session_snapshot> {
        if (kept->mute) {
          return caf::delegated<session_snapshot>{}; // to nobody
        }
        return session_snapshot{std::make_shared<const storage::session_state>(kept->state)};
      },
      [kept, answer](const session_change& by) {
        make_change(by, kept->state);
        return answer(by.at_once);
      },
      [](const inbox_request&) {
        return inbox_page{std::make_shared<const storage::inbox_content>()};
      },
      [](const value_lookup&) { return stored_value{}; },
      [](const session_export&) -> caf::result<exported_session> {
        return caf::sec::invalid_argument;
      },
      [kept](const peers_came& what) { kept->peers.push_back(what); },
      [kept](const peer_lookup& what) -> caf::result<peer_found> {
        kept->looked_up.push_back(to_string(what.what));
        if (kept->silent) {
          return caf::delegated<peer_found>{};
        }
        const auto found = kept->addresses.find(to_string(what.what));
        return peer_found{found != kept->addresses.end()
                              ? std::make_shared<const storage::peer_address>(found->second)
                              : nullptr};
      },
      [kept, answer](caf::flush_atom) {
        ++kept->flushes;
        return answer();
      },
      [kept, answer](const session_ended& how) {
        kept->ended.push_back(how);
        kept->state.ended = true;
        return answer();
      },
      [](caf::tick_atom) {},
  };
}

/// Addresses of these data centres, all of them nowhere.
inline address_book addresses_of(std::initializer_list<std::int32_t> dcs) {
  std::vector<protocol::dc_address> known;
  for (const auto dc : dcs) {
    protocol::dc_address address;
    address.dc = protocol::dc_id{dc};
    address.host = "127.0.0.1";
    known.push_back(std::move(address));
  }
  return {std::move(known), {}, false};
}

} // namespace cafegram::test
