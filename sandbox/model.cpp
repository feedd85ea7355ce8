#include <cafegram/sandbox/model.hpp>
#include <cafegram/sandbox/model_records.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace cafegram::sandbox {

namespace {

/// So many steps of `seq` are taken before the account is kept again.
constexpr std::int32_t seq_ahead = 1'000;

/// Spreads the bits of a number (the finalizer of splitmix64).
std::uint64_t spread(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9;
  x ^= x >> 27;
  x *= 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

} // namespace

std::string lower_case(std::string_view ascii) {
  std::string out{ascii};
  for (char& c : out) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

void model::file(account& owner, const message_record& message) {
  const std::int32_t id = message.id_for(owner.id);
  owner.box.emplace(id, message.number);
  owner.chats[message.peer_of(owner.id)].emplace(id, message.number);
}

/// Counts anew what a dialog says of its messages.
void model::recount(account& owner, peer_id peer) {
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
  return find(find_name(name));
}

peer_id model::find_name(std::string_view name) const {
  const auto at = usernames_.find(lower_case(name));
  return at != usernames_.end() ? at->second : 0;
}

account* model::find_phone(std::string_view phone) {
  const auto at = phones_.find(std::string{phone});
  return at != phones_.end() ? find(at->second) : nullptr;
}

account_id model::next_person_id() const {
  account_id id = last_person_ + 1;
  while (accounts_.contains(id)) {
    ++id;
  }
  return id;
}

void model::index(const account& owner) {
  if (!owner.bot) {
    last_person_ = std::max(last_person_, owner.id);
  }
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
  name(changed.id, changed.username);
  index(changed);
  keep(changed);
}

/// From now on found by this name, and no other.
void model::name(peer_id who, const std::string& username) {
  std::erase_if(usernames_, [&](const auto& entry) {
    return entry.second == who && entry.first != lower_case(username);
  });
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

const message_copy* message_record::copy_of(account_id owner) const {
  const auto at = std::ranges::find(copies, owner, &message_copy::owner);
  return at != copies.end() ? &*at : nullptr;
}

message_copy* message_record::copy_of(account_id owner) {
  const auto at = std::ranges::find(copies, owner, &message_copy::owner);
  return at != copies.end() ? &*at : nullptr;
}

std::int32_t message_record::id_for(account_id owner) const {
  if (in_channel()) {
    return id;
  }
  const message_copy* mine = copy_of(owner);
  return mine != nullptr ? mine->id : 0;
}

message_record& model::deliver(message_record draft) {
  draft.number = ++last_number_;
  const std::int64_t number = draft.number;
  if (draft.random_id != 0) {
    find(draft.from)->random_ids.emplace(draft.random_id, number);
  }
  message_record& kept = messages_.emplace(number, std::move(draft)).first->second;
  if (kept.in_channel()) {
    deliver_to_channel(kept);
  } else if (kept.room != 0) {
    deliver_to_group(kept);
  } else {
    deliver_private(kept);
  }
  save(kept);
  return kept;
}

/// Puts a message into a box; the copy has its id there already.
void model::put_copy(message_record& kept, message_copy& copy) {
  account& owner = *find(copy.owner);
  const peer_id peer = kept.peer_of(owner.id);
  file(owner, kept);
  copy.pts = note(owner, event_kind::message, peer, {copy.id}).pts;
  dialog& talk = owner.dialogs[peer];
  talk.top = copy.id;
  talk.unread += owner.id != kept.from ? 1 : 0;
}

void model::deliver_private(message_record& kept) {
  kept.copies.push_back({kept.from, ++find(kept.from)->last_message});
  if (kept.to != kept.from) {
    kept.copies.push_back({kept.to, ++find(kept.to)->last_message});
  }
  for (message_copy& copy : kept.copies) {
    put_copy(kept, copy);
  }
}

void model::save(const message_record& changed) {
  store_->put(records::messages, records::key_of(changed.number), records::write(changed));
}

void model::remove(account& owner, peer_id peer, const std::vector<std::int32_t>& ids) {
  for (const std::int32_t id : ids) {
    message_record& gone = *in_box(owner, id);
    gone.copy_of(owner.id)->gone = true;
    owner.box.erase(id);
    owner.chats[peer].erase(id);
    save(gone);
  }
  recount(owner, peer);
  note(owner, event_kind::deleted, peer, ids);
}

const box_event& model::note(account& owner, event_kind what, peer_id peer,
                             std::vector<std::int32_t> ids) {
  const bool read = what == event_kind::read_inbox || what == event_kind::read_outbox;
  const auto count = read ? 1 : static_cast<std::int32_t>(ids.size());
  owner.pts += count;
  box_event& kept = owner.events.emplace_back(owner.pts, count, what, peer, std::move(ids));
  store_->put(records::events, records::key_of(owner.id, kept.pts), records::write(kept));
  keep(owner);
  return kept;
}

const secondary_event& model::note(account& bot, json update, std::vector<peer_id> about,
                                   std::int64_t date) {
  update["qts"] = ++bot.qts;
  secondary_event& kept =
      bot.secondary.emplace_back(bot.qts, date, std::move(update), std::move(about));
  store_->put(records::secondary, records::key_of(bot.id, kept.qts), records::write(kept));
  keep(bot);
  return kept;
}

std::int32_t model::next_seq(account& owner) {
  if (++owner.seq > owner.kept_seq) {
    owner.kept_seq = owner.seq + seq_ahead;
    keep(owner);
  }
  return owner.seq;
}

void model::save_dialog(const account& owner, peer_id peer) {
  store_->put(records::dialogs, records::key_of(owner.id, peer),
              records::write(owner.dialogs.at(peer)));
}

std::int64_t model::access_hash(account_id viewer, peer_id target, bool min) const {
  const auto secret = min ? spread(secret_) : secret_;
  const auto mixed = spread(secret + spread(static_cast<std::uint64_t>(viewer) + secret));
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
