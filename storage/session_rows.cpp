#include <cafegram/storage/file_store.hpp>
#include <cafegram/storage/number_key.hpp>
#include <cafegram/storage/peers.hpp>
#include <cafegram/storage/session.pb.h>
#include <cafegram/storage/session_rows.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <utility>

namespace cafegram::storage {

namespace {

const std::string login_key = "login";
const std::string common_key = "common";

std::string channel_key(std::int64_t channel) {
  return "channel/" + number_key(static_cast<std::uint64_t>(channel));
}

template <class Message>
blob state_octets(const Message& message) {
  blob out(message.ByteSizeLong());
  message.SerializeToArray(out.data(), static_cast<int>(out.size()));
  return out;
}

std::unexpected<error> damaged(const backend& in, table which, std::string_view what,
                               std::int64_t number) {
  return fail(errc::storage,
              in.place() + ": table " + std::string{name_of(which)} + ": " + std::string{what} +
                  "; nothing of it is written over",
              number);
}

/// What one row is made of.
crypto::secret login_of(const session_state& session) {
  auto login = session;
  login.updates.reset();
  login.channels.clear();
  login.peers.clear();
  return encode_session(login);
}

result<void> read_counter(const backend& in, const row& from, session_state& into) {
  if (from.key == common_key) {
    v1::UpdateState message;
    if (!message.ParseFromArray(from.value.data(), static_cast<int>(from.value.size()))) {
      return damaged(in, table::state, "the common counters are not readable", 0);
    }
    into.updates = update_state{message.pts(), message.qts(), message.date(), message.seq(),
                                message.named_until()};
    return {};
  }
  v1::ChannelState message;
  if (!message.ParseFromArray(from.value.data(), static_cast<int>(from.value.size()))) {
    return damaged(in, table::state, "a channel's counter is not readable", 0);
  }
  into.channels[message.id()] = {message.pts(), message.unsure(), message.closed(),
                                 message.since()};
  return {};
}

/// Writes what differs from what is stored.
class kept_session final : public session_backend {
public:
  explicit kept_session(std::shared_ptr<backend> in)
    : in_{std::move(in)} {}

  result<std::optional<session_state>> load() override {
    const std::lock_guard lock{mutex_};
    return read();
  }

  result<void> commit(const session_batch& what) override {
    const std::lock_guard lock{mutex_};
    const bool has_rows = what.rows && !what.rows->empty();
    if (what.session) {
      return commit_session(*what.session, has_rows ? what.rows.get() : nullptr);
    }
    if (!has_rows) {
      return {};
    }
    return in_->apply(*what.rows);
  }

  result<std::string> put_aside(const session_state& state, std::string_view name) override {
    constexpr int most_names = 1000;
    const auto content = to_blob(encode_session(state).view());
    for (int number = 1; number <= most_names; ++number) {
      auto key = number == 1 ? std::string{name} : fmt::format("{}-{}", name, number);
      const auto there = in_->get(table::aside, key);
      if (!there) {
        return std::unexpected(there.error());
      }
      if (*there && **there != content) {
        continue;
      }
      if (!*there) {
        batch what;
        what.put(table::aside, key, content);
        what.durable = true;
        if (auto done = in_->apply(what); !done) {
          return std::unexpected(std::move(done.error()));
        }
      }
      return fmt::format("{}, put aside as {}", in_->place(), key);
    }
    return fail(errc::storage, fmt::format("too many sessions are put aside as {}-N", name));
  }

  backend* rows() override { return in_.get(); }
  std::string place() const override { return in_->place(); }

private:
  result<void> commit_session(const session_state& now, const batch* rows) {
    // What cannot be read may still be worth saving by hand: it is never written over.
    if (!stored_) {
      if (auto there = read(); !there) {
        return std::unexpected(std::move(there.error()));
      }
    }
    batch changes;
    if (stored_->user && (!now.user || now.user->id != stored_->user->id)) {
      forget_account(changes);
      stored_->updates.reset();
      stored_->channels.clear();
    }
    auto login = login_of(now);
    if (!std::ranges::equal(login.view(), login_.view())) {
      put_login(changes, now);
    }
    put_counters(now, changes);
    if (now.peers != moved_peers_) {
      for (const auto& peer : now.peers) {
        put(changes, peer);
      }
    }
    if (rows != nullptr) {
      changes.changes.insert(changes.changes.end(), rows->changes.begin(), rows->changes.end());
      changes.durable = changes.durable || rows->durable;
    }
    auto done = changes.empty() ? result<void>{} : in_->apply(changes);
    if (!done) {
      // Whether the counters of the account are forgotten is not known here any more.
      stored_.reset();
      return done;
    }
    stored_ = now;
    stored_->peers.clear();
    moved_peers_ = now.peers;
    login_ = std::move(login);
    return {};
  }

