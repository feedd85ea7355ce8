#include <cafegram/protocol/client_state.hpp>
#include <cafegram/protocol/in_place.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace cafegram::protocol {
namespace {

constexpr std::size_t kept_unique_ids = 32;
constexpr std::size_t max_replies = 16;
/// An answer that the server has comes at once over a new connection; one that does not is asked
/// for, so often: a server may be slow, but not for ever.
constexpr auto answer_patience = std::chrono::seconds{5};
constexpr int answer_questions = 6;

} // namespace

void client_session::state::dispatch_service(const incoming& message, std::uint32_t constructor,
                                             steady_time now) {
  switch (constructor) {
  case ids::msgs_ack:
    return take_acks(message.body, now);
  case ids::bad_msg_notification:
  case ids::bad_server_salt:
    return take_bad_message(message, now);
  case ids::new_session_created:
    return take_new_session(message.body);
  case ids::pong:
    return take_pong(message.body);
  case ids::future_salts:
    return take_salts(message.body, now);
  case ids::msgs_state_req:
    return take_state_question(message);
  case ids::msgs_state_info:
    return take_state_info(message.body, now);
  case ids::msgs_all_info:
    return take_all_info(message.body, now);
  case ids::msg_detailed_info:
  case ids::msg_new_detailed_info:
    return take_detailed_info(message.body, now);
  case ids::msg_resend_req:
    return take_resend_question(message);
  case ids::destroy_auth_key_ok:
  case ids::destroy_auth_key_none:
  case ids::destroy_auth_key_fail:
    return take_key_destroyed(constructor);
  case ids::destroy_session_ok:
  case ids::destroy_session_none:
  case ids::rpc_error: // belongs into rpc_result
    return ignore("a service message that answers nothing here");
  default:
    events.emplace_back(
        update_arrived{.body = shared_bytes::copy_of(message.body), .id = message.id});
  }
}

void client_session::state::take_acks(bytes_view body, steady_time now) {
  const bool good = for_each_id(body, [this, now](msg_id id) {
    if (auto* found = requests.find(id); found != nullptr && found->name == id) {
      apply_state(id, message_state::received, true, now);
    }
  });
  if (!good) {
    ignore("malformed msgs_ack");
  }
}

void client_session::state::take_bad_message(const incoming& message, steady_time now) {
  const auto what = read_bad_message(message.body);
  if (!what) {
    return ignore("malformed bad_msg_notification");
  }
  const auto* which = requests.find(what->bad);
  const bool sent_lately = (which != nullptr && which->name == what->bad) ||
                           services.contains(what->bad) || containers.contains(what->bad);
  if (!sent_lately) {
    return ignore("a notification about what was not sent lately");
  }
  if (what->salt) {
    salts.replace(*what->salt);
    events.emplace_back(salt_changed{.salt = *what->salt});
  }
  if (what->code == 16 || what->code == 17) {
    const auto by = clock.correct(message.outer, now);
    events.emplace_back(clock_corrected{.by = by});
  }
  refuse(*what, now);
}

/// What becomes of the message that the server refused, or of all in a container.
void client_session::state::refuse(const bad_message& what, steady_time now) {
  std::vector<msg_id> members{what.bad};
  if (const auto container = containers.find(what.bad); container != containers.end()) {
    members = std::move(container->second);
    containers.erase(container);
  }
  if (what.code == 17 || what.code == 32 || what.code == 33) {
    return replace_session(now, members);
  }
  for (const auto id : members) {
    auto* which = requests.find(id);
    if (which == nullptr) {
      refuse_service(id, now);
      continue;
    }
    if (which->name != id || which->now == request::phase::waiting) {
      continue; // on its way again already
    }
    which->even_seqno = what.code == 34 || (which->even_seqno && what.code != 35);
    which->singly = which->singly || what.code == 64;
    const auto why = "bad_msg_notification " + std::to_string(what.code);
    if (what.code != 20) {
      send_again(*which, why);
    } else if (one_more_refusal(*which, why)) {
      ask(*which);
    }
  }
}

