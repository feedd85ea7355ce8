#include <cafegram/sandbox/connection_state.hpp>
#include <cafegram/sandbox/read_json.hpp>

#include <caf/all.hpp>

namespace cafegram::sandbox {
namespace {

constexpr std::size_t most_waiting_calls = 4096;

/// `Desktop, Linux, 1.0`: what a client says of itself, for people.
std::string client_text(const json& device) {
  std::string out;
  for (const char* field : {"device_model", "system_version", "app_version"}) {
    const auto found = device.find(field);
    if (found != device.end() && found->is_string() &&
        !found->get_ref<const std::string&>().empty()) {
      out += (out.empty() ? "" : ", ") + found->get_ref<const std::string&>();
    }
  }
  return out;
}

} // namespace

void connection_state::handle_events(const session_name& name, live_session& session) {
  while (auto event = session.wire.next_event()) {
    std::visit([&](const auto& what) { handle(name, session, what); }, *event);
  }
}

void connection_state::learn(live_session& session, const opened_call& call) {
  if (call.layer_told && session.key->layer.exchange(call.layer) != call.layer) {
    self->send(parts_.router, layer_told{session.key->key.id(), call.layer});
  }
  if (call.initialised || (call.layer_told && about_.layer != call.layer)) {
    about_.layer = call.layer;
    if (call.initialised) {
      about_.client = client_text(call.device);
    }
    note();
  }
}

void connection_state::handle(const session_name& name, live_session& session,
                              const protocol::call_arrived& event) {
  if (session.calls.size() >= most_waiting_calls) {
    session.wire.answer_error(event.id, 420, "FLOOD_WAIT_1");
    self->send(parts_.router,
               call_refused{name, about_.id, protocol::number(event.id), "420 FLOOD_WAIT_1"});
    return;
  }
  auto opened = open_call(*parts_.layers, event.body, session.key->layer.load());
  if (!opened) {
    session.wire.answer(event.id, seal_refusal(opened.error()));
    self->send(parts_.router,
               call_refused{name, about_.id, protocol::number(event.id), opened.error().text});
    return;
  }
  learn(session, *opened);
  api_call call;
  call.name = name;
  call.connection = about_.id;
  call.call = ++last_call_;
  call.msg_id = protocol::number(event.id);
  call.dc = parts_.dc;
  call.after = std::move(opened->after);
  call.method = kind(opened->request);
  call.without_updates = opened->without_updates;
  if (parts_.events) {
    call.print = {call_digest(opened->request), number(opened->request, "random_id")};
  }
  if (call_fails(name, session, event.id, call)) {
    return;
  }
  call.request = std::make_shared<const json>(std::move(opened->request));
  // The name is all of the request that its answer needs.
  opened->request = json{{"_", call.method}};
  session.calls.emplace(call.call, live_session::waiting_call{event.id, *std::move(opened)});
  self->send(parts_.router, std::move(call));
}

void connection_state::handle(const session_name& name, live_session&,
                              const protocol::destroy_session_asked& event) {
  const session_name other{name.key, event.session_id};
  sessions_.erase(other);
  self->request(parts_.router, std::chrono::seconds{10}, session_end{other})
      .then(
          [this, name, id = event.session_id](bool existed) {
            if (const auto found = sessions_.find(name); found != sessions_.end()) {
              found->second->wire.session_destroyed(id, existed);
              flush();
            }
          },
          [this](const caf::error&) { end(); });
}

void connection_state::handle(const session_name& name, live_session&,
                              const protocol::destroy_key_asked&) {
  self->request(parts_.router, std::chrono::seconds{10}, key_end{name.key})
      .then(
          [this, name](bool) {
            // The key is unknown from now on, but its client shall hear of it.
            if (const auto found = sessions_.find(name); found != sessions_.end()) {
              found->second->wire.key_destroyed();
              flush();
            }
            key_ended(name.key);
          },
          [this](const caf::error&) { end(); });
}

void connection_state::handle(const session_name&, live_session& session,
                              const protocol::call_dropped& event) {
  std::erase_if(session.calls, [&event](const auto& entry) { return entry.second.id == event.id; });
}

void connection_state::handle(const session_name&, live_session&,
                              const protocol::disconnect_delay_set& event) {
  idle_limit_ = event.delay;
}

} // namespace cafegram::sandbox
