#include <cafegram/storage/peers.hpp>
#include <cafegram/storage/session_file.hpp>
#include <cafegram/storage/session_rows.hpp>
#include <cafegram/storage/string_store.hpp>

#include <set>
#include <utility>

namespace cafegram::storage {

namespace {

batch rows_to_batch(const row_map& rows) {
  batch out;
  rows.each(
      [&out](table in, const std::string& key, const blob& value) { out.put(in, key, value); });
  return out;
}

result<void> add_table(backend& from, table in, batch& to) {
  return for_each_row(from, in, [in, &to](row& one) {
    to.put(in, one.key, std::move(one.value));
    return result<void>{};
  });
}

/// Rows without a session are what a copy that was stopped has left: what is not in `from` is not
/// to stay among what is. How the store is encrypted stays, and so do sessions that were put aside:
/// they may be the only copies.
void clear_half_copy(batch& in) {
  for (std::size_t at = 0; at < table_count; ++at) {
    const auto which = static_cast<table>(at);
    if (which != table::about && which != table::session && which != table::aside) {
      in.clear(which);
    }
  }
}

/// Up to `options.peers`.
result<void> add_peers(backend& from, const string_options& options, batch& to) {
  std::set<std::string> taken;
  const auto take = [&](const peer_record& peer) {
    if (taken.size() < options.peers && taken.insert(peer_key(peer.kind, peer.id)).second) {
      put(to, peer);
    }
  };
  for (const auto& peer : options.first) {
    take(peer);
  }
  if (taken.size() >= options.peers) {
    return {};
  }
  // As many as may be asked for, of which some may have been taken.
  const auto stored = from.scan(table::peer, {}, {.rows = options.peers, .octets = max_value});
  if (!stored) {
    return std::unexpected(stored.error());
  }
  for (const auto& one : stored->rows) {
    const auto peer = decode_peer(one.value);
    if (!peer) {
      return std::unexpected(peer.error());
    }
    take(*peer);
  }
  return {};
}

crypto::secret to_text(const row_map& rows) {
  const auto file = wrap_session_file(encode_snapshot(rows, 0).view());
  auto text = to_base64url(file.view());
  crypto::secret out{as_bytes(text)};
  crypto::wipe(text);
  return out;
}

/// The rows as an encrypted store has them.
result<row_map> encrypted(const batch& rows, const string_options& options) {
  const std::shared_ptr<backend> plain = make_memory_store();
  const auto sealed = encrypted_store(plain, *options.key, options.cost);
  if (!sealed) {
    return std::unexpected(sealed.error());
  }
  if (auto done = (*sealed)->apply(rows); !done) {
    return std::unexpected(std::move(done.error()));
  }
  batch all;
  for (std::size_t at = 0; at < table_count; ++at) {
    if (auto read = add_table(*plain, static_cast<table>(at), all); !read) {
      return std::unexpected(std::move(read.error()));
    }
  }
  row_map out;
  out.apply(all);
  return out;
}

} // namespace

result<std::unique_ptr<backend>> open_string_store(std::string_view text) {
  while (!text.empty() && std::string_view{" \t\r\n"}.find(text.back()) != std::string_view::npos) {
    text.remove_suffix(1);
  }
  auto octets = from_base64(text);
  if (!octets) {
    return fail(errc::storage,
                "the string session is not base64: " + std::string{octets.error().problem},
                static_cast<std::int64_t>(octets.error().offset));
  }
  auto read = read_session_file(*octets);
  crypto::wipe(*octets);
  if (!read) {
    read.error().what = "the string session: " + read.error().what;
    return std::unexpected(std::move(read.error()));
  }
  auto out = make_memory_store();
  if (auto done = out->apply(rows_to_batch(read->rows)); !done) {
    return std::unexpected(std::move(done.error()));
  }
  return out;
}

result<crypto::secret> export_string(backend& from, const string_options& options) {
  batch rows;
  auto done = add_table(from, table::session, rows);
  if (done && rows.empty()) {
    return fail(errc::storage, "there is no session in " + from.place());
  }
  done = done ? add_table(from, table::state, rows) : done;
  done = done ? add_peers(from, options, rows) : done;
  if (!done) {
    return std::unexpected(std::move(done.error()));
  }
  if (!options.key) {
    row_map plain;
    plain.apply(rows);
    return to_text(plain);
  }
  const auto sealed = encrypted(rows, options);
  return sealed ? result<crypto::secret>{to_text(*sealed)} : std::unexpected(sealed.error());
}

result<crypto::secret> export_string(const session_state& from, const string_options& options) {
  batch rows;
  put(rows, from);
  const auto store = make_memory_store();
  if (auto done = store->apply(rows); !done) {
    return std::unexpected(std::move(done.error()));
  }
  return export_string(*store, options);
}

result<void> copy_store(backend& from, backend& to) {
  constexpr std::size_t rows_at_once = 1000;
  batch next;
  const auto there = to.scan(table::session, {}, {.rows = 1});
  if (!there) {
    return std::unexpected(there.error());
  }
  if (there->rows.empty()) {
    clear_half_copy(next);
  }
  const auto copy = [&](table in) {
    return for_each_row(from, in, [&, in](row& one) -> result<void> {
      if (next.changes.size() >= rows_at_once) {
        if (auto done = to.apply(std::exchange(next, {})); !done) {
          return done;
        }
      }
      next.put(in, one.key, std::move(one.value));
      return {};
    });
  };
  for (std::size_t at = 0; at < table_count; ++at) {
    const auto in = static_cast<table>(at);
    auto copied = in != table::session ? copy(in) : result<void>{};
    if (!copied) {
      return copied;
    }
  }
  if (auto copied = add_table(from, table::session, next); !copied) {
    return copied;
  }
  next.durable = true;
  return next.empty() ? result<void>{} : to.apply(next);
}

} // namespace cafegram::storage