/// A service message goes out again, a few times between answers; what is left has its own timer.
void client_session::state::refuse_service(msg_id id, steady_time now) {
  const auto node = services.extract(id);
  if (node.empty() || ++service_refusals > options.max_resends) {
    return;
  }
  auto again = [&node](std::vector<msg_id>& to) {
    const auto& which = node.mapped().which;
    to.insert(to.end(), which.begin(), which.end());
  };
  switch (node.mapped().what) {
  case sent_service::kind::acks:
    again(due.acks);
    due.acks_by = now; // late already
    return;
  case sent_service::kind::ping:
    due.ping = true;
    return;
  case sent_service::kind::salts:
    salts_asked.reset();
    return;
  case sent_service::kind::question:
    again(due.questions);
    return;
  case sent_service::kind::resend:
    again(due.resends);
    return;
  case sent_service::kind::drop:
    again(due.drops);
    return;
  case sent_service::kind::destroy:
    due.destroy = true;
    return;
  case sent_service::kind::bind:
    return bind_again();
  case sent_service::kind::reply: // who asked will ask again
    return;
  }
}

void client_session::state::take_new_session(bytes_view body) {
  const auto what = read_new_session(body);
  if (!what) {
    return ignore("malformed new_session_created");
  }
  if (std::ranges::find(created, what->unique_id) != created.end()) {
    return;
  }
  created.push_back(what->unique_id);
  if (created.size() > kept_unique_ids) {
    created.pop_front();
  }
  clock.confirm();
  if (salts.last_used() != what->salt) {
    salts.replace(what->salt);
    events.emplace_back(salt_changed{.salt = what->salt});
  }
  if (const auto unheard = std::ranges::find_if(services,
                                                [&what](const auto& entry) {
                                                  return entry.first < what->first &&
                                                         entry.second.what ==
                                                             sent_service::kind::bind;
                                                });
      unheard != services.end()) {
    services.erase(unheard);
    bind_again();
  }
  auto open = requests.all(request::phase::sent);
  const auto asked = requests.all(request::phase::asked);
  open.insert(open.end(), asked.begin(), asked.end());
  for (auto* which : open) {
    if (which->outer >= what->first) {
      continue;
    }
    // Sent over this connection, on which nothing else was heard of the session, and never
    // acknowledged: it came before the session was there, and was not taken. Anything else an
    // earlier life of the session may have run.
    if (which->connection == connection && proven != connection && !which->acknowledged) {
      send_again(*which, "new_session_created");
    } else {
      resend_or_give_up(*which, "the session was lost before the answer came");
    }
  }
  proven = connection;
  events.emplace_back(server_session_created{.first = what->first, .unique_id = what->unique_id});
}

void client_session::state::take_pong(bytes_view body) {
  const auto request = read_long(body);
  if (!request || services.erase(msg_id{*request}) == 0) {
    return ignore("a pong that answers nothing");
  }
  clock.confirm();
  service_refusals = 0;
}

void client_session::state::take_salts(bytes_view body, steady_time now) {
  auto what = read_future_salts(body);
  if (!what || services.erase(what->request) == 0) {
    return ignore("future_salts that answer nothing");
  }
  clock.confirm();
  service_refusals = 0;
  salts.learn(std::move(what->salts));
  events.emplace_back(salt_changed{.salt = salts.at(clock.unix_time(now))});
}

void client_session::state::take_state_info(bytes_view body, steady_time now) {
  const auto what = read_state_info(body);
  const auto question = what ? services.find(what->request) : services.end();
  if (question == services.end() || question->second.what != sent_service::kind::question ||
      question->second.which.size() != what->info.size()) {
    return ignore("states that answer nothing");
  }
  const auto which = std::move(question->second.which);
  services.erase(question);
  clock.confirm();
  service_refusals = 0;
  for (std::size_t i = 0; i < which.size(); ++i) {
    apply_state(which[i], what->info[i], true, now);
  }
  if (requests.all(request::phase::asked).empty()) {
    question_sent.reset();
  }
}

void client_session::state::take_all_info(bytes_view body, steady_time now) {
  const auto what = read_all_info(body);
  if (!what) {
    return ignore("malformed msgs_all_info");
  }
  for (std::size_t i = 0; i < what->which.size(); ++i) {
    apply_state(what->which[i], what->info[i], false, now);
  }
}

/// The server told what it knows of a message of ours. Unasked it may speak of the past: then only
/// good news counts.
void client_session::state::apply_state(msg_id id, std::uint8_t status, bool asked_for,
                                        steady_time now) {
  auto* which = requests.find(id);
  if (which == nullptr || which->name != id || which->now == request::phase::waiting) {
    return;
  }
  switch (status & message_state::mask) {
  case message_state::received:
    which->acknowledged = true;
    which->now = request::phase::sent;
    return expect_answer(*which, status, now);
  case message_state::not_received:
  case message_state::too_new:
    if (asked_for && which->now == request::phase::asked) {
      ++counters.resends;
      requests.wait(*which);
    }
    return;
  case message_state::forgotten:
    if (asked_for && (which->now == request::phase::asked || which->answer_by)) {
      resend_or_give_up(*which, "the server has forgotten the request");
    }
    return;
  default: // no meaning: it is asked again later
    return;
  }
}

