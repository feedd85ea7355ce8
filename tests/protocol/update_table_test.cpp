#include <cafegram/protocol/update_table.hpp>
#include <cafegram/tl/codec.hpp>
#include <cafegram/tl/schema.hpp>

#include <algorithm>

#include "../support.hpp"

// The table and the schema say the same. A schema with a new update that counts, or a new function
// whose result moves a counter, fails here until the table has it.
namespace cafegram::protocol::test {
namespace {

const tl::schema& api() {
  static const auto out =
      tl::schema::parse(
          cafegram::test::read_text(cafegram::test::source_folder() / "tl/schema/api.tl"))
          .value();
  return out;
}

bool has(const tl::definition& def, std::string_view name) {
  return tl::find_parameter(def, name) >= 0;
}

TEST(update_table, has_every_update_that_counts_in_its_box) {
  int counted = 0;
  for (const auto* def : api().constructors_of("Update")) {
    const auto* row = find_update(def->id);
    const bool counts = has(*def, "pts") || has(*def, "qts");
    if (!counts) {
      EXPECT_TRUE(row == nullptr || row->box == box_kind::none) << def->name;
      continue;
    }
    ++counted;
    ASSERT_NE(row, nullptr) << def->name << " counts, and is not in the table";
    EXPECT_EQ(row->name, def->name);
    if (has(*def, "qts")) {
      EXPECT_EQ(row->box, box_kind::secondary) << def->name;
      continue;
    }
    // Of a channel are those that name one, and those whose message is in one.
    const bool of_channel = def->name.find("Channel") != std::string::npos;
    EXPECT_EQ(row->box, of_channel ? box_kind::channel : box_kind::common) << def->name;
    if (of_channel) {
      EXPECT_EQ(row->where, has(*def, "channel_id") ? channel_in::field : channel_in::message)
          << def->name;
      EXPECT_TRUE(has(*def, "channel_id") || has(*def, "message")) << def->name;
    }
    // Without a number of steps it can only say where a channel is.
    EXPECT_EQ(has(*def, "pts_count"), row->role == update_role::ordinary) << def->name;
  }
  EXPECT_GT(counted, 30);
}

TEST(update_table, has_every_query_and_no_other_constructors) {
  for (const auto* def : api().constructors_of("Update")) {
    if (has(*def, "query_id") && !has(*def, "qts")) {
      const auto* row = find_update(def->id);
      ASSERT_NE(row, nullptr) << def->name << " waits for an answer, and is not in the table";
      EXPECT_EQ(row->role, update_role::transient) << def->name;
    }
  }
  for (const auto& row : update_rows()) {
    const auto* def = api().find_constructor(row.name);
    ASSERT_NE(def, nullptr) << row.name << " is not in the schema any more";
    EXPECT_EQ(def->id, row.id) << row.name;
  }
}

TEST(update_table, has_every_function_whose_result_moves_a_counter) {
  std::size_t found = 0;
  for (const auto& def : api().definitions()) {
    if (!def.function || !def.result.name.starts_with("messages.Affected")) {
      continue;
    }
    ++found;
    const auto row = std::ranges::find(affected_rows(), def.id, &affected_row::id);
    ASSERT_NE(row, affected_rows().end()) << def.name;
    EXPECT_EQ(row->name, def.name);
    std::uint32_t at = 4;
    const tl::parameter* peer = nullptr;
    for (const auto& param : def.params) {
      if (param.type.name == "InputPeer" || param.type.name == "InputChannel") {
        peer = &param;
        break;
      }
      at += param.type.is_flags_word() ? 4 : 0;
      if (!param.type.is_flags_word() && !param.is_flag()) {
        break;
      }
    }
    EXPECT_EQ(row->peer_at, peer != nullptr ? at : 0) << def.name;
    if (peer != nullptr) {
      EXPECT_EQ(row->bit, peer->conditional() ? peer->bit : -1) << def.name;
    }
  }
  EXPECT_EQ(found, affected_rows().size());
}

bytes words(std::initializer_list<std::uint32_t> values) {
  bytes out;
  for (const auto value : values) {
    for (int i = 0; i < 4; ++i) {
      out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
  }
  return out;
}

std::uint32_t id_of(std::string_view name) {
  const auto* def = api().find_function(name) != nullptr ? api().find_function(name)
                                                         : api().find_constructor(name);
  return def->id;
}

TEST(update_table, knows_whose_counter_a_call_has_moved) {
  EXPECT_EQ(box_of_affected(words({id_of("messages.deleteMessages"), 0, 0x1cb5c415, 0})),
            common_box);
  EXPECT_EQ(box_of_affected(
                words({id_of("channels.deleteMessages"), id_of("inputChannel"), 77, 0, 1, 2})),
            channel_box(77));
  EXPECT_EQ(box_of_affected(
                words({id_of("messages.readMentions"), 0, id_of("inputPeerChannel"), 78, 0, 1, 2})),
            channel_box(78));
  EXPECT_EQ(box_of_affected(
                words({id_of("messages.readMentions"), 0, id_of("inputPeerUser"), 78, 0, 1, 2})),
            common_box);
  EXPECT_EQ(
      box_of_affected(words({id_of("channels.deleteMessages"), id_of("inputChannelFromMessage"),
                             id_of("inputPeerChat"), 5, 0, 9, 79, 0})),
      channel_box(79));
  EXPECT_EQ(box_of_affected(
                words({id_of("messages.unpinAllMessages"), 0, id_of("inputPeerChannelFromMessage"),
                       id_of("inputPeerSelf"), 9, 80, 0})),
            channel_box(80));
  // A saved dialog's peer is not where the messages are.
  EXPECT_EQ(box_of_affected(words({id_of("messages.deleteSavedHistory"), 0,
                                   id_of("inputPeerChannel"), 81, 0, 1, 2, 0})),
            common_box);
  EXPECT_EQ(box_of_affected(words({id_of("messages.deleteSavedHistory"), 1,
                                   id_of("inputPeerChannel"), 81, 0, 1, 2, 0})),
            channel_box(81));
}

TEST(update_table, does_not_guess_whose_it_is) {
  EXPECT_FALSE(box_of_affected(words({id_of("help.getConfig")})));
  EXPECT_FALSE(box_of_affected({}));
  EXPECT_FALSE(box_of_affected(words({id_of("channels.deleteMessages")})));
  EXPECT_FALSE(
      box_of_affected(words({id_of("channels.deleteMessages"), id_of("inputChannel"), 7})));
  EXPECT_FALSE(box_of_affected(
      words({id_of("channels.deleteMessages"), id_of("inputChannelFromMessage"), 1, 2, 3})));
}

TEST(update_table, knows_what_an_error_says_of_a_difference) {
  const auto failure = [](std::int32_t code, std::string_view text) {
    return failure_of(rpc_failure::parse(code, text));
  };
  EXPECT_EQ(failure(406, "CHANNEL_PRIVATE"), difference_failure::forbidden);
  EXPECT_EQ(failure(400, "CHANNEL_INVALID"), difference_failure::forbidden);
  EXPECT_EQ(failure(400, "MSG_ID_INVALID"), difference_failure::no_address);
  EXPECT_EQ(failure(400, "PERSISTENT_TIMESTAMP_INVALID"), difference_failure::place_unknown);
  EXPECT_EQ(failure(500, "PERSISTENT_TIMESTAMP_OUTDATED"), difference_failure::later);
  EXPECT_EQ(failure(420, "FLOOD_WAIT_30"), difference_failure::later);
}

} // namespace
} // namespace cafegram::protocol::test
