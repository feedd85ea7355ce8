// For: protocol/service.cpp protocol/gzip.cpp protocol/key_binding.cpp
#include <cafegram/crypto/aes.hpp>
#include <cafegram/crypto/kdf.hpp>
#include <cafegram/protocol/gzip.hpp>
#include <cafegram/protocol/key_binding.hpp>
#include <cafegram/protocol/service.hpp>

#include <vector>

#include "fuzz.hpp"

// Each reader of a service message. What was read and is written again must read as the same.
//
//     what:u8 body
namespace {

using namespace cafegram;
using namespace cafegram::protocol;
using fuzz::holds;

void container(bytes_view body) {
  const auto items = read_container(body);
  if (!items) {
    return;
  }
  holds(items->size() <= max_container_messages, "a container is bounded");
  const auto again = write_container(*items);
  holds(again.size() == body.size() &&
            std::ranges::equal(bytes_view{again}.subspan(4), body.subspan(4)),
        "a container is written as it came");
}

void ids_of(bytes_view body) {
  if (const auto which = read_ids(body)) {
    holds(which->size() <= max_ids, "a list of ids is bounded");
    holds(read_ids(write_ids(constructor_of(body), *which)) == which, "ids survive");
  }
}

void results(bytes_view body) {
  if (const auto answer = read_rpc_result(body)) {
    holds(answer->body.size() + 12 == body.size(), "all behind the id is the result");
  }
  if (const auto refusal = read_rpc_error(body)) {
    const auto again = write_rpc_error(refusal->code, refusal->text);
    const auto twice = read_rpc_error(again);
    holds(twice && twice->code == refusal->code && twice->text == refusal->text, "errors survive");
    const auto why = error::from_rpc(refusal->code, refusal->text);
    holds(why.code == errc::rpc && why.rpc && !to_string(why).empty(), "any text is an error");
  }
}

void notices(bytes_view body) {
  if (const auto bad = read_bad_message(body)) {
    const auto twice = read_bad_message(write_bad_message(*bad));
    holds(twice && twice->bad == bad->bad && twice->code == bad->code && twice->salt == bad->salt,
          "notifications survive");
  }
  if (const auto fresh = read_new_session(body)) {
    const auto twice = read_new_session(write_new_session(*fresh));
    holds(twice && twice->first == fresh->first && twice->salt == fresh->salt, "sessions survive");
  }
  if (const auto salts = read_future_salts(body)) {
    holds(salts->salts.size() <= max_ids, "salts are bounded");
    const auto twice = read_future_salts(write_future_salts(*salts));
    holds(twice && twice->salts == salts->salts, "salts survive");
  }
}

void states(bytes_view body) {
  if (const auto info = read_state_info(body)) {
    const auto again = write_state_info(info->request, info->info);
    const auto twice = read_state_info(again);
    holds(twice && std::ranges::equal(twice->info, info->info), "states survive");
  }
  if (const auto all = read_all_info(body)) {
    holds(all->which.size() == all->info.size(), "one state for each id");
  }
  read_detailed_info(body);
  read_long(body, 1);
  if (const auto ping = read_ping(body); ping && ping->delay) {
    const auto twice = read_ping(write_ping(ping->id, *ping->delay));
    holds(twice && twice->id == ping->id && twice->delay == ping->delay, "pings survive");
  }
}

void compressed(bytes_view body) {
  constexpr std::size_t budget = 1U << 16;
  if (const auto packed = read_gzip(body)) {
    const auto plain = gzip_unpack(*packed, budget);
    holds(!plain || plain->size() <= budget, "the budget holds");
  }
  if (const auto packed = gzip_pack(body)) {
    holds(packed->size() < body.size(), "packed is shorter");
    const auto inner = read_gzip(*packed);
    holds(inner.has_value(), "what is packed is readable");
    const auto plain = gzip_unpack(*inner, body.size());
    holds(plain && std::ranges::equal(*plain, body), "packing changes nothing");
    holds(body.empty() || !gzip_unpack(*inner, body.size() - 1), "one octet too many is too many");
  }
  const auto raw = gzip_unpack(body, budget);
  holds(!raw || raw->size() <= budget, "the budget holds");
}

/// A binding of any content, encrypted with the right key.
void binding(bytes_view body) {
  static const auto permanent = fuzz::some_key(9);
  (void)open_binding(permanent, body);
  auto text = to_bytes(body.first(std::min<std::size_t>(body.size(), 80)));
  text.resize(80);
  const auto msg_key = crypto::message_key_v1(bytes_view{text}.first(72));
  const auto keys =
      crypto::message_keys_v1(permanent.view(), msg_key, crypto::direction::to_server);
  crypto::ige_encrypt({keys.key.view(), keys.iv.view(), text, text});
  fuzz::output sealed;
  sealed.number(permanent.id()).raw(msg_key).raw(text);
  const auto opened = open_binding(permanent, sealed.take());
  if (opened) {
    const auto random = fuzz::repeatable();
    const auto again =
        open_binding(permanent, seal_binding(permanent, opened->what, opened->id, *random));
    holds(again && again->what == opened->what && again->id == opened->id, "bindings survive");
    const auto call = write_binding_call(permanent, opened->what, opened->id, *random);
    holds(call.size() > 80 && call.size() % 4 == 0, "the call carries it");
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in{data, size};
  using reader = void (*)(bytes_view);
  static constexpr reader readers[] = {container, ids_of,     results, notices,
                                       states,    compressed, binding};
  const auto what = in.octet();
  readers[what % std::size(readers)](in.rest());
  return 0;
}