  result<std::optional<session_state>> read() {
    auto session = read_session(*in_);
    if (session) {
      stored_ = session->value_or(session_state{});
      login_ = *session ? login_of(**session) : crypto::secret{};
    }
    return session;
  }

  /// Those that differ. Rows may have moved some meanwhile: whoever writes them has them in the
  /// session too.
  void put_counters(const session_state& now, batch& to) const {
    if (now.updates && now.updates != stored_->updates) {
      put(to, *now.updates);
    }
    if (!now.updates && stored_->updates) {
      erase_common(to);
    }
    for (const auto& [channel, counter] : now.channels) {
      const auto before = stored_->channels.find(channel);
      if (before == stored_->channels.end() || before->second != counter) {
        put_channel(to, channel, counter);
      }
    }
    for (const auto& [channel, counter] : stored_->channels) {
      if (!now.channels.contains(channel)) {
        erase_channel(to, channel);
      }
    }
  }

  std::mutex mutex_;
  std::shared_ptr<backend> in_;
  std::optional<session_state> stored_; ///< none: not known
  crypto::secret login_;                ///< of `stored_`
  /// Those that a session of version 1, or a string, had within it: rows now, which what is seen
  /// later takes the place of.
  std::vector<peer_record> moved_peers_;
};

} // namespace

void put_login(batch& to, const session_state& session) {
  to.put(table::session, login_key, to_blob(login_of(session).view()));
  to.durable = true;
}

void put(batch& to, const update_state& counters) {
  v1::UpdateState message;
  message.set_pts(counters.pts);
  message.set_qts(counters.qts);
  message.set_date(counters.date);
  message.set_seq(counters.seq);
  message.set_named_until(counters.named_until);
  to.put(table::state, common_key, state_octets(message));
}

void put_channel(batch& to, std::int64_t channel, const channel_counter& counter) {
  v1::ChannelState message;
  message.set_id(channel);
  message.set_pts(counter.pts);
  message.set_unsure(counter.unsure);
  message.set_closed(counter.closed);
  message.set_since(counter.since);
  to.put(table::state, channel_key(channel), state_octets(message));
}

void erase_common(batch& from) {
  from.erase(table::state, common_key);
}

void erase_channel(batch& from, std::int64_t channel) {
  from.erase(table::state, channel_key(channel));
}

void put(batch& to, const session_state& session) {
  put_login(to, session);
  if (session.updates) {
    put(to, *session.updates);
  }
  for (const auto& [channel, counter] : session.channels) {
    put_channel(to, channel, counter);
  }
  for (const auto& peer : session.peers) {
    put(to, peer);
  }
}

void forget_account(batch& in) {
  for (const auto which : {table::state, table::inbox, table::send, table::peer, table::name}) {
    in.clear(which);
  }
}

result<std::optional<session_state>> read_session(backend& from) {
  auto login = from.get(table::session, login_key);
  if (!login && login.error().code == errc::malformed) {
    return damaged(from, table::session, login.error().what, 0);
  }
  if (!login) {
    return std::unexpected(std::move(login.error()));
  }
  if (!*login) {
    return std::nullopt;
  }
  auto session = decode_session(**login);
  if (!session) {
    return damaged(from, table::session, session.error().what, session.error().number);
  }
  auto counted = for_each_row(from, table::state, [&from, &session](const row& one) {
    return read_counter(from, one, *session);
  });
  if (!counted) {
    return std::unexpected(std::move(counted.error()));
  }
  return *std::move(session);
}

result<std::optional<session_state>> read_aside(backend& from, std::string_view name) {
  const auto content = from.get(table::aside, name);
  if (!content) {
    return std::unexpected(content.error());
  }
  if (!*content) {
    return std::nullopt;
  }
  auto session = decode_session(**content);
  if (!session) {
    return damaged(from, table::aside, session.error().what, session.error().number);
  }
  return *std::move(session);
}

std::unique_ptr<session_backend> keep_session(std::shared_ptr<backend> in) {
  return std::make_unique<kept_session>(std::move(in));
}

std::unique_ptr<session_backend> make_memory_backend() {
  return keep_session(make_memory_store());
}

result<std::unique_ptr<session_backend>> open_file_backend(const std::string& path) {
  auto opened = open_file_store(path);
  if (!opened) {
    return std::unexpected(std::move(opened.error()));
  }
  return keep_session(*std::move(opened));
}

} // namespace cafegram::storage
