#include <cafegram/storage/file_store.hpp>
#include <cafegram/storage/session_file.hpp>
#include <cafegram/storage/session_rows.hpp>
#include <cafegram/storage/sqlite_store.hpp>

#include "conformance.hpp"
#include "power_vfs.hpp"

// Every write, sync and change of a name of a run is once the last thing that happens: what is
// found afterwards is a whole state, and none from before the last durable batch.

namespace cafegram::test {

namespace {

using store_of_disk = std::function<result<std::shared_ptr<backend>>()>;

/// The files' names are the disk's; the lock beside them lies on the real one.
struct file_kind {
  static result<std::shared_ptr<backend>> open(const std::string& path,
                                               const std::shared_ptr<disk>& on) {
    return open_file_store(path, {std::make_shared<disk_files>(on), 3000});
  }
};

struct sqlite_kind {
  /// The store, and what it is on for as long as it is open.
  struct on_disk {
    disk_vfs vfs;
    std::unique_ptr<backend> store;
    explicit on_disk(const std::shared_ptr<disk>& on)
      : vfs{on} {}
  };
  static result<std::shared_ptr<backend>> open(const std::string& path,
                                               const std::shared_ptr<disk>& on) {
    auto out = std::make_shared<on_disk>(on);
    auto opened = open_sqlite_store(path, {out->vfs.name(), 12});
    if (!opened) {
      return std::unexpected(std::move(opened.error()));
    }
    out->store = *std::move(opened);
    auto* store = out->store.get();
    return std::shared_ptr<backend>{std::move(out), store};
  }
};

/// How far a run has come.
struct progress {
  std::size_t applied = 0; ///< batches whose `apply` has returned
  std::size_t durable = 0; ///< up to the last durable one of these
};

std::vector<batch> script_of(seeded_random& random) {
  std::vector<batch> out;
  while (out.size() < 40) {
    out.push_back(random_batch(random));
    out.back().durable = random.next() % 3 == 0;
  }
  return out;
}

/// In the middle the store is closed and opened again.
template <class Kind>
progress run(const std::string& path, const std::shared_ptr<disk>& on,
             const std::vector<batch>& script) {
  progress out;
  for (const auto& part : {std::span{script}.first(20), std::span{script}.subspan(20)}) {
    const auto store = Kind::open(path, on);
    if (!store) {
      return out;
    }
    for (const auto& what : part) {
      if (!(*store)->apply(what)) {
        return out;
      }
      ++out.applied;
      out.durable = what.durable ? out.applied : out.durable;
    }
  }
  return out;
}

/// The state after each number of batches.
std::vector<std::unique_ptr<backend>> states_of(const std::vector<batch>& script) {
  std::vector<std::unique_ptr<backend>> out;
  for (std::size_t count = 0; count <= script.size(); ++count) {
    out.push_back(make_memory_store());
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_TRUE(out.back()->apply(script[i]));
    }
  }
  return out;
}

template <class Kind>
class power_cut : public testing::Test {
protected:
  temporary_folder folder;
  seeded_random random{seed()};
  quiet_log quiet;
  std::vector<batch> script = script_of(random);
  std::vector<std::unique_ptr<backend>> states = states_of(script);

  std::string path() const { return folder.file("store"); }

  /// The power goes at `step`; what is found is looked at.
  void cut_at(std::uint64_t step, std::uint64_t& whole_runs) {
    const auto before = std::make_shared<disk>();
    before->cut_power_at(step);
    const auto reached = run<Kind>(path(), before, script);
    whole_runs += before->is_out() ? 0 : 1;
    const auto after = before->found_after(random);
    auto store = Kind::open(path(), after);
    ASSERT_TRUE(store) << "step " << step << ": " << to_string(store.error());
    const auto found = rows_of(**store);
    std::size_t at = reached.durable;
    // The batch that was under way may be there; if none was, there is no next one.
    const auto last = std::min(reached.applied + 1, script.size());
    while (at <= last && rows_of(*states[at]) != found) {
      ++at;
    }
    ASSERT_LE(at, last) << "step " << step << ": " << reached.durable
                        << " batches had to be there, " << reached.applied << " were applied";
    go_on(**store, after, step);
  }

  /// What was found is a store like any other.
  void go_on(backend& store, const std::shared_ptr<disk>& on, std::uint64_t step) {
    batch what;
    what.durable = true;
    what.put(table::value, "after the cut", {});
    const auto done = store.apply(what);
    ASSERT_TRUE(done) << "step " << step << ": " << to_string(done.error());
    EXPECT_FALSE(on->is_out());
  }
};

using kinds = testing::Types<file_kind, sqlite_kind>;
struct kind_names {
  template <class Kind>
  static std::string GetName(int) {
    return std::is_same_v<Kind, file_kind> ? "file" : "sqlite";
  }
};

} // namespace

