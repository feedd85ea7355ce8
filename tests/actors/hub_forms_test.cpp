#include <cafegram/actors/update_items.hpp>
#include <cafegram/actors/update_parts.hpp>
#include <cafegram/protocol/update_table.hpp>

#include <concepts>
#include <optional>

#include "hub_kit.hpp"

// All forms in which updates come, and all kinds that count.
namespace cafegram {

namespace {

using namespace std::chrono_literals;
using protocol::box_kind;
using protocol::update_role;
using test::fresh;
using test::me;
using test::name_of;

/// An account at pts 10, qts 3 and seq 1 that knows user 7, and what it is handed.
struct form_stage : test::hub_stage {
  std::vector<std::shared_ptr<const received_update>> got;
  caf::actor reader = actors.system().spawn([this]() -> caf::behavior {
    return {[this](const update_event& event) { got.push_back(event.update); }};
  });

  form_stage() {
    caf::anon_send(hub, caf::subscribe_atom_v, reader);
    begin(updates_from::now);
    come(tl::updates_{.users = {tl::user{.id = 7, .access_hash = 70, .first_name = "A"}},
                      .date = 1});
  }
  ~form_stage() {
    caf::anon_send_exit(reader, caf::exit_reason::user_shutdown);
    actors.run();
  }

  void come(const tl::Updates& what) { wire({std::make_shared<const bytes>(tl::encode(what))}); }
  marks handed() {
    marks out;
    for (const auto& one : std::exchange(got, {})) {
      out.push_back(test::mark_of(*one));
    }
    return out;
  }
  /// The message of the only update that was handed out.
  tl::message handed_message() const {
    const auto* fresh =
        got.size() == 1 ? tl::get_if<tl::updateNewMessage>(got[0]->update) : nullptr;
    EXPECT_NE(fresh, nullptr);
    return fresh != nullptr ? *tl::get_if<tl::message>(fresh->message) : tl::message{};
  }
};

bytes octets_of_peer(const tl::Peer& peer) {
  return tl::encode(peer);
}

/// One form of `Updates`, and what a hub makes of it.
struct form_row {
  std::string_view name;
  tl::Updates comes;
  std::vector<std::int64_t> handed; ///< by their marks
  std::int32_t pts = 0;             ///< where the account stands then
  std::int32_t seq = 1;
  std::optional<std::int32_t> asks = {}; ///< for the difference, from this pts, within two seconds
};

std::vector<form_row> all_forms() {
  const std::vector<tl::Update> two{fresh(5, 11), name_of(50)};
  const auto chat_message = [](std::int64_t from) {
    return tl::updateShortChatMessage{
        .id = 6, .from_id = from, .chat_id = 9, .pts = 11, .pts_count = 1, .date = 9};
  };
  const auto message = [](std::int32_t pts) {
    return tl::updateShortMessage{.id = 5, .user_id = 7, .pts = pts, .pts_count = 1, .date = 9};
  };
  const auto combined = [&two](std::int32_t first) {
    return tl::updatesCombined{.updates = two, .date = 9, .seq_start = first, .seq = 4};
  };
  const auto whole = [&two](std::int32_t seq) {
    return tl::updates_{.updates = two, .date = 9, .seq = seq};
  };
  return {
      {"updatesTooLong", tl::updatesTooLong{}, {}, 10, 1, 10},
      {"updateShortMessage", message(11), {5}, 11},
      {"updateShortMessage beyond a gap", message(12), {}, 10, 1, 10},
      {"updateShortChatMessage", chat_message(7), {6}, 11},
      {"updateShortChatMessage of a stranger", chat_message(8), {6}, 11, 1, 10},
      {"updateShort", tl::updateShort{.update = fresh(5, 11), .date = 9}, {5}, 11},
      {"updateShort without a counter", tl::updateShort{.update = name_of(50)}, {50}, 10},
      {"updates", whole(2), {5, 50}, 11, 2},
      {"updates out of order", whole(0), {5, 50}, 11},
      {"updates beyond a gap", whole(3), {5}, 11, 1, 11},
      {"updatesCombined", combined(2), {5, 50}, 11, 4},
      {"updatesCombined beyond a gap", combined(3), {5}, 11, 1, 11},
      {"updateShortSentMessage",
       tl::updateShortSentMessage{.id = 5, .pts = 11, .pts_count = 1, .date = 9},
       {},
       11},
  };
}

} // namespace

TEST(hub_forms, each_is_handed_out_or_asked_about) {
  std::set<std::uint32_t> forms;
  for (const auto& row : all_forms()) {
    SCOPED_TRACE(row.name);
    forms.insert(row.comes.constructor_id());
    form_stage stage;
    stage.come(row.comes);
    EXPECT_EQ(stage.handed(), row.handed);
    stage.actors.pass(2s);
    const auto& asked = stage.world->asked;
    EXPECT_EQ(asked.empty() ? std::nullopt : std::optional{asked.front().pts}, row.asks);
    EXPECT_EQ(stage.world->stored.updates->pts, row.pts);
    EXPECT_EQ(stage.world->stored.updates->qts, 3);
    EXPECT_EQ(stage.world->stored.updates->seq, row.seq);
  }
  EXPECT_EQ(forms.size(), 7U) << "all constructors of `Updates`";
}

TEST(hub_forms, a_short_message_is_as_whole_as_any_other) {
  form_stage stage;
  stage.come(tl::updateShortMessage{
      .id = 5, .user_id = 7, .message = "hi", .pts = 11, .pts_count = 1, .date = 9});
  const auto theirs = stage.handed_message();
  EXPECT_FALSE(theirs.out);
  EXPECT_EQ(octets_of_peer(theirs.peer_id), octets_of_peer(tl::peerUser{.user_id = 7}));
  EXPECT_EQ(theirs.message, "hi");
  EXPECT_EQ(stage.got[0]->identity, "message/4242/u7/5");
  EXPECT_TRUE(stage.got[0]->peers->users.contains(7)) << "who is known from before";
  stage.got.clear();
  stage.come(tl::updateShortMessage{
      .out = true, .id = 6, .user_id = 7, .message = "ho", .pts = 12, .pts_count = 1, .date = 9});
  const auto ours = stage.handed_message();
  EXPECT_TRUE(ours.out);
  EXPECT_EQ(octets_of_peer(*ours.from_id), octets_of_peer(tl::peerUser{.user_id = me}));
  stage.got.clear();
  stage.come(tl::updateShortChatMessage{
      .id = 7, .from_id = 7, .chat_id = 9, .message = "all", .pts = 13, .pts_count = 1, .date = 9});
  const auto in_group = stage.handed_message();
  EXPECT_EQ(octets_of_peer(in_group.peer_id), octets_of_peer(tl::peerChat{.chat_id = 9}));
  EXPECT_EQ(octets_of_peer(*in_group.from_id), octets_of_peer(tl::peerUser{.user_id = 7}));
  EXPECT_EQ(in_group.message, "all");
}

// The server has begun to count anew: no difference leads there.
TEST(hub_forms, a_counter_that_was_changed_is_asked_for) {
  form_stage stage;
  stage.world->state.pts = 40;
  stage.come(tl::updateShort{.update = tl::updatePtsChanged{}, .date = 9});
  EXPECT_EQ(stage.world->stored.updates->pts, 40);
  ASSERT_EQ(stage.got.size(), 1U);
  ASSERT_TRUE(stage.got[0]->lost);
  EXPECT_EQ(stage.got[0]->lost->why, "place lost");
  stage.got.clear();
  stage.come(tl::updateShort{.update = fresh(5, 41), .date = 9});
  EXPECT_EQ(stage.handed(), (form_stage::marks{5}));
}

namespace {

constexpr std::int64_t any_channel = 77;
constexpr std::int32_t any_value = 100;
constexpr std::int32_t any_steps = 2;

/// Fills in all that says where an update counts.
template <class T>
void fill_place(T& update) {
  if constexpr (requires { update.pts = any_value; }) {
    update.pts = any_value;
  }
  if constexpr (requires { update.pts_count = any_steps; }) {
    update.pts_count = any_steps;
  }
  if constexpr (requires { update.qts = any_value; }) {
    update.qts = any_value;
  }
  if constexpr (requires { update.channel_id = any_channel; }) {
    update.channel_id = any_channel;
  }
  if constexpr (requires {
                  { update.message } -> std::same_as<tl::Message&>;
                }) {
    update.message = tl::message{.id = 1, .peer_id = tl::peerChannel{.channel_id = any_channel}};
  }
}

update_order order_of(box_kind box) {
  return box == box_kind::common      ? update_order::common
         : box == box_kind::secondary ? update_order::secondary
         : box == box_kind::channel   ? update_order::channel
                                      : update_order::none;
}

/// Whether an update is put where the table says.
template <class T>
void expect_in_its_box(std::size_t& rows) {
  T filled;
  fill_place(filled);
  const tl::Update update{std::move(filled)};
  const auto item = item_of(update, {});
  const auto* row = protocol::find_update(T::tl_id);
  SCOPED_TRACE(row != nullptr ? row->name : "without a row");
  const auto box = row != nullptr ? row->box : box_kind::none;
  const auto role = row != nullptr ? row->role : update_role::ordinary;
  rows += row != nullptr ? 1 : 0;
  EXPECT_EQ(item.role, role);
  EXPECT_EQ(item.box.kind, box);
  EXPECT_EQ(item.box.channel, box == box_kind::channel ? any_channel : 0);
  EXPECT_EQ(item.value, box != box_kind::none ? any_value : 0);
  const bool counts = box != box_kind::none && role == update_role::ordinary;
  const auto moves = box == box_kind::secondary ? 1 : any_steps;
  EXPECT_EQ(item.count, counts ? moves : 0);
  const auto where = place_of(update);
  EXPECT_EQ(where.order, counts ? order_of(box) : update_order::none);
  EXPECT_EQ(where.value, counts ? any_value : 0);
  EXPECT_EQ(where.count, item.count);
}

template <class... Ts>
std::size_t expect_all_in_their_boxes(tl::detail::list<Ts...>) {
  std::size_t rows = 0;
  (expect_in_its_box<Ts>(rows), ...);
  return rows;
}

} // namespace

TEST(update_parts, each_kind_counts_where_the_table_says) {
  EXPECT_EQ(expect_all_in_their_boxes(tl::Update::tl_alternatives{}),
            protocol::update_rows().size());
}

} // namespace cafegram
