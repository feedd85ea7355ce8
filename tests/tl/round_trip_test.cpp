#include <cafegram/tests/support.hpp>
#include <cafegram/tl/api.hpp>
#include <cafegram/tl/dynamic.hpp>
#include <cafegram/tl/mtproto.hpp>

#include <memory>

#include "random_value.hpp"
#include "typed.hpp"

/// Every definition of both schemas, with random values, through every form that a value has.

using namespace cafegram;
using test::decode;
using test::encode;
using tl::detail::info;

namespace {

constexpr int rounds = 8;

class round_trip {
public:
  round_trip(const tl::table& schema, std::span<const info* const> all, const char* file)
    : schema_{schema}
    , all_{all}
    , values_{schema, test::seed()} {
    auto text = tl::schema::parse(test::read_text(test::source_folder() / "tl" / "schema" / file));
    EXPECT_TRUE(text);
    parsed_ = std::make_shared<const tl::schema>(*std::move(text));
    dynamic_ = std::make_unique<tl::dynamic_codec>(parsed_);
  }

  /// Calls `f` with each definition's `info`, and octets of a random value, `count` times.
  template <class F>
  void each(int count, F&& f) {
    for (const auto* about : all_) {
      const auto* def = schema_.find(about->id);
      ASSERT_NE(def, nullptr);
      for (int i = 0; i < count; ++i) {
        f(*about, *def, values_.make(*def));
        if (testing::Test::HasFailure()) {
          FAIL() << def->name;
        }
      }
    }
  }

  void through_values() {
    each(rounds, [](const info& about, const auto&, const bytes& encoded) {
      tl::decode_error failure;
      const auto once = decode(about, bytes_view{encoded}.subspan(4), failure);
      ASSERT_TRUE(once) << tl::to_error(failure).what;
      const auto again = encode(about, *once);
      EXPECT_EQ(to_hex(again), to_hex(encoded));
      const auto twice = decode(about, bytes_view{again}.subspan(4), failure);
      ASSERT_TRUE(twice);
      EXPECT_EQ(to_hex(encode(about, *twice)), to_hex(encoded));
    });
  }

  void through_json() {
    each(rounds, [this](const info&, const auto&, const bytes& encoded) {
      const auto text = tl::to_json(encoded, schema_);
      const auto back = tl::from_json(text, schema_);
      ASSERT_TRUE(back) << to_string(back.error()) << '\n' << text;
      EXPECT_EQ(to_hex(*back), to_hex(encoded)) << text;
      EXPECT_EQ(text.find("$object"), std::string::npos) << text;
      EXPECT_FALSE(tl::dump(encoded, schema_).empty());
    });
  }

  void against_dynamic_codec() {
    each(rounds, [this](const info&, const auto&, const bytes& encoded) {
      const auto other = dynamic_->decode(encoded);
      ASSERT_TRUE(other) << to_string(other.error());
      const auto ours = tl::json::parse(tl::to_json(encoded, schema_));
      EXPECT_EQ(ours.dump(), other->dump());
      const auto back = dynamic_->encode(ours);
      ASSERT_TRUE(back) << to_string(back.error());
      EXPECT_EQ(to_hex(*back), to_hex(encoded));
    });
  }

  void every_definition_is_there() {
    std::size_t structs = 0;
    for (const auto& def : schema_.definitions) {
      structs += def.id == tl::bool_true_id || def.id == tl::bool_false_id ? 0 : 1;
      const auto* text = parsed_->find(def.id);
      ASSERT_NE(text, nullptr);
      EXPECT_EQ(text->name, def.name);
      EXPECT_EQ(schema_.find(def.name, def.function), &def);
    }
    EXPECT_EQ(all_.size(), structs);
    EXPECT_EQ(parsed_->definitions().size(), schema_.definitions.size());
  }

private:
  const tl::table& schema_;
  std::span<const info* const> all_;
  test::random_values values_;
  std::shared_ptr<const tl::schema> parsed_;
  std::unique_ptr<tl::dynamic_codec> dynamic_;
};

round_trip api() {
  return {tl::schema_table, tl::detail::all_api(), "api.tl"};
}

round_trip service() {
  return {mtproto::schema_table, tl::detail::all_mtproto(), "mtproto.tl"};
}

} // namespace

TEST(round_trip, every_definition_is_there) {
  api().every_definition_is_there();
  service().every_definition_is_there();
  EXPECT_GE(tl::layer, 228);
}

TEST(round_trip, api_through_values) {
  api().through_values();
}

TEST(round_trip, api_through_json) {
  api().through_json();
}

TEST(round_trip, api_against_the_dynamic_codec) {
  api().against_dynamic_codec();
}

TEST(round_trip, mtproto_through_values) {
  service().through_values();
}

TEST(round_trip, mtproto_through_json) {
  service().through_json();
}

TEST(round_trip, mtproto_against_the_dynamic_codec) {
  service().against_dynamic_codec();
}

TEST(hostile_values, a_cut_value_is_an_error_at_every_offset) {
  auto all = api();
  all.each(1, [](const info& about, const auto&, const bytes& encoded) {
    const auto body = bytes_view{encoded}.subspan(4);
    for (std::size_t size = 0; size < body.size(); ++size) {
      tl::decode_error failure;
      const auto cut = decode(about, body.first(size), failure);
      // A generic function takes any whole number of words as its query.
      if (cut) {
        EXPECT_EQ(size % 4, 0u);
        EXPECT_EQ(to_hex(encode(about, *cut)).size(), 2 * (size + 4));
      } else {
        EXPECT_LE(failure.offset, size);
      }
    }
  });
}

TEST(hostile_values, mutated_values_decode_or_fail_and_what_decodes_is_encoded) {
  auto all = api();
  seeded_random random{test::seed() + 1};
  std::size_t good = 0;
  all.each(6, [&random, &good](const info& about, const auto&, const bytes& encoded) {
    auto body = to_bytes(bytes_view{encoded}.subspan(4));
    for (int i = 0; i < 3 && !body.empty(); ++i) {
      const auto at = random.next() % body.size();
      const auto what = random.next() % 4;
      body[at] = what == 0 ? 0xff : what == 1 ? 0 : static_cast<std::uint8_t>(random.next());
    }
    tl::decode_error failure;
    const auto value = decode(about, body, failure, {.memory = 1 << 20});
    if (value) {
      ++good;
      const auto again = encode(about, *value);
      const auto twice = decode(about, bytes_view{again}.subspan(4), failure);
      ASSERT_TRUE(twice);
      EXPECT_EQ(encode(about, *twice), again);
    } else {
      EXPECT_NE(failure.fault, tl::decode_fault::none);
    }
    tl::dump(body, tl::schema_table);
  });
  EXPECT_GT(good, 0u);
}
