#pragma once

#include <cafegram/actors/signing.hpp>
#include <cafegram/bots/context.hpp>
#include <cafegram/bots/interfaces.hpp>
#include <cafegram/bots/router.hpp>

#include <caf/typed_event_based_actor.hpp>

#include <memory>
#include <string>
#include <utility>

namespace cafegram {

/// What a conversation is made with; the same for all of one bot.
struct conversation_setup {
  caller_actor client;
  dispatcher_actor owner;
  std::shared_ptr<const signer> signing;
  std::shared_ptr<const router> routes;
  chat_ref chat;
};

/// The actor of one conversation, which behaviors know as `bot_actor self`. It has all that CAF
/// gives an actor (`request`, `spawn`, `monitor`, ...), and the bot's own verbs. Each verb names
/// the update that it is done for: that gives the chat, and the identity for the `random_id`.
class conversation_self : public conversation_actor::base {
public:
  conversation_self(caf::actor_config& config, conversation_setup setup);
  ~conversation_self() override;

  const chat_ref& chat() const;
  /// All verbs at once, for this update.
  template <class U>
  cafegram::context in(const U& update) const { // CAF's actors have a `context` of their own
    return cafegram::context{any_update{update}};
  }

  template <class U>
  pending<sent_message> reply(const U& update, const outgoing& message) const {
    return in(update).reply(message);
  }
  template <class U>
  pending<sent_message> send_to(const U& because_of, const chat_ref& to,
                                const outgoing& message) const {
    return in(because_of).send(to, message);
  }
  template <class U>
  pending<void> edit(const U& because_of, const message_ref& message, const outgoing& text) const {
    return in(because_of).edit(message, text);
  }
  pending<void> edit(const callback_query& query, const outgoing& text) const {
    return in(query).edit(query, text);
  }
  template <class U>
  pending<void> remove(const U& because_of, const message_ref& message) const {
    return in(because_of).remove(message);
  }
  pending<void> answer(const callback_query& query, std::string toast = {}) const {
    return in(query).answer(query, std::move(toast));
  }
  pending<void> answer(const callback_query& query, callback_answer with) const {
    return in(query).answer(query, std::move(with));
  }
  template <class U>
  pending<void> action(const U& update,
                       tl::SendMessageAction what = tl::sendMessageTypingAction{}) const {
    return in(update).action(std::move(what));
  }

  /// From now on the conversation behaves so, in the place of the behavior whose handler calls
  /// this. Until then running coroutines of the old one go on.
  void become(behavior next);

  // CAF's side.
  behavior_type make_behavior() override;
  void on_exit() override;
  const char* name() const override;
  caf::resumable::resume_result resume(caf::execution_unit* unit, std::size_t max) override;

private:
  friend class conversation;
  std::unique_ptr<conversation> core_;
};

} // namespace cafegram