TYPED_TEST_SUITE(power_cut, kinds, kind_names);

TYPED_TEST(power_cut, leaves_a_whole_state_old_or_new) {
  std::uint64_t whole_runs = 0;
  std::uint64_t steps = 0;
  for (; whole_runs == 0; ++steps) {
    for (int again = 0; again < 4; ++again) {
      ASSERT_NO_FATAL_FAILURE(this->cut_at(steps + 1, whole_runs));
    }
  }
  std::cout << "cut at each of " << steps << " steps, four times\n";
  EXPECT_GT(steps, 100U);
}

// A durable batch that changes nothing has nothing to write, and still others to take along.
TYPED_TEST(power_cut, a_durable_batch_of_no_change_takes_earlier_ones_along) {
  const auto on = std::make_shared<disk>();
  {
    const auto store = TypeParam::open(this->path(), on);
    ASSERT_TRUE(store) << to_string(store.error());
    batch first;
    first.put(table::value, "first", {});
    ASSERT_TRUE((*store)->apply(first));
    first.put(table::value, "second", {});
    ASSERT_TRUE((*store)->apply(first));
    batch nothing;
    nothing.erase(table::peer, "not there");
    nothing.durable = true;
    ASSERT_TRUE((*store)->apply(nothing));
    on->cut_power_at(on->steps() + 1);
  }
  for (int time = 0; time < 20; ++time) {
    const auto store = TypeParam::open(this->path(), on->found_after(this->random));
    ASSERT_TRUE(store) << to_string(store.error());
    EXPECT_TRUE(*(*store)->get(table::value, "second"));
  }
}

TYPED_TEST(power_cut, what_was_durable_is_found_when_nothing_else_is) {
  const auto on = std::make_shared<disk>();
  {
    const auto store = TypeParam::open(this->path(), on);
    ASSERT_TRUE(store) << to_string(store.error());
    batch first;
    first.put(table::value, "first", {});
    ASSERT_TRUE((*store)->apply(first));
    batch durable;
    put(durable, sample_session());
    ASSERT_TRUE(durable.durable) << "keys are";
    ASSERT_TRUE((*store)->apply(durable));
    on->cut_power_at(on->steps() + 1);
  }
  for (int time = 0; time < 20; ++time) {
    const auto store = TypeParam::open(this->path(), on->found_after(this->random));
    ASSERT_TRUE(store) << to_string(store.error());
    EXPECT_TRUE(*(*store)->get(table::value, "first"))
        << "a durable batch takes earlier ones along";
    const auto session = read_session(**store);
    ASSERT_TRUE(session && *session);
    EXPECT_EQ((*session)->home_dc, 4);
  }
}

// Written anew by the first change: until that is done, the file of before is what there is.
TEST(power_cut_of_version_1, leaves_the_old_session_or_the_new) {
  const temporary_folder folder;
  const auto path = folder.file("store");
  const auto old = wrap_session_file(encode_session(sample_session()).view(), 1);
  seeded_random random{seed()};
  batch what;
  what.put(table::value, "new", {});
  std::uint64_t step = 1;
  for (bool out = true; out; ++step) {
    const auto on = std::make_shared<disk>();
    ASSERT_TRUE(on->create(path));
    ASSERT_TRUE(on->write(on->id(path), 0, old.view()));
    ASSERT_TRUE(on->sync(on->id(path)) && on->sync_folder());
    on->cut_power_at(on->steps() + step);
    bool applied = false;
    {
      const auto store = file_kind::open(path, on);
      ASSERT_TRUE(store) << to_string(store.error());
      applied = (*store)->apply(what).has_value();
    }
    out = on->is_out();
    for (int again = 0; again < 8; ++again) {
      const auto store = file_kind::open(path, on->found_after(random));
      ASSERT_TRUE(store) << "step " << step << ": " << to_string(store.error());
      const auto session = read_session(**store);
      ASSERT_TRUE(session && *session) << "step " << step;
      EXPECT_EQ((*session)->home_dc, 4);
      EXPECT_TRUE(!applied || (*store)->get(table::value, "new")->has_value()) << "step " << step;
    }
  }
  EXPECT_GT(step, 5U);
}

} // namespace cafegram::test
