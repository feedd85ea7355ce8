#include <cafegram/sandbox/model.hpp>
#include <cafegram/sandbox/model_records.hpp>
#include <cafegram/sandbox/read_json.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace cafegram::sandbox {

namespace {

constexpr account_id first_person = 5'000'001;

/// Spreads the bits of a number (the finalizer of splitmix64).
std::uint64_t spread(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9;
  x ^= x >> 27;
  x *= 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::unexpected<error> bad_record(std::string_view kind, std::string_view key) {
  return fail(errc::storage, fmt::format("the record {} {} of the world does not read", kind, key));
}

} // namespace

std::string lower_case(std::string_view ascii) {
  std::string out{ascii};
  for (char& c : out) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

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
  } else if (const auto at = records::numbers_of(key, 2)) {
    // Kinds come in ascending order: `account` has been read before `dialog` and `event`.
    account* owner = find(at->front());
    if (owner == nullptr) {
      return bad_record(kind, key);
    }
    if (kind == records::events) {
      owner->events.push_back(records::read_event(from));
    } else {
      owner->dialogs[at->back()] = records::read_dialog(from);
    }
  } else {
    return bad_record(kind, key);
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
    const message_record& message = messages_.at(number);
    account* from = find(message.from);
    account* to = find(message.to);
    if (from == nullptr || to == nullptr) {
      return bad_record(records::messages, std::to_string(number));
    }
    if (message.random_id != 0) {
      from->random_ids.emplace(message.random_id, number);
    }
    if (!message.gone_for_sender) {
      file(*from, message);
    }
    if (!message.gone_for_receiver && from != to) {
      file(*to, message);
    }
    last_number_ = number;
  }
  for (auto& [id, owner] : accounts_) {
    for (const auto& [peer, chat] : owner.chats) {
      recount(owner, peer);
    }
  }
  return {};
}

void model::file(account& owner, const message_record& message) {
  const std::int32_t id = message.id_for(owner.id);
  owner.box.emplace(id, message.number);
  owner.chats[message.peer_of(owner.id)].emplace(id, message.number);
}

/// Counts anew what a dialog says of its messages.
void model::recount(account& owner, account_id peer) {
  dialog& talk = owner.dialogs[peer];
  const auto& chat = owner.chats[peer];
  talk.top = chat.empty() ? 0 : chat.rbegin()->first;
  talk.unread = 0;
  for (auto at = chat.upper_bound(talk.read_inbox); at != chat.end(); ++at) {
    talk.unread += messages_.at(at->second).from != owner.id ? 1 : 0;
  }
}

account* model::find(account_id id) {
  const auto at = accounts_.find(id);
  return at != accounts_.end() ? &at->second : nullptr;
}

const account* model::find(account_id id) const {
  const auto at = accounts_.find(id);
  return at != accounts_.end() ? &at->second : nullptr;
}

account* model::find_username(std::string_view name) {
  const auto at = usernames_.find(lower_case(name));
  return at != usernames_.end() ? find(at->second) : nullptr;
}

account* model::find_phone(std::string_view phone) {
  const auto at = phones_.find(std::string{phone});
  return at != phones_.end() ? find(at->second) : nullptr;
}

account_id model::next_person_id() const {
  account_id id = first_person;
  while (accounts_.contains(id)) {
    ++id;
  }
  return id;
}

void model::index(const account& owner) {
  if (!owner.username.empty()) {
    usernames_[lower_case(owner.username)] = owner.id;
  }
  if (!owner.phone.empty()) {
    phones_[owner.phone] = owner.id;
  }
}

account& model::add(account fresh) {
  account& out = accounts_[fresh.id] = std::move(fresh);
  save(out);
  return out;
}

void model::save(account& changed) {
  std::erase_if(usernames_, [&changed](const auto& entry) {
    return entry.second == changed.id && entry.first != lower_case(changed.username);
  });
  index(changed);
  keep(changed);
}

void model::keep(const account& changed) {
  store_->put(records::accounts, records::key_of(changed.id), records::write(changed));
}

const message_record* model::message(std::int64_t number) const {
  const auto at = messages_.find(number);
  return at != messages_.end() ? &at->second : nullptr;
}

message_record* model::message(std::int64_t number) {
  const auto at = messages_.find(number);
  return at != messages_.end() ? &at->second : nullptr;
}

