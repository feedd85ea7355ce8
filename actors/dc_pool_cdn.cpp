#include <cafegram/actors/dc_pool_state.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/tl/api.hpp>

#include <caf/all.hpp>

#include <algorithm>
#include <utility>

// Data centres of a CDN: machines of somebody else's. They have RSA keys of their own, know no
// login, and are told nothing of the user. Spec: "Encrypted CDNs for Speed and Security".

namespace cafegram {

namespace {

constexpr std::size_t most_cdn_keys = 64;
/// Keys that do not work are asked for again, but not all the time.
constexpr std::chrono::seconds cdn_keys_least{60};

using cdn_key_map = std::map<std::int32_t, std::vector<crypto::rsa_public_key>>;

/// What cannot be read of it is passed over: other data centres have keys as well.
result<cdn_key_map> read_cdn_keys(bytes_view object) {
  const auto decoded = tl::decode<tl::CdnConfig>(object);
  const auto* config = decoded ? tl::get_if<tl::cdnConfig>(*decoded) : nullptr;
  if (config == nullptr) {
    return fail(errc::malformed, "CdnConfig");
  }
  cdn_key_map out;
  std::size_t count = 0;
  for (const auto& one : config->public_keys) {
    const auto* told = tl::get_if<tl::cdnPublicKey>(one);
    if (told == nullptr || ++count > most_cdn_keys) {
      continue;
    }
    if (auto key = crypto::rsa_public_key::from_pem(told->public_key)) {
      out[told->dc_id].push_back(*std::move(key));
    } else {
      log::warn("dc_pool", "a key of the CDN's dc {}: {}", told->dc_id, to_string(key.error()));
    }
  }
  return out;
}

bool same_keys(const std::vector<crypto::rsa_public_key>& a,
               const std::vector<crypto::rsa_public_key>& b) {
  return std::ranges::equal(a, b, {}, &crypto::rsa_public_key::fingerprint,
                            &crypto::rsa_public_key::fingerprint);
}

} // namespace

bool dc_pool_state::is_cdn(std::int32_t dc) const {
  return setup.addresses.knows(dc, connection_purpose::cdn) && !setup.addresses.knows(dc);
}

void dc_pool_state::await_cdn_keys(call_id id) {
  cdn.waiting.push_back(id);
  ask_cdn_keys();
}

void dc_pool_state::ask_cdn_keys() {
  if (std::exchange(cdn.asked, true)) {
    return;
  }
  cdn.again_at = now() + cdn_keys_least;
  call_internally(setup.home_dc, tl::encode(tl::help::getCdnConfig{}),
                  [this](const result<shared_bytes>& outcome) { cdn_keys_came(outcome); });
}

void dc_pool_state::cdn_keys_came(const result<shared_bytes>& outcome) {
  cdn.asked = false;
  auto told =
      outcome ? read_cdn_keys(**outcome) : result<cdn_key_map>{std::unexpected(outcome.error())};
  if (told) {
    for (auto& [dc, keys] : *told) {
      auto& known = cdn.keys[dc];
      const bool others = !known.empty() && !same_keys(known, keys);
      known = std::move(keys);
      if (others) {
        renew_cdn_lines(dc);
      }
    }
  }
  auto waiting = std::exchange(cdn.waiting, {});
  std::ranges::sort(waiting); // in the order in which they were made
  for (const auto id : waiting) {
    const auto found = calls.find(id);
    if (found == calls.end()) {
      continue; // its time is over
    }
    const auto dc = found->second.dc;
    if (cdn.keys.contains(dc)) {
      place(id);
    } else if (told) {
      answer(id,
             fail(errc::not_found, "no key is known for the CDN's dc " + std::to_string(dc), dc));
    } else {
      answer(id, std::unexpected(told.error()));
    }
  }
}

/// A line that has not come so far as to have a key may have begun with RSA keys that are over.
void dc_pool_state::doubt_cdn_keys(std::int32_t dc) {
  if (!centre(dc).keys.permanent() && now() >= cdn.again_at) {
    ask_cdn_keys();
  }
}

/// Lines that could not begin with the keys of before: what waits for them goes over others.
void dc_pool_state::renew_cdn_lines(std::int32_t dc) {
  if (centre(dc).keys.permanent()) {
    return;
  }
  std::vector<line_slot> old;
  for (const auto& [slot, connection] : connections) {
    if (slot.dc == dc && slot.purpose == connection_purpose::cdn) {
      old.push_back(slot);
    }
  }
  for (auto& [id, call] : calls) {
    if (call.at && std::ranges::find(old, *call.at) != old.end()) {
      call.at.reset();
      call.may_have_left = false;
      cdn.waiting.push_back(id);
    }
  }
  for (const auto& slot : old) {
    close(slot);
  }
}

/// The profile of all connections but for what a CDN has of its own, and what it is not told.
std::shared_ptr<const connection_profile> dc_pool_state::cdn_profile(std::int32_t dc) const {
  auto out = std::make_shared<connection_profile>(*setup.profile);
  if (const auto known = cdn.keys.find(dc); known != cdn.keys.end()) {
    out->rsa_keys = known->second;
  }
  out->first_call_prefix = out->cdn_call_prefix;
  out->forward_secrecy = false; // no login hangs on its keys, and it is not called to bind any
  return out;
}

} // namespace cafegram
