#include <cafegram/actors/peer_walk.hpp>
#include <cafegram/tl/api.hpp>
#include <cafegram/tl/text_walk.hpp>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace cafegram {

namespace {

using std::string_view;
using storage::peer_kind;

const tl::table& api_schema() {
  return *tl::help::getConfig::tl_info.schema;
}

bool is_peer(string_view type) {
  return type == "User" || type == "Chat";
}

/// Whether a value of this shape may hold one of the types that are marked.
bool leads_to(std::uint16_t shape, const std::vector<bool>& marked) {
  const auto& schema = api_schema();
  const auto [what, argument] = schema.shapes[shape];
  switch (what) {
  case tl::kind::boxed:
    return marked[argument];
  case tl::kind::vector:
  case tl::kind::bare_vector:
    return leads_to(argument, marked);
  case tl::kind::bare:
    return leads_to(schema.definitions[argument].result, marked);
  default:
    return false;
  }
}

bool holds_one(const tl::definition_descriptor& def, const std::vector<bool>& marked) {
  return std::ranges::any_of(
      api_schema().fields_of(def),
      [&marked](const tl::field_descriptor& field) { return leads_to(field.shape, marked); });
}

/// The ids of all constructors that may hold a user or a chat somewhere, and of those themselves.
std::vector<std::uint32_t> find_holders() {
  const auto& schema = api_schema();
  std::vector<bool> marked(schema.types.size());
  for (std::size_t at = 0; at < marked.size(); ++at) {
    marked[at] = is_peer(schema.types[at]);
  }
  std::vector<std::uint32_t> out;
  for (bool more = true; more;) {
    more = false;
    out.clear();
    for (const auto& def : schema.definitions) {
      const auto type = schema.shapes[def.result];
      if (def.function || type.what != tl::kind::boxed) {
        continue;
      }
      if (const bool holds = holds_one(def, marked); holds && !marked[type.argument]) {
        marked[type.argument] = true;
        more = true;
      } else if (holds || is_peer(schema.types[type.argument])) {
        out.push_back(def.id);
      }
    }
  }
  std::ranges::sort(out);
  return out;
}

bool is_holder(std::uint32_t id) {
  static const auto holders = find_holders();
  return std::ranges::binary_search(holders, id);
}

/// Keeps what encloses the place of a walk, and hears of nothing else.
class place_sink : public tl::detail::deaf_sink {
public:
  void begin_object(string_view name) override { open_.push_back({name, {}}); }
  void end_object() override { open_.pop_back(); }
  void field(string_view name) override { open_.back().field = name; }

protected:
  struct level {
    string_view object;
    string_view field; ///< the one that is read
  };
  std::vector<level> open_; ///< the innermost last
};

std::optional<peer_kind> kind_named(string_view object) {
  if (object == "user") {
    return peer_kind::user;
  }
  if (object == "channel" || object == "channelForbidden") {
    return peer_kind::channel;
  }
  if (object == "chat" || object == "chatForbidden") {
    return peer_kind::group;
  }
  return std::nullopt;
}

/// One user or chat, as far as it is read.
struct walked_peer {
  std::size_t level = 0; ///< its fields' place in a walk
  peer_kind kind = peer_kind::user;
  std::int64_t id = 0;
  std::optional<std::int64_t> access_hash = {};
  bool min = false;
  std::vector<string_view> usernames = {};
  string_view phone = {};
  std::int64_t migrated_to = 0; ///< a group, to this channel
  std::int64_t migrated_hash = 0;
};

/// Hands each whole peer over, and keeps those of min constructors for later.
class peer_sink final : public place_sink {
public:
  peer_sink(storage::peer_cache& into, storage::batch& rows)
    : into_{&into}
    , rows_{&rows} {}

  const std::vector<walked_peer>& min_ones() const { return min_ones_; }

  void begin_object(string_view name) override {
    place_sink::begin_object(name);
    if (const auto kind = kind_named(name)) {
      now_ = {.level = open_.size(), .kind = *kind};
    } else if (name == "username") {
      active_ = false;
    }
  }
  void end_object() override {
    if (open_.back().object == "username") {
      take_username();
    } else if (in_peer()) {
      take_peer();
    }
    place_sink::end_object();
  }
  void wide_number(std::int64_t value) override {
    if (!in_peer()) {
      note_migration_field(value);
      return;
    }
    if (open_.back().field == "id") {
      now_.id = value;
    } else if (open_.back().field == "access_hash") {
      now_.access_hash = value;
    }
  }
  void boolean(bool value) override {
    if (open_.empty()) {
      return;
    }
    const auto& [object, field] = open_.back();
    if (in_peer() && field == "min") {
      now_.min = value;
    } else if (object == "username" && field == "active") {
      active_ = value;
    }
  }
  void text(bytes_view value) override {
    if (open_.empty()) {
      return;
    }
    if (open_.back().object == "username") {
      username_ = as_text(value);
    } else if (in_peer() && open_.back().field == "username") {
      now_.usernames.push_back(as_text(value));
    } else if (in_peer() && open_.back().field == "phone") {
      now_.phone = as_text(value);
    }
  }

private:
  bool in_peer() const { return now_.level != 0 && now_.level == open_.size(); }

