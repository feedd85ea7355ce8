#include <cafegram/storage/snapshot.hpp>
#include <cafegram/storage/store.pb.h>

#include <utility>

namespace cafegram::storage {

namespace {

/// Protocol Buffers keeps octets in strings of its own, which it does not wipe.
template <class Rows>
void wipe_values(Rows& rows) {
  for (auto& one : rows) {
    crypto::wipe(*one.mutable_value());
  }
}

template <class Message>
crypto::secret secret_octets(const Message& message) {
  crypto::secret out{message.ByteSizeLong()};
  message.SerializeToArray(out.view().data(), static_cast<int>(out.size()));
  return out;
}

template <class Message>
bool parse(Message& into, bytes_view from) {
  return from.size() <= INT32_MAX &&
         into.ParseFromArray(from.data(), static_cast<int>(from.size()));
}

/// The first error of `check`, with the place of what is wrong.
result<void> check_at(const batch& one, std::size_t place) {
  if (const auto good = check(one); !good) {
    return fail(errc::storage, good.error().what, static_cast<std::int64_t>(place));
  }
  return {};
}

result<change> take_change(const v1::Change& from) {
  if (from.what() < static_cast<std::uint32_t>(change::kind::put) ||
      from.what() > static_cast<std::uint32_t>(change::kind::clear) || from.table() > 255) {
    return fail(errc::storage, "a change of no known kind", from.what());
  }
  return change{static_cast<change::kind>(from.what()), static_cast<table>(from.table()),
                from.key(), to_blob(as_bytes(from.value()))};
}

result<snapshot> take_snapshot(const v1::Snapshot& from) {
  snapshot out;
  out.number = from.number();
  std::size_t place = 0;
  for (const auto& one : from.rows()) {
    batch row;
    row.put(static_cast<table>(std::min<std::uint32_t>(one.table(), 255)), one.key(),
            to_blob(as_bytes(one.value())));
    if (auto good = check_at(row, place++); !good) {
      return std::unexpected(std::move(good.error()));
    }
    out.rows.apply(row);
  }
  return out;
}

result<batch> take_batch(const v1::Batch& from) {
  batch out;
  for (const auto& one : from.changes()) {
    auto taken = take_change(one);
    if (!taken) {
      return std::unexpected(std::move(taken.error()));
    }
    out.changes.push_back(*std::move(taken));
  }
  if (auto good = check_at(out, 0); !good) {
    return std::unexpected(std::move(good.error()));
  }
  return out;
}

} // namespace

crypto::secret encode_snapshot(const row_map& rows, std::uint64_t number) {
  v1::Snapshot message;
  message.set_number(number);
  rows.each([&message](table in, const std::string& key, const blob& value) {
    auto& row = *message.add_rows();
    row.set_table(static_cast<std::uint32_t>(in));
    row.set_key(key);
    row.set_value(value.data(), value.size());
  });
  auto out = secret_octets(message);
  wipe_values(*message.mutable_rows());
  return out;
}

result<snapshot> decode_snapshot(bytes_view data) {
  v1::Snapshot message;
  if (!parse(message, data)) {
    return fail(errc::malformed, "not a snapshot in Protocol Buffers");
  }
  auto out = take_snapshot(message);
  wipe_values(*message.mutable_rows());
  return out;
}

crypto::secret encode_batch(const batch& what) {
  v1::Batch message;
  for (const auto& one : what.changes) {
    auto& change = *message.add_changes();
    change.set_what(static_cast<std::uint32_t>(one.what));
    change.set_table(static_cast<std::uint32_t>(one.in));
    change.set_key(one.key);
    change.set_value(one.value.data(), one.value.size());
  }
  auto out = secret_octets(message);
  wipe_values(*message.mutable_changes());
  return out;
}

result<batch> decode_batch(bytes_view data) {
  v1::Batch message;
  if (!parse(message, data)) {
    return fail(errc::malformed, "not a batch in Protocol Buffers");
  }
  auto out = take_batch(message);
  wipe_values(*message.mutable_changes());
  return out;
}

} // namespace cafegram::storage
