#include <cafegram/actors/flood_gate.hpp>

#include <algorithm>

namespace cafegram {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// How long the next call waits for the answer to the one before.
constexpr seconds patience{1};
constexpr std::int32_t flood_code = 420;

} // namespace

flood_gate::flood_gate(std::size_t most_held)
  : most_held_{most_held} {}

bool flood_gate::concerns(std::uint32_t method) const {
  const auto at = scopes_.lower_bound({method, 0});
  return at != scopes_.end() && at->first.method == method;
}

gate_verdict flood_gate::arrive(const gate_ticket& call, steady_time now) {
  const auto found = scopes_.find(call.scope);
  if (found == scopes_.end()) {
    return gate_verdict::pass;
  }
  auto& scope = found->second;
  const bool open = now >= scope.opens_at;
  if (open && (scope.first == call.id || (scope.first == 0 && scope.waiting.empty()))) {
    return gate_verdict::pass;
  }
  if (!bears(call, scope, now) || held_.size() >= most_held_) {
    return gate_verdict::refused;
  }
  hold(call, scope);
  return gate_verdict::held;
}

bool flood_gate::close(const call_scope& scope, std::string_view name, milliseconds wait,
                       steady_time now) {
  if (scopes_.size() >= most_held_ && !scopes_.contains(scope)) {
    return false;
  }
  auto& what = scopes_[scope];
  what.opens_at = std::max(what.opens_at, now + wait);
  what.name = name;
  what.first = 0;
  wake(scope, what, what.opens_at);
  for (const auto id : what.waiting) {
    auto& other = held_.at(id);
    if (!bears(other, what, now)) {
      ends_.erase({other.until, id});
      other.until = now;
      ends_.emplace(now, id);
    }
  }
  return true;
}

bool flood_gate::has_waiting(const call_scope& scope) const {
  const auto found = scopes_.find(scope);
  return found != scopes_.end() && !found->second.waiting.empty();
}

bool flood_gate::bears(const gate_ticket& call, const closed_scope& scope, steady_time now) {
  return scope.opens_at - now <= call.threshold && std::max(scope.opens_at, now) <= call.until;
}

void flood_gate::hold(const gate_ticket& call, closed_scope& in) {
  in.waiting.insert(call.id);
  held_.emplace(call.id, call);
  ends_.emplace(call.until, call.id);
}

void flood_gate::wake(const call_scope& scope, closed_scope& what, steady_time at) {
  wakes_.erase({what.wakes_at, scope});
  what.wakes_at = at;
  wakes_.emplace(at, scope);
}

error flood_gate::refusal(const call_scope& scope, steady_time now) const {
  const auto found = scopes_.find(scope);
  const bool known = found != scopes_.end();
  const auto left = known ? found->second.opens_at - now : steady_time::duration::zero();
  const auto wait = std::max(std::chrono::ceil<seconds>(left), seconds{1});
  return error::from_rpc(flood_code, (known ? found->second.name : "FLOOD_WAIT") + "_" +
                                         std::to_string(wait.count()));
}

void flood_gate::settled(std::uint64_t id, const call_scope& scope, steady_time now) {
  const auto found = scopes_.find(scope);
  if (found != scopes_.end() && found->second.first == id) {
    found->second.first = 0;
    wake(scope, found->second, std::max(now, found->second.opens_at));
  }
}

void flood_gate::forget(std::uint64_t id) {
  if (held_.contains(id)) {
    take_out(id);
  }
}

void flood_gate::take_out(std::uint64_t id) {
  const auto node = held_.extract(id);
  ends_.erase({node.mapped().until, id});
  scopes_.at(node.mapped().scope).waiting.erase(id);
}

void flood_gate::forget_scope(scope_map::iterator which) {
  wakes_.erase({which->second.wakes_at, which->first});
  scopes_.erase(which);
}

std::vector<gate_release> flood_gate::due(steady_time now) {
  std::vector<gate_release> out;
  give_up(out, now);
  while (!wakes_.empty() && wakes_.begin()->first <= now) {
    let_go(out, wakes_.begin()->second, now);
  }
  return out;
}

void flood_gate::give_up(std::vector<gate_release>& out, steady_time now) {
  while (!ends_.empty() && ends_.begin()->first <= now) {
    const auto id = ends_.begin()->second;
    const auto scope = held_.at(id).scope;
    out.push_back({id, refusal(scope, now)});
    take_out(id);
    // What nobody bears is not remembered: who asks again is answered by the server.
    if (const auto found = scopes_.find(scope); found->second.waiting.empty()) {
      forget_scope(found);
    }
  }
}

void flood_gate::let_go(std::vector<gate_release>& out, call_scope scope, steady_time now) {
  const auto found = scopes_.find(scope);
  auto& what = found->second;
  if (what.waiting.empty()) {
    forget_scope(found);
    return;
  }
  what.first = *what.waiting.begin();
  take_out(what.first);
  out.push_back({what.first, std::nullopt});
  wake(scope, what, now + patience);
}

steady_time flood_gate::next_deadline() const {
  const auto first = [](const auto& times) {
    return times.empty() ? steady_time::max() : times.begin()->first;
  };
  return std::min(first(wakes_), first(ends_));
}

steady_time flood_gate::opens_at(std::uint64_t id) const {
  const auto found = held_.find(id);
  return found == held_.end() ? steady_time::max() : scopes_.at(found->second.scope).opens_at;
}

} // namespace cafegram
