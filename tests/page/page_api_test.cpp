#include <cafegram/sandbox/http_gate.hpp>
#include <cafegram/sandbox/page_api.hpp>

#include <gtest/gtest.h>

#include <string>

#include "page_fake.hpp"

namespace cafegram::sandbox {

namespace {

using namespace std::chrono_literals;

struct page_api_test : testing::Test {
  std::shared_ptr<page_feed> feed = std::make_shared<page_feed>();
  test::page_fake fake{feed, wall_time{1'750'000'000s}, true};

  page_json post(std::string_view path, const std::string& body, int status) {
    const auto out = api_post(fake, path, body);
    EXPECT_EQ(out.status, status) << path << ' ' << body << ' ' << out.body;
    return page_json::parse(out.body);
  }
  page_json get(std::string_view path, int status = 200,
                const std::multimap<std::string, std::string>& query = {}) {
    const auto out = api_get(fake, path, query);
    EXPECT_EQ(out.status, status) << path << ' ' << out.body;
    return page_json::parse(out.body);
  }
};

http_head good_get() {
  return {.method = "GET",
          .path = "/api/state",
          .hosts = {"127.0.0.1:8080"},
          .origin = {},
          .fetch_site = {},
          .fetch_mode = {},
          .content_type = {},
          .content_length = {},
          .encoded = false};
}

http_head good_post() {
  auto out = good_get();
  out.method = "POST";
  out.path = "/api/send";
  out.origin = "http://127.0.0.1:8080";
  out.content_type = "application/json; charset=utf-8";
  out.content_length = "12";
  return out;
}

int status_of(const http_head& head) {
  const auto refusal = check_head(head, 8080);
  return refusal ? refusal->status : 200;
}

} // namespace

TEST(http_gate, lets_our_own_page_in) {
  EXPECT_EQ(status_of(good_get()), 200);
  EXPECT_EQ(status_of(good_post()), 200);
  for (const char* host : {"localhost:8080", "LOCALHOST:8080", "127.1.2.3:8080", "[::1]:8080"}) {
    auto head = good_get();
    head.hosts = {host};
    EXPECT_EQ(status_of(head), 200) << host;
  }
}

TEST(http_gate, refuses_a_foreign_host) {
  for (const char* host : {"example.org", "example.org:8080", "localhost", "localhost:80",
                           "localhost:80800", "127.0.0.1.example.org:8080", "10.0.0.1:8080",
                           "[::2]:8080", "localhost:8080:8080", "", ":8080"}) {
    auto head = good_get();
    head.hosts = {host};
    EXPECT_EQ(status_of(head), 403) << host;
  }
  auto head = good_get();
  head.hosts = {};
  EXPECT_EQ(status_of(head), 403);
  head.hosts = {"localhost:8080", "example.org"};
  EXPECT_EQ(status_of(head), 403);
}

TEST(http_gate, refuses_a_foreign_origin_even_for_reading) {
  for (const char* origin : {"null", "http://example.org", "https://127.0.0.1:8080",
                             "http://127.0.0.1:8081", "http://localhost:8080"}) {
    auto head = good_post();
    head.origin = origin;
    EXPECT_EQ(status_of(head), 403) << origin;
    head = good_get();
    head.origin = origin;
    EXPECT_EQ(status_of(head), 403) << origin;
  }
}

TEST(http_gate, lets_a_link_lead_to_the_page_but_nothing_be_fetched) {
  auto head = good_get();
  head.fetch_site = "cross-site";
  EXPECT_EQ(status_of(head), 403);
  head.path = "/";
  head.fetch_mode = "no-cors";
  EXPECT_EQ(status_of(head), 403);
  head.fetch_mode = "navigate";
  EXPECT_EQ(status_of(head), 200);
  head.path = "/api/state";
  EXPECT_EQ(status_of(head), 403);
}

TEST(http_gate, takes_json_of_a_known_small_size_only) {
  const auto with = [](auto change) {
    auto head = good_post();
    change(head);
    return status_of(head);
  };
  EXPECT_EQ(with([](http_head& h) { h.content_type = "text/plain"; }), 415);
  EXPECT_EQ(with([](http_head& h) { h.content_type = ""; }), 415);
  EXPECT_EQ(with([](http_head& h) { h.content_type = "application/jsonp"; }), 415);
  EXPECT_EQ(with([](http_head& h) { h.content_type = "multipart/form-data; boundary=x"; }), 415);
  EXPECT_EQ(with([](http_head& h) { h.encoded = true; }), 415);
  EXPECT_EQ(with([](http_head& h) { h.content_length = ""; }), 411);
  EXPECT_EQ(with([](http_head& h) { h.content_length = "12x"; }), 411);
  EXPECT_EQ(with([](http_head& h) { h.content_length = "-1"; }), 411);
  EXPECT_EQ(with([](http_head& h) { h.content_length = "65536"; }), 200);
  EXPECT_EQ(with([](http_head& h) { h.content_length = "65537"; }), 413);
  EXPECT_EQ(with([](http_head& h) { h.content_length = "99999999999999999999999"; }), 413);
}

TEST(http_gate, knows_no_other_method_and_no_long_path) {
  for (const char* method : {"PUT", "DELETE", "OPTIONS", "PATCH"}) {
    auto head = good_get();
    head.method = method;
    EXPECT_EQ(status_of(head), 405) << method;
  }
  auto head = good_get();
  head.path = std::string(300, 'a');
  EXPECT_EQ(status_of(head), 414);
  head = good_get();
  head.content_length = "5";
  EXPECT_EQ(status_of(head), 400);
}

TEST_F(page_api_test, shows_the_state_without_a_key) {
  const auto state = get("/api/state");
  EXPECT_EQ(state["users"].size(), 4u);
  EXPECT_EQ(state["layer"], 228);
  EXPECT_EQ(state["connections"][0]["framing"], "intermediate");
  EXPECT_EQ(state["keys"][0]["id"], "9f2c51d07be3a864");
  for (const auto& [name, value] : state["keys"][0].items()) {
    EXPECT_TRUE(!value.is_string() || value.get<std::string>().size() <= 16) << name;
  }
}

TEST_F(page_api_test, shows_messages_with_entities_and_buttons) {
  const auto list = get("/api/chats/5001/7001/messages")["messages"];
  ASSERT_EQ(list.size(), 5u);
  EXPECT_EQ(list[1]["entities"][0],
            (page_json{{"_", "messageEntityBold"}, {"offset", 0}, {"length", 18}}));
  EXPECT_EQ(list[1]["markup"]["rows"][0][0]["data"], to_base64(as_bytes("white")));
  EXPECT_EQ(list[2]["delivery"], "read");
  EXPECT_EQ(list[3]["reply_to"], list[2]["id"]);
  EXPECT_FALSE(list[4].contains("markup"));
}

TEST_F(page_api_test, pages_through_a_chat) {
  const auto last = get("/api/chats/5001/7001/messages", 200, {{"limit", "2"}})["messages"];
  ASSERT_EQ(last.size(), 2u);
  const auto before = std::to_string(last[0]["id"].get<int>());
  const auto older =
      get("/api/chats/5001/7001/messages", 200, {{"limit", "2"}, {"before", before}})["messages"];
  ASSERT_EQ(older.size(), 2u);
  EXPECT_LT(older[1]["id"], last[0]["id"]);
  get("/api/chats/5001/7001/messages", 400, {{"limit", "0"}});
  get("/api/chats/5001/7001/messages", 400, {{"limit", "201"}});
  get("/api/chats/5001/7001/messages", 400, {{"before", "-1"}});
  get("/api/chats/5001/7001/messages", 400, {{"before", "99999999999"}});
  get("/api/chats/5001/424242/messages", 404);
}

TEST_F(page_api_test, finds_nothing_elsewhere) {
  for (const char* path : {"/api", "/api/", "/api/chats/", "/api/chats/1/messages",
                           "/api/chats/a/b/messages", "/api/chats//7/messages",
                           "/api/chats/1/2/3/messages", "/api/chats/messages", "/etc/passwd"}) {
    EXPECT_EQ(verb_of(path), api_verb::none) << path;
    get(path, 404);
    post(path, "{}", 404);
  }
}

TEST_F(page_api_test, sends_with_entities_counted_in_utf16) {
  // The coffee cup is one unit, the smiling face two.
  const std::string text = "\xE2\x98\x95 \xF0\x9F\x98\x80";
  const std::string entity = R"([{"_":"messageEntityBold","offset":2,"length":2}])";
  const auto sent =
      post("/api/send",
           R"({"as":5001,"to":7001,"text":")" + text + R"(","entities":)" + entity + "}", 200);
  EXPECT_EQ(sent["text"], text);
  EXPECT_EQ(sent["entities"][0]["length"], 2);
  post("/api/send",
       R"({"as":5001,"to":7001,"text":")" + text +
           R"(","entities":[{"_":"messageEntityBold","offset":2,"length":3}]})",
       400);
}

