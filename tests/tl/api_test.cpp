#include <cafegram/tests/support.hpp>
#include <cafegram/tl/api.hpp>
#include <cafegram/tl/text_walk.hpp>

#include <fmt/format.h>

#include <array>
#include <thread>

using namespace cafegram;

TEST(api_types, a_boxed_value_is_made_of_each_constructor) {
  tl::InputPeer peer = tl::inputPeerUser{.user_id = 5, .access_hash = 6};
  EXPECT_EQ(peer.constructor_id(), tl::constructor_id_v<tl::inputPeerUser>);
  EXPECT_EQ(peer.name(), "inputPeerUser");
  ASSERT_NE(tl::get_if<tl::inputPeerUser>(peer), nullptr);
  EXPECT_EQ(tl::get_if<tl::inputPeerUser>(peer)->access_hash, 6);
  EXPECT_EQ(tl::get_if<tl::inputPeerChat>(peer), nullptr);
  peer = tl::inputPeerSelf{};
  EXPECT_TRUE(tl::holds<tl::inputPeerSelf>(peer));
  static_assert(!std::convertible_to<tl::inputUserSelf, tl::InputPeer>);
  static_assert(std::same_as<tl::messages::sendMessage::result_type, tl::Updates>);
  static_assert(std::same_as<tl::users::getUsers::result_type, std::vector<tl::User>>);
  static_assert(std::same_as<tl::account::updateStatus::result_type, bool>);
  static_assert(std::same_as<tl::invokeWithLayer::result_type, tl::any_object>);
  static_assert(sizeof(tl::Message) == sizeof(void*));
}

TEST(api_types, copies_share_one_value) {
  tl::Message first = tl::message{.id = 7, .message = "shared"};
  const tl::Message second = first;
  EXPECT_EQ(tl::get_if<tl::message>(first), tl::get_if<tl::message>(second));
  tl::Message third = std::move(first);
  EXPECT_FALSE(first);
  EXPECT_EQ(first.constructor_id(), 0u);
  EXPECT_EQ(first.name(), "");
  third = second;
  third = tl::messageEmpty{.id = 1};
  EXPECT_EQ(tl::get_if<tl::message>(second)->message, "shared");
}