message_record* model::in_box(const account& owner, std::int32_t id) {
  const auto at = owner.box.find(id);
  return at != owner.box.end() ? message(at->second) : nullptr;
}

message_record& model::deliver(message_record draft) {
  draft.number = ++last_number_;
  account& from = *find(draft.from);
  account& to = *find(draft.to);
  draft.sender_id = ++from.last_message;
  draft.receiver_id = &from == &to ? draft.sender_id : ++to.last_message;
  message_record& kept = messages_.emplace(draft.number, std::move(draft)).first->second;
  if (kept.random_id != 0) {
    from.random_ids.emplace(kept.random_id, kept.number);
  }
  file(from, kept);
  note(from, event_kind::message, kept.to, {kept.sender_id});
  from.dialogs[kept.to].top = kept.sender_id;
  if (&from != &to) {
    file(to, kept);
    note(to, event_kind::message, kept.from, {kept.receiver_id});
    dialog& theirs = to.dialogs[kept.from];
    theirs.top = kept.receiver_id;
    ++theirs.unread;
  }
  save(kept);
  return kept;
}

void model::save(const message_record& changed) {
  store_->put(records::messages, records::key_of(changed.number), records::write(changed));
}

void model::remove(account& owner, account_id peer, const std::vector<std::int32_t>& ids) {
  for (const std::int32_t id : ids) {
    message_record& gone = *in_box(owner, id);
    (owner.id == gone.from ? gone.gone_for_sender : gone.gone_for_receiver) = true;
    if (gone.from == gone.to) {
      gone.gone_for_receiver = true;
    }
    owner.box.erase(id);
    owner.chats[peer].erase(id);
    save(gone);
  }
  recount(owner, peer);
  note(owner, event_kind::deleted, peer, ids);
}

const box_event& model::note(account& owner, event_kind what, account_id peer,
                             std::vector<std::int32_t> ids) {
  const bool read = what == event_kind::read_inbox || what == event_kind::read_outbox;
  const auto count = read ? 1 : static_cast<std::int32_t>(ids.size());
  owner.pts += count;
  box_event& kept = owner.events.emplace_back(owner.pts, count, what, peer, std::move(ids));
  store_->put(records::events, records::key_of(owner.id, kept.pts), records::write(kept));
  keep(owner);
  return kept;
}

void model::save_dialog(const account& owner, account_id peer) {
  store_->put(records::dialogs, records::key_of(owner.id, peer),
              records::write(owner.dialogs.at(peer)));
}

std::int64_t model::access_hash(account_id viewer, account_id target) const {
  const auto mixed = spread(secret_ + spread(static_cast<std::uint64_t>(viewer) + secret_));
  return static_cast<std::int64_t>(spread(mixed ^ spread(static_cast<std::uint64_t>(target))) | 1);
}

key_record* model::find_key(std::uint64_t id) {
  const auto at = keys_.find(id);
  return at != keys_.end() ? &at->second : nullptr;
}

const std::vector<std::uint64_t>& model::keys_of(account_id user) const {
  static const std::vector<std::uint64_t> none;
  const auto at = keys_by_user_.find(user);
  return at != keys_by_user_.end() ? at->second : none;
}

void model::unbind(std::uint64_t key) {
  for (auto& [user, bound] : keys_by_user_) {
    if (std::erase(bound, key) != 0) {
      return;
    }
  }
}

void model::save(const key_record& key) {
  const auto& bound = keys_of(key.user);
  if (key.user == 0 || std::ranges::find(bound, key.id) == bound.end()) {
    unbind(key.id);
  }
  keys_[key.id] = key;
  if (key.user != 0 && std::ranges::find(keys_of(key.user), key.id) == keys_of(key.user).end()) {
    keys_by_user_[key.user].push_back(key.id);
  }
  store_->put(records::keys, fmt::format("{:016x}", key.id), records::write(key));
}

void model::forget_key(std::uint64_t id) {
  unbind(id);
  keys_.erase(id);
  store_->erase(records::keys, fmt::format("{:016x}", id));
}

void model::save(const login_code& code) {
  store_->put(records::codes, code.hash, records::write(code));
}

void model::forget_code(std::string hash) {
  codes_.erase(hash);
  store_->erase(records::codes, std::move(hash));
}

} // namespace cafegram::sandbox
