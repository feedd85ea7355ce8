#include <cafegram/actors/method_traits.hpp>
#include <cafegram/actors/update_parts.hpp>
#include <cafegram/tl/schema.hpp>

#include <algorithm>
#include <set>

#include "updates_client.hpp"

// What the results of own calls do to the counters.
namespace cafegram {

namespace {

using namespace std::chrono_literals;
using test::fresh;

struct own_results : test::updates_client {
  std::int32_t pts = 10;

  own_results() {
    begin();
    tell_state();
  }

  /// `Updates` with a message of ours, which moves the counter by one.
  tl::Updates updates() const {
    return tl::updates_{.updates = {fresh(pts + 1, pts + 1)},
                        .users = {tl::user{.id = 7, .access_hash = 70, .first_name = "A"}},
                        .date = 1};
  }

  /// Makes a call whose result moves the counter by one: what comes behind it leaves no gap.
  template <class Function, class Result>
  void moves(const Function& function, const Result& result) {
    const auto done = call(function);
    answer(function, tl::encode(result));
    EXPECT_TRUE(done->ok);
    push(fresh(pts + 2, pts + 2));
    EXPECT_EQ(take(), marks{pts + 2}) << method_name(tl::encode(function));
    pts += 2;
  }
};

tl::messages::sendMessage greeting() {
  return {.peer = tl::inputPeerSelf{}, .message = "hi", .random_id = 1};
}

} // namespace

TEST_F(own_results, updates_are_fed_in_be_they_all_of_it_or_a_part) {
  moves(greeting(), updates());
  moves(tl::messages::createChat{.title = "a group"},
        tl::messages::InvitedUsers{tl::messages::invitedUsers{
            .updates = updates(), .missing_invitees = {tl::missingInvitee{.user_id = 8}}}});
  moves(tl::messages::importChatInvite{.hash = "x"},
        tl::messages::ChatInviteJoinResult{
            tl::messages::chatInviteJoinResultOk{.updates = updates()}});
  moves(tl::payments::sendStarsForm{.form_id = 1, .invoice = tl::inputInvoiceSlug{.slug = "x"}},
        tl::payments::PaymentResult{tl::payments::paymentResult{.updates = updates()}});
  pass(2s);
  EXPECT_EQ(count<tl::updates::getDifference>(), 0);
}

TEST_F(own_results, what_was_affected_is_fed_in_whatever_wraps_the_call) {
  const tl::messages::deleteMessages deletes{.id = {1}};
  const auto affected = [this] {
    return tl::messages::affectedMessages{.pts = pts + 1, .pts_count = 1};
  };
  moves(deletes, affected());
  moves(tl::invokeWithoutUpdates{.query = deletes}, affected());
  moves(tl::invokeAfterMsg{.msg_id = 5,
                           .query = tl::invokeWithTakeout{.takeout_id = 6, .query = deletes}},
        affected());
  moves(tl::invokeWithoutUpdates{.query = greeting()}, updates());
  pass(2s);
  EXPECT_EQ(count<tl::updates::getDifference>(), 0);
}

// Its counters are those of the person for whom the bot writes.
TEST_F(own_results, those_in_another_ones_name_move_nothing_of_ours) {
  const tl::invokeWithBusinessConnection business{.connection_id = "c", .query = greeting()};
  const tl::invokeWithoutUpdates wrapped{.query = business};
  for (const auto& one : {tl::query{business}, tl::query{wrapped}}) {
    const tl::invokeAfterMsg outermost{.msg_id = 5, .query = one};
    call(outermost);
    answer(outermost, tl::encode(updates()));
    ASSERT_FALSE(kept->peers.empty());
    EXPECT_EQ(to_bytes(*kept->peers.back().result), tl::encode(updates())) << "who is who is kept";
    push(fresh(pts + 1, pts + 1));
    EXPECT_EQ(take(), marks{pts + 1});
    ++pts;
  }
}

namespace {

const tl::schema& api() {
  static const auto out =
      tl::schema::parse(test::read_text(test::source_folder() / "tl/schema/api.tl")).value();
  return out;
}

bytes some_updates() {
  return tl::encode(tl::Updates{tl::updateShort{.update = tl::updateConfig{}, .date = 5}});
}

bytes octets_of(const tl::definition& def);

/// The least that a field may be; `Updates` are `some_updates`.
bytes octets_of(const tl::type_expr& type) {
  if (type.name == "Updates") {
    return some_updates();
  }
  tl::writer out;
  if (type.is_vector()) {
    out.u32(tl::vector_id);
    out.u32(0);
  } else if (type.name == "long") {
    out.i64(0);
  } else if (type.bare || type.is_flags_word()) {
    out.u32(0); // numbers, and texts without a letter
  } else {
    out.raw(octets_of(*api().constructors_of(type.name).front()));
  }
  return out.take();
}

/// Without a query.
bytes octets_of(const tl::definition& def) {
  tl::writer out;
  out.u32(def.id);
  for (const auto& param : def.params) {
    if (!param.conditional() && !param.type.query) {
      out.raw(octets_of(param.type));
    }
  }
  return out.take();
}

bool holds(const tl::definition& def, const std::set<std::string>& types) {
  return std::ranges::any_of(def.params, [&types](const tl::parameter& param) {
    const auto& type = param.type.is_vector() ? param.type.args.front() : param.type;
    return types.contains(type.name);
  });
}

} // namespace

// A schema with another result that holds `Updates` fails here until they are taken out of it.
TEST(own_results_by_schema, updates_within_any_result_are_found) {
  std::set<std::string> holders;
  for (const auto& def : api().definitions()) {
    if (def.function || !holds(def, {"Updates"})) {
      continue;
    }
    holders.insert(def.result.name);
    const auto moved =
        moved_by(tl::encode(tl::help::getConfig{}), std::make_shared<const bytes>(octets_of(def)));
    ASSERT_TRUE(moved) << def.name;
    EXPECT_EQ(to_bytes(*moved), some_updates()) << def.name;
  }
  std::size_t functions = 0;
  for (const auto& def : api().definitions()) {
    EXPECT_TRUE(def.function || !holds(def, holders)) << def.name << " is not looked into";
    EXPECT_FALSE(def.function && def.result.is_vector() &&
                 (def.result.args.front().name == "Updates" ||
                  holders.contains(def.result.args.front().name)))
        << def.name << "'s result is not looked into";
    functions += def.function && holders.contains(def.result.name) ? 1 : 0;
  }
  EXPECT_GE(functions, 6U);
}

TEST(own_results_by_schema, a_call_is_found_within_any_that_wraps_it) {
  const auto inner = tl::encode(tl::help::getConfig{});
  std::size_t wrappers = 0;
  for (const auto& def : api().definitions()) {
    if (def.type_parameters.empty() || !def.function) {
      continue;
    }
    ++wrappers;
    auto wrapped = octets_of(def);
    append(wrapped, inner);
    const auto found = unwrap(wrapped);
    EXPECT_EQ(to_bytes(found.function), inner) << def.name;
    EXPECT_EQ(found.for_another, def.name == "invokeWithBusinessConnection") << def.name;
    wrapped = octets_of(def);
    EXPECT_TRUE(unwrap(bytes_view{wrapped}.first(4)).function.size() <= 4) << "no harm is done";
  }
  EXPECT_GE(wrappers, 11U);
  EXPECT_EQ(to_bytes(unwrap(inner).function), inner);
  EXPECT_TRUE(unwrap({}).function.empty());
}

} // namespace cafegram
