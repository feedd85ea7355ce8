#include <zlib.h>

#include <cstring>

#include "scene.hpp"

/// Section 4, transports: a server whose frames are wrong in one thing, and error words.
namespace cafegram {
namespace {

using namespace std::chrono_literals;
using test::line;
using test::open_call;
using test::reaction;
using test::scene;

using on_call = std::function<void(line&, const open_call&)>;

scene over(transport_kind kind, std::string name, std::string logged, const on_call& what) {
  return {.name = std::move(name),
          .what = {.at_call =
                       [what](line& to, const open_call& call) {
                         what(to, call);
                         return true;
                       },
                   .mute = true},
          .logged = std::move(logged),
          .options = [kind](client_options& o) { o.transport = {kind, false}; }};
}

/// The beginning of a frame that never comes.
scene announced(transport_kind kind, std::string name, std::string logged, std::string_view hex) {
  return over(kind, std::move(name), std::move(logged),
              [octets = test::hex(hex)](line& to, const open_call&) { to.raw(octets); });
}

/// A poisoned answer in a frame.
bytes poisoned(line& to, const open_call& call) {
  return to.framed(protocol::seal(call.key, protocol::side::server,
                                  {to.header(call), test::result_of(call.id, test::poison())},
                                  *crypto::system_random())
                       .octets);
}

void add_lengths(std::vector<scene>& rows) {
  using enum transport_kind;
  const std::string large = "over 16 MiB";
  const std::string senseless = "length has no meaning";
  rows.push_back(announced(abridged, "abridged_64_mib", large, "7fffffff"));
  rows.push_back(announced(abridged, "abridged_16_mib_and_a_word", large, "7f010040"));
  rows.push_back(announced(abridged, "abridged_nothing", senseless, "00000000"));
  rows.push_back(announced(abridged, "abridged_nothing_in_the_long_form", senseless, "7f000000"));
  rows.push_back(announced(intermediate, "intermediate_2_gib", large, "ffffff7f"));
  rows.push_back(announced(intermediate, "intermediate_16_mib_and_a_word", large, "04000001"));
  rows.push_back(announced(intermediate, "intermediate_nothing", senseless, "00000000"));
  rows.push_back(announced(intermediate, "intermediate_3_octets", senseless, "03000000aabbcc"));
  rows.push_back(announced(padded, "padded_2_gib", large, "ffffff7f"));
  rows.push_back(announced(padded, "padded_16_mib_and_a_block", large, "10000001"));
  rows.push_back(announced(padded, "padded_nothing", senseless, "00000000"));
  rows.push_back(announced(full, "full_4_gib", large, "fcffffff"));
  rows.push_back(announced(full, "full_16_mib_and_a_word", large, "10000001"));
  rows.push_back(announced(full, "full_nothing", senseless, "00000000"));
  rows.push_back(announced(full, "full_12_octets", senseless, "0c0000000000000000000000"));
  rows.push_back(announced(full, "full_no_whole_words", senseless, "11000000"));
}

void add_full(std::vector<scene>& rows) {
  const auto full = transport_kind::full;
  rows.push_back(
      over(full, "full_with_a_wrong_sum", "wrong CRC-32", [](line& to, const open_call& call) {
        auto octets = poisoned(to, call);
        octets.back() ^= 1;
        to.raw(octets);
      }));
  rows.push_back(
      over(full, "full_with_a_changed_octet", "wrong CRC-32", [](line& to, const open_call& call) {
        auto octets = poisoned(to, call);
        octets[40] ^= 1;
        to.raw(octets);
      }));
  const auto numbered = [&rows](std::string name, std::int32_t off) {
    rows.push_back(over(
        full, std::move(name), "wrong sequence number", [off](line& to, const open_call& call) {
          auto octets = poisoned(to, call);
          std::int32_t number = 0;
          std::memcpy(&number, octets.data() + 4, 4);
          number += off;
          std::memcpy(octets.data() + 4, &number, 4);
          const auto covered = octets.size() - 4;
          const auto sum =
              static_cast<std::uint32_t>(crc32(0, octets.data(), static_cast<uInt>(covered)));
          std::memcpy(octets.data() + covered, &sum, 4);
          to.raw(octets);
        }));
  };
  numbered("full_with_the_number_before", -1);
  numbered("full_with_the_number_after", 1);
}

void add_ends(std::vector<scene>& rows) {
  using enum transport_kind;
  rows.push_back(over(intermediate, "half_a_frame_and_the_end", "connection was closed",
                      [](line& to, const open_call& call) {
                        auto octets = poisoned(to, call);
                        octets.resize(octets.size() / 2);
                        to.raw(octets);
                        to.close();
                      }));
  rows.push_back(over(intermediate, "an_unencrypted_message", "encrypted with another key",
                      [](line& to, const open_call&) {
                        to.frame(protocol::exchange::wrap(protocol::msg_id{1}, bytes(80, 1)));
                      }));
}

void add_words(std::vector<scene>& rows) {
  using enum transport_kind;
  const auto word = [](transport_kind kind, std::int32_t code) {
    return over(kind,
                "word_" + std::string{code < 0 ? "minus_" : ""} +
                    std::to_string(std::abs(std::int64_t{code})),
                "transport error " + std::to_string(code),
                [code](line& to, const open_call&) { to.word(code); });
  };
  for (const int code : {-429, -444, -500, 0, 1, 404}) {
    rows.push_back(word(intermediate, code));
  }
  auto unknown = word(intermediate, -404);
  unknown.logged = "does not know the key of this login; it is kept";
  unknown.check = [](const test::server_record& seen) { EXPECT_EQ(seen.exchanges, 1); };
  rows.push_back(unknown);
  // A temporary key is given up; whether the call has run under it nobody can tell.
  unknown.name += "_under_forward_secrecy";
  unknown.logged = "transport error -404";
  unknown.expected = reaction::fails;
  unknown.code = errc::unknown_outcome;
  unknown.lines = 2;
  unknown.options = [](client_options& o) { o.forward_secrecy = true; };
  unknown.check = [](const test::server_record& seen) { EXPECT_EQ(seen.exchanges, 3); };
  rows.push_back(unknown);
  auto padded_word = word(padded, -429);
  padded_word.name += "_with_15_octets_behind_it";
  padded_word.what.at_call = [](line& to, const open_call&) {
    to.raw(test::hex("1300000053feffff"
                     "0102030405060708090a0b0c0d0e0f"));
    return true;
  };
  rows.push_back(padded_word);
}

std::vector<scene> framing_rows() {
  std::vector<scene> rows;
  add_lengths(rows);
  add_full(rows);
  add_ends(rows);
  add_words(rows);
  for (auto& one : rows) {
    if (!one.check) {
      one.check = [](const test::server_record& seen) { EXPECT_EQ(seen.exchanges, 1); };
    }
  }
  return rows;
}

/// What stands where a server of MTProto would say nothing before it is spoken to.
std::vector<scene> greeting_rows() {
  std::vector<scene> rows;
  const auto greets = [&rows](std::string name, transport_choice how, bytes octets) {
    rows.push_back({.name = std::move(name),
                    .what = {.at_accept = [octets](line& to) { to.raw(octets); }, .mute = true},
                    .logged = "again in",
                    .lines = -1, // a busy machine may need longer for the right exchange, too
                    .logged_in = false,
                    .options = [how](client_options& o) {
                      o.transport = how;
                      o.timing.handshake_timeout = 500ms;
                    }});
  };
  const auto http = to_bytes(as_bytes("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
  const auto tls = test::hex("15030300020228");
  bytes noise(70'000);
  seeded_random random{3};
  random.fill(noise);
  using enum transport_kind;
  for (const auto kind : {abridged, intermediate, padded, full}) {
    for (const bool obfuscated : {false, true}) {
      if (kind == full && obfuscated) {
        continue;
      }
      const transport_choice how{kind, obfuscated};
      auto name = to_string(how);
      std::ranges::replace(name, '-', '_');
      greets(name + "_http", how, http);
      greets(name + "_tls_alert", how, tls);
      greets(name + "_noise", how, noise);
    }
  }
  rows.push_back({.name = "the_end",
                  .what = {.at_accept = [](line& to) { to.close(); }},
                  .logged = "connection was closed",
                  .logged_in = false});
  return rows;
}

class wrong_frame : public testing::TestWithParam<scene> {};

TEST_P(wrong_frame, costs_the_connection_and_no_call) {
  test::play(GetParam());
}

INSTANTIATE_TEST_SUITE_P(in_session, wrong_frame, testing::ValuesIn(framing_rows()),
                         test::name_of<scene>);
INSTANTIATE_TEST_SUITE_P(at_first, wrong_frame, testing::ValuesIn(greeting_rows()),
                         test::name_of<scene>);

TEST(odd_frame, acknowledgements_of_nothing_are_passed_over) {
  for (const auto kind : {transport_kind::abridged, transport_kind::intermediate}) {
    auto what = over(kind, "quick_acks", "", [](line& to, const open_call&) {
      to.raw(test::hex("800000808180808182808082"));
    });
    what.what.mute = false;
    what.expected = reaction::drops;
    test::play(what);
  }
}

} // namespace
} // namespace cafegram
