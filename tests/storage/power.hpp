#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/storage/files.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cafegram::test {

/// A disk with one folder that loses its power at a chosen step. Steps are writes, changes of
/// length, syncs, and changes of names. What was not synced may be there after the cut, or not, or
/// in part: names up to any of their changes, octets by sectors.
class disk {
public:
  static constexpr std::size_t sector = 512;

  /// From 1; 0 for never.
  void cut_power_at(std::uint64_t step) { cut_at_ = step; }
  std::uint64_t steps() const { return steps_; }
  bool is_out() const { return out_; }

  // -- files; each false without power

  bool exists(const std::string& name) const { return names_.contains(name); }
  bool create(const std::string& name) {
    if (!step()) {
      return false;
    }
    const auto id = next_++;
    nodes_[id];
    name_changes_.push_back({name, id});
    names_[name] = id;
    return true;
  }
  /// As if its folder had been synced.
  void name_is_kept(const std::string& name) { kept_names_[name] = names_.at(name); }
  std::uint64_t id(const std::string& name) const { return names_.at(name); }
  const bytes& content(std::uint64_t id) const { return nodes_.at(id).now; }

  bool write(std::uint64_t id, std::size_t at, bytes_view data) {
    auto& node = nodes_.at(id);
    node.changes.push_back({at, to_bytes(data), false});
    const bool powered = step();
    apply(node.now, node.changes.back());
    return powered;
  }
  bool truncate(std::uint64_t id, std::size_t length) {
    auto& node = nodes_.at(id);
    node.changes.push_back({length, {}, true});
    const bool powered = step();
    apply(node.now, node.changes.back());
    return powered;
  }
  bool sync(std::uint64_t id) {
    if (!step()) {
      return false;
    }
    auto& node = nodes_.at(id);
    node.kept = node.now;
    node.changes.clear();
    return true;
  }
  bool rename(const std::string& from, const std::string& to) {
    const auto id = names_.at(from);
    name_changes_.push_back({to, id, from});
    const bool powered = step();
    names_.erase(from);
    names_[to] = id;
    return powered;
  }
  bool remove(const std::string& name) {
    name_changes_.push_back({name, std::nullopt});
    const bool powered = step();
    names_.erase(name);
    return powered;
  }
  bool sync_folder() {
    if (!step()) {
      return false;
    }
    kept_names_ = names_;
    name_changes_.clear();
    return true;
  }

  /// What is found when the power is back.
  std::shared_ptr<disk> found_after(seeded_random& random) const {
    auto out = std::make_shared<disk>();
    auto names = kept_names_;
    const auto kept = random.next() % (name_changes_.size() + 1);
    for (std::size_t i = 0; i < kept; ++i) {
      apply(names, name_changes_[i]);
    }
    for (const auto& [name, id] : names) {
      const auto made = out->next_++;
      auto& node = out->nodes_[made];
      node.kept = node.now = remains(nodes_.at(id), random);
      out->names_[name] = out->kept_names_[name] = made;
    }
    return out;
  }

private:
  struct change {
    std::size_t at = 0; ///< or the length
    bytes data;
    bool cut = false;
  };
  struct inode {
    bytes kept;
    bytes now;
    std::vector<change> changes; ///< from one to the other
  };
  struct name_change {
    std::string name;
    std::optional<std::uint64_t> id; ///< none: removed
    std::string from = {};           ///< the name that it had
  };
  using name_map = std::map<std::string, std::uint64_t>;

  bool step() {
    ++steps_;
    out_ = out_ || (cut_at_ != 0 && steps_ >= cut_at_);
    return !out_;
  }

  static void apply(bytes& to, const change& what) {
    if (what.cut) {
      to.resize(what.at);
      return;
    }
    to.resize(std::max(to.size(), what.at + what.data.size()));
    std::ranges::copy(what.data, to.begin() + static_cast<std::ptrdiff_t>(what.at));
  }

  static void apply(name_map& to, const name_change& what) {
    if (!what.from.empty()) {
      to.erase(what.from);
    }
    if (what.id) {
      to[what.name] = *what.id;
    } else {
      to.erase(what.name);
    }
  }

  static bytes remains(const inode& of, seeded_random& random) {
    auto out = of.kept;
    const auto mood = random.next() % 4;
    for (const auto& one : of.changes) {
      if (mood == 0 || (mood > 1 && random.next() % 2 == 0)) {
        continue; // lost
      }
      if (one.cut || mood < 3) {
        apply(out, one);
        continue;
      }
      // Torn: the file is as long as it became, and each sector is of before or of after.
      out.resize(std::max(out.size(), one.at + one.data.size()));
      for (std::size_t done = 0; done < one.data.size();) {
        const auto end = std::min(one.data.size(), done + sector - (one.at + done) % sector);
        if (random.next() % 2 == 0) {
          apply(out,
                {one.at + done, to_bytes(bytes_view{one.data}.subspan(done, end - done)), false});
        }
        done = end;
      }
    }
    return out;
  }

  std::uint64_t cut_at_ = 0;
  std::uint64_t steps_ = 0;
  bool out_ = false;
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, inode> nodes_;
  name_map names_;
  name_map kept_names_;
  std::vector<name_change> name_changes_; ///< from one to the other
};

/// The disk, as the file store sees it.
class disk_files final : public storage::file_layer {
public:
  explicit disk_files(std::shared_ptr<disk> on)
    : disk_{std::move(on)} {}

  result<std::optional<crypto::secret>> read(const std::string& path) override {
    if (disk_->is_out()) {
      return no_power();
    }
    if (!disk_->exists(path)) {
      return std::nullopt;
    }
    return crypto::secret{bytes_view{disk_->content(disk_->id(path))}};
  }
  result<std::unique_ptr<storage::open_file>> create(const std::string& path) override {
    // A file that is emptied is as one that is made anew: its content goes at any time.
    if (!disk_->create(path)) {
      return no_power();
    }
    return std::make_unique<file>(disk_, disk_->id(path));
  }
  result<std::unique_ptr<storage::open_file>> open(const std::string& path) override {
    if (disk_->is_out()) {
      return no_power();
    }
    return std::make_unique<file>(disk_, disk_->id(path));
  }
  result<void> rename(const std::string& from, const std::string& to) override {
    return done(disk_->rename(from, to));
  }
  result<void> sync_folder(const std::string&) override { return done(disk_->sync_folder()); }

private:
  static std::unexpected<error> no_power() { return fail(errc::storage, "no power"); }
  static result<void> done(bool powered) {
    return powered ? result<void>{} : result<void>{no_power()};
  }

  class file final : public storage::open_file {
  public:
    file(std::shared_ptr<disk> on, std::uint64_t id)
      : disk_{std::move(on)}
      , id_{id} {}
    result<void> append(bytes_view data) override {
      return done(disk_->write(id_, disk_->content(id_).size(), data));
    }
    result<void> truncate(std::uint64_t length) override {
      return done(disk_->truncate(id_, length));
    }
    result<void> sync() override { return done(disk_->sync(id_)); }

  private:
    std::shared_ptr<disk> disk_;
    std::uint64_t id_;
  };

  std::shared_ptr<disk> disk_;
};

} // namespace cafegram::test
