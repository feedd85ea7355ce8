#include <cafegram/sandbox/peers.hpp>

#include <array>
#include <limits>

#include "rooms_support.hpp"

namespace cafegram {
namespace {

using sandbox::json;

/// Random values of any type of a schema; numbers and texts are often such that mean something.
class random_values {
public:
  random_values(const tl::schema& schema, std::uint64_t seed)
    : schema_{schema}
    , random_{seed} {}

  std::uint64_t below(std::uint64_t bound) { return random_.next() % bound; }

  json object(const tl::definition& def, int depth) {
    json out = sandbox::make(def.name);
    // One flag may stand for several fields: they are there together.
    const std::uint64_t present = depth > 6 ? 0 : random_.next();
    for (const tl::parameter& param : def.params) {
      const bool there = !param.conditional() || ((present >> param.bit) & 1) != 0;
      if (there && !param.type.is_flags_word()) {
        out[param.name] = param.is_flag() ? json(true) : value(param.type, depth + 1);
      }
    }
    return out;
  }

  /// An id at the edges of what groups and channels have, or such that marked as the one kind it is
  /// the other's.
  std::int64_t edge_id() {
    static constexpr std::array<std::int64_t, 9> ids{4'000'001,
                                                     1'500'000'001,
                                                     1'001'500'000'001,
                                                     -999'995'999'999,
                                                     -4'000'001,
                                                     999'999'999'999,
                                                     1'000'000'000'000,
                                                     std::numeric_limits<std::int64_t>::min(),
                                                     std::numeric_limits<std::int64_t>::max()};
    return ids[below(ids.size())];
  }

private:
  json value(const tl::type_expr& type, int depth) {
    static constexpr std::array<std::int64_t, 8> numbers{0,  1,       2,           -1,
                                                         77, 1000001, -2147483648, 2147483647};
    if (type.is_vector()) {
      json out = json::array();
      for (auto count = depth > 5 ? 0 : below(4); count > 0; --count) {
        out.push_back(value(type.args.front(), depth + 1));
      }
      return out;
    }
    if (type.name == "long" && below(2) == 0) {
      return edge_id();
    }
    if (type.name == "int" || type.name == "long") {
      return numbers[below(numbers.size())];
    }
    if (type.name == "string") {
      return text();
    }
    if (type.name == "bytes") {
      return below(2) == 0 ? "eWVz" : "";
    }
    if (type.name == "Bool") {
      return below(2) == 0;
    }
    if (type.name == "double") {
      return 0.5;
    }
    if (type.name == "int128" || type.name == "int256") {
      return to_base64(bytes(type.name == "int128" ? 16 : 32));
    }
    const auto all = schema_.constructors_of(type.name);
    const tl::definition* chosen = all[below(all.size())];
    // Below a certain depth whatever needs least, or there would be no end.
    for (std::size_t i = 0; depth > 6 && i < all.size(); ++i) {
      chosen = all[i]->params.size() < chosen->params.size() ? all[i] : chosen;
    }
    return object(*chosen, depth + 1);
  }

  json text() {
    switch (below(7)) {
    case 0:
      return "";
    case 1:
      return "alice";
    case 2:
      return "/start @x 😀 https://é #";
    case 3:
      return "15550100";
    case 4:
      return std::string(5000, 'x');
    case 5:
      return parse_bytes();
    default:
      return "12345";
    }
  }

  static json parse_bytes() {
    json out = json::object();
    out["$bytes"] = "/wA=";
    return out;
  }

  const tl::schema& schema_;
  seeded_random random_;
};

/// Whom somebody can name.
struct known_peers {
  json user;
  json group;
  json channel;
};

class world_hostile : public test::rooms_test {
protected:
  /// Puts real peers where they would be refused too soon otherwise.
  void make_real(json& value, const known_peers& known, random_values& random) {
    const auto what = std::string{sandbox::kind(value)};
    const bool place = what.ends_with("FileLocation"); // inputPeerPhoto...
    const bool from_message = what.ends_with("FromMessage");
    if (value.is_object() && what.starts_with("input") && !place && random.below(2) == 0) {
      if (what.starts_with("inputUser") && !from_message) {
        value = known.user;
        value["_"] = "inputUser";
        return;
      }
      if (what.starts_with("inputChannel") && !from_message) {
        value = known.channel;
        value["_"] = "inputChannel";
        if (random.below(2) == 0) {
          value["channel_id"] = random.edge_id();
          value["access_hash"] = 0;
        }
        return;
      }
      if (what.starts_with("inputPeer") && !from_message) {
        value = std::array{known.user, known.group, known.channel}[random.below(3)];
        return;
      }
    }
    if (value.is_structured()) {
      for (json& part : value) {
        make_real(part, known, random);
      }
    }
  }

  /// Those who call may have left the rooms; Ann, who calls nothing, takes them in again.
  void bring_back() {
    for (const auto user : {id_of(bob), test::echo_id}) {
      for (const auto where : {sandbox::marked_group(group), sandbox::marked_channel(room)}) {
        static_cast<void>(world->change_member(
            {id_of(ann), where, user, sandbox::page_member_change::add}, clock.wall_now()));
      }
    }
  }

  known_peers peers_of(std::uint64_t key, std::string_view name) {
    return {peer(key, name), input_group(group), channel_peer(key, room)};
  }

  std::int64_t group = 0;
  std::int64_t room = 0;
};

// Whatever decodes is answered, as a value of the result's type or a refusal; nothing throws.
TEST_F(world_hostile, random_requests_are_answered) {
  const auto& codec = test::newest_layer().codec(0);
  random_values random{codec.definitions(), test::seed()};
  group = new_group(ann, {"bob", bot_name});
  room = new_channel(ann, "megagroup");
  call(ann, invite(ann, room, {"bob", bot_name}));
  const known_peers of_bob = peers_of(bob, bot_name);
  const known_peers of_bot = peers_of(bot, "alice");
  const auto methods = sandbox::world::simulated_methods();
  int good = 0;
  for (int round = 0; round < 10'000; ++round) {
    const auto name = methods[random.below(methods.size())];
    if (name == "auth.logOut") {
      continue;
    }
    if (round % 100 == 0) {
      bring_back();
    }
    json request = random.object(*codec.definitions().find_function(name), 0);
    const bool as_bot = random.below(2) == 0;
    make_real(request, as_bot ? of_bot : of_bob, random);
    const auto body = codec.encode(request);
    ASSERT_TRUE(body) << request.dump() << to_string(body.error());
    const auto opened = sandbox::open_call(test::newest_layer(), *body, 0);
    ASSERT_TRUE(opened) << request.dump();
    const auto value = ask(as_bot ? bot : bob, opened->request);
    good += value ? 1 : 0;
    ASSERT_FALSE(HasFailure()) << request.dump();
    clock.advance(std::chrono::seconds{1});
    world->poll(clock.wall_now());
  }
  EXPECT_GT(good, 500);
}

} // namespace
} // namespace cafegram
