#include <cafegram/storage/file_store.hpp>
#include <cafegram/storage/session_file.hpp>
#include <cafegram/storage/session_rows.hpp>
#include <cafegram/storage/sqlite_checkpoints.hpp>
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
    auto opened = open_sqlite_store(
        path, {.vfs = out->vfs.name(), .checkpoint_pages = 12, .own_thread = false});
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

/// SQLite, with a batch at each step of its checkpoints, which are another connection's.
progress run_beside_checkpoints(const std::string& path, const std::shared_ptr<disk>& on,
                                const std::vector<batch>& script) {
  progress out;
  bool good = true;
  bool within = false; // a checkpoint, and not a batch in it
  backend* store = nullptr;
  const auto next = [&out, &good, &store, &script] {
    if (!good || out.applied == script.size()) {
      return;
    }
    const auto& what = script[out.applied];
    good = store->apply(what).has_value();
    out.applied += good ? 1 : 0;
    out.durable = good && what.durable ? out.applied : out.durable;
  };
  const disk_vfs vfs{on, [&next, &within](std::string_view, disk_vfs::step) {
                       if (std::exchange(within, false)) {
                         next();
                         within = true;
                       }
                       return 0;
                     }};
  const sqlite_options options{.vfs = vfs.name(), .checkpoint_pages = 1'000'000};
  const auto opened = open_sqlite_store(path, options);
  good = opened.has_value();
  store = good ? opened->get() : nullptr;
  while (good && out.applied < script.size()) {
    for (int before = 0; before < 3; ++before) {
      next();
    }
    within = true;
    good = checkpoint(path, options, beside::writer) && good;
    within = false;
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

  /// A disk whose power goes right after these.
  std::shared_ptr<disk> cut_after(const std::vector<batch>& batches) {
    auto on = std::make_shared<disk>();
    const auto store = Kind::open(path(), on);
    EXPECT_TRUE(store) << to_string(store.error());
    for (const auto& one : batches) {
      EXPECT_TRUE(store && (*store)->apply(one));
    }
    on->cut_power_at(on->steps() + 1);
    return on;
  }

  /// The power goes at `step`; what is found is looked at.
  void cut_at(std::uint64_t step, std::uint64_t& whole_runs) {
    const auto before = std::make_shared<disk>();
    before->cut_power_at(step);
    const auto reached = run<Kind>(path(), before, script);
    whole_runs += before->is_out() ? 0 : 1;
    look_at(reached, *before, step);
  }

  void look_at(const progress& reached, const disk& cut, std::uint64_t step) {
    const auto after = cut.found_after(random);
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

using sqlite_power_cut = power_cut<sqlite_kind>;

TEST_F(sqlite_power_cut, leaves_a_whole_state_when_batches_came_within_a_checkpoint) {
  std::uint64_t steps = 0;
  for (bool whole_run = false; !whole_run; ++steps) {
    for (int again = 0; again < 4; ++again) {
      const auto on = std::make_shared<disk>();
      on->cut_power_at(steps + 1);
      const auto reached = run_beside_checkpoints(path(), on, script);
      whole_run = whole_run || !on->is_out();
      ASSERT_NO_FATAL_FAILURE(look_at(reached, *on, steps + 1));
    }
  }
  std::cout << "cut at each of " << steps << " steps, four times\n";
  EXPECT_GT(steps, 100U);
}

// A durable batch that changes nothing has nothing to write, and still others to take along.
TYPED_TEST(power_cut, a_durable_batch_of_no_change_takes_earlier_ones_along) {
  batch first;
  first.put(table::value, "first", {});
  batch second = first;
  second.put(table::value, "second", {});
  batch nothing;
  nothing.erase(table::peer, "not there");
  nothing.durable = true;
  const auto on = this->cut_after({first, second, nothing});
  for (int time = 0; time < 20; ++time) {
    const auto store = TypeParam::open(this->path(), on->found_after(this->random));
    ASSERT_TRUE(store) << to_string(store.error());
    EXPECT_TRUE(*(*store)->get(table::value, "second"));
  }
}

TYPED_TEST(power_cut, what_was_durable_is_found_when_nothing_else_is) {
  batch first;
  first.put(table::value, "first", {});
  batch durable;
  put(durable, sample_session());
  ASSERT_TRUE(durable.durable) << "keys are";
  const auto on = this->cut_after({first, durable});
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

} // namespace cafegram::test