TEST(api_types, a_value_is_counted_across_threads) {
  const tl::Message shared = tl::message{.id = 7, .message = std::string(100, 'x')};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([copy = shared] {
      for (int k = 0; k < 10'000; ++k) {
        const tl::Message mine = copy;
        EXPECT_EQ(tl::get_if<tl::message>(mine)->id, 7);
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(tl::get_if<tl::message>(shared)->message.size(), 100u);
}

TEST(api_types, match_takes_what_fits_and_the_rest) {
  const auto text = [](const tl::Message& value) {
    return tl::match(
        value, [](const tl::message& m) { return m.message; },
        [](const tl::messageService& m) { return "service " + std::to_string(m.id); },
        [](const auto& other) { return std::string{other.name()}; });
  };
  EXPECT_EQ(text(tl::message{.message = "hello"}), "hello");
  EXPECT_EQ(text(tl::messageService{.id = 3}), "service 3");
  EXPECT_EQ(text(tl::messageEmpty{}), "messageEmpty");
  EXPECT_EQ(text(tl::unknown{.id = 1}), "");
  EXPECT_EQ(text({}), "");
}

TEST(api_types, flags_follow_from_the_fields) {
  tl::messages::sendMessage request{
      .silent = true, .peer = tl::inputPeerSelf{}, .message = "hi", .random_id = 9};
  const auto plain = tl::encode(request);
  EXPECT_EQ(reinterpret_cast<const std::uint32_t*>(plain.data())[1], 1u << 5);
  request.schedule_date = 0;
  request.entities = std::vector<tl::MessageEntity>{tl::messageEntityBold{.length = 2}};
  const auto more = tl::encode(request);
  EXPECT_EQ(reinterpret_cast<const std::uint32_t*>(more.data())[1], 1u << 5 | 1u << 10 | 1u << 3);
  const auto back = tl::decode<tl::messages::sendMessage>(more);
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->silent);
  EXPECT_EQ(back->schedule_date, 0);
  ASSERT_TRUE(back->entities);
  EXPECT_TRUE(tl::holds<tl::messageEntityBold>(back->entities->front()));
  EXPECT_TRUE(tl::equal(*back, request));
}

TEST(api_types, an_empty_field_is_found_before_it_is_sent) {
  const tl::messages::sendMessage request{.message = "to nobody"};
  const auto encoded = tl::encode_checked(request);
  ASSERT_FALSE(encoded);
  EXPECT_EQ(encoded.error().code, errc::bad_argument);
  EXPECT_NE(encoded.error().what.find("InputPeer"), std::string::npos) << encoded.error().what;
  EXPECT_EQ(tl::query{request}.missing(), "InputPeer");
  const tl::invokeWithLayer wrapped{.layer = tl::layer, .query = request};
  EXPECT_FALSE(tl::encode_checked(wrapped));
  EXPECT_FALSE(tl::encode_checked(tl::invokeWithLayer{.layer = 1}));
}

TEST(api_types, generic_functions_wrap_any_other) {
  const tl::invokeWithLayer request{
      .layer = tl::layer,
      .query =
          tl::initConnection{.api_id = 1, .device_model = "d", .query = tl::help::getConfig{}}};
  const auto encoded = tl::encode_checked(request);
  ASSERT_TRUE(encoded) << to_string(encoded.error());
  const auto back = tl::decode<tl::invokeWithLayer>(*encoded);
  ASSERT_TRUE(back);
  const auto inner = tl::decode<tl::initConnection>(back->query.view());
  ASSERT_TRUE(inner);
  EXPECT_EQ(inner->query.constructor_id(), tl::constructor_id_v<tl::help::getConfig>);
  EXPECT_EQ(tl::to_json(request),
            R"({"_":"invokeWithLayer","layer":)" + std::to_string(tl::layer) +
                R"(,"query":{"_":"initConnection","api_id":1,"device_model":"d",)"
                R"("system_version":"","app_version":"","system_lang_code":"","lang_pack":"",)"
                R"("lang_code":"","query":{"_":"help.getConfig"}}})");
}

TEST(api_types, the_text_of_a_call_that_lacks_its_query_is_no_other_call) {
  const tl::invokeWithLayer lacking{.layer = 1};
  EXPECT_FALSE(tl::from_json<tl::invokeWithLayer>(tl::to_json(lacking))) << "it has no octets";
  EXPECT_EQ(tl::from_json(tl::to_json(tl::encode(lacking), tl::schema_table), tl::schema_table),
            tl::encode(lacking))
      << "octets are told as they are";
  EXPECT_EQ(tl::from_json<tl::invokeWithLayer>(R"({"_":"invokeWithLayer","layer":1})").error().what,
            "invokeWithLayer.query: is missing");
  // A call within a call is octets to the one around it, whatever it lacks itself.
  const tl::invokeWithLayer around{.layer = 2, .query = tl::query{tl::encode(lacking)}};
  const auto back = tl::from_json<tl::invokeWithLayer>(tl::to_json(around));
  ASSERT_TRUE(back) << to_string(back.error());
  EXPECT_EQ(back->query, around.query);
}

TEST(api_types, the_text_of_a_call_within_a_call_reads_as_it_is) {
  const auto around = [](const tl::writer& inner) {
    const tl::invokeWithoutUpdates call{.query = tl::query{to_bytes(inner.view())}};
    const auto text = tl::to_json(call);
    const auto back = tl::from_json<tl::invokeWithoutUpdates>(text);
    EXPECT_TRUE(back) << text << to_string(back.error());
    EXPECT_TRUE(back && back->query == call.query) << text;
    return text;
  };
  tl::writer strange; // a user where there should be a peer
  strange.u32(tl::messages::readMentions::tl_id);
  strange.u32(0);
  strange.u32(tl::inputUserSelf::tl_id);
  EXPECT_NE(around(strange).find("$object"), std::string::npos) << "no call of the schema";
  tl::writer empty; // and nothing where there should be one
  empty.u32(tl::messages::readMentions::tl_id);
  empty.u32(0);
  empty.u32(0x56730bcc);
  around(empty);
  tl::writer many;
  many.vector_header(true, 1);
  many.u32(tl::help::getConfig::tl_id);
  EXPECT_EQ(around(many), R"({"_":"invokeWithoutUpdates","query":[{"_":"help.getConfig"}]})");
}

TEST(api_types, results_that_are_vectors_are_decoded) {
  const std::vector<tl::User> users{tl::userEmpty{.id = 1}, tl::userEmpty{.id = 2}};
  const auto back = tl::decode<std::vector<tl::User>>(tl::encode(users));
  ASSERT_TRUE(back);
  EXPECT_EQ(tl::get_if<tl::userEmpty>(back->at(1))->id, 2);
  EXPECT_EQ(tl::to_json(users), R"([{"_":"userEmpty","id":"1"},{"_":"userEmpty","id":"2"}])");
  EXPECT_TRUE(tl::from_json<std::vector<tl::User>>(tl::to_json(users)));
  EXPECT_EQ(tl::decode<bool>(tl::encode(true)), true);
  EXPECT_EQ(tl::from_json<std::vector<std::int64_t>>(R"([1,"2"])"),
            (std::vector<std::int64_t>{1, 2}));
  EXPECT_FALSE(tl::decode<bool>(tl::encode(tl::inputPeerSelf{})));
}

TEST(api_types, errors_say_where_and_in_what) {
  auto encoded = tl::encode(tl::messages::sendMessage{
      .peer = tl::inputPeerUser{.user_id = 1}, .message = "hi", .random_id = 9});
  encoded.resize(encoded.size() - 4);
  const auto cut = tl::decode<tl::messages::sendMessage>(encoded);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, errc::malformed);
  EXPECT_EQ(cut.error().number, static_cast<std::int64_t>(encoded.size() - 4));
  EXPECT_NE(cut.error().what.find(fmt::format("{:08x}", tl::messages::sendMessage::tl_id)),
            std::string::npos)
      << cut.error().what;
  encoded.resize(encoded.size() + 8);
  EXPECT_FALSE(tl::decode<tl::messages::sendMessage>(encoded));
  const auto wrong = tl::decode<tl::InputPeer>(tl::encode(tl::inputUserSelf{}));
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().what.find("may not stand here"), std::string::npos);
}

