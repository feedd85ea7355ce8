#include <cafegram/storage/encryption.hpp>
#include <cafegram/storage/inbox.hpp>
#include <cafegram/storage/number_key.hpp>

#include <utility>

#include "sample.hpp"

// What is damaged among rows that are whole. The rows as such: conformance.hpp.
namespace cafegram::storage {

namespace {

inbox_row update(std::uint64_t number) {
  inbox_row out;
  out.number = number;
  return out;
}

send_record send(std::uint64_t number) {
  send_record out;
  out.number = number;
  return out;
}

/// Reads of sends fail, but for the first ones.
class failing_sends final : public backend {
public:
  failing_sends(std::unique_ptr<backend> in, int good)
    : in_{std::move(in)}
    , good_{good} {}

  result<void> apply(const batch& what) override { return in_->apply(what); }
  result<std::optional<blob>> get(table in, std::string_view key) override {
    return in_->get(in, key);
  }
  result<page> scan(table in, std::string_view after, const page_limits& limits) override {
    if (in == table::send && good_-- <= 0) {
      return fail(errc::storage, "cannot be reached");
    }
    return in_->scan(in, after, limits);
  }
  std::string place() const override { return "a test"; }

private:
  std::unique_ptr<backend> in_;
  int good_;
};

/// Damages the only row of `in` that there is for `number`.
void damage(backend& of, table in, std::uint64_t number) {
  const auto rows = of.scan(in, {}, {});
  ASSERT_TRUE(rows) << to_string(rows.error());
  for (const auto& one : rows->rows) {
    if (number_of(one.key) == number) {
      batch bad;
      bad.put(in, one.key, blob(40, 0xff));
      ASSERT_TRUE(of.apply(bad));
      return;
    }
  }
  FAIL() << "there is none";
}

} // namespace

TEST(inbox, a_damaged_send_is_that_of_its_own_update_alone) {
  for (const bool encrypted : {false, true}) {
    const std::shared_ptr<backend> under = make_memory_store();
    std::shared_ptr<backend> store = under;
    if (encrypted) {
      auto sealed = encrypted_store(under, store_key::from_text(std::string(64, '3')));
      ASSERT_TRUE(sealed) << to_string(sealed.error());
      store = *std::move(sealed);
    }
    batch rows;
    for (const std::uint64_t number : {1, 2, 3, 4}) {
      put(rows, update(number));
    }
    for (const std::uint64_t number : {2, 3, 4}) {
      put(rows, send(number));
    }
    ASSERT_TRUE(store->apply(rows));
    damage(*under, table::send, 3);

    const auto read = read_unfinished(*store, 0);
    ASSERT_TRUE(read) << to_string(read.error());
    EXPECT_EQ(read->rows.size(), 4U) << encrypted;
    EXPECT_EQ(read->sends, (std::vector{send(2), send(4)})) << encrypted;
    ASSERT_EQ(read->damaged.size(), 1U) << encrypted << ": told once, whatever lies before it";
    EXPECT_EQ(read->damaged.front().number, 3);
    EXPECT_EQ(read_sends(*store, 3).error().code, errc::malformed);

    batch gone;
    EXPECT_TRUE(erase_sends(gone, *store, 2));
    EXPECT_EQ(gone.changes.size(), 1U);
    const auto erased = erase_sends(gone, *store, 3);
    EXPECT_EQ(erased.has_value(), !encrypted) << "the place of a sealed one is not known";
    EXPECT_EQ(gone.changes.size(), encrypted ? 1U : 2U);
  }
}

TEST(inbox, sends_of_a_store_that_cannot_be_read_are_not_taken_for_none) {
  for (const int good : {0, 1, 2}) {
    auto rows = make_memory_store();
    batch what;
    for (const std::uint64_t number : {1, 2}) {
      put(what, update(number));
      put(what, send(number));
    }
    ASSERT_TRUE(rows->apply(what));
    failing_sends store{std::move(rows), good};
    const auto read = read_unfinished(store, 0);
    ASSERT_FALSE(read) << good << ": the updates would be handled without what was sent for them";
    EXPECT_EQ(read.error().code, errc::storage);
  }
}

} // namespace cafegram::storage
