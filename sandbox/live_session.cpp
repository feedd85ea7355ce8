#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/live_session.hpp>

namespace cafegram::sandbox {
namespace {

std::shared_ptr<protocol::server_salts> make_salts(const known_key& key, wall_time now,
                                                   std::chrono::seconds lifetime) {
  auto out = std::make_shared<protocol::server_salts>(key.key, lifetime);
  const std::chrono::seconds created{key.created};
  if (now.time_since_epoch() - created < lifetime) {
    out->accept(key.first_salt, created);
  }
  return out;
}

} // namespace

live_session::live_session(std::shared_ptr<known_key> of, std::uint64_t id, wall_time now,
                           std::chrono::seconds salt_lifetime,
                           const std::shared_ptr<random_source>& random)
  : key{std::move(of)}
  , salts{make_salts(*key, now, salt_lifetime)}
  , wire{key->key, id, random->integer<std::int64_t>(), salts, random} {}

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
