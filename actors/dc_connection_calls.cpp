#include <cafegram/actors/dc_connection_state.hpp>
#include <cafegram/actors/method_traits.hpp>

#include <caf/all.hpp>

// A connection's calls: from the pool to the session, and their outcomes back.

namespace cafegram {

namespace {

constexpr std::size_t max_under_way = 2048;

} // namespace

void dc_connection_state::submit(const submit_call& call) {
  if (calls.try_emplace(call.id, call).second) {
    waiting.push_back(call.id);
    // Behind what has been submitted already, so that all of it goes into one packet.
    if (!std::exchange(pump_due, true)) {
      self->send(self, caf::flush_atom_v);
    }
  }
}

void dc_connection_state::drop(call_id id) {
  if (calls.erase(id) == 0) {
    return;
  }
  // Without a network nothing else would take it out, however long that lasts.
  std::erase(waiting, id);
  line->cancel(protocol::request_id{id});
  pump();
}

void dc_connection_state::give_calls() {
  while (phase == connection_phase::ready && line->ready() && !waiting.empty() &&
         line->session().under_way() < max_under_way) {
    const auto found = calls.find(waiting.front());
    waiting.pop_front();
    if (found == calls.end()) {
      continue;
    }
    const auto& [id, call] = *found;
    auto body =
        call.without_updates ? shared_bytes{without_updates(*call.function)} : call.function;
    protocol::request_options options;
    options.may_repeat = call.may_repeat;
    options.gzip = call.gzip;
    for (const auto before : call.after) {
      options.after.push_back(protocol::request_id{before});
    }
    auto taken = line->session().submit(protocol::request_id{id}, std::move(body), options);
    if (!taken) {
      settle(id, nullptr, std::move(taken.error()));
    }
  }
}

void dc_connection_state::settle(call_id id, shared_bytes result, error failure) {
  if (calls.erase(id) > 0) {
    settled.push_back({id, std::move(result), std::move(failure)});
  }
}

/// What has been settled together is told together, before anything else.
void dc_connection_state::tell_settled() {
  if (settled.size() == 1) {
    self->send(owner, std::move(settled.front()));
    settled.clear();
  } else if (!settled.empty()) {
    self->send(owner, calls_settled{std::exchange(settled, {})});
  }
}

void dc_connection_state::answered(protocol::request_answered& event) {
  const auto id = static_cast<call_id>(event.id);
  if (calls.contains(id)) {
    settle(id, std::move(event.body), {});
  }
}

void dc_connection_state::failed(protocol::request_failed& event) {
  if (event.why.is_rpc("AUTH_KEY_DUPLICATED") && line->ready()) {
    // Before the call's own outcome: whoever hears of that may make the next one.
    report_key(key_news{.dc = setup.dc,
                        .key_id = line->session().key().id(),
                        .what = key_news::kind::duplicated,
                        .why = event.why});
  }
  settle(static_cast<call_id>(event.id), nullptr, std::move(event.why));
}

void dc_connection_state::released(const std::vector<protocol::released_request>& requests) {
  for (const auto& one : requests) {
    const auto id = static_cast<call_id>(one.id);
    if (one.may_have_run && !one.options.may_repeat) {
      settle(id, nullptr,
             error::make(errc::unknown_outcome, "the session ended before the answer came"));
    } else {
      waiting.push_back(id);
    }
  }
}

} // namespace cafegram
