#include <cafegram/protocol/gzip.hpp>
#include <cafegram/tests/temporary_folder.hpp>
#include <cafegram/tl/codec.hpp>

#include <fstream>

#include "world_support.hpp"

namespace cafegram {
namespace {

using sandbox::json;
using sandbox::kind;

class sandbox_layers : public test::world_test {
protected:
  bytes encoded(const json& request, std::int32_t layer = 0) {
    auto out = layers().codec(layer).encode(request);
    EXPECT_TRUE(out) << to_string(out.error());
    return out.value_or(bytes{});
  }

  static bytes with_layer(std::int32_t layer, bytes_view query) {
    tl::writer out;
    out.u32(0xda9b0d0d);
    out.i32(layer);
    out.raw(query);
    return out.take();
  }

  static bytes initialised(bytes_view query) {
    tl::writer out;
    out.u32(0xc1cd5ea9);
    out.u32(0);
    out.i32(7);
    for (const char* text : {"device", "system", "app", "en", "", "en"}) {
      out.string(text);
    }
    out.raw(query);
    return out.take();
  }

  virtual const sandbox::layer_set& layers() { return test::newest_layer(); }

  std::string refusal(bytes_view body) {
    const auto opened = open_call(layers(), body, 0);
    EXPECT_FALSE(opened);
    return opened ? "" : opened.error().text;
  }
};

TEST_F(sandbox_layers, wrappers_come_off_in_any_order) {
  const bytes ask = encoded(sandbox::make("help.getConfig"));
  tl::writer before;
  before.u32(0xbf9459b7);
  before.raw(with_layer(230, initialised(ask)));
  tl::writer after;
  after.u32(0xcb9f372d);
  after.i64(55);
  after.raw(before.view());
  auto packed = protocol::gzip_pack(bytes(4096, 0));
  ASSERT_TRUE(packed);
  const auto opened = open_call(layers(), after.view(), 0);
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_EQ(opened->layer, 230);
  EXPECT_TRUE(opened->layer_told);
  EXPECT_TRUE(opened->initialised);
  EXPECT_TRUE(opened->without_updates);
  EXPECT_EQ(opened->after, std::vector<std::int64_t>{55});
  EXPECT_EQ(opened->device["device_model"], "device");
  EXPECT_EQ(kind(opened->request), "help.getConfig");
  EXPECT_EQ(opened->result_type, "Config");
}

TEST_F(sandbox_layers, packed_requests_are_opened) {
  json long_one = sandbox::make("messages.sendMessage");
  long_one["peer"] = sandbox::make("inputPeerSelf");
  long_one["message"] = std::string(4000, 'a');
  long_one["random_id"] = 1;
  const auto packed = protocol::gzip_pack(encoded(long_one));
  ASSERT_TRUE(packed);
  const auto opened = open_call(layers(), initialised(*packed), 0);
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_EQ(sandbox::text(opened->request, "message").size(), 4000u);
}

TEST_F(sandbox_layers, the_layer_of_the_key_counts_when_none_is_told) {
  const auto opened = open_call(layers(), encoded(sandbox::make("help.getConfig")), 144);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->layer, 144);
  EXPECT_FALSE(opened->layer_told);
}

TEST_F(sandbox_layers, what_does_not_read_is_refused) {
  EXPECT_EQ(refusal({}), "INPUT_FETCH_ERROR");
  EXPECT_EQ(refusal(test::hex("efbeadde")), "INPUT_METHOD_INVALID_3735928559");
  const bytes ask = initialised(encoded(sandbox::make("help.getConfig")));
  for (std::size_t size = 0; size < ask.size(); ++size) {
    EXPECT_EQ(refusal(bytes_view{ask}.first(size)), "INPUT_FETCH_ERROR") << size;
  }
  EXPECT_EQ(refusal(with_layer(0, ask)), "CONNECTION_LAYER_INVALID");
  bytes deep = ask;
  for (int i = 0; i < 100; ++i) {
    deep = with_layer(230, deep);
  }
  EXPECT_EQ(refusal(deep), "INPUT_LAYER_INVALID");
  EXPECT_EQ(refusal(test::hex("a1cf7230041f8b0800")), "INPUT_FETCH_ERROR") << "gzip of nothing";
}

TEST_F(sandbox_layers, a_refusal_is_an_rpc_error) {
  EXPECT_EQ(to_hex(sandbox::seal_refusal({400, "NO"})), "19ca442190010000024e4f00");
}

TEST_F(sandbox_layers, an_unknown_layer_is_answered_in_the_newest) {
  EXPECT_EQ(layers().effective(17), layers().newest());
  EXPECT_GE(layers().newest(), 228);
}

// TL names its layer in a comment, JSON in a field. What names none is passed over and told; other
// files are none of ours.
TEST(sandbox_layer_set, reads_schemas_of_both_forms) {
  const test::temporary_folder folder;
  std::ofstream{folder.file("any.tl")} << "// LAYER 150\nfirst#11 = First;\n";
  const auto second = tl::schema::parse("// LAYER 151\nsecond#22 = Second;");
  ASSERT_TRUE(second);
  std::ofstream{folder.file("other.json")} << to_telegram_json(*second);
  std::ofstream{folder.file("service.tl")} << "third#33 = Third;\n";
  std::ofstream{folder.file("bare.json")} << R"({"constructors":[],"methods":[]})";
  std::ofstream{folder.file("notes.txt")} << "no schema";
  testing::internal::CaptureStderr();
  const auto read = sandbox::layer_set::load(folder.path());
  const auto told = testing::internal::GetCapturedStderr();
  ASSERT_TRUE(read) << to_string(read.error());
  for (const auto* what : {"service.tl is left out: the line `// LAYER N`",
                           "bare.json is left out: the field `layer`"}) {
    EXPECT_NE(told.find(what), std::string::npos) << told;
  }
  for (const auto* other : {"any.tl", "other.json", "notes.txt"}) {
    EXPECT_EQ(told.find(other), std::string::npos) << told;
  }
  const auto& all = **read;
  EXPECT_EQ(all.layers(), (std::vector<std::int32_t>{150, 151, all.newest()}));
  EXPECT_NE(all.codec(150).definitions().find(0x11), nullptr);
  EXPECT_NE(all.codec(151).definitions().find(0x22), nullptr);
  EXPECT_EQ(all.codec(151).definitions().find(0x11), nullptr);

  std::ofstream{folder.file("broken.tl")} << "// LAYER 152\nno end";
  const auto broken = sandbox::layer_set::load(folder.path());
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().what.find("broken.tl"), std::string::npos) << broken.error().what;
}

