#include <cafegram/storage/inbox.hpp>
#include <cafegram/storage/number_key.hpp>
#include <cafegram/storage/store.pb.h>

#include <algorithm>

namespace cafegram::storage {

namespace {

/// A message that is used again and again keeps so much.
constexpr std::size_t most_kept = std::size_t{16} << 10;

template <class Message>
blob row_octets(const Message& message) {
  blob out(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(out.data());
  return out;
}

std::string_view text(const bytes& octets) {
  return as_text(octets);
}

bytes octets(const std::string& text) {
  return to_bytes(as_bytes(text));
}

void fill(const inbox_row& from, v1::InboxRow& out) {
  out.set_identity(from.identity);
  out.set_account(from.account);
  out.set_chat(from.chat);
  out.set_update(from.update.data(), from.update.size());
  for (const auto& user : from.users) {
    out.add_users(user.data(), user.size());
  }
  for (const auto& chat : from.chats) {
    out.add_chats(chat.data(), chat.size());
  }
  out.set_layer(from.layer);
  out.set_date(from.date);
  out.set_received_at(from.received_at);
  out.set_failures(from.failures);
  out.set_last_failure(from.last_failure);
  if (from.lost) {
    auto& lost = *out.mutable_lost();
    lost.set_channel(from.lost->channel);
    lost.set_box(from.lost->box);
    lost.set_from(from.lost->from);
    if (from.lost->to) {
      lost.set_to(*from.lost->to);
    }
    lost.set_why(from.lost->why);
  }
}

inbox_row take(const v1::InboxRow& from, std::uint64_t number) {
  inbox_row out;
  out.number = number;
  out.identity = from.identity();
  out.account = from.account();
  out.chat = from.chat();
  out.update = octets(from.update());
  std::ranges::transform(from.users(), std::back_inserter(out.users), octets);
  std::ranges::transform(from.chats(), std::back_inserter(out.chats), octets);
  out.layer = from.layer();
  out.date = from.date();
  out.received_at = from.received_at();
  out.failures = from.failures();
  out.last_failure = from.last_failure();
  if (from.has_lost()) {
    const auto& lost = from.lost();
    out.lost = lost_note{lost.channel(), lost.box(), lost.from(),
                         lost.has_to() ? std::optional{lost.to()} : std::nullopt, lost.why()};
  }
  return out;
}

std::string send_key(std::uint64_t number, std::uint64_t place) {
  auto out = number_key(number);
  append_number(out, place);
  return out;
}

std::unexpected<error> damaged(const backend& in, table which, std::uint64_t number,
                               errc code = errc::storage) {
  return fail(code,
              in.place() + ": row " + std::to_string(number) + " of table " +
                  std::string{name_of(which)} + " is damaged",
              static_cast<std::int64_t>(number));
}

template <class Message>
bool parse(Message& into, const blob& from) {
  return into.ParseFromArray(from.data(), static_cast<int>(from.size()));
}

/// `take_one(message, number)` makes the record.
template <class Message, class Take>
auto take_numbered(const backend& from, table in, const row& one, Take take_one)
    -> result<decltype(take_one(Message{}, std::uint64_t{}))> {
  const auto number = number_of(one.key);
  Message message;
  if (one.key.size() != 8) {
    return damaged(from, in, number); // no number leads past it
  }
  if (!parse(message, one.value)) {
    return damaged(from, in, number, errc::malformed);
  }
  return take_one(message, number);
}

template <class Message, class Record, class Take>
result<record_page<Record>> read_numbered(backend& from, table in, std::uint64_t after,
                                          const page_limits& limits, Take take_one) {
  // Numbers begin at 1: the key of 0 has nothing before it.
  auto got = from.scan(in, after == 0 ? std::string{} : number_key(after), limits);
  if (!got) {
    return std::unexpected(std::move(got.error()));
  }
  record_page<Record> out;
  out.more = got->more;
  for (const auto& one : got->rows) {
    auto record = take_numbered<Message>(from, in, one, take_one);
    if (!record && !out.records.empty()) {
      out.more = true;
      return out;
    }
    if (!record) {
      return std::unexpected(std::move(record.error()));
    }
    out.records.push_back(*std::move(record));
  }
  return out;
}

result<send_record> take_send(const backend& in, const row& from) {
  v1::Send message;
  send_record out;
  out.number = number_of(from.key);
  if (from.key.size() != 16 || !parse(message, from.value) ||
      message.request().size() != out.request.size()) {
    return damaged(in, table::send, out.number, errc::malformed);
  }
  out.place = static_cast<std::uint32_t>(number_of(std::string_view{from.key}.substr(8)));
  std::ranges::copy(as_bytes(message.request()), out.request.begin());
  out.random_id = message.random_id();
  out.settled = message.settled();
  out.answer = octets(message.answer());
  if (message.sent_id() != 0) {
    out.sent_id = message.sent_id();
  }
  out.was_duplicate = message.was_duplicate();
  out.date = message.date();
  return out;
}

} // namespace

void put(batch& to, const inbox_row& what) {
  // Its texts keep their room from one update to the next.
  static thread_local v1::InboxRow message;
  message.Clear();
  fill(what, message);
  to.put(table::inbox, number_key(what.number), row_octets(message));
  if (to.changes.back().value.size() > most_kept) {
    message = {};
  }
}

void put(batch& to, const dead_letter& what) {
  v1::DeadLetter message;
  fill(what.update, *message.mutable_update());
  message.set_died_at(what.died_at);
  to.put(table::dead, number_key(what.update.number), row_octets(message));
}

void put(batch& to, const send_record& what) {
  v1::Send message;
  message.set_request(what.request.data(), what.request.size());
  message.set_random_id(what.random_id);
  message.set_settled(what.settled);
  message.set_answer(std::string{text(what.answer)});
  message.set_sent_id(what.sent_id.value_or(0));
  message.set_was_duplicate(what.was_duplicate);
  message.set_date(what.date);
  to.put(table::send, send_key(what.number, what.place), row_octets(message));
}

bool is_damaged_behind(std::uint64_t after, const error& why) {
  return why.code == errc::malformed && static_cast<std::uint64_t>(why.number) > after;
}

void erase_inbox(batch& from, std::uint64_t number) {
  from.erase(table::inbox, number_key(number));
}

void erase_dead_letter(batch& from, std::uint64_t number) {
  from.erase(table::dead, number_key(number));
}

void erase_send(batch& from, std::uint64_t number, std::uint32_t place) {
  from.erase(table::send, send_key(number, place));
}

result<record_page<inbox_row>> read_inbox(backend& from, std::uint64_t after,
                                          const page_limits& limits) {
  return read_numbered<v1::InboxRow, inbox_row>(from, table::inbox, after, limits, take);
}

result<record_page<dead_letter>> read_dead_letters(backend& from, std::uint64_t after,
                                                   const page_limits& limits) {
  return read_numbered<v1::DeadLetter, dead_letter>(
      from, table::dead, after, limits, [](const v1::DeadLetter& message, std::uint64_t number) {
        return dead_letter{take(message.update(), number), message.died_at()};
      });
}

result<std::vector<dead_size>> read_dead_sizes(backend& from) {
  std::vector<dead_size> out;
  for (bool more = true; more;) {
    const auto last = out.empty() ? 0 : out.back().number;
    const auto got = from.scan(table::dead, last == 0 ? std::string{} : number_key(last), {});
    if (!got && is_damaged_behind(last, got.error())) {
      out.push_back({static_cast<std::uint64_t>(got.error().number), 0});
      continue;
    }
    if (!got) {
      return std::unexpected(got.error());
    }
    for (const auto& one : got->rows) {
      out.push_back({number_of(one.key), one.key.size() + one.value.size()});
    }
    more = got->more && !got->rows.empty();
  }
  return out;
}

namespace {

/// Hands each row of one update's sends to `take`, which returns `result<void>`.
template <class Take>
result<void> for_each_send(backend& from, std::uint64_t number, Take take) {
  // No place is the highest: what is not below this key are later updates' sends.
  std::string after = number == 0 ? std::string{} : send_key(number - 1, ~std::uint64_t{0});
  for (bool more = true; more;) {
    auto got = from.scan(table::send, after, {.rows = 64});
    if (!got && is_damaged_behind(number, got.error())) {
      return {}; // a later update's: all of this one's come before it
    }
    if (!got) {
      return std::unexpected(std::move(got.error()));
    }
    more = got->more;
    for (auto& one : got->rows) {
      if (number_of(one.key) != number) {
        return {};
      }
      if (auto taken = take(one); !taken) {
        return taken;
      }
      after = std::move(one.key);
    }
  }
  return {};
}

} // namespace

result<std::vector<send_record>> read_sends(backend& from, std::uint64_t number) {
  std::vector<send_record> out;
  auto read = for_each_send(from, number, [&](const row& one) -> result<void> {
    auto taken = take_send(from, one);
    if (!taken) {
      return std::unexpected(std::move(taken.error()));
    }
    out.push_back(*std::move(taken));
    return {};
  });
  if (!read) {
    return std::unexpected(std::move(read.error()));
  }
  return out;
}

result<void> erase_sends(batch& from, backend& in, std::uint64_t number) {
  return for_each_send(in, number, [&from](const row& one) -> result<void> {
    from.erase(table::send, one.key);
    return {};
  });
}

namespace {

void add_row(inbox_content& to, const backend& from, const row& one) {
  to.last = number_of(one.key);
  auto record = take_numbered<v1::InboxRow>(from, table::inbox, one, take);
  if (record) {
    to.rows.push_back(*std::move(record));
  } else {
    to.damaged.push_back(std::move(record.error()));
  }
}

/// Most stores have none, and a search for each row would be the longest part of this. Without
/// those that are damaged an update can be handled; a store that cannot be read has to be asked
/// again.
result<void> add_sends(inbox_content& to, backend& from) {
  const auto any = from.scan(table::send, {}, {.rows = 1});
  if (!any && any.error().code != errc::malformed) {
    return std::unexpected(any.error());
  }
  const bool none = any && any->rows.empty();
  for (std::size_t at = 0; !none && at < to.rows.size(); ++at) {
    auto sends = read_sends(from, to.rows[at].number);
    if (sends) {
      std::ranges::move(*sends, std::back_inserter(to.sends));
    } else if (sends.error().code == errc::malformed) {
      to.damaged.push_back(std::move(sends.error()));
    } else {
      return std::unexpected(std::move(sends.error()));
    }
  }
  return {};
}

} // namespace

result<inbox_content> read_unfinished(backend& from, std::uint64_t after,
                                      const page_limits& limits) {
  inbox_content out;
  out.stored = true;
  if (after == 0) {
    auto dead = read_dead_sizes(from);
    if (!dead) {
      return std::unexpected(std::move(dead.error()));
    }
    out.dead = *std::move(dead);
  }
  auto got = from.scan(table::inbox, after == 0 ? std::string{} : number_key(after), limits);
  if (!got && is_damaged_behind(after, got.error())) {
    out.last = static_cast<std::uint64_t>(got.error().number);
    out.more = true;
    out.damaged.push_back(std::move(got.error()));
    return out;
  }
  if (!got) {
    return std::unexpected(std::move(got.error()));
  }
  out.more = got->more;
  for (const auto& one : got->rows) {
    add_row(out, from, one);
  }
  if (auto added = add_sends(out, from); !added) {
    return std::unexpected(std::move(added.error()));
  }
  return out;
}

result<inbox_content> read_unfinished(backend& from, const std::vector<std::uint64_t>& numbers) {
  inbox_content out;
  out.stored = true;
  for (const auto number : numbers) {
    auto key = number_key(number);
    auto value = from.get(table::inbox, key);
    if (!value && value.error().code == errc::malformed) {
      out.damaged.push_back(std::move(value.error()));
      continue;
    }
    if (!value) {
      return std::unexpected(std::move(value.error()));
    }
    if (*value) {
      add_row(out, from, {std::move(key), **std::move(value)});
    }
  }
  if (auto added = add_sends(out, from); !added) {
    return std::unexpected(std::move(added.error()));
  }
  return out;
}

} // namespace cafegram::storage
