#include <cafegram/base/log.hpp>
#include <cafegram/storage/file_store.hpp>
#include <cafegram/storage/log_file.hpp>
#include <cafegram/storage/session_file.hpp>
#include <cafegram/storage/session_lock.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <utility>

namespace cafegram::storage {

namespace {

/// Keeps `content` under `path`, or `path-2` and so on where that is taken by something else.
result<std::string> keep_copy(file_layer& files, const std::string& path, bytes_view content) {
  constexpr int most_names = 1000;
  for (int number = 1; number <= most_names; ++number) {
    auto name = number == 1 ? path : fmt::format("{}-{}", path, number);
    const auto there = files.read(name);
    if (!there) {
      return std::unexpected(there.error());
    }
    if (*there && std::ranges::equal((*there)->view(), content)) {
      return name;
    }
    if (!*there) {
      const auto done = replace_file(files, name, content);
      return done ? result<std::string>{std::move(name)} : std::unexpected(done.error());
    }
  }
  return fail(errc::storage, fmt::format("too many files are called {}-N", path));
}

class file_store final : public backend {
public:
  file_store(std::string path, session_lock lock, const file_options& options)
    : path_{std::move(path)}
    , lock_{std::move(lock)}
    , files_{options.files}
    , shortest_log_{options.shortest_log} {}
  file_store(const file_store&) = delete;
  file_store& operator=(const file_store&) = delete;
  ~file_store() override;

  result<void> load();

  result<void> apply(const batch& what) override;
  result<std::optional<blob>> get(table in, std::string_view key) override {
    const std::lock_guard lock{mutex_};
    return rows_.get(in, key);
  }
  result<page> scan(table in, std::string_view after, const page_limits& limits) override {
    const std::lock_guard lock{mutex_};
    return rows_.scan(in, after, limits);
  }
  std::string place() const override { return path_; }

private:
  std::string log_path() const { return path_ + ".log"; }
  result<void> load_snapshot();
  result<void> load_log();
  result<void> open_log(std::size_t good, bytes_view content);
  result<void> begin_anew(const row_map& rows, std::uint64_t number);
  result<void> begin_log(std::size_t octets);
  result<void> fold(const batch& what);
  result<void> write(const batch& what);
  std::unexpected<error> refuse(const std::string& path, bytes_view content, const error& why);

  std::mutex mutex_;
  std::string path_;
  session_lock lock_;
  std::shared_ptr<file_layer> files_;
  std::size_t shortest_log_;