/// All layers of the shared folder.
class sandbox_old_layers : public sandbox_layers {
protected:
  const sandbox::layer_set& layers() override {
    static const auto all = sandbox::layer_set::load(test::shared_folder() / "rigs/schema");
    EXPECT_TRUE(all) << to_string(all.error());
    return **all;
  }

  /// Asks as a client of `layer` does; the answer in that layer's names.
  json ask_in(std::int32_t layer, std::uint64_t key, const json& request) {
    const auto opened =
        open_call(layers(), with_layer(layer, initialised(encoded(request, layer))), 0);
    EXPECT_TRUE(opened) << opened.error().text;
    EXPECT_EQ(opened->layer, layer);
    const auto value = ask(key, opened->request);
    EXPECT_TRUE(value) << request.dump() << value.error().text;
    const bytes sealed = seal_answer(layers(), *opened, value);
    const auto seen = layers().codec(layer).decode_as(opened->result_type, sealed);
    EXPECT_TRUE(seen) << layer << request.dump() << to_string(seen.error());
    return seen.value_or(json{});
  }

  json pushed_in(std::int32_t layer) {
    EXPECT_FALSE(effects.pushes.empty());
    const auto sealed = seal_updates(layers(), layer, effects.pushes.back().updates);
    EXPECT_TRUE(sealed) << to_string(sealed.error());
    return layers().codec(layer).decode_as("Updates", *sealed).value_or(json{});
  }
};

TEST_F(sandbox_old_layers, each_client_is_answered_in_its_own) {
  CAFEGRAM_NEEDS_SHARED();
  for (const std::int32_t layer : layers().layers()) {
    SCOPED_TRACE(layer);
    const auto key = log_in_bot(fmt::format("{}:x", 2'000'000 + layer));
    const json config = ask_in(layer, key, sandbox::make("help.getConfig"));
    EXPECT_EQ(config["message_length_max"], 4096);
    if (layer == 144) {
      EXPECT_EQ(config["saved_gifs_limit"], 200);
    }
    const json me = ask_in(layer, key, parse(R"({"_":"users.getUsers",
                                                "id":[{"_":"inputUserSelf"}]})"));
    EXPECT_EQ(me[0]["id"], std::to_string(2'000'000 + layer));
    EXPECT_EQ(me[0]["bot"], true);
    const json full = ask_in(layer, key, parse(R"({"_":"users.getFullUser",
                                                  "id":{"_":"inputUserSelf"}})"));
    EXPECT_EQ(full["full_user"]["id"], std::to_string(2'000'000 + layer));
    const json found = ask_in(layer, key, parse(R"({"_":"contacts.resolveUsername",
                                                   "username":"alice"})"));
    json message = sandbox::make("messages.sendMessage");
    message["peer"] = sandbox::make("inputPeerUser");
    message["peer"]["user_id"] = found["users"][0]["id"];
    message["peer"]["access_hash"] = found["users"][0]["access_hash"];
    message["message"] = "bold";
    message["random_id"] = "77";
    message["entities"] = parse(R"([{"_":"messageEntityBold","offset":0,"length":4}])");
    const json sent = ask_in(layer, key, message);
    EXPECT_EQ(sent["updates"][0]["random_id"], "77");
    EXPECT_EQ(sent["updates"][1]["message"]["entities"][0]["_"], "messageEntityBold");
    const json heard = pushed_in(layer);
    EXPECT_EQ(heard["updates"][0]["message"]["message"], "You wrote: bold");
    ask_in(layer, key, sandbox::make("updates.getState"));
    const json missed = ask_in(layer, key, parse(R"({"_":"updates.getDifference","pts":1,
                                                    "date":0,"qts":0})"));
    EXPECT_EQ(missed["new_messages"].size(), 2u);
    const json app = ask_in(layer, key,
                            layer < 147 ? sandbox::make("help.getAppConfig")
                                        : parse(R"({"_":"help.getAppConfig","hash":0})"));
    EXPECT_EQ(kind(app), layer < 147 ? "jsonObject" : "help.appConfig");
    ask_in(layer, key, sandbox::make("auth.logOut"));
  }
}

