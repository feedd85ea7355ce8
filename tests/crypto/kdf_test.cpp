#include <cafegram/crypto/aes.hpp>
#include <cafegram/crypto/kdf.hpp>

#include "vectors.hpp"

namespace cafegram::crypto {
namespace {

using test::hex;
using test::hex_array;
using test::json;

direction way(const json& c) {
  return c["x"] == 0 ? direction::to_server : direction::to_client;
}

std::string id_hex(std::uint64_t little) {
  bytes out(8);
  for (std::size_t i = 0; i < 8; ++i) {
    out[i] = static_cast<std::uint8_t>(little >> 8 * i);
  }
  return to_hex(out);
}

void check_kdf(const json& all) {
  for (const auto& c : all["msg_kdf_v2"]) {
    const auto keys =
        message_keys_v2(hex_array<256>(c["auth_key"]), hex_array<16>(c["msg_key"]), way(c));
    EXPECT_EQ(to_hex(keys.key.view()), c["aes_key"].get<std::string>());
    EXPECT_EQ(to_hex(keys.iv.view()), c["aes_iv"].get<std::string>());
  }
  for (const auto& c : all["msg_kdf_v1"]) {
    const auto keys =
        message_keys_v1(hex_array<256>(c["auth_key"]), hex_array<16>(c["msg_key"]), way(c));
    EXPECT_EQ(to_hex(keys.key.view()), c["aes_key"].get<std::string>());
    EXPECT_EQ(to_hex(keys.iv.view()), c["aes_iv"].get<std::string>());
  }
  for (const auto& c : all["tmp_key_from_nonces"]) {
    const auto keys = exchange_keys(hex(c["new_nonce"]), hex(c["server_nonce"]));
    EXPECT_EQ(to_hex(keys.key.view()), c["key"].get<std::string>());
    EXPECT_EQ(to_hex(keys.iv.view()), c["iv"].get<std::string>());
  }
  for (const auto& c : all["msg_key_v1"]) {
    EXPECT_EQ(to_hex(message_key_v1(hex(c["data"]))), c["msg_key"].get<std::string>());
  }
}

void check_auth_key(const json& cases) {
  for (const auto& c : cases) {
    const auto key = hex_array<256>(c["auth_key"].get<std::string>());
    EXPECT_EQ(id_hex(auth_key_id(key)), c["id"].get<std::string>());
    if (!c.contains("new_nonce")) {
      continue;
    }
    EXPECT_EQ(id_hex(auth_key_aux_hash(key)), c["aux_hash"].get<std::string>());
    for (const std::uint8_t number : {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{3}}) {
      EXPECT_EQ(
          to_hex(new_nonce_hash(hex_array<32>(c["new_nonce"]), number, auth_key_aux_hash(key))),
          c["new_nonce_hash" + std::to_string(number)].get<std::string>());
    }
  }
}

/// Packets: `auth_key_id:8 msg_key:16 encrypted:n*16`.
void check_messages(const json& cases) {
  for (const auto& c : cases) {
    const auto key = hex_array<256>(c["auth_key"].get<std::string>());
    bytes packet = hex(c["packet"]);
    packet.resize(24 + (packet.size() - 24) / 16 * 16); // the transport's own padding
    EXPECT_EQ(to_hex(bytes_view{packet}.first(8)), id_hex(auth_key_id(key)));
    message_key msg_key;
    std::copy_n(packet.begin() + 8, 16, msg_key.begin());
    const auto keys = message_keys_v2(key, msg_key, way(c));
    const auto body = std::span{packet}.subspan(24);
    ige_decrypt(ige_job{keys.key.view(), keys.iv.view(), body, body});
    const digest_sha256 large = message_key_large(key, body, way(c));
    EXPECT_EQ(middle_of(large) == msg_key, c.value("msg_key_valid", true));
    if (c.contains("plaintext_with_padding")) {
      EXPECT_EQ(to_hex(body), c["plaintext_with_padding"].get<std::string>());
    } else if (c.contains("plaintext")) {
      EXPECT_EQ(to_hex(body), c["plaintext"].get<std::string>() + c["padding"].get<std::string>());
    }
    if (c.contains("quick_ack_token")) {
      EXPECT_EQ(id_hex(c["quick_ack_token"].get<std::uint64_t>()).substr(0, 8),
                to_hex(std::array{large[0], large[1], large[2],
                                  static_cast<std::uint8_t>(large[3] | 0x80)}));
    }
  }
}

TEST(kdf, derives_as_python_does) {
  check_kdf(test::own_vectors()["hash_kdf"]);
  check_auth_key(test::own_vectors()["hash_kdf"]["auth_key"]);
  check_messages(test::own_vectors()["message_crypto"]["cases"]);
}

TEST(kdf, derives_as_the_shared_vectors) {
  CAFEGRAM_NEEDS_SHARED();
  const json all = test::shared_vectors("hash_kdf.json");
  check_kdf(all);
  check_auth_key(all["auth_key"]);
  check_messages(test::shared_vectors("message_crypto.json")["cases"]);
}

// core.telegram.org/mtproto/samples-auth_key
TEST(kdf, derives_the_specifications_sample) {
  const auto keys =
      exchange_keys(hex("A8BBC849512DAC6C67B6EFD9157D6CA7377A1776307D84265C6BE9BDCF802AC1"),
                    hex("E11DBC3BC97D91A26154F932AF019943"));
  EXPECT_EQ(to_hex(keys.key.view()),
            "5ea702f743e850f5546e857f08b7d5337bbaedf9b61248751594851be2e8c297");
  EXPECT_EQ(to_hex(keys.iv.view()),
            "1cef8e372a63d97ebfa805c0dbb018bc7c1e0931693fbcb1a1afc0c0a8bbc849");
}

TEST(kdf, binds_a_temporary_key_as_the_shared_vector) {
  CAFEGRAM_NEEDS_SHARED();
  const json c = test::shared_vectors("bind_temp_key.json");
  const auto key = hex_array<256>(c["perm_auth_key"].get<std::string>());
  // random:int128 msg_id:long seqno:int length:int, then the message and its padding
  const bytes inner = hex(c["inner"]);
  bytes plain = hex(c["random16"]);
  const auto put = [&plain](std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      plain.push_back(static_cast<std::uint8_t>(value >> 8 * i));
    }
  };
  put(c["msg_id"].get<std::uint64_t>(), 8);
  put(0, 4);
  put(inner.size(), 4);
  append(plain, inner);
  const message_key msg_key = message_key_v1(plain);
  EXPECT_EQ(to_hex(msg_key), c["msg_key"].get<std::string>());
  append(plain, hex(c["padding"]));
  const auto keys = message_keys_v1(key, msg_key, direction::to_server);
  ige_encrypt(ige_job{keys.key.view(), keys.iv.view(), plain, plain});
  EXPECT_EQ(id_hex(auth_key_id(key)) + to_hex(msg_key) + to_hex(plain),
            c["encrypted_message"].get<std::string>());
}

} // namespace
} // namespace cafegram::crypto
