#include <cafegram/bots/outgoing.hpp>

namespace cafegram {

namespace {

// Fields that all three requests share.
template <class Request>
void fill(Request& request, const formatted_text& text,
          const std::optional<tl::ReplyMarkup>& markup, bool no_preview) {
  request.message = text.text();
  request.no_webpage = no_preview;
  if (!text.entities().empty()) {
    request.entities = sendable(text.entities());
  }
  if (markup) {
    request.reply_markup = *markup;
  }
}

// Where the messages of an answer stand, whatever form it has.
const std::vector<tl::Update>* updates_of(const tl::Updates& answer) {
  if (const auto* all = tl::get_if<tl::updates_>(answer)) {
    return &all->updates;
  }
  if (const auto* all = tl::get_if<tl::updatesCombined>(answer)) {
    return &all->updates;
  }
  return nullptr;
}

std::optional<std::int32_t> date_of(const tl::Updates& answer) {
  if (const auto* all = tl::get_if<tl::updates_>(answer)) {
    return all->date;
  }
  if (const auto* all = tl::get_if<tl::updatesCombined>(answer)) {
    return all->date;
  }
  return std::nullopt;
}

std::chrono::sys_seconds seconds_of(std::int32_t unix_time) {
  return std::chrono::sys_seconds{std::chrono::seconds{unix_time}};
}

} // namespace

outgoing::outgoing(formatted_text text)
  : text_{std::move(text)} {}

outgoing::outgoing(std::string text)
  : text_{std::move(text)} {}

outgoing::outgoing(std::string_view text)
  : text_{std::string{text}} {}

outgoing::outgoing(const char* text)
  : text_{std::string{text}} {}

outgoing::outgoing(std::string text, std::span<const tl::MessageEntity> entities)
  : text_{std::move(text), {entities.begin(), entities.end()}} {}

outgoing::outgoing(const outgoing&) = default;
outgoing::outgoing(outgoing&&) noexcept = default;
outgoing& outgoing::operator=(const outgoing&) = default;
outgoing& outgoing::operator=(outgoing&&) noexcept = default;
outgoing::~outgoing() = default;

outgoing& outgoing::reply_to(std::int32_t message_id) {
  reply_to_ = message_id;
  return *this;
}

outgoing& outgoing::silent() {
  silent_ = true;
  return *this;
}

outgoing& outgoing::no_preview() {
  no_preview_ = true;
  return *this;
}

outgoing& outgoing::protect() {
  protect_ = true;
  return *this;
}

outgoing& outgoing::markup(tl::ReplyMarkup markup) {
  markup_ = std::move(markup);
  return *this;
}

outgoing& outgoing::key(std::string name) {
  key_ = std::move(name);
  return *this;
}

tl::messages::sendMessage outgoing::send_request(const chat_ref& chat) const {
  tl::messages::sendMessage request;
  fill(request, text_, markup_, no_preview_);
  request.peer = chat.input_peer();
  request.silent = silent_;
  request.noforwards = protect_;
  if (reply_to_) {
    tl::inputReplyToMessage reply;
    reply.reply_to_msg_id = *reply_to_;
    request.reply_to = reply;
  }
  return request;
}

tl::messages::editMessage outgoing::edit_request(const message_ref& message) const {
  tl::messages::editMessage request;
  fill(request, text_, markup_, no_preview_);
  request.peer = message.chat.input_peer();
  request.id = message.id;
  return request;
}

tl::messages::editInlineBotMessage
outgoing::edit_request(const tl::InputBotInlineMessageID& id) const {
  tl::messages::editInlineBotMessage request;
  fill(request, text_, markup_, no_preview_);
  request.id = id;
  return request;
}

sent_message sent_from(const tl::Updates& answer, const chat_ref& chat, std::int64_t random_id) {
  sent_message sent;
  sent.chat = chat;
  if (const auto* brief = tl::get_if<tl::updateShortSentMessage>(answer)) {
    sent.id = brief->id;
    sent.date = seconds_of(brief->date);
    return sent;
  }
  if (const auto* updates = updates_of(answer)) {
    sent.date = seconds_of(date_of(answer).value_or(0));
    for (const auto& update : *updates) {
      const auto* named = tl::get_if<tl::updateMessageID>(update);
      if (named != nullptr && named->random_id == random_id) {
        sent.id = named->id;
      }
    }
  }
  return sent;
}

} // namespace cafegram
