#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "fixture.hpp"

namespace cafegram::test {

namespace {

using strings = std::vector<std::string>;

class verbs : public bot_test {};
class routing : public bot_test {};

TEST_F(verbs, an_echo_keeps_the_entities) {
  start([](router& r) {
    r.otherwise([](bot_actor self) -> behavior {
      return {[self](const new_message& m) { self->reply(m, "Echo: " + m.formatted()); }};
    });
  });
  tl::messageEntityBold bold_part;
  bold_part.offset = 0;
  bold_part.length = 5;
  give(alice_.says(1, "hello", {bold_part}));
  const auto sent = telegram_->of<tl::messages::sendMessage>();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].message, "Echo: hello");
  const auto* entity = tl::get_if<tl::messageEntityBold>(sent[0].entities->at(0));
  ASSERT_NE(entity, nullptr);
  EXPECT_EQ(entity->offset, 6);
  EXPECT_EQ(entity->length, 5);
  const auto* peer = tl::get_if<tl::inputPeerUser>(sent[0].peer);
  EXPECT_EQ(peer->user_id, 777);
  EXPECT_EQ(peer->access_hash, 777 * 11);
}

TEST_F(verbs, the_same_update_gives_the_same_random_ids) {
  const auto ids = [this] {
    std::vector<std::int64_t> out;
    for (const auto& send : telegram_->of<tl::messages::sendMessage>()) {
      out.push_back(send.random_id);
    }
    return out;
  };
  start([](router& r) {
    r.otherwise([](context ctx) {
      ctx.reply("same");
      ctx.reply("same");
      ctx.reply("other");
    });
  });
  give(alice_.says(1, "x"));
  const auto first = ids();
  EXPECT_EQ(std::set<std::int64_t>(first.begin(), first.end()).size(), 3u);
  telegram_->calls.clear();
  give(alice_.says(1, "x")); // as after a crash
  EXPECT_EQ(ids(), first);
  telegram_->calls.clear();
  give(alice_.says(2, "x"));
  EXPECT_NE(ids(), first);
}

TEST_F(verbs, a_key_names_a_send_whatever_makes_it) {
  start([](router& r) {
    r.otherwise([](context ctx) { ctx.reply(outgoing(std::string{ctx.text()}).key("daily")); });
  });
  give(alice_.says(1, "x"));
  give(alice_.says(2, "y"));
  give(bob_.says(1, "x"));
  const auto sends = telegram_->of<tl::messages::sendMessage>();
  ASSERT_EQ(sends.size(), 3u);
  EXPECT_EQ(sends[0].random_id, sends[1].random_id);
  EXPECT_NE(sends[0].random_id, sends[2].random_id);
}

TEST_F(verbs, a_double_counts_as_sent) {
  telegram_->hold = true;
  auto outcome = std::make_shared<std::optional<sent_message>>();
  start([outcome](router& r) {
    r.otherwise([outcome](context ctx) {
      ctx.reply("x").then([outcome](const sent_message& m) { *outcome = m; },
                          [](const error& e) { ADD_FAILURE() << to_string(e); });
    });
  });
  for (const auto code : {400, 500}) { // servers are seen to say either
    outcome->reset();
    give(alice_.says(code, "x"));
    telegram_->refuse_next(error::from_rpc(code, "RANDOM_ID_DUPLICATE"));
    settle();
    ASSERT_TRUE(*outcome) << code;
    EXPECT_TRUE((*outcome)->was_duplicate);
    EXPECT_FALSE((*outcome)->id);
  }
  EXPECT_EQ(telegram_->calls.size(), 2u) << "neither is made again";
}

TEST_F(verbs, errors_arrive_typed) {
  telegram_->hold = true;
  auto outcome = std::make_shared<error>();
  start([outcome](router& r) {
    r.otherwise([outcome](context ctx) -> task<> {
      const auto sent = co_await ctx.reply("x");
      *outcome = sent.error();
    });
  });
  give(alice_.says(1, "x"));
  telegram_->refuse_next(error::from_rpc(420, "FLOOD_WAIT_30"));
  settle();
  EXPECT_TRUE(outcome->is_rpc("FLOOD_WAIT"));
  EXPECT_EQ(outcome->rpc->value, 30);
}

TEST_F(verbs, edit_delete_answer_and_typing) {
  start([](router& r) {
    r.on(kind<callback_query>(), [](context ctx, const callback_query& q) {
      ctx.answer(q, {.text = "Sure", .alert = true, .url = {}, .cache_time = 5});
      ctx.edit(q, outgoing(bold("done")).markup(inline_keyboard{}));
      ctx.remove(*q.message());
      ctx.action();
    });
  });
  give(alice_.presses(9, "x"));
  const auto answers = telegram_->of<tl::messages::setBotCallbackAnswer>();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].message, "Sure");
  EXPECT_TRUE(answers[0].alert);
  EXPECT_EQ(answers[0].cache_time, 5);
  const auto edits = telegram_->of<tl::messages::editMessage>();
  ASSERT_EQ(edits.size(), 1u);
  EXPECT_EQ(edits[0].id, 9);
  EXPECT_EQ(edits[0].entities->size(), 1u);
  const auto deletes = telegram_->of<tl::messages::deleteMessages>();
  ASSERT_EQ(deletes.size(), 1u);
  EXPECT_TRUE(deletes[0].revoke);
  EXPECT_EQ(deletes[0].id, std::vector<std::int32_t>{9});
  EXPECT_EQ(telegram_->of<tl::messages::setTyping>().size(), 1u);
}

