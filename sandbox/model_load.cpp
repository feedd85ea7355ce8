#include <cafegram/sandbox/model.hpp>
#include <cafegram/sandbox/model_records.hpp>
#include <cafegram/sandbox/read_json.hpp>

#include <fmt/format.h>

#include <algorithm>

/// The model as a store has kept it.
namespace cafegram::sandbox {

namespace {

std::unexpected<error> bad_record(std::string_view kind, std::string_view key) {
  return fail(errc::storage, fmt::format("the record {} {} of the world does not read", kind, key));
}

} // namespace

result<void> model::load(random_source& random) {
  auto loaded =
      store_->load([this](auto kind, auto key, auto value) { return take(kind, key, value); });
  if (!loaded) {
    return loaded;
  }
  if (auto good = put_together(); !good) {
    return good;
  }
  if (secret_ == 0) {
    secret_ = random.integer<std::uint64_t>() | 1;
    store_->put(records::meta, "secret", std::to_string(secret_));
  }
  return {};
}

result<void> model::take(std::string_view kind, std::string_view key, std::string_view value) {
  const json from = json::parse(value, nullptr, false);
  if (kind == records::meta) {
    secret_ = from.is_number_unsigned() ? from.get<std::uint64_t>() : 0;
    return secret_ != 0 ? result<void>{} : bad_record(kind, key);
  }
  if (!from.is_object()) {
    return bad_record(kind, key);
  }
  if (kind == records::accounts) {
    auto read = records::read_account(from);
    accounts_.emplace(read.id, std::move(read));
  } else if (kind == records::messages) {
    auto read = records::read_message(from);
    messages_.emplace(read.number, std::move(read));
  } else if (kind == records::keys) {
    auto read = records::read_key(from);
    keys_.emplace(read.id, std::move(read));
  } else if (kind == records::codes) {
    auto read = records::read_code(from);
    codes_.emplace(read.hash, std::move(read));
  } else if (kind == records::rooms || kind == records::room_events || kind == records::members) {
    return take_room(kind, key, from);
  } else {
    return take_owned(kind, key, from);
  }
  return {};
}

/// What belongs to an account. Kinds come in ascending order: `account` has been read before.
result<void> model::take_owned(std::string_view kind, std::string_view key, const json& from) {
  const auto at = records::numbers_of(key, 2);
  account* owner = at ? find(at->front()) : nullptr;
  if (owner == nullptr) {
    return bad_record(kind, key);
  }
  if (kind == records::events) {
    owner->events.push_back(records::read_event(from));
  } else if (kind == records::dialogs) {
    owner->dialogs[at->back()] = records::read_dialog(from);
  } else if (kind == records::secondary) {
    owner->secondary.push_back(records::read_secondary(from));
  } else {
    return bad_record(kind, key);
  }
  return {};
}

/// A room, or what belongs to one: `room` has been read before `room_event` and `room_member`.
result<void> model::take_room(std::string_view kind, std::string_view key, const json& from) {
  if (kind == records::rooms) {
    auto read = records::read_room(from);
    rooms_.emplace(read.id, std::move(read));
    return {};
  }
  const auto at = records::numbers_of(key, 2);
  room* in = at ? find_room(at->front()) : nullptr;
  if (in == nullptr) {
    return bad_record(kind, key);
  }
  if (kind == records::room_events) {
    in->events.push_back(records::read_event(from));
  } else {
    auto read = records::read_member(from);
    in->members[read.user] = std::move(read);
  }
  return {};
}

result<void> model::put_together() {
  for (const auto& [id, owner] : accounts_) {
    index(owner);
  }
  for (const auto& [id, key] : keys_) {
    if (key.user != 0) {
      keys_by_user_[key.user].push_back(id);
    }
  }
  std::vector<std::int64_t> numbers;
  numbers.reserve(messages_.size());
  for (const auto& [number, message] : messages_) {
    numbers.push_back(number);
  }
  std::ranges::sort(numbers);
  for (const std::int64_t number : numbers) {
    if (auto good = put_message(messages_.at(number)); !good) {
      return good;
    }
    last_number_ = number;
  }
  for (auto& [id, owner] : accounts_) {
    owner.seq = std::max(owner.seq, owner.kept_seq);
    for (const auto& [peer, chat] : owner.chats) {
      recount(owner, peer);
    }
  }
  put_rooms();
  return {};
}

result<void> model::put_message(const message_record& message) {
  account* from = find(message.from);
  room* in = message.room != 0 ? find_room(message.room) : nullptr;
  if (from == nullptr || (message.room != 0 && in == nullptr)) {
    return bad_record(records::messages, std::to_string(message.number));
  }
  if (message.random_id != 0) {
    from->random_ids.emplace(message.random_id, message.number);
  }
  if (in != nullptr && in->is_channel()) {
    in->numbers.push_back(message.number);
    if (!message.gone) {
      in->history.emplace(message.id, message.number);
    }
    return {};
  }
  for (const message_copy& copy : message.copies) {
    account* owner = find(copy.owner);
    if (owner == nullptr) {
      return bad_record(records::messages, std::to_string(message.number));
    }
    if (!copy.gone) {
      file(*owner, message);
    }
  }
  return {};
}

void model::put_rooms() {
  for (auto& [id, in] : rooms_) {
    index(in);
    for (auto& [user, who] : in.members) {
      if (!in.is_channel()) {
        continue;
      }
      if (account* owner = find(user); owner != nullptr && who.inside()) {
        owner->channels.insert(id);
      }
      who.seen_pts = who.since;
      for (auto event = in.events.rbegin(); event != in.events.rend() && event->pts > who.since;
           ++event) {
        if (!seen_ids(*event, in, user).empty()) {
          who.seen_pts = event->pts;
          break;
        }
      }
    }
  }
}

} // namespace cafegram::sandbox