TEST(api_types, nesting_is_bounded) {
  tl::RichText text = tl::textPlain{.text = "x"};
  for (int i = 0; i < 200; ++i) {
    text = tl::textBold{.text = std::move(text)};
  }
  const auto encoded = tl::encode(text);
  const auto deep = tl::decode<tl::RichText>(encoded);
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code, errc::limit);
  EXPECT_TRUE(tl::decode<tl::RichText>(encoded, {.depth = 300}));
  EXPECT_NE(tl::dump(text).find("<"), std::string::npos);
}

TEST(api_types, calls_in_calls_end_in_octets) {
  tl::writer out;
  for (int i = 0; i < 100'000; ++i) {
    out.u32(tl::invokeWithoutUpdates::tl_id);
  }
  out.u32(tl::help::getConfig::tl_id);
  const auto call = tl::decode<tl::invokeWithoutUpdates>(out.view());
  ASSERT_TRUE(call);
  EXPECT_EQ(tl::encode(*call), to_bytes(out.view()));
  const auto text = tl::to_json(*call);
  EXPECT_NE(text.find("$object"), std::string::npos);
  const auto back = tl::from_json<tl::invokeWithoutUpdates>(text);
  ASSERT_TRUE(back) << to_string(back.error());
  EXPECT_TRUE(tl::equal(*back, *call));
}

TEST(api_types, memory_is_bounded) {
  // Four octets of each `inputPeerSelf` become a counted value of its own.
  tl::writer out;
  out.u32(tl::vector_id);
  out.u32(1'000'000);
  for (int i = 0; i < 1'000'000; ++i) {
    out.u32(tl::inputPeerSelf::tl_id);
  }
  const auto much = tl::decode<std::vector<tl::InputPeer>>(out.view(), {.memory = 1 << 20});
  ASSERT_FALSE(much);
  EXPECT_EQ(much.error().code, errc::limit);
}

TEST(api_types, a_dump_is_readable) {
  const tl::messages::sendMessage request{
      .silent = true,
      .peer = tl::inputPeerUser{.user_id = 1},
      .message = "say \"hi\"",
      .random_id = 9,
      .entities = {{tl::messageEntityBold{.offset = 0, .length = 2}, tl::messageEntityItalic{}}}};
  EXPECT_EQ(tl::dump(request), R"(messages.sendMessage {
  silent: true
  peer: inputPeerUser {
    user_id: 1
    access_hash: 0
  }
  message: "say \"hi\""
  random_id: 9
  entities: [
    messageEntityBold {
      offset: 0
      length: 2
    }
    messageEntityItalic {
      offset: 0
      length: 0
    }
  ]
})");
  EXPECT_EQ(tl::dump(tl::InputPeer{tl::inputPeerSelf{}}), "inputPeerSelf");
  EXPECT_EQ(tl::dump(std::vector<tl::User>{}), "[]");
  EXPECT_EQ(tl::dump(tl::InputPeer{tl::unknown{1, bytes{1, 2, 3, 4}}}), "#00000001 <01020304>");
}

