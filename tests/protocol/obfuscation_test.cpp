#include <cafegram/protocol/obfuscation.hpp>

#include <algorithm>
#include <cstring>

#include "kit.hpp"

namespace cafegram::protocol {
namespace {

using test::hex;

obfuscation_header header_of(std::string_view text) {
  obfuscation_header out{};
  const auto octets = hex(text);
  std::copy_n(octets.begin(), std::min(out.size(), octets.size()), out.begin());
  return out;
}

std::optional<proxy_secret> secret_of(const nlohmann::json& value) {
  if (value.is_null()) {
    return std::nullopt;
  }
  proxy_secret out{};
  std::ranges::copy(hex(value.get<std::string>()), out.begin());
  return out;
}

TEST(obfuscation, agrees_with_recorded_headers_and_streams) {
  CAFEGRAM_NEEDS_SHARED();
  int seen = 0;
  for (const auto& one : test::vectors("obfuscated2.json")) {
    if (!one.contains("init")) {
      continue;
    }
    SCOPED_TRACE(one["source"].get<std::string>());
    auto header = header_of(one["init"].get<std::string>());
    std::ranges::copy(hex(one["tag"].get<std::string>()), header.begin() + 56);
    if (!one["dc"].is_null()) {
      const auto dc = one["dc"].get<std::int16_t>();
      std::memcpy(header.data() + 60, &dc, sizeof(dc));
    }
    const auto secret = secret_of(one["secret"]);
    auto streams = start_obfuscation(header, secret);
    EXPECT_EQ(to_hex(header), one["header"].get<std::string>());
    if (one.contains("client_sends")) {
      auto sent = hex(one["client_sends_plain"].get<std::string>());
      streams.outgoing.apply(sent);
      EXPECT_EQ(to_hex(sent), one["client_sends"].get<std::string>());
      auto got = hex(one["server_sends"].get<std::string>());
      streams.incoming.apply(got);
      EXPECT_EQ(to_hex(got), one["server_sends_plain"].get<std::string>());
    }
    const auto accepted = accept_obfuscation(header, secret);
    ASSERT_TRUE(accepted);
    const auto tag = one["tag"].get<std::string>();
    EXPECT_EQ(accepted->kind, tag == "efefefef"   ? framing::abridged
                              : tag == "eeeeeeee" ? framing::intermediate
                                                  : framing::padded);
    if (!one["dc"].is_null()) {
      EXPECT_EQ(accepted->dc, one["dc"].get<int>());
    }
    ++seen;
  }
  EXPECT_EQ(seen, 10);
}

TEST(obfuscation, never_begins_like_another_transport) {
  for (const char* prefix :
       {"ef", "48454144", "504f5354", "47455420", "4f505449", "dddddddd", "eeeeeeee", "16030102"}) {
    auto header = header_of(std::string{prefix} + std::string(120, '5'));
    EXPECT_FALSE(usable_obfuscation(header)) << prefix;
  }
  auto second = header_of("11223344"
                          "00000000" +
                          std::string(112, '5'));
  EXPECT_FALSE(usable_obfuscation(second));
  EXPECT_TRUE(usable_obfuscation(header_of(std::string(128, '5'))));
}

TEST(obfuscation, draws_again_until_the_header_is_usable) {
  bytes octets(64, 0xef);
  octets.insert(octets.end(), 64, 0x42);
  test::scripted_random random{octets};
  const auto header = make_obfuscation(framing::padded, -2, random);
  EXPECT_EQ(header[0], 0x42);
  EXPECT_EQ(to_hex(bytes_view{header}.subspan(56)), "ddddddddfeff4242");
}

TEST(obfuscation, another_secret_is_not_understood) {
  seeded_random random{test::seed()};
  auto header = make_obfuscation(framing::padded, 2, random);
  proxy_secret secret{};
  secret.fill(9);
  start_obfuscation(header, secret);
  EXPECT_TRUE(accept_obfuscation(header, secret));
  EXPECT_FALSE(accept_obfuscation(header, std::nullopt));
  secret[0] = 8;
  EXPECT_FALSE(accept_obfuscation(header, secret));
}

} // namespace
} // namespace cafegram::protocol
