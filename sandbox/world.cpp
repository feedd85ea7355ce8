#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/message_log.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/views.hpp>
#include <cafegram/sandbox/world_state.hpp>

#include <algorithm>
#include <array>

namespace cafegram::sandbox {

namespace {

constexpr std::size_t most_counted_methods = 10'000;

std::int64_t unix_seconds(wall_time at) {
  return std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
}

const std::map<std::string_view, method>& all_methods() {
  static const auto table = [] {
    std::map<std::string_view, method> out;
    for (const auto part :
         {auth_methods(), help_methods(), account_methods(), message_methods(), history_methods(),
          bot_methods(), update_methods(), migration_methods(), group_methods(), channel_methods(),
          member_methods(), invite_methods(), pin_methods()}) {
      for (const method& one : part) {
        out.emplace(one.name, one);
      }
    }
    return out;
  }();
  return table;
}

/// What a temporary key may ask before it is bound. Spec: "Perfect Forward Secrecy".
bool serves_unbound(std::string_view method) {
  return method == "auth.bindTempAuthKey" || method == "help.getConfig" ||
         method == "help.getNearestDc";
}

answer run(step& at, const json& request) {
  const auto found = all_methods().find(kind(request));
  if (at.key == 0 && !serves_unbound(kind(request))) {
    return refuse("AUTH_KEY_PERM_EMPTY", 401);
  }
  if (auto elsewhere = misplaced(at, kind(request))) {
    return std::unexpected(*std::move(elsewhere));
  }
  if (found == all_methods().end()) {
    return refuse("SANDBOX_METHOD_MISSING");
  }
  const method& what = found->second;
  if (at.me == nullptr && what.who != audience::anyone) {
    return refuse("AUTH_KEY_UNREGISTERED", 401);
  }
  if (what.who == audience::person && at.me->bot) {
    return refuse("BOT_METHOD_INVALID");
  }
  if (what.who == audience::bot && !at.me->bot) {
    return refuse("USER_BOT_REQUIRED");
  }
  return what.run(at, request);
}

} // namespace

result<void> world::impl::commit() {
  if (broken) {
    return fail(errc::storage, "the world could not be kept; start the sandbox again");
  }
  auto kept = data.commit();
  for (; kept && log && logged < data.last_number(); ++logged) {
    kept = log->append(*data.message(logged + 1));
  }
  if (!kept) {
    broken = true;
    log::error("sandbox", "{}", to_string(kept.error()));
  }
  return kept;
}

/// Nothing leaves that is not kept.
void world::impl::finish(outcome& out) {
  if (auto kept = commit(); !kept) {
    out = {};
    out.reply = refuse("SANDBOX_STORE_FAILED");
  }
}

world::world(std::unique_ptr<impl> state)
  : impl_{std::move(state)} {}
world::~world() = default;

result<std::unique_ptr<world>> world::open(world_options options, std::unique_ptr<store> records,
                                           std::shared_ptr<random_source> random, wall_time now) {
  auto state = std::make_unique<impl>(std::move(options), std::move(records), std::move(random));
  if (auto loaded = state->data.load(*state->random); !loaded) {
    return std::unexpected(loaded.error());
  }
  if (state->data.find_username("alice") == nullptr) {
    account alice;
    alice.id = state->data.next_person_id();
    alice.scripted = true;
    alice.first_name = "Alice";
    alice.username = "alice";
    alice.about = "Answers each message";
    alice.seen = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    state->data.add(std::move(alice));
  }
  if (!state->options.message_log.empty()) {
    auto log = message_log::open(state->options.message_log);
    if (!log) {
      return std::unexpected(log.error());
    }
    state->logged = std::min((*log)->last_number(), state->data.last_number());
    state->log = *std::move(log);
  }
  if (auto kept = state->commit(); !kept) {
    return std::unexpected(kept.error());
  }
  return std::unique_ptr<world>{new world{std::move(state)}};
}

outcome world::call(const caller& who, const json& request, wall_time now) {
  outcome out;
  const key_record* key = permanent(who.key);
  account* me = key != nullptr ? impl_->data.find(key->user) : nullptr;
  step at{*impl_, who, me, now, out, key != nullptr ? key->id : 0};
  const std::int32_t told = who.dc != 0 || key == nullptr ? who.dc : dc_number(key->dc);
  at.dc = told != 0 ? told : impl_->options.dc_id;
  answer value = run(at, request);
  count_call(kind(request), !value);
  if (!at.waits || !value) {
    out.reply = std::move(value);
  }
  impl_->finish(out);
  return out;
}

outcome world::poll(wall_time now) {
  outcome out;
  std::erase_if(impl_->clicks, [&out, now](const auto& entry) {
    if (entry.second.deadline > now) {
      return false;
    }
    settle_click(out, entry.first, entry.second, refuse("BOT_RESPONSE_TIMEOUT"));
    return true;
  });
  std::erase_if(impl_->cached_clicks,
                [now](const auto& entry) { return entry.second.until <= now; });
  out.ended_keys = impl_->temporary.expire(unix_seconds(now));
  return out;
}

outcome world::came_back(std::uint64_t key, wall_time now) {
  outcome out;
  const key_record* known = find_key(key);
  account* who = known != nullptr ? impl_->data.find(known->user) : nullptr;
  if (who == nullptr || !who->bot) {
    return out;
  }
  step at{*impl_, {}, nullptr, now, out};
  repeat_clicks(at, *who);
  // Where the key's data centre is not the account's home there is nothing for it.
  std::erase_if(out.pushes, [key](push& one) {
    std::erase_if(one.keys, [key](std::uint64_t other) { return other != key; });
    return one.keys.empty();
  });
  return out;
}

std::optional<wall_time> world::next_deadline() const {
  std::optional<wall_time> out;
  if (const auto expiry = impl_->temporary.next_expiry()) {
    out = wall_time{std::chrono::seconds{*expiry}};
  }
  for (const auto& [query, click] : impl_->clicks) {
    out = out ? std::min(*out, click.deadline) : click.deadline;
  }
  return out;
}

void world::move_home(account_id who, std::int32_t dc) {
  impl_->options.homes[std::to_string(who)] = dc;
}

void world::drop_session(std::uint64_t key, std::uint64_t session) {
  std::erase_if(impl_->clicks, [key, session](const auto& entry) {
    const caller& who = entry.second.who;
    return who.call != 0 && who.key == key && who.session == session;
  });
}

void world::count_call(std::string_view name, bool failed) {
  auto at = impl_->counts.find(name);
  if (at == impl_->counts.end()) {
    if (impl_->counts.size() >= most_counted_methods) {
      return;
    }
    at = impl_->counts.emplace(name, call_count{}).first;
  }
  ++at->second.calls;
  at->second.errors += failed ? 1 : 0;
}

std::int64_t world::last_message() const {
  return impl_->data.last_number();
}

std::vector<message_record> world::messages_after(std::int64_t number) const {
  std::vector<message_record> out;
  for (std::int64_t n = number + 1; n <= last_message(); ++n) {
    if (const auto* found = std::as_const(impl_->data).message(n)) {
      out.push_back(*found);
    }
  }
  return out;
}

result<void> world::add_key(const key_record& key) {
  impl_->data.save(key);
  return impl_->commit();
}

const key_record* world::find_key(std::uint64_t id) const {
  const auto at = impl_->data.keys().find(id);
  return at != impl_->data.keys().end() ? &at->second : nullptr;
}

outcome world::add_temporary_key(std::uint64_t id, std::int64_t expires, wall_time now) {
  outcome out;
  if (const auto gone = impl_->temporary.add(id, unix_seconds(now), expires)) {
    out.ended_keys.push_back(*gone);
  }
  return out;
}

const key_record* world::permanent(std::uint64_t key) const {
  const auto* temporary = impl_->temporary.find(key);
  return find_key(temporary != nullptr ? temporary->permanent : key);
}

std::vector<std::uint64_t> world::bound_to(std::uint64_t permanent) const {
  return impl_->temporary.bound_to(permanent);
}

result<void> world::set_layer(std::uint64_t id, std::int32_t layer) {
  if (const key_record* key = permanent(id); key != nullptr && key->layer != layer) {
    key_record changed = *key;
    changed.layer = layer;
    impl_->data.save(changed);
  }
  return impl_->commit();
}

result<void> world::set_salt(std::uint64_t id, std::int64_t salt) {
  if (key_record* key = impl_->data.find_key(id); key != nullptr && key->salt != salt) {
    key->salt = salt;
    impl_->data.save(key_record{*key});
  }
  return impl_->commit();
}

result<std::vector<std::uint64_t>> world::forget_key(std::uint64_t key) {
  std::vector<std::uint64_t> out{key};
  if (find_key(key) != nullptr) {
    const auto bound = bound_to(key);
    out.insert(out.end(), bound.begin(), bound.end());
    impl_->data.forget_key(key);
  }
  for (const std::uint64_t id : out) {
    impl_->temporary.forget(id);
  }
  if (auto kept = impl_->commit(); !kept) {
    return std::unexpected(kept.error());
  }
  return out;
}

std::vector<key_record> world::keys() const {
  std::vector<key_record> out;
  for (const auto& [id, key] : impl_->data.keys()) {
    out.push_back({id, {}, key.dc, key.layer, key.user, key.salt, key.created});
  }
  return out;
}

std::vector<std::string_view> world::simulated_methods() {
  std::vector<std::string_view> out;
  for (const auto& [name, what] : all_methods()) {
    out.push_back(name);
  }
  return out;
}

bool world::is_simulated(std::string_view name) {
  return all_methods().contains(name);
}

} // namespace cafegram::sandbox