TEST(api_types, json_that_does_not_fit_is_refused_with_its_path) {
  const struct {
    std::string_view text;
    std::string_view says;
  } cases[] = {
      {R"({"_":"messages.sendMessage","peer":{"_":"inputPeerSelf"},"message":5,"random_id":"1"})",
       "messages.sendMessage.message: a string"},
      {R"({"_":"messages.sendMessage","peer":{"_":"inputPeerSelf"},"random_id":"1"})",
       "messages.sendMessage.message: is missing"},
      {R"({"_":"messages.sendMessage","peer":{"_":"inputUserSelf"}})", "is no InputPeer"},
      {R"({"_":"messages.sendMessage","peer":{"_":"inputPeerChat","chat_id":"x"}})",
       "messages.sendMessage.peer/inputPeerChat.chat_id"},
      {R"({"_":"messages.sendMessage","pear":1})", "no field 'pear'"},
      {R"({"_":"messages.sendMessage","silent":1})", ".silent: true or false"},
      {R"({"_":"noSuchThing"})", "has no 'noSuchThing'"},
      {R"([1)", "does not parse"},
  };
  for (const auto& c : cases) {
    const auto out = tl::from_json(c.text, tl::schema_table);
    ASSERT_FALSE(out) << c.text;
    EXPECT_NE(out.error().what.find(c.says), std::string::npos) << out.error().what;
  }
  EXPECT_FALSE(tl::from_json<tl::InputPeer>(R"({"_":"inputUserSelf"})"));
  EXPECT_TRUE(tl::from_json<tl::InputPeer>(R"({"_":"inputPeerChat","chat_id":7})"));
  EXPECT_FALSE(tl::from_json(std::string(100'000, '['), tl::schema_table));
  const auto deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  const auto out = tl::from_json(deep, tl::schema_table);
  ASSERT_FALSE(out);
  EXPECT_NE(out.error().what.find("nested too deep"), std::string::npos);
}

TEST(api_types, names_are_known_by_id) {
  EXPECT_EQ(tl::name_for_id(tl::messages::sendMessage::tl_id), "messages.sendMessage");
  EXPECT_EQ(tl::name_for_id(tl::updates_::tl_id), "updates");
  EXPECT_EQ(tl::name_for_id(tl::bool_true_id), "boolTrue");
  EXPECT_EQ(tl::name_for_id(0), "");
}

TEST(api_types, a_walk_tells_a_sink_that_is_deaf_but_for_one_thing) {
  class names final : public tl::detail::deaf_sink {
  public:
    void begin_object(std::string_view name) override { seen.emplace_back(name); }
    std::vector<std::string> seen;
  };
  const tl::messages::sendMessage call{.silent = true,
                                       .peer = tl::inputPeerUser{.user_id = 5, .access_hash = 6},
                                       .message = "text",
                                       .random_id = 7};
  constexpr std::array form{tl::kind::boxed};
  names out;
  EXPECT_FALSE(out.silent()) << "of it something may matter";
  EXPECT_TRUE(tl::detail::walk(tl::encode(call), form, &tl::schema_table, out));
  EXPECT_EQ(out.seen, (std::vector<std::string>{"messages.sendMessage", "inputPeerUser"}));
}

TEST(api_types, a_walk_tells_where_a_field_is) {
  class places final : public tl::detail::deaf_sink {
  public:
    void place(const std::uint8_t* octets) override { place_ = octets; }
    void field(std::string_view name) override {
      if (name == "random_id") {
        found = place_;
      }
    }
    const std::uint8_t* found = nullptr;

  private:
    const std::uint8_t* place_ = nullptr;
  };
  const auto call = tl::encode(tl::invokeWithBusinessConnection{
      .connection_id = "b",
      .query = tl::messages::sendMessage{.peer = tl::inputPeerSelf{}, .random_id = 0x0102030405}});
  constexpr std::array form{tl::kind::boxed};
  places out;
  ASSERT_TRUE(tl::detail::walk(call, form, &tl::schema_table, out));
  ASSERT_NE(out.found, nullptr) << "within what is walked as a whole too";
  EXPECT_EQ(out.found - call.data(), static_cast<std::ptrdiff_t>(call.size() - 8));
  EXPECT_EQ(*out.found, 5);
}