TEST_F(verbs, messages_of_channels_are_deleted_by_their_own_method) {
  start([](router& r) {
    r.otherwise([](context ctx) { ctx.remove({chat_kind::channel, 33, 44}, {1, 2}); });
  });
  give(alice_.says(1, "x"));
  const auto deletes = telegram_->of<tl::channels::deleteMessages>();
  ASSERT_EQ(deletes.size(), 1u);
  EXPECT_EQ(tl::get_if<tl::inputChannel>(deletes[0].channel)->access_hash, 44);
}

TEST_F(verbs, an_inline_message_is_edited_where_it_lives) {
  start([](router& r) {
    r.on(kind<callback_query>(), [](context ctx, const callback_query& q) { ctx.edit(q, "new"); });
  });
  tl::inputBotInlineMessageID64 id;
  id.dc_id = 4;
  tl::updateInlineBotCallbackQuery raw;
  raw.query_id = 56;
  raw.user_id = 777;
  raw.msg_id = id;
  give(alice_.base("query/1", raw));
  EXPECT_EQ(telegram_->of<tl::messages::editInlineBotMessage>().size(), 1u);
}

TEST_F(verbs, any_function_can_be_called) {
  auto outcome = std::make_shared<std::optional<bool>>();
  start([outcome](router& r) {
    r.otherwise([outcome](context ctx) -> task<> {
      tl::messages::setTyping request;
      request.peer = ctx.chat().input_peer();
      request.action = tl::sendMessageCancelAction{};
      const auto done = co_await ctx.invoke(request);
      *outcome = done.value();
    });
  });
  give(alice_.says(1, "x"));
  EXPECT_EQ(*outcome, true);
}

TEST_F(verbs, an_incomplete_function_is_refused_before_it_is_sent) {
  auto outcome = std::make_shared<errc>(errc::none);
  start([outcome](router& r) {
    r.otherwise([outcome](context ctx) -> task<> {
      const auto done = co_await ctx.invoke(tl::messages::setTyping{}); // no peer
      *outcome = done.error().code;
    });
  });
  give(alice_.says(1, "x"));
  EXPECT_EQ(*outcome, errc::bad_argument);
  EXPECT_TRUE(telegram_->calls.empty());
}

TEST_F(verbs, a_context_is_of_no_use_elsewhere_or_afterwards) {
  auto kept = std::make_shared<std::optional<context>>();
  start([kept](router& r) { r.otherwise([kept](context ctx) { *kept = ctx; }); });
  give(alice_.says(1, "x"));
  auto seen = std::make_shared<errc>(errc::none);
  const auto note = [seen](const error& e) { *seen = e.code; };
  (*kept)->reply("from outside").then([](const sent_message&) {}, note);
  EXPECT_EQ(*seen, errc::bad_argument);
  caf::anon_send_exit(bot_, caf::exit_reason::user_shutdown);
  settle();
  (*kept)->reply("too late").then([](const sent_message&) {}, note);
  EXPECT_EQ(*seen, errc::cancelled);
  EXPECT_TRUE(telegram_->calls.empty());
}

TEST_F(verbs, become_changes_what_a_conversation_does) {
  start([](router& r) {
    r.otherwise([](bot_actor self) -> behavior {
      return {[self](const new_message& m) {
        self->reply(m, "locked");
        self->become({[self](const new_message& n) { self->reply(n, "open"); }});
      }};
    });
  });
  give(alice_.says(1, "x"));
  give(alice_.says(2, "x"));
  give(bob_.says(1, "x"));
  EXPECT_EQ(telegram_->texts(), (strings{"locked", "open", "locked"}));
}

TEST_F(routing, the_first_that_fits_gets_it) {
  start([](router& r) {
    r.on(command("start"), [](context ctx) { ctx.reply("start:" + std::string{ctx.args()}); })
        .on(has_text() & !any_command(), [](context ctx) { ctx.reply("text"); })
        .otherwise([](context ctx) { ctx.reply("rest"); });
  });
  give(alice_.says(1, "/start ref42"));
  give(alice_.says(2, "hello"));
  give(alice_.says(3, "/unknown"));
  EXPECT_EQ(telegram_->texts(), (strings{"start:ref42", "text", "rest"}));
}

TEST_F(routing, a_handler_that_takes_a_kind_is_for_that_kind) {
  auto log = std::make_shared<strings>();
  start([log](router& r) {
    r.otherwise([log](const new_message& m) { log->push_back("new " + m.text()); })
        .otherwise([log](context, edited_message m) -> task<> {
          log->push_back("edited " + m.text());
          co_return;
        })
        .otherwise([log](context ctx) { log->push_back("other " + std::string{ctx.text()}); });
  });
  give(alice_.says(1, "a"));
  give(alice_.edits(1, "b"));
  give(alice_.presses(1, "c"));
  EXPECT_EQ(*log, (strings{"new a", "edited b", "other c"}));
}

TEST_F(routing, the_three_ways_mix_in_one_conversation) {
  start([](router& r) {
    r.on(command("ask"),
         [](context ctx) -> task<> {
           const auto answer = co_await ctx.ask("?", 10s);
           co_await ctx.reply("got " + answer->text());
         })
        .on(command("ping"), [](context ctx) { ctx.reply("pong"); })
        .otherwise([](bot_actor self) -> behavior {
          return {[self](const new_message& m) { self->reply(m, "echo " + m.text()); }};
        });
  });
  give(alice_.says(1, "/ping"));
  give(alice_.says(2, "/ask"));
  give(alice_.says(3, "x"));
  give(alice_.says(4, "x"));
  EXPECT_EQ(telegram_->texts(), (strings{"pong", "?", "got x", "echo x"}));
}

TEST_F(routing, what_nobody_wants_is_finished_too) {
  start([](router& r) { r.on(text("x"), [](context) {}); });
  give(alice_.says(1, "y"));
  EXPECT_EQ(status().finished, 1u);
}

} // namespace

} // namespace cafegram::test