TEST_F(page_api_test, says_what_is_wrong_with_a_body) {
  const auto wrong = [this](const std::string& body, const std::string& part) {
    const auto out = post("/api/send", body, 400);
    EXPECT_NE(out["error"]["message"].get<std::string>().find(part), std::string::npos)
        << body << ' ' << out.dump();
  };
  wrong("", "JSON");
  wrong("{", "JSON");
  wrong("[]", "JSON");
  wrong(std::string(20'000, '['), "JSON");
  wrong(R"({"a":)" + std::string(20, '[') + std::string(20, ']') + "}", "JSON");
  wrong(R"({"to":7001,"text":"x"})", "`as`");
  wrong(R"({"as":"5001","to":7001,"text":"x"})", "`as`");
  wrong(R"({"as":0,"to":7001,"text":"x"})", "`as`");
  wrong(R"({"as":5001.5,"to":7001,"text":"x"})", "`as`");
  wrong(R"({"as":18446744073709551615,"to":7001,"text":"x"})", "`as`");
  wrong(R"({"as":9007199254740992,"to":7001,"text":"x"})", "`as`");
  wrong(R"({"as":5001,"to":7001})", "`text`");
  wrong(R"({"as":5001,"to":7001,"text":" \n\t"})", "`text`");
  wrong(R"({"as":5001,"to":7001,"text":7})", "`text`");
  wrong(R"({"as":5001,"to":7001,"text":")" + std::string(4097, 'x') + R"("})", "4096");
  wrong(R"({"as":5001,"to":7001,"text":"x","reply_to":-1})", "`reply_to`");
  wrong(R"({"as":5001,"to":7001,"text":"x","entities":{}})", "`entities`");
  wrong(R"({"as":5001,"to":7001,"text":"x","entities":[1]})", "`entities`");
  wrong(R"({"as":5001,"to":7001,"text":"x","entities":[{"_":"x","offset":0,"length":1}]})", "`_`");
  wrong(
      R"({"as":5001,"to":7001,"text":"x","entities":[{"_":"messageEntityBold","offset":2,"length":1}]})",
      "`offset`");
  EXPECT_EQ(post("/api/send", R"({"as":5001,"to":424242,"text":"x"})", 404)["error"]["code"],
            "not_found");
}

TEST_F(page_api_test, clicks_with_the_buttons_octets) {
  const auto data = to_base64(as_bytes(std::string_view{"\x00\xFF\x01", 3}));
  const auto out =
      post("/api/click", R"({"as":5001,"chat":7001,"message":4,"data":")" + data + R"("})", 200);
  EXPECT_EQ(out["query"], 1);
  EXPECT_EQ(fake.clicks(), std::pair(1, bytes{0x00, 0xFF, 0x01}));
  post("/api/click", R"({"as":5001,"chat":7001,"message":4,"data":"?"})", 400);
  post("/api/click", R"({"as":5001,"chat":7001,"data":""})", 400);
  const auto big = to_base64(bytes(65, 1));
  post("/api/click", R"({"as":5001,"chat":7001,"message":4,"data":")" + big + R"("})", 400);
}

TEST_F(page_api_test, edits_deletes_and_makes_people) {
  const auto edited = post("/api/edit", R"({"as":5001,"to":7001,"message":3,"text":"/stop"})", 200);
  EXPECT_EQ(edited["text"], "/stop");
  EXPECT_TRUE(edited.contains("edited"));
  post("/api/edit", R"({"as":5001,"to":7001,"message":4,"text":"not mine"})", 404);
  post("/api/delete", R"({"as":5001,"chat":7001,"message":3})", 200);
  post("/api/delete", R"({"as":5001,"chat":7001,"message":3})", 404);
  post("/api/read", R"({"as":5001,"chat":7001,"up_to":4})", 200);
  EXPECT_EQ(post("/api/users", R"({"name":"Grace","username":"grace"})", 201)["name"], "Grace");
  post("/api/users", R"({"name":"Grace","username":"grace"})", 400);
  post("/api/users", R"({"name":" "})", 400);
  post("/api/users", R"({"name":"Grace","username":"a b"})", 400);
  post("/api/users", R"({"name":"Grace","username":"1abc"})", 400);
}

TEST_F(page_api_test, groups_have_ids_below_zero) {
  const auto state = get("/api/state");
  ASSERT_EQ(state["groups"].size(), 2u);
  EXPECT_EQ(state["groups"][0]["kind"], "group");
  EXPECT_EQ(state["groups"][0]["members"][0]["user"], 5001);
  EXPECT_EQ(state["groups"][1]["kind"], "channel");
  EXPECT_EQ(state["groups"][1]["members"][0]["writes"], false);
  EXPECT_EQ(get("/api/chats/5001/-4001/messages")["messages"][0]["service"], true);
  get("/api/chats/-5001/-4001/messages", 404);
  EXPECT_EQ(post("/api/send", R"({"as":5001,"to":-4001,"text":"x"})", 200)["text"], "x");
  post("/api/send", R"({"as":5001,"to":0,"text":"x"})", 400);
  post("/api/read", R"({"as":5001,"chat":-4001,"up_to":4})", 200);
}

TEST_F(page_api_test, groups_are_made_and_joined) {
  const auto made =
      post("/api/groups", R"({"as":5001,"kind":"supergroup","title":"New","members":[7001]})", 201);
  EXPECT_EQ(made["kind"], "supergroup");
  EXPECT_EQ(made["size"], 2);
  const auto wrong = [this](const std::string& path, const std::string& body,
                            const std::string& part) {
    const auto out = post(path, body, 400);
    EXPECT_NE(out["error"]["message"].get<std::string>().find(part), std::string::npos)
        << body << ' ' << out.dump();
  };
  wrong("/api/groups", R"({"as":5001,"kind":"crowd","title":"x"})", "group, supergroup, channel");
  wrong("/api/groups", R"({"kind":"group","title":"x"})", "`as`");
  wrong("/api/groups", R"({"as":5001,"kind":"group","title":"x","members":[-1]})", "`members`");
  wrong("/api/groups", R"({"as":5001,"kind":"group","title":"x","members":7})", "`members`");
  const auto more =
      post("/api/members", R"({"as":5001,"chat":-4001,"user":7002,"change":"add"})", 200);
  EXPECT_EQ(more["size"], 4);
  wrong("/api/members", R"({"as":5001,"chat":-4001,"user":7002,"change":"eat"})", "promote");
  wrong("/api/members", R"({"as":5001,"chat":-4001,"change":"add"})", "`user`");
  EXPECT_EQ(post("/api/privacy", R"({"bot":7001,"on":false})", 200)["privacy"], false);
  wrong("/api/privacy", R"({"bot":7001})", "`on`");
  const auto load = post("/api/load", R"({"bot":7001,"chats":3,"people":1})", 201);
  ASSERT_EQ(load["chats"].size(), 3u);
  EXPECT_EQ(load["chats"][0]["writer"], 5001);
  wrong("/api/load", R"({"bot":7001,"chats":3})", "`people`");
}

TEST_F(page_api_test, text_that_is_not_utf8_reaches_the_browser_as_json) {
  page_message message;
  message.text = "ok \xFF\xFE";
  EXPECT_TRUE(page_json::accept(dump(to_json(message))));
}

TEST(page_feed, a_reader_that_does_not_read_is_told_to_reload) {
  const auto feed = std::make_shared<page_feed>();
  const auto reader = feed->subscribe();
  ASSERT_TRUE(reader);
  for (std::size_t i = 0; i < page_feed::queue_limit; ++i) {
    feed->publish(page_events::typing{1, 2, true});
  }
  EXPECT_EQ((*reader)->take(0ms).size(), page_feed::queue_limit);
  for (std::size_t i = 0; i < page_feed::queue_limit + 3; ++i) {
    feed->publish(page_events::typing{1, 2, true});
  }
  const auto events = (*reader)->take(0ms);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_TRUE(std::holds_alternative<page_events::reload>(events.front()));
}

TEST(page_feed, a_flood_of_calls_leaves_room_for_the_rest) {
  const auto feed = std::make_shared<page_feed>();
  const auto reader = feed->subscribe();
  ASSERT_TRUE(reader);
  for (int i = 0; i < 100'000; ++i) {
    feed->publish(page_events::call_done{});
  }
  feed->publish(page_events::typing{1, 2, true});
  const auto events = (*reader)->take(0ms);
  EXPECT_EQ(events.size(), page_feed::queue_limit / 2 + 1);
  EXPECT_TRUE(std::holds_alternative<page_events::typing>(events.back()));
}

TEST(page_feed, has_room_for_so_many_readers) {
  const auto feed = std::make_shared<page_feed>(2);
  auto first = feed->subscribe();
  auto second = feed->subscribe();
  const auto third = feed->subscribe();
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, errc::limit);
  first->reset();
  EXPECT_EQ(feed->readers(), 1u);
  EXPECT_TRUE(feed->subscribe());
}

} // namespace cafegram::sandbox
