#include <cafegram/base/environment.hpp>
#include <cafegram/storage/foreign_session.hpp>

#include <nlohmann/json.hpp>

#include "sample.hpp"

namespace cafegram::storage {

namespace {

using nlohmann::json;

/// What the vectors of this repository and the shared ones say of a string.
void expect_says(const json& one, const foreign_session& session) {
  EXPECT_EQ(session.dc, one.at("dc_id").get<int>());
  EXPECT_EQ(to_hex(session.auth_key->view()), one.at("auth_key").get<std::string>());
  if (one.contains("server_address")) {
    ASSERT_TRUE(session.address);
    EXPECT_EQ(session.address->host, one.at("server_address").get<std::string>());
    EXPECT_EQ(session.address->port, one.at("port").get<int>());
    EXPECT_EQ(session.address->ipv6, session.address->host.find(':') != std::string::npos);
  }
  if (one.contains("user_id") && !one.at("user_id").is_null()) {
    EXPECT_EQ(session.user, one.at("user_id").get<std::int64_t>());
    EXPECT_EQ(session.bot, one.at("is_bot").get<bool>());
  }
  if (one.contains("api_id") && !one.at("api_id").is_null()) {
    EXPECT_EQ(static_cast<std::uint32_t>(session.api_id), one.at("api_id").get<std::uint32_t>());
  }
  if (one.contains("test_mode")) {
    EXPECT_EQ(session.test, one.at("test_mode").get<bool>());
  }
}

void expect_read(const json& one) {
  const auto text = one.at("string").get<std::string>();
  const auto format = session_format_of(one.at("kind").get<std::string>());
  ASSERT_TRUE(format);
  EXPECT_EQ(guess_format(text), format) << text;
  const auto session = read_foreign(text, *format);
  ASSERT_TRUE(session) << to_string(session.error()) << " in " << text;
  expect_says(one, *session);
}

/// Is it one of the layouts that are written today?
bool is_written_so(const json& one) {
  return one.value("written", true) &&
         !(one.at("kind") == "pyrogram" && one.at("api_id").is_null());
}

foreign_session sample() {
  foreign_session out;
  out.dc = 2;
  out.auth_key = test::secret_of(256, 9);
  out.address = dc_address{.host = "149.154.167.50", .port = 443};
  out.user = 7'000'000'001;
  out.bot = true;
  out.api_id = 12345;
  return out;
}

std::string written(const foreign_session& session, session_format format) {
  const auto text = write_foreign(session, format);
  EXPECT_TRUE(text) << to_string(text.error());
  return text ? std::string{as_text(text->view())} : std::string{};
}

constexpr std::array formats{session_format::telethon, session_format::gramjs,
                             session_format::pyrogram, session_format::mtcute};

} // namespace

TEST(foreign_session, strings_that_other_libraries_wrote_are_read_and_written) {
  CAFEGRAM_NEEDS_SHARED();
  const auto vectors =
      json::parse(test::read_text(test::shared_folder() / "vectors/session_strings.json"));
  int read = 0;
  for (const auto& one : vectors.at("cases")) {
    if (one.at("kind") == "mtkruto" || one.at("kind") == "mtcute") {
      continue;
    }
    expect_read(one);
    ++read;
    if (is_written_so(one)) {
      const auto format = *session_format_of(one.at("kind").get<std::string>());
      const auto text = one.at("string").get<std::string>();
      EXPECT_EQ(written(*read_foreign(text, format), format), text);
    }
  }
  EXPECT_GE(read, 11);
}

// The keys of mtcute's own vectors have 32 octets, which no key has: another takes their place.
TEST(foreign_session, mtcutes_strings_are_read) {
  CAFEGRAM_NEEDS_SHARED();
  const auto vectors =
      json::parse(test::read_text(test::shared_folder() / "vectors/session_strings.json"));
  int read = 0;
  for (const auto& one : vectors.at("cases")) {
    if (one.at("kind") != "mtcute") {
      continue;
    }
    const auto given = one.at("string").get<std::string>();
    EXPECT_FALSE(read_foreign(given, session_format::mtcute));
    auto octets = *from_base64(given);
    octets.erase(octets.end() - 36, octets.end());
    append(octets, test::hex("fe000100"));
    append(octets, test::secret_of(256, 1)->view());
    const auto session = read_foreign(to_base64url(octets), session_format::mtcute);
    ASSERT_TRUE(session) << to_string(session.error());
    const auto said = one.at("description").get<std::string>();
    EXPECT_EQ(session->dc, 2);
    EXPECT_EQ(session->address->host, "149.154.167.50");
    EXPECT_EQ(session->address->port, 443);
    EXPECT_EQ(session->test, said.starts_with("test"));
    EXPECT_EQ(session->user.has_value(), said.find("user 12345") != std::string::npos) << said;
    EXPECT_EQ(session->user.value_or(12345), 12345);
    ++read;
  }
  EXPECT_EQ(read, 8);
}

// Written by tests/storage/make_session_vectors.py, which follows the libraries' own descriptions.
TEST(foreign_session, strings_of_the_layouts_that_are_documented_are_read_and_written) {
  const auto vectors =
      json::parse(test::read_text(test::source_folder() / "tests/storage/session_vectors.json"));
  for (const auto& one : vectors.at("cases")) {
    expect_read(one);
    if (is_written_so(one)) {
      const auto format = *session_format_of(one.at("kind").get<std::string>());
      const auto text = one.at("string").get<std::string>();
      EXPECT_EQ(written(*read_foreign(text, format), format), text);
    }
  }
  EXPECT_GE(vectors.at("cases").size(), 10U);
}

TEST(foreign_session, what_is_written_is_read) {
  auto ipv6 = sample();
  ipv6.address = dc_address{.host = "2001:67c:4e8:f002::a", .port = 8443, .ipv6 = true};
  auto test_dc = sample();
  test_dc.test = true;
  test_dc.bot = false;
  for (const auto& session : {sample(), ipv6, test_dc}) {
    for (const auto format : formats) {
      const auto text = written(session, format);
      EXPECT_EQ(guess_format(text), format) << name_of(format);
      const auto back = read_foreign(text, format);
      ASSERT_TRUE(back) << to_string(back.error());
      EXPECT_EQ(back->dc, session.dc);
      EXPECT_TRUE(test::same(back->auth_key, session.auth_key));
      if (format != session_format::pyrogram) {
        EXPECT_EQ(back->address, session.address);
      }
      if (format == session_format::pyrogram || format == session_format::mtcute) {
        EXPECT_EQ(back->user, session.user);
        EXPECT_EQ(back->bot, session.bot);
        EXPECT_EQ(back->test, session.test);
      }
    }
  }
}

TEST(foreign_session, what_a_format_cannot_say_is_named) {
  const auto refused = [](const foreign_session& session, session_format format) {
    const auto text = write_foreign(session, format);
    EXPECT_FALSE(text);
    return text ? std::string{} : text.error().what;
  };
  auto session = sample();
  session.user.reset();
  EXPECT_NE(refused(session, session_format::pyrogram).find("who is logged in"), std::string::npos);
  session = sample();
  session.address.reset();
  EXPECT_NE(refused(session, session_format::telethon).find("address"), std::string::npos);
  EXPECT_NE(refused(session, session_format::mtcute).find("address"), std::string::npos);
  session.address = dc_address{.host = "dc2.example"};
  EXPECT_NE(refused(session, session_format::telethon).find("IP address"), std::string::npos);
  session.address = dc_address{.host = "1.2.3.4", .port = 40000};
  EXPECT_NE(refused(session, session_format::gramjs).find("32767"), std::string::npos);
  session.address = dc_address{.host = "abc"};
  EXPECT_NE(refused(session, session_format::gramjs).find("characters"), std::string::npos);
  session = sample();
  session.auth_key = nullptr;
  for (const auto format : formats) {
    EXPECT_NE(refused(session, format).find("key"), std::string::npos);
  }
}

TEST(foreign_session, what_is_damaged_is_refused_and_not_quoted) {
  seeded_random random{test::seed()};
  for (const auto format : formats) {
    const auto good = written(sample(), format);
    for (std::size_t length = 0; length < good.size(); length += 3) {
      const auto cut = read_foreign(std::string_view{good}.substr(0, length), format);
      // Pyrogram's and Telethon's keys are where they are: a shorter string may be an older layout.
      if (!cut) {
        EXPECT_EQ(cut.error().code, errc::malformed);
        EXPECT_EQ(cut.error().what.find(good.substr(40, 6)), std::string::npos);
      } else {
        EXPECT_EQ(cut->auth_key->size(), 256U);
      }
    }
    EXPECT_FALSE(read_foreign(good + "AAAA", format)) << name_of(format);
    EXPECT_FALSE(read_foreign("", format));
    EXPECT_FALSE(read_foreign("1", format));
    for (int round = 0; round < 3000; ++round) {
      auto bad = good;
      for (auto left = random.next() % 4 + 1; left > 0; --left) {
        bad[random.next() % bad.size()] = static_cast<char>('0' + random.next() % 64);
      }
      const auto session = read_foreign(bad, format);
      EXPECT_TRUE(!session || (session->auth_key && session->auth_key->size() == 256));
      (void)guess_format(bad);
    }
  }
  EXPECT_EQ(guess_format("hello"), std::nullopt);
  EXPECT_EQ(guess_format("1hello"), std::nullopt);
  EXPECT_EQ(guess_format(""), std::nullopt);
}

TEST(foreign_session, is_a_session_of_ours_and_back) {
  const auto ours = to_session(sample());
  EXPECT_EQ(ours.home_dc, 2);
  EXPECT_EQ(ours.user->id, 7'000'000'001);
  EXPECT_TRUE(ours.user->bot);
  const auto back = from_session(ours);
  ASSERT_TRUE(back) << to_string(back.error());
  EXPECT_EQ(back->address, sample().address);
  EXPECT_EQ(back->user, sample().user);
  EXPECT_TRUE(test::same(back->auth_key, sample().auth_key));
  EXPECT_FALSE(from_session({}));

  auto many = ours;
  many.data_centres[2].addresses = {
      {"2001::1", 443, true}, {"10.0.0.1", 443, false, true}, {"10.0.0.2", 443}};
  EXPECT_EQ(from_session(many)->address->host, "10.0.0.2") << "every format can say IPv4";
}

} // namespace cafegram::storage
