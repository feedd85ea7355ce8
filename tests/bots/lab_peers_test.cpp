#include <cafegram/bots/bot.hpp>
#include <cafegram/testing/lab.hpp>
#include <cafegram/tests/support.hpp>
#include <cafegram/tests/temporary_folder.hpp>

#include <gtest/gtest.h>

#include <charconv>
#include <memory>
#include <optional>
#include <string>

// A bot that comes again writes to all whom it has seen before, by their ids.
namespace cafegram {

namespace {

using testing::lab;

/// `/tell ID TEXT` sends the text there.
void teller(router& r) {
  r.on(command("tell"), [](context ctx) -> task<> {
     const std::string args{ctx.args()};
     std::int64_t id = 0;
     const auto end = std::from_chars(args.data(), args.data() + args.size(), id).ptr;
     const auto sent = co_await ctx.send(chat_ref::from_marked(id), std::string{end + 1});
     const auto outcome = sent ? std::string{"told"} : to_string(sent.error());
     co_await ctx.reply(outcome);
   }).on(command("find"), [](context ctx) -> task<> {
    const tl::contacts::resolveUsername asked{.username = std::string{ctx.args()}};
    const auto found = co_await ctx.invoke(asked);
    const auto outcome = found ? std::string{"found"} : to_string(found.error());
    co_await ctx.reply(outcome);
  });
}

struct lab_peers : ::testing::TestWithParam<std::string> {
  test::temporary_folder folder;
  std::unique_ptr<lab> room = lab::start(nullptr).value();
  std::int64_t bot_id = std::stoll(lab::bot_token()); // NUMBER:LETTERS
  std::optional<runtime> rt;
  std::optional<client> account;
  std::optional<bot> running;

  void start() {
    rt.emplace();
    client_options options;
    options.api_id = 1;
    options.api_hash = "0123456789abcdef0123456789abcdef";
    options.dc = dc_override{.id = 2, .address = {"127.0.0.1", room->port()}};
    options.rsa_keys_pem = {room->public_key_pem()};
    options.session_path = GetParam() + folder.file("session");
    account = client::start(*rt, options).value();
    running = bot::start(*account, teller).value();
    const auto who = account->login_bot(lab::bot_token());
    ASSERT_TRUE(who) << to_string(who.error());
    running->logged_in_as(*who);
  }
  void stop() {
    running->stop();
    account->stop();
    running.reset();
    account.reset();
    rt.reset();
  }
};

TEST_P(lab_peers, is_written_to_after_a_restart) {
  start();
  auto ann = room->make_person("Ann").value();
  auto ben = room->make_person("Ben").value();
  auto& page = room->telegram().page();
  const auto group = page.create_group({.as = ben.id(),
                                        .kind = sandbox::page_group_kind::group,
                                        .title = "Group",
                                        .username = {},
                                        .members = {bot_id}});
  const auto club = page.create_group({.as = ben.id(),
                                       .kind = sandbox::page_group_kind::supergroup,
                                       .title = "Club",
                                       .username = {},
                                       .members = {bot_id}});
  // The bot is not there: the server takes no call to it without the hash.
  const auto news = page.create_group({.as = ben.id(),
                                       .kind = sandbox::page_group_kind::channel,
                                       .title = "News",
                                       .username = "the_news",
                                       .members = {}});
  ASSERT_TRUE(group && club && news);
  ASSERT_TRUE(ben.says("/find the_news"));
  ASSERT_EQ(ben.hears()->text, "found");
  stop();
  start();
  const auto tell = [&](std::int64_t whom) {
    const auto asked = ann.says("/tell " + std::to_string(whom) + " hello");
    EXPECT_TRUE(asked);
    const auto outcome = ann.hears();
    return outcome ? outcome->text : to_string(outcome.error());
  };
  EXPECT_EQ(tell(ben.id()), "told");
  EXPECT_EQ(ben.hears()->text, "hello");
  EXPECT_EQ(tell(group->id), "told");
  EXPECT_EQ(tell(club->id), "told");
  const auto refused = tell(news->id);
  EXPECT_EQ(refused.find("CHANNEL_INVALID"), std::string::npos) << refused;
  EXPECT_NE(refused.find("rpc: 40"), std::string::npos) << "it may not write there: " << refused;
  stop();
}

INSTANTIATE_TEST_SUITE_P(each_kind, lab_peers, ::testing::Values("sqlite:", "file:"),
                         [](const auto& one) { return one.param.substr(0, one.param.size() - 1); });

} // namespace

} // namespace cafegram
