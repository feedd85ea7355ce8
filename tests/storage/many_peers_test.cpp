#include <cafegram/storage/open.hpp>
#include <cafegram/storage/peers.hpp>
#include <cafegram/storage/session_rows.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "sample.hpp"

// A start with very many peers: the fast suite has a few thousand, the slow one a million.
namespace cafegram::storage {

namespace {

/// Counts the questions about peers.
class counted_peers final : public backend {
public:
  explicit counted_peers(std::shared_ptr<backend> in)
    : in_{std::move(in)} {}
  result<void> apply(const batch& what) override { return in_->apply(what); }
  result<std::optional<blob>> get(table in, std::string_view key) override {
    count(in);
    return in_->get(in, key);
  }
  result<page> scan(table in, std::string_view after, const page_limits& limits) override {
    count(in);
    return in_->scan(in, after, limits);
  }
  std::string place() const override { return in_->place(); }

  int questions = 0;

private:
  void count(table in) { questions += in == table::peer || in == table::name ? 1 : 0; }
  std::shared_ptr<backend> in_;
};

std::size_t how_many() {
  const char* given = std::getenv("CAFEGRAM_PEERS");
  return given != nullptr ? std::strtoull(given, nullptr, 0) : 2'000;
}

struct many_peers : testing::Test {
  test::temporary_folder folder;
  std::size_t count = how_many();

  std::unique_ptr<counted_peers> open(const std::string& name) const {
    auto opened = open_store("sqlite:" + folder.file(name));
    EXPECT_TRUE(opened) << to_string(opened.error());
    return std::make_unique<counted_peers>(*std::move(opened));
  }
  void fill(const std::string& name, std::size_t peers) const {
    const auto store = open(name);
    batch what;
    put(what, test::sample_session());
    for (std::size_t id = 1; id <= peers; ++id) {
      const auto number = static_cast<std::int64_t>(id);
      put(what, peer_record{peer_kind::user,
                            number,
                            number * 7919,
                            {"user_" + std::to_string(id)},
                            std::to_string(15'000'000'000 + id)});
      if (id % 1000 == 0) {
        ASSERT_TRUE(store->apply(std::exchange(what, {})));
      }
    }
    ASSERT_TRUE(store->apply(what));
  }
  /// Milliseconds until the session is there; the questions about peers are counted.
  double start(const std::string& name, int& questions) const {
    const auto begin = std::chrono::steady_clock::now();
    const std::shared_ptr<counted_peers> store = open(name);
    const auto session = keep_session(store)->load();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    EXPECT_TRUE(session && *session);
    questions = store->questions;
    return took.count();
  }
};

} // namespace

TEST_F(many_peers, are_not_read_at_the_start_and_found_when_they_are_wanted) {
  fill("none", 0);
  fill("many", count);
  int questions = 0;
  const auto without = start("none", questions);
  const auto with = start("many", questions);
  EXPECT_EQ(questions, 0);
  std::cout << "a start with " << count << " peers: " << with << " ms, with none: " << without
            << " ms\n";
  const auto store = open("many");
  for (const std::size_t id : {std::size_t{1}, count / 2, count}) {
    const auto by_id = find_peer(*store, peer_kind::user, static_cast<std::int64_t>(id));
    ASSERT_TRUE(by_id && *by_id) << id;
    EXPECT_EQ((*by_id)->access_hash, static_cast<std::int64_t>(id) * 7919);
    const auto by_name = find_named_peer(*store, username_key("User_" + std::to_string(id)));
    EXPECT_EQ(*by_name, *by_id);
    const auto by_phone = find_named_peer(*store, phone_key(std::to_string(15'000'000'000 + id)));
    EXPECT_EQ(*by_phone, *by_id);
  }
}

} // namespace cafegram::storage