void client_session::state::ask(request& which) {
  if (which.now == request::phase::asked) {
    return;
  }
  which.now = request::phase::asked;
  due.questions.push_back(which.name);
}

/// The server has the request. Where it came over an earlier connection, the answer may have gone
/// there too, and a server that does not send it again is not waited for until the deadline.
void client_session::state::expect_answer(request& which, std::uint8_t status, steady_time now) {
  if (which.connection == connection) {
    return;
  }
  const bool running =
      (status & message_state::processed) != 0 && (status & message_state::answered) == 0;
  if (running) {
    which.answer_asked = 0;
  }
  if (!which.answer_by) {
    which.answer_by = now + answer_patience;
    answers_by = std::min(answers_by.value_or(*which.answer_by), *which.answer_by);
  }
}

/// Asks for the answers that are overdue. What may be repeated is sent again after one question.
void client_session::state::chase_answers(steady_time now) {
  if (!answers_by || now < *answers_by) {
    return;
  }
  answers_by.reset();
  for (auto* which : requests.all(request::phase::sent)) {
    if (which->answer_by && now >= *which->answer_by) {
      if (which->answer_asked >= (which->options.may_repeat ? 1 : answer_questions)) {
        resend_or_give_up(*which, "the server has the request and sends no answer");
        continue;
      }
      ++which->answer_asked;
      which->answer_by = now + answer_patience;
      due.answers.push_back(which->name);
    }
    if (which->answer_by) {
      answers_by = std::min(answers_by.value_or(*which->answer_by), *which->answer_by);
    }
  }
}

/// The server has an answer for us that may have been lost.
void client_session::state::take_detailed_info(bytes_view body, steady_time now) {
  const auto what = read_detailed_info(body);
  if (!what) {
    return ignore("malformed msg_detailed_info");
  }
  const bool here = received.check(what->answer) == received_ids::verdict::seen;
  const bool useless = what->request && requests.find(*what->request) == nullptr;
  if (here || useless) {
    return acknowledge(what->answer, now);
  }
  if (due.resends.size() < max_ids) {
    due.resends.push_back(what->answer);
  }
}

bytes client_session::state::states_of(const std::vector<msg_id>& which) const {
  bytes out;
  out.reserve(which.size());
  for (const auto id : which) {
    switch (received.check(id)) {
    case received_ids::verdict::seen:
      out.push_back(message_state::received);
      break;
    case received_ids::verdict::old:
      out.push_back(message_state::forgotten);
      break;
    case received_ids::verdict::fresh:
      out.push_back(id > received.highest() ? message_state::too_new : message_state::not_received);
      break;
    }
  }
  return out;
}

void client_session::state::take_state_question(const incoming& message) {
  const auto which = read_ids(message.body);
  if (!which || due.replies.size() >= max_replies) {
    return ignore("a state question that is malformed or one too many");
  }
  due.replies.push_back(write_state_info(message.id, states_of(*which)));
}

/// What we still have goes out once more as it was; for the rest the server is told that it is
/// gone.
void client_session::state::take_resend_question(const incoming& message) {
  const auto which = read_ids(message.body);
  if (!which) {
    return ignore("malformed msg_resend_req");
  }
  bool all_here = true;
  for (const auto id : *which) {
    const auto* found = requests.find(id);
    if (found != nullptr && found->name == id && found->now != request::phase::waiting) {
      due.exact.insert(found->id);
    } else {
      all_here = false;
    }
  }
  if (!all_here && due.replies.size() < max_replies) {
    due.replies.push_back(write_state_info(message.id, states_of(*which)));
  }
}

void client_session::state::take_key_destroyed(std::uint32_t constructor) {
  using outcome = key_destroyed::outcome;
  const auto what = constructor == ids::destroy_auth_key_ok     ? outcome::ok
                    : constructor == ids::destroy_auth_key_none ? outcome::none
                                                                : outcome::fail;
  const auto asked = std::erase_if(
      services, [](const auto& entry) { return entry.second.what == sent_service::kind::destroy; });
  if (asked == 0) {
    return ignore("word of a destroyed key that nobody asked for");
  }
  events.emplace_back(key_destroyed{.what = what});
}

} // namespace cafegram::protocol
