#include <cafegram/base/log.hpp>
#include <cafegram/bots/context.hpp>
#include <cafegram/bots/conversation.hpp>
#include <cafegram/bots/filter.hpp>
#include <cafegram/bots/invoke.hpp>
#include <cafegram/bots/invoked_sends.hpp>
#include <cafegram/tl/updates.hpp>

#include <utility>

namespace cafegram {

namespace {

// For calls whose answer says no more than that they went well.
template <class Function>
pending<void> perform(const any_update& update, const Function& function,
                      invoke_options options = {}) {
  return detail::call_for<void>(common(update), detail::method_name<Function>(),
                                tl::encode_checked(function), std::move(options),
                                [](const result<bytes>& answer) -> result<void> {
                                  if (!answer) {
                                    return std::unexpected(answer.error());
                                  }
                                  return {};
                                });
}

void set_peer(tl::channels::deleteMessages& in, const tl::InputPeer& peer) {
  if (const auto* whole = tl::get_if<tl::inputPeerChannel>(peer)) {
    in.channel =
        tl::inputChannel{.channel_id = whole->channel_id, .access_hash = whole->access_hash};
  } else if (const auto* named = tl::get_if<tl::inputPeerChannelFromMessage>(peer)) {
    in.channel = tl::inputChannelFromMessage{
        .peer = named->peer, .msg_id = named->msg_id, .channel_id = named->channel_id};
  }
}

template <class Function>
void set_peer(Function& in, const tl::InputPeer& peer) {
  in.peer = peer;
}

/// What cannot be asked for at all.
template <class T>
pending<T> refused(const any_update& update, std::string why) {
  auto state = std::make_shared<detail::pending_state<T>>();
  if (const auto& origin = common(update).origin()) {
    state->home = origin->link->home;
  }
  state->settle(fail(errc::bad_argument, std::move(why)));
  return pending<T>{std::move(state)};
}

/// A call to a chat, of which the id is enough.
template <class T, class Function, class Convert>
pending<T> call_chat(const any_update& update, const chat_ref& to, Function function,
                     Convert convert) {
  if (to.id <= 0) {
    return refused<T>(update, "the chat has no id");
  }
  if (detail::is_addressed(common(update).origin(), to)) {
    set_peer(function, to.input_peer());
    return detail::call_for<T>(common(update), detail::method_name<Function>(),
                               tl::encode_checked(function), {}, std::move(convert));
  }
  auto state = std::make_shared<detail::pending_state<T>>();
  auto make = [function = std::move(function)](const tl::InputPeer& peer) mutable {
    set_peer(function, peer);
    return tl::encode_checked(function);
  };
  state->home = detail::start_call_to(
      common(update).origin(), to, std::move(make),
      detail::settle_with(state, detail::method_name<Function>(), std::move(convert)));
  return pending<T>{std::move(state)};
}

/// The same where the answer says no more than that it went well.
template <class Function>
pending<void> perform_in(const any_update& update, const chat_ref& to, Function function) {
  return call_chat<void>(update, to, std::move(function),
                         [](const result<bytes>& answer) -> result<void> {
                           if (!answer) {
                             return std::unexpected(answer.error());
                           }
                           return {};
                         });
}

/// Its chat is that of somebody else, where the bot writes in that one's name.
bool of_business(const any_update& update) {
  const auto* query = std::get_if<callback_query>(&update);
  return std::holds_alternative<business_message>(update) ||
         std::holds_alternative<edited_business_message>(update) ||
         std::holds_alternative<deleted_business_messages>(update) ||
         (query != nullptr && query->business() != nullptr);
}

constexpr const char* by_business_connection =
    "this is the chat of a business account: invoke(tl::invokeWithBusinessConnection) writes there";

/// The bot has other messages under these numbers, which it would edit and delete.
bool is_business_chat(const any_update& update, const chat_ref& chat) {
  return of_business(update) && chat == common(update).chat();
}

// The settled outcome of one send; it is recorded with the update that it was made for.
result<sent_message> sent_outcome(const chat_ref& to, std::int64_t random_id,
                                  const result<bytes>& answer) {
  if (!answer) {
    if (answer.error().is_rpc("RANDOM_ID_DUPLICATE")) {
      sent_message known;
      known.chat = to;
      known.was_duplicate = true;
      return known;
    }
    return std::unexpected(answer.error());
  }
  auto updates = tl::decode_updates(*answer);
  if (!updates) {
    return std::unexpected(std::move(updates.error()));
  }
  return sent_from(*updates, to, random_id);
}

/// What a send was answered when the same update was handled before.
result<sent_message> sent_before(const chat_ref& to, const made_send& made) {
  sent_message out;
  out.chat = to;
  if (made.sent_id != 0) {
    out.id = made.sent_id;
  }
  out.date = std::chrono::sys_seconds{std::chrono::seconds{made.date}};
  out.was_duplicate = made.was_duplicate;
  return out;
}

made_send made_from(std::int64_t random_id, const sent_message& sent) {
  return {random_id, sent.id.value_or(0),
          static_cast<std::int32_t>(sent.date.time_since_epoch().count()), sent.was_duplicate};
}

/// Of an update that is finished, as after a checkpoint, nothing is kept any more.
void note_send(detail::delivery& origin, bytes_view named, std::int64_t random_id,
               const result<sent_message>& sent) {
  if (!origin.open) {
    return;
  }
  origin.effects.push_back({random_id, sent ? sent->id.value_or(0) : 0, sent.has_value()});
  if (!origin.kept) {
    return;
  }
  if (sent) {
    origin.unsent.erase(random_id);
    origin.made.push_back(made_from(random_id, *sent));
  } else if (!detail::is_final(sent.error())) {
    origin.unsent.insert(random_id);
    if (!named.empty()) {
      origin.sends.give_back(named, random_id);
    }
  }
}

pending<void> stored(const any_update& update, chat_value what) {
  const auto& origin = common(update).origin();
  auto state = std::make_shared<detail::pending_state<void>>();
  state->home = origin ? origin->link->home : nullptr;
  auto outcome = detail::store_value(origin, std::move(what));
  if (!outcome) {
    detail::log_unseen("store", outcome.error());
  }
  state->settle(std::move(outcome));
  return pending<void>{std::move(state)};
}

// A free function: the coroutine owns its copies.
task<std::optional<new_message>> ask_in(context ctx, outgoing question, duration timeout) {
  const auto sent = co_await ctx.reply(question);
  if (!sent) {
    log::warn("conversation", "chat {}: a question could not be sent: {}", ctx.chat().marked_id(),
              to_string(sent.error()));
    co_return std::nullopt;
  }
  co_return co_await ctx.wait_for_message(timeout);
}

} // namespace

void detail::log_unseen(std::string_view method, const error& e) {
  if (e.is_rpc("RANDOM_ID_DUPLICATE")) { // what an update that is handled again finds
    log::debug("conversation", "{}: it was sent before", method);
    return;
  }
  log::warn("conversation", "{} failed: {}", method, to_string(e));
}

std::string_view context::text() const {
  return std::visit(
      []<class U>(const U& u) -> std::string_view {
        if constexpr (requires { u.text(); }) {
          return u.text();
        } else if constexpr (requires { u.data_text(); }) {
          return u.data_text();
        } else if constexpr (requires { u.query(); }) {
          return u.query();
        } else {
          return {};
        }
      },
      update_);
}

std::string_view context::args() const {
  const auto line = parse_command(text());
  return line ? line->arguments : std::string_view{};
}

std::int64_t context::user_id() const {
  return user_of(update_);
}

pending<sent_message> context::reply(const outgoing& message) const {
  if (of_business(update_)) {
    return refused<sent_message>(update_, by_business_connection);
  }
  return send(chat(), message);
}

pending<sent_message> context::send(const chat_ref& to, const outgoing& message) const {
  const auto& origin = common(update_).origin();
  auto request = message.send_request(to);
  bytes named;
  if (origin && message.key()) {
    request.random_id =
        origin->signing->random_id("key:" + *message.key(), as_bytes(to_string(to)), 0);
  } else if (origin) {
    // Without the hash, which may come to be known in between, and makes no other send of it.
    named = tl::encode(message.send_request({to.kind, to.id, 0}));
    request.random_id = origin->sends.random_id(named);
  }
  const auto random_id = request.random_id;
  if (const auto* made = origin ? origin->find_made(random_id) : nullptr) {
    auto state = std::make_shared<detail::pending_state<sent_message>>();
    state->home = origin->link->home;
    state->settle(sent_before(to, *made));
    return pending<sent_message>{std::move(state)};
  }
  return call_chat<sent_message>(
      update_, to, std::move(request),
      [to, random_id, origin, named = std::move(named)](const result<bytes>& answer) {
        auto sent = sent_outcome(to, random_id, answer);
        if (origin) {
          note_send(*origin, named, random_id, sent);
        }
        return sent;
      });
}

std::int64_t context::random_id(std::string_view name) const {
  const auto& origin = common(update_).origin();
  return origin ? origin->signing->random_id(origin->sends.identity(), as_bytes(name), 0) : 0;
}

pending<void> context::edit(const message_ref& message, const outgoing& replacement) const {
  if (is_business_chat(update_, message.chat)) {
    return refused<void>(update_, by_business_connection);
  }
  return perform_in(update_, message.chat, replacement.edit_request(message));
}

pending<void> context::edit(const callback_query& query, const outgoing& replacement) const {
  if (const auto message = query.message()) {
    return edit(*message, replacement);
  }
  if (query.inline_message() == nullptr) {
    return refused<void>(update_, by_business_connection);
  }
  const auto& id = *query.inline_message();
  invoke_options options; // such a message is edited where it lives
  if (const auto* old = tl::get_if<tl::inputBotInlineMessageID>(id)) {
    options.dc = old->dc_id;
  } else if (const auto* known = tl::get_if<tl::inputBotInlineMessageID64>(id)) {
    options.dc = known->dc_id;
  }
  return perform(update_, replacement.edit_request(id), std::move(options));
}

pending<void> context::remove(const chat_ref& chat, std::vector<std::int32_t> ids) const {
  if (is_business_chat(update_, chat)) {
    return refused<void>(update_, by_business_connection);
  }
  if (chat.kind == chat_kind::channel) {
    tl::channels::deleteMessages request;
    request.id = std::move(ids);
    return perform_in(update_, chat, std::move(request));
  }
  tl::messages::deleteMessages request;
  request.revoke = true;
  request.id = std::move(ids);
  return perform(update_, request);
}

pending<void> context::answer(const callback_query& query, callback_answer with) const {
  tl::messages::setBotCallbackAnswer request;
  request.query_id = query.id();
  request.alert = with.alert;
  request.cache_time = with.cache_time;
  if (!with.text.empty()) {
    request.message = std::move(with.text);
  }
  if (!with.url.empty()) {
    request.url = std::move(with.url);
  }
  return perform(update_, request);
}

pending<void> context::answer(const callback_query& query, std::string toast) const {
  callback_answer with;
  with.text = std::move(toast);
  return answer(query, std::move(with));
}

pending<void> context::answer(const inline_query& query,
                              std::vector<tl::InputBotInlineResult> results,
                              std::int32_t cache_time) const {
  tl::messages::setInlineBotResults request;
  request.query_id = query.id();
  request.results = std::move(results);
  request.cache_time = cache_time;
  return perform(update_, request);
}

pending<void> context::action(tl::SendMessageAction what) const {
  if (of_business(update_)) {
    return refused<void>(update_, by_business_connection);
  }
  tl::messages::setTyping request;
  request.action = std::move(what);
  return perform_in(update_, chat(), std::move(request));
}

pending<bytes> context::invoke_bytes(bytes function, invoke_options options) const {
  return detail::call_for<bytes>(
      common(update_), "a call", std::move(function), std::move(options),
      [](const result<bytes>& answer) { return answer; }, detail::start_invoke);
}

task<std::optional<new_message>> context::ask(outgoing question, duration timeout) const {
  return ask_in(*this, std::move(question), timeout);
}

pending<std::optional<std::string>> context::load(std::string_view key) const {
  auto state = std::make_shared<detail::pending_state<std::optional<std::string>>>();
  state->home = detail::load_value(common(update_).origin(), std::string{key},
                                   [state](result<std::optional<std::string>> value) {
                                     if (!value && !state->on_settled) {
                                       detail::log_unseen("load", value.error());
                                     }
                                     state->settle(std::move(value));
                                   });
  return pending<std::optional<std::string>>{std::move(state)};
}

pending<void> context::store(std::string_view key, std::string value) const {
  return stored(update_, {.key = std::string{key}, .value = std::move(value)});
}

pending<void> context::erase(std::string_view key) const {
  return stored(update_, {.key = std::string{key}, .erased = true});
}

update_awaitable<new_message> context::wait_for_message(duration timeout) const {
  detail::update_wait wait;
  wait.timeout = timeout;
  wait.matches = [by = cause_of(update_)](const any_update& update) {
    const auto* message = std::get_if<new_message>(&update);
    return message != nullptr && (!by || message->sender() == *by);
  };
  return update_awaitable<new_message>{std::move(wait)};
}

update_awaitable<callback_query> context::wait_for_click(const message_ref& message,
                                                         duration timeout) const {
  detail::update_wait wait;
  wait.timeout = timeout;
  wait.matches = [message](const any_update& update) {
    const auto* query = std::get_if<callback_query>(&update);
    return query != nullptr && query->message() == message;
  };
  return update_awaitable<callback_query>{std::move(wait)};
}

} // namespace cafegram