  row_map rows_;
  std::uint64_t number_ = 0; ///< of the last batch
  /// Null: a snapshot and a log have to be written before anything else, for those that are there
  /// are of an earlier version, are not there, or could not be written to.
  std::unique_ptr<open_file> log_;
  std::uint64_t log_length_ = 0;
  std::uint64_t log_synced_ = 0; ///< so much of it outlives a power cut
  bool written_ = false;         ///< by this process
  std::uint64_t fold_at_ = 0;    ///< the length at which it is folded into the snapshot
};

/// What is damaged may still be worth saving by hand.
std::unexpected<error> file_store::refuse(const std::string& path, bytes_view content,
                                          const error& why) {
  const auto copy = keep_copy(*files_, path + ".damaged", content);
  const auto kept = copy ? fmt::format(" with a copy in {}", *copy) : std::string{};
  return fail(
      errc::storage,
      fmt::format("session {}: {} (offset {}); the file is left as it is{}, move it away to "
                  "start anew",
                  path, why.what, why.number, kept),
      why.number);
}

result<void> file_store::load_snapshot() {
  auto content = files_->read(path_);
  if (!content) {
    return std::unexpected(std::move(content.error()));
  }
  if (!*content) {
    return {};
  }
  auto read = read_session_file((*content)->view());
  if (!read) {
    return refuse(path_, (*content)->view(), read.error());
  }
  rows_ = std::move(read->rows);
  number_ = read->number;
  return {};
}

result<void> file_store::load_log() {
  auto content = files_->read(log_path());
  if (!content) {
    return std::unexpected(std::move(content.error()));
  }
  if (!*content) {
    return {};
  }
  const auto octets = (*content)->view();
  const auto end = replay_log(octets, number_, rows_);
  if (!end) {
    return refuse(log_path(), octets, end.error());
  }
  number_ = end->number;
  return open_log(end->length, octets);
}

/// What was never whole is cut off, after a copy: it may have been whole once.
result<void> file_store::open_log(std::size_t good, bytes_view content) {
  auto opened = files_->open(log_path());
  if (!opened) {
    return std::unexpected(std::move(opened.error()));
  }
  const auto rest = content.subspan(good);
  if (std::ranges::any_of(rest, [](std::uint8_t octet) { return octet != 0; })) {
    const auto copy = keep_copy(*files_, log_path() + ".cut", rest);
    if (!copy) {
      return std::unexpected(copy.error());
    }
    log::warn("file_store", "{}: a batch at {} was not written whole; it is cut off, see {}",
              log_path(), good, *copy);
  }
  if (!rest.empty()) {
    auto done = (*opened)->truncate(good);
    if (!done) {
      return done;
    }
  }
  // What a process that was killed has left may not be synced; nobody knows.
  if (auto synced = (*opened)->sync(); !synced) {
    return synced;
  }
  log_ = *std::move(opened);
  log_length_ = log_synced_ = good;
  fold_at_ = std::max(shortest_log_, rows_.octets());
  return {};
}

result<void> file_store::load() {
  auto done = load_snapshot();
  return done ? load_log() : done;
}

/// A snapshot, and a log behind it.
result<void> file_store::begin_anew(const row_map& rows, std::uint64_t number) {
  // Whatever becomes of it: what comes next does not go behind what is in this log.
  log_ = nullptr;
  const auto payload = encode_snapshot(rows, number);
  if (payload.size() > max_session_payload) {
    return fail(errc::storage, "the session is too large for " + path_);
  }
  auto done = replace_file(*files_, path_, wrap_session_file(payload.view()).view());
  return done ? begin_log(rows.octets()) : done;
}

result<void> file_store::begin_log(std::size_t octets) {
  if (auto done = replace_file(*files_, log_path(), as_bytes(log_magic)); !done) {
    return done;
  }
  auto opened = files_->open(log_path());
  if (!opened) {
    return std::unexpected(std::move(opened.error()));
  }
  log_ = *std::move(opened);
  log_length_ = log_synced_ = log_magic.size();
  fold_at_ = std::max(shortest_log_, octets);
  return {};
}

/// `what` goes into a new snapshot with all before it.
result<void> file_store::fold(const batch& what) {
  auto next = rows_;
  next.apply(what);
  if (auto done = begin_anew(next, number_ + 1); !done) {
    return done;
  }
  rows_ = std::move(next);
  ++number_;
  return {};
}

/// So that after an orderly end the one file is the whole store.
file_store::~file_store() {
  if (written_ && log_ && log_length_ > log_magic.size()) {
    (void)begin_anew(rows_, number_);
  }
}

result<void> file_store::write(const batch& what) {
  const auto record = encode_log_record(what, number_ + 1, log_synced_);
  auto done = log_->append(record.view());
  if (done && what.durable) {
    done = log_->sync();
    if (!done) {
      // Whether any of it will be on the disk is not known any more, nor asked again.
      (void)log_->truncate(log_length_);
      log_ = nullptr;
      return done;
    }
    log_synced_ = log_length_ + record.size();
  }
  if (!done) {
    if (!log_->truncate(log_length_)) {
      log_ = nullptr;
    }
    return done;
  }
  log_length_ += record.size();
  ++number_;
  return {};
}

result<void> file_store::apply(const batch& what) {
  if (auto good = check(what); !good) {
    return good;
  }
  if (what.empty()) {
    return {};
  }
  const std::lock_guard lock{mutex_};
  written_ = true;
  if (!log_ || log_length_ > fold_at_) {
    return fold(what);
  }
  if (auto done = write(what); !done) {
    return done;
  }
  rows_.apply(what);
  return {};
}

} // namespace

result<std::unique_ptr<backend>> open_file_store(const std::string& named,
                                                 const file_options& options) {
  const auto path = behind_links(named);
  auto lock = session_lock::take(path);
  if (!lock) {
    return std::unexpected(std::move(lock.error()));
  }
  auto out = std::make_unique<file_store>(path, *std::move(lock), options);
  if (auto loaded = out->load(); !loaded) {
    return std::unexpected(std::move(loaded.error()));
  }
  return out;
}

} // namespace cafegram::storage