TEST_F(sandbox_old_layers, buttons_cross_the_layers) {
  CAFEGRAM_NEEDS_SHARED();
  const auto bot = log_in_bot();
  const auto bob = log_in_person("15550100");
  call(bob, text_to(peer(bob, "sandbox_1000001_bot"), "/start"));
  json message = text_to(sandbox::make("inputPeerUser"), "choose");
  message["peer"]["user_id"] = self(bob)["id"];
  message["peer"]["access_hash"] = 0;
  message["reply_markup"] = parse(R"({"_":"replyInlineMarkup","rows":[{"_":"keyboardButtonRow",
    "buttons":[{"_":"keyboardButtonCallback","text":"Yes","data":"eWVz"},
               {"_":"keyboardButtonUrl","text":"Web","url":"https://example.org"}]}]})");
  ask_in(144, bot, message);
  for (const std::int32_t layer : layers().layers()) {
    const json row = pushed_in(layer)["updates"][0]["message"]["reply_markup"]["rows"][0];
    ASSERT_EQ(row["buttons"].size(), 2u) << layer;
    EXPECT_EQ(row["buttons"][0]["text"], "Yes");
    const bool nested = layer > 228;
    EXPECT_EQ(kind(row["buttons"][0]), nested ? "keyboardInlineButton" : "keyboardButtonCallback");
    EXPECT_EQ((nested ? row["buttons"][0]["type"] : row["buttons"][0])["data"], "eWVz");
  }
}

TEST_F(sandbox_old_layers, rooms_cross_the_layers) {
  CAFEGRAM_NEEDS_SHARED();
  const auto bot = log_in_bot();
  const auto ann = log_in_person("15550100", "Ann");
  const auto bob = log_in_person("15550101", "Bob");
  for (const std::int32_t layer : layers().layers()) {
    json group = sandbox::make("messages.createChat");
    group["title"] = "Group";
    group["users"] = json::array({user(ann, "sandbox_1000001_bot")});
    const json made = ask_in(layer, ann, group);
    const auto* function = layers().codec(layer).definitions().find_function("messages.createChat");
    ASSERT_NE(function, nullptr);
    const bool bare = to_string(function->result) == "Updates";
    EXPECT_EQ(kind(made), bare ? "updates" : "messages.invitedUsers") << layer;
    const json& updates = bare ? made : made["updates"];
    json to_group = sandbox::make("inputPeerChat");
    to_group["chat_id"] = updates["chats"][0]["id"];
    ask_in(layer, bot, text_to(to_group, "hello"));
    json channel = sandbox::make("channels.createChannel");
    channel["broadcast"] = true;
    channel["title"] = "Channel";
    channel["about"] = "";
    const json seen = ask_in(layer, ann, channel)["chats"][0];
    EXPECT_EQ(kind(seen), "channel");
    json name = sandbox::make("channels.updateUsername");
    name["channel"] = sandbox::make("inputChannel");
    name["channel"]["channel_id"] = seen["id"];
    name["channel"]["access_hash"] = seen["access_hash"];
    name["username"] = fmt::format("news_{}", layer);
    ask_in(layer, ann, name);
    json resolve = sandbox::make("contacts.resolveUsername");
    resolve["username"] = name["username"];
    const json found = ask_in(layer, bob, resolve)["chats"][0];
    json join = sandbox::make("channels.joinChannel");
    join["channel"] = name["channel"];
    join["channel"]["access_hash"] = found["access_hash"];
    const json joined = ask_in(layer, bob, join);
    EXPECT_TRUE(kind(joined) == "updates" || kind(joined) == "messages.chatInviteJoinResultOk");
    json full = sandbox::make("channels.getFullChannel");
    full["channel"] = join["channel"];
    EXPECT_EQ(kind(ask_in(layer, bob, full)["full_chat"]), "channelFull");
    full = sandbox::make("messages.getFullChat");
    full["chat_id"] = to_group["chat_id"];
    EXPECT_EQ(kind(ask_in(layer, ann, full)["full_chat"]), "chatFull");
    json post = text_to(name["channel"], "post");
    post["peer"]["_"] = "inputPeerChannel";
    ask_in(layer, ann, post);
    EXPECT_EQ(pushed_in(layer)["updates"][0]["message"]["post"], true);
  }
}

} // namespace
} // namespace cafegram