  void note_migration_field(std::int64_t value) {
    const bool of_peer = now_.level != 0 && now_.level + 1 == open_.size();
    if (of_peer && open_[now_.level - 1].field == "migrated_to") {
      (open_.back().field == "channel_id" ? now_.migrated_to : now_.migrated_hash) = value;
    }
  }
  void take_username() {
    const bool of_peer = now_.level != 0 && now_.level + 1 == open_.size();
    if (of_peer && active_ &&
        std::ranges::find(now_.usernames, username_) == now_.usernames.end()) {
      now_.usernames.push_back(username_);
    }
  }
  void take_peer() {
    if (now_.min) {
      min_ones_.push_back(std::move(now_));
    } else if (now_.access_hash || now_.kind == peer_kind::group) {
      into_->note({now_.kind, now_.id, now_.access_hash.value_or(0), now_.usernames, now_.phone},
                  *rows_);
    }
    if (now_.migrated_to != 0 && now_.migrated_hash != 0) {
      note_migration(*into_, now_.migrated_to, now_.migrated_hash, *rows_);
    }
    now_ = {};
  }

  storage::peer_cache* into_;
  storage::batch* rows_;
  walked_peer now_;
  bool active_ = false;
  string_view username_;
  std::vector<walked_peer> min_ones_;
};

/// What tells of a message which one it is, and what it names.
class source_sink final : public place_sink {
public:
  explicit source_sink(peer_sources& into)
    : into_{&into} {}

  void begin_object(string_view name) override {
    place_sink::begin_object(name);
    if (name == "message" || name == "messageService") {
      messages_.push_back({.level = open_.size()});
    }
  }
  void end_object() override {
    if (!messages_.empty() && messages_.back().level == open_.size()) {
      take(messages_.back());
      messages_.pop_back();
    }
    place_sink::end_object();
  }
  void number(std::int32_t value) override {
    if (!messages_.empty() && messages_.back().level == open_.size() &&
        open_.back().field == "id") {
      messages_.back().place.message = value;
    }
  }
  void wide_number(std::int64_t value) override {
    if (messages_.empty() || open_.empty()) {
      return;
    }
    auto& now = messages_.back();
    const auto name = open_.back().field;
    if (open_.size() == now.level + 1 && open_[now.level - 1].field == "peer_id") {
      now.place.chat_kind = name == "channel_id" ? peer_kind::channel
                            : name == "chat_id"  ? peer_kind::group
                                                 : peer_kind::user;
      now.place.chat = value;
    }
    if (name == "channel_id" && into_->channels.contains(value)) {
      now.channels.push_back(value);
    } else if (name != "channel_id" && name != "chat_id" && into_->users.contains(value)) {
      now.users.push_back(value);
    }
  }

private:
  struct walked_message {
    std::size_t level = 0; ///< its fields' place
    storage::message_source place = {};
    std::vector<std::int64_t> users = {};
    std::vector<std::int64_t> channels = {};
  };

  void take(const walked_message& from) const {
    const auto note = [&from](auto& known, std::int64_t id) {
      auto& latest = known[id];
      if (!latest || latest->message < from.place.message) {
        latest = from.place;
      }
    };
    const bool is_private = from.place.chat_kind == peer_kind::user;
    for (const auto id : from.users) {
      // Nobody is addressed by a message of a chat that is addressed by him.
      if (!is_private || from.place.chat != id) {
        note(into_->users, id);
      }
    }
    std::ranges::for_each(from.channels, [&](std::int64_t id) { note(into_->channels, id); });
  }

  peer_sources* into_;
  std::vector<walked_message> messages_;
};

constexpr std::array one_object{tl::kind::boxed};
constexpr std::array list_of_objects{tl::kind::vector, tl::kind::boxed};

bool walk_value(bytes_view value, tl::detail::text_sink& out) {
  const bool list = tl::reader{value}.peek_u32() == tl::vector_id;
  return tl::detail::walk(value,
                          list ? std::span<const tl::kind>{list_of_objects}
                               : std::span<const tl::kind>{one_object},
                          &api_schema(), out);
}

} // namespace

void note_migration(storage::peer_cache& into, std::int64_t channel, std::int64_t access_hash,
                    storage::batch& rows) {
  if (!into.find(peer_kind::channel, channel)) {
    into.note({peer_kind::channel, channel, access_hash}, rows);
  }
}

bool brings_peers(bytes_view result) {
  const auto id = tl::reader{result}.peek_u32();
  if (id != tl::vector_id) {
    return is_holder(id);
  }
  // Nothing says what the elements are; objects begin with what they are.
  constexpr std::size_t head = 8;
  return result.size() > head && is_holder(tl::reader{result.subspan(head)}.peek_u32());
}

void find_sources(bytes_view value, peer_sources& into) {
  source_sink sink{into};
  walk_value(value, sink);
}

void note_peers(storage::peer_cache& into, bytes_view result, storage::batch& rows) {
  peer_sink sink{into, rows};
  if (!walk_value(result, sink) || sink.min_ones().empty()) {
    return;
  }
  peer_sources sources;
  for (const auto& one : sink.min_ones()) {
    (one.kind == peer_kind::user ? sources.users : sources.channels)[one.id];
  }
  find_sources(result, sources);
  for (const auto& one : sink.min_ones()) {
    const auto& found = one.kind == peer_kind::user ? sources.users : sources.channels;
    if (const auto& source = found.at(one.id)) {
      into.note({one.kind, one.id, one.access_hash.value_or(0), one.usernames, one.phone, source},
                rows);
    }
  }
}

} // namespace cafegram
