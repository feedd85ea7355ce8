#include <cafegram/bots/keyboard.hpp>
#include <cafegram/bots/outgoing.hpp>
#include <cafegram/bots/text.hpp>

#include <gtest/gtest.h>

namespace cafegram {

namespace {

// Offset and length of an entity of a kind that must stand there.
template <class Kind>
std::pair<std::int32_t, std::int32_t> range(const formatted_text& text, std::size_t index) {
  const auto* entity = tl::get_if<Kind>(text.entities().at(index));
  if (entity == nullptr) {
    ADD_FAILURE() << "another kind: " << text.entities().at(index).name();
    return {};
  }
  return {entity->offset, entity->length};
}

using span = std::pair<std::int32_t, std::int32_t>;

TEST(text, counts_utf16_units) {
  EXPECT_EQ(utf16_length(""), 0u);
  EXPECT_EQ(utf16_length("abc"), 3u);
  EXPECT_EQ(utf16_length("é"), 1u);
  EXPECT_EQ(utf16_length("日本"), 2u);
  EXPECT_EQ(utf16_length("👍"), 2u);
  EXPECT_EQ(utf16_length("a👍é"), 4u);
}

TEST(text, puts_formatted_parts_together) {
  const auto text = bold("x") + " y " + italic("z");
  EXPECT_EQ(text.text(), "x y z");
  ASSERT_EQ(text.entities().size(), 2u);
  EXPECT_EQ(range<tl::messageEntityBold>(text, 0), span(0, 1));
  EXPECT_EQ(range<tl::messageEntityItalic>(text, 1), span(4, 1));
}

TEST(text, offsets_are_utf16_units) {
  const auto text = formatted_text("👍 日 ") + bold("é👍");
  EXPECT_EQ(range<tl::messageEntityBold>(text, 0), span(5, 3));
}

TEST(text, nests_with_the_outer_entity_first) {
  const auto text = bold("a" + italic("b") + "c");
  ASSERT_EQ(text.entities().size(), 2u);
  EXPECT_EQ(range<tl::messageEntityBold>(text, 0), span(0, 3));
  EXPECT_EQ(range<tl::messageEntityItalic>(text, 1), span(1, 1));
}

TEST(text, empty_parts_have_no_entities) {
  EXPECT_TRUE(bold("").entities().empty());
}

TEST(text, can_be_added_to_itself) {
  auto text = code("ab");
  text += text;
  EXPECT_EQ(text.text(), "abab");
  EXPECT_EQ(range<tl::messageEntityCode>(text, 1), span(2, 2));
}

TEST(text, keeps_what_entities_carry) {
  const auto text = "-" + link("here", "https://example.org") + pre("int x;", "cpp") +
                    custom_emoji("👍", 99) + blockquote("q", true);
  EXPECT_EQ(tl::get_if<tl::messageEntityTextUrl>(text.entities().at(0))->url,
            "https://example.org");
  EXPECT_EQ(tl::get_if<tl::messageEntityPre>(text.entities().at(1))->language, "cpp");
  EXPECT_EQ(tl::get_if<tl::messageEntityCustomEmoji>(text.entities().at(2))->document_id, 99);
  EXPECT_TRUE(tl::get_if<tl::messageEntityBlockquote>(text.entities().at(3))->collapsed);
  EXPECT_EQ(range<tl::messageEntityBlockquote>(text, 3), span(13, 1));
}

TEST(text, mentions_are_sent_in_the_form_for_requests) {
  const auto text = "hi " + mention("Bob", 888);
  const auto sent = sendable(text.entities());
  const auto* name = tl::get_if<tl::inputMessageEntityMentionName>(sent.at(0));
  ASSERT_NE(name, nullptr);
  EXPECT_EQ(name->offset, 3);
  EXPECT_EQ(name->length, 3);
  const auto* user = tl::get_if<tl::inputUser>(name->user_id);
  ASSERT_NE(user, nullptr);
  EXPECT_EQ(user->user_id, 888);
}

TEST(keyboard, rows_of_an_inline_keyboard) {
  const tl::ReplyMarkup markup = inline_keyboard{}
                                     .row(callback_button("Yes", "y"), callback_button("No", "n"))
                                     .row(url_button("More", "https://example.org"));
  const auto* inline_markup = tl::get_if<tl::replyInlineMarkup>(markup);
  ASSERT_NE(inline_markup, nullptr);
  ASSERT_EQ(inline_markup->rows.size(), 2u);
  const auto* row = tl::get_if<tl::keyboardInlineButtonRow>(inline_markup->rows[0]);
  ASSERT_EQ(row->buttons.size(), 2u);
  const auto* no = tl::get_if<tl::keyboardInlineButton>(row->buttons[1]);
  EXPECT_EQ(no->text, "No");
  EXPECT_EQ(tl::get_if<tl::inlineButtonTypeCallback>(no->type)->data, bytes{'n'});
}

TEST(keyboard, other_markups) {
  const tl::ReplyMarkup reply =
      reply_keyboard{}.row(text_button("Red")).resize().one_time().placeholder("colour");
  const auto* keyboard = tl::get_if<tl::replyKeyboardMarkup>(reply);
  ASSERT_NE(keyboard, nullptr);
  EXPECT_TRUE(keyboard->resize);
  EXPECT_TRUE(keyboard->single_use);
  EXPECT_EQ(keyboard->placeholder, "colour");
  EXPECT_EQ(keyboard->rows.size(), 1u);
  EXPECT_TRUE(tl::holds<tl::replyKeyboardHide>(remove_keyboard()));
  EXPECT_EQ(tl::get_if<tl::replyKeyboardForceReply>(force_reply("name"))->placeholder, "name");
}

TEST(outgoing, becomes_a_request) {
  const chat_ref chat{chat_kind::channel, 5, 6};
  const auto request =
      outgoing(bold("b")).reply_to(3).silent().no_preview().protect().send_request(chat);
  EXPECT_EQ(request.message, "b");
  EXPECT_TRUE(request.silent);
  EXPECT_TRUE(request.no_webpage);
  EXPECT_TRUE(request.noforwards);
  EXPECT_EQ(request.random_id, 0);
  EXPECT_EQ(request.entities->size(), 1u);
  EXPECT_EQ(tl::get_if<tl::inputReplyToMessage>(*request.reply_to)->reply_to_msg_id, 3);
  EXPECT_EQ(tl::get_if<tl::inputPeerChannel>(request.peer)->access_hash, 6);
}

TEST(outgoing, finds_its_id_in_every_form_of_answer) {
  const chat_ref chat{chat_kind::user, 5, 6};
  tl::updateShortSentMessage brief;
  brief.id = 12;
  EXPECT_EQ(sent_from(brief, chat, 99).id, 12);

  tl::updateMessageID other;
  other.id = 1;
  other.random_id = 98;
  tl::updateMessageID named;
  named.id = 13;
  named.random_id = 99;
  tl::updates_ all;
  all.updates = {other, named};
  all.date = 1'750'000'000;
  const auto sent = sent_from(all, chat, 99);
  EXPECT_EQ(sent.id, 13);
  EXPECT_EQ(sent.date.time_since_epoch().count(), 1'750'000'000);
  EXPECT_FALSE(sent_from(tl::updatesTooLong{}, chat, 99).id.has_value());
}

TEST(chat_ref, marks_ids_as_the_bot_api_does) {
  EXPECT_EQ((chat_ref{chat_kind::user, 7, 0}).marked_id(), 7);
  EXPECT_EQ((chat_ref{chat_kind::group, 7, 0}).marked_id(), -7);
  EXPECT_EQ((chat_ref{chat_kind::channel, 7, 0}).marked_id(), -1'000'000'000'007);
}

} // namespace

} // namespace cafegram
