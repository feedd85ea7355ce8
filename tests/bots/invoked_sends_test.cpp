#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "fixture.hpp"

// What a handler sends with `invoke`: its `random_id`s are those of `send`.
namespace cafegram::test {

namespace {

using random_ids = std::vector<std::int64_t>;

class invoked_sends : public bot_test {
protected:
  /// Of all that was sent since the last time, in order.
  random_ids ids() {
    random_ids out;
    for (const auto& call : std::exchange(telegram_->calls, {})) {
      if (const auto text = tl::decode<tl::messages::sendMessage>(call)) {
        out.push_back(text->random_id);
      } else if (const auto media = tl::decode<tl::messages::sendMedia>(call)) {
        out.push_back(media->random_id);
      } else if (const auto forward = tl::decode<tl::messages::forwardMessages>(call)) {
        out.insert(out.end(), forward->random_id.begin(), forward->random_id.end());
      } else if (const auto album = tl::decode<tl::messages::sendMultiMedia>(call)) {
        for (const auto& item : album->multi_media) {
          out.push_back(tl::get_if<tl::inputSingleMedia>(item)->random_id);
        }
      } else {
        ADD_FAILURE() << "what is that";
      }
    }
    return out;
  }
  /// Has a bot of its own run the handler over one update, always the same.
  template <class Handler>
  void run(Handler handler) {
    if (bot_) {
      caf::anon_send_exit(bot_, caf::exit_reason::kill);
      settle();
    }
    start([&handler](router& r) { r.otherwise(handler); });
    give(alice_.says(1, "x"));
  }
  template <class Handler>
  random_ids ids_of(Handler handler) {
    run(handler);
    return ids();
  }
};

std::size_t count_different(const random_ids& all) {
  EXPECT_TRUE(std::ranges::find(all, 0) == all.end());
  return std::set<std::int64_t>(all.begin(), all.end()).size();
}

tl::messages::sendMedia photo(const context& ctx, std::int64_t id, std::string_view reference = {},
                              std::int64_t access_hash = 3) {
  return {.peer = ctx.chat().input_peer(),
          .media = tl::inputMediaPhoto{.id = tl::inputPhoto{.id = id,
                                                            .access_hash = access_hash,
                                                            .file_reference =
                                                                to_bytes(as_bytes(reference))}},
          .message = "look"};
}

tl::messages::forwardMessages forward(const context& ctx, std::vector<std::int32_t> ids) {
  tl::messages::forwardMessages out;
  out.from_peer = ctx.chat().input_peer();
  out.to_peer = ctx.chat().input_peer();
  out.id = std::move(ids);
  return out;
}

tl::inputSingleMedia item(std::int64_t photo_id, std::int64_t random_id = 0) {
  return {.media = tl::inputMediaPhoto{.id = tl::inputPhoto{.id = photo_id}},
          .random_id = random_id,
          .message = ""};
}

tl::messages::sendMultiMedia album(const context& ctx, std::vector<tl::InputSingleMedia> items) {
  tl::messages::sendMultiMedia out;
  out.peer = ctx.chat().input_peer();
  out.multi_media = std::move(items);
  return out;
}

} // namespace

TEST_F(invoked_sends, the_same_update_gives_the_same_random_ids) {
  start([](router& r) {
    r.otherwise([](context ctx) {
      ctx.invoke(photo(ctx, 5));
      ctx.invoke(photo(ctx, 5));
      ctx.invoke(photo(ctx, 6));
      ctx.invoke(forward(ctx, {11, 12, 13}));
      ctx.invoke(forward(ctx, {11, 12, 13}));
      ctx.invoke(album(ctx, {item(7), item(7)}));
      ctx.reply("text");
    });
  });
  give(alice_.says(1, "x"));
  const auto first = ids();
  EXPECT_EQ(first.size(), 12U) << "one for each message";
  EXPECT_EQ(count_different(first), 12U);
  give(alice_.says(1, "x")); // as after a crash
  EXPECT_EQ(ids(), first);
  give(alice_.says(2, "x"));
  const auto other = ids();
  for (std::size_t i = 0; i < other.size(); ++i) {
    EXPECT_NE(other[i], first[i]);
  }
}

TEST_F(invoked_sends, what_is_set_by_hand_stays) {
  const auto sent = ids_of([](context ctx) {
    auto one = photo(ctx, 5);
    one.random_id = 17;
    ctx.invoke(one);
    auto two = forward(ctx, {11, 12});
    two.random_id = {18, 0};
    ctx.invoke(two);
    ctx.invoke(album(ctx, {item(7, 19), item(8), item(9)}));
    ctx.invoke(forward(ctx, {})); // that is for the server to refuse
  });
  ASSERT_EQ(sent.size(), 6U);
  EXPECT_EQ(sent[0], 17);
  EXPECT_EQ(sent[1], 18);
  EXPECT_EQ(sent[3], 19);
  EXPECT_EQ(count_different(sent), 6U) << "the others have their own";
}

TEST_F(invoked_sends, only_the_random_ids_of_a_call_are_changed) {
  auto whole = std::make_shared<tl::messages::forwardMessages>();
  run([whole](context ctx) {
    *whole = forward(ctx, {11, 12});
    ctx.invoke(*whole);
    tl::messages::setTyping draft;
    draft.peer = ctx.chat().input_peer();
    draft.action = tl::sendMessageTextDraftAction{.text = tl::textWithEntities{}};
    ctx.invoke(draft); // names a draft, and sends nothing
  });
  ASSERT_EQ(telegram_->calls.size(), 2U);
  whole->random_id = telegram_->of<tl::messages::forwardMessages>().at(0).random_id;
  EXPECT_EQ(telegram_->calls[0], tl::encode(*whole));
  const auto typing = telegram_->of<tl::messages::setTyping>().at(0);
  EXPECT_EQ(tl::get_if<tl::sendMessageTextDraftAction>(typing.action)->random_id, 0);
}

TEST_F(invoked_sends, what_telegram_gives_out_anew_makes_no_other_send) {
  const auto upload = [](const context& ctx, std::int64_t number) {
    auto out = photo(ctx, 0);
    out.media =
        tl::inputMediaUploadedPhoto{.file = tl::inputFile{.id = number, .parts = 1, .name = "a"}};
    return out;
  };
  const auto before = ids_of([upload](context ctx) {
    ctx.invoke(photo(ctx, 5, "old", 8));
    ctx.invoke(upload(ctx, 1));
  });
  const auto after = ids_of([upload](context ctx) {
    ctx.invoke(photo(ctx, 5, "new", 9));
    ctx.invoke(upload(ctx, 2));
  });
  EXPECT_EQ(count_different(before), 2U);
  EXPECT_EQ(after, before);
}

TEST_F(invoked_sends, within_another_function_and_as_bytes_too) {
  const auto plain = ids_of([](context ctx) { ctx.invoke_bytes(tl::encode(photo(ctx, 5))); });
  EXPECT_EQ(count_different(plain), 1U);
  const auto typed = ids_of([](context ctx) { ctx.invoke(photo(ctx, 5)); });
  EXPECT_EQ(typed, plain);
  run([](context ctx) {
    ctx.invoke(tl::invokeWithBusinessConnection{.connection_id = "b", .query = photo(ctx, 5)});
    const auto both = forward(ctx, {11, 12});
    ctx.invoke(tl::invokeWithBusinessConnection{.connection_id = "b", .query = both});
  });
  random_ids inner;
  for (const auto& call : telegram_->of<tl::invokeWithBusinessConnection>()) {
    const auto query = call.query.view();
    if (const auto media = tl::decode<tl::messages::sendMedia>(query)) {
      inner.push_back(media->random_id);
    } else if (const auto both = tl::decode<tl::messages::forwardMessages>(query)) {
      inner.insert(inner.end(), both->random_id.begin(), both->random_id.end());
    }
  }
  EXPECT_EQ(inner.size(), 3U);
  EXPECT_EQ(count_different(inner), 3U);
}

TEST_F(invoked_sends, a_double_is_an_error_that_ends_it) {
  for (const auto code : {400, 500}) {
    telegram_->hold = true;
    auto outcome = std::make_shared<error>();
    run([outcome](context ctx) {
      ctx.invoke(photo(ctx, 5))
          .then([](const tl::Updates&) { ADD_FAILURE(); },
                [outcome](const error& e) { *outcome = e; });
    });
    telegram_->refuse_next(error::from_rpc(code, "RANDOM_ID_DUPLICATE"));
    settle();
    pass(std::chrono::seconds{10});
    EXPECT_TRUE(outcome->is_rpc("RANDOM_ID_DUPLICATE")) << code;
    EXPECT_EQ(ids().size(), 1U) << "it is not made again";
    EXPECT_EQ(status().finished, 1U);
  }
}

TEST_F(invoked_sends, a_handler_that_tries_again_makes_the_same_send) {
  telegram_->hold = true;
  start([](router& r) {
    r.otherwise([](context ctx) -> task<> {
      const auto two = forward(ctx, {11, 12});
      while (!co_await ctx.invoke(two)) {
      }
    });
  });
  give(alice_.says(1, "x"));
  const auto first = ids();
  telegram_->refuse_next(error::make(errc::deadline, "nobody knows"));
  settle();
  EXPECT_EQ(ids(), first);
  telegram_->refuse_next(error::from_rpc(400, "MEDIA_EMPTY"));
  settle();
  EXPECT_EQ(count_different(ids()), 2U);
}

} // namespace cafegram::test
