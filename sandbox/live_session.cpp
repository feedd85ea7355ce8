#include <cafegram/base/log.hpp>
#include <cafegram/protocol/salts.hpp>
#include <cafegram/sandbox/live_session.hpp>

namespace cafegram::sandbox {
namespace {

protocol::server_session make_wire(const known_key& key, std::uint64_t id, wall_time now,
                                   std::shared_ptr<random_source> random) {
  auto salts = std::make_shared<protocol::server_salts>(key.key);
  const auto since = now.time_since_epoch() - std::chrono::seconds{key.created};
  if (since < std::chrono::hours{1}) {
    salts->accept(key.first_salt, std::chrono::duration_cast<duration>(now.time_since_epoch()));
  }
  const auto unique_id = random->integer<std::int64_t>();
  return {key.key, id, unique_id, std::move(salts), std::move(random)};
}

} // namespace

live_session::live_session(std::shared_ptr<known_key> of, std::uint64_t id, wall_time now,
                           std::shared_ptr<random_source> random)
  : key{std::move(of)}
  , wire{make_wire(*key, id, now, std::move(random))} {}

void live_session::take(const session_letter& letter, const layer_set& layers) {
  if (const auto* news = std::get_if<letter_updates>(&letter)) {
    auto sealed = seal_updates(layers, key->layer.load(), news->updates);
    if (sealed) {
      wire.push(*std::move(sealed));
    } else {
      log::warn("sandbox", "updates were left out: {}", to_string(sealed.error()));
    }
    return;
  }
  const auto& reply = std::get<letter_answer>(letter);
  const auto waiting = calls.find(reply.call);
  if (waiting != calls.end()) {
    wire.answer(waiting->second.id, seal_answer(layers, waiting->second.call, reply.value));
    calls.erase(waiting);
  }
}

} // namespace cafegram::sandbox
