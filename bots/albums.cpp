#include <cafegram/bots/dispatcher.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

// Albums as one: Telegram sends each of their messages by itself.
namespace cafegram {

namespace {

/// None for what is no new message of an album.
std::optional<std::int64_t> album_of(const std::shared_ptr<const update_data>& data) {
  const auto update = update_factory::make(data);
  const auto* message = std::get_if<new_message>(&update);
  return message != nullptr ? message->grouped_id() : std::nullopt;
}

/// A new value, for the one before may be shared: the first message, and `more` behind it.
std::shared_ptr<const update_data> album_with(const std::shared_ptr<const update_data>& before,
                                              const std::shared_ptr<const update_data>& more) {
  auto out = std::make_shared<update_data>(*before);
  if (out->album.empty()) {
    out->album.push_back(before);
    out->identity = "album/" + before->identity;
  }
  if (more) {
    out->album.push_back(more);
  }
  return out;
}

} // namespace

/// True where the update has joined an album of its chat that waits. The first of an album becomes
/// one, to be queued, and waits for the others: bounded by time and number.
bool dispatcher_state::gather(chat_key key, chat_state& chat, queued_update& update) {
  if (setup_.options.albums_within <= std::chrono::milliseconds{0}) {
    return false;
  }
  const auto group = album_of(update.data);
  if (!group) {
    return false;
  }
  // From the end, for there it is where all is as usual, however much waits.
  const auto found =
      std::find_if(chat.waiting.rbegin(), chat.waiting.rend(), [&](const queued_update& other) {
        return other.gathering == group && other.kept == update.kept &&
               other.data->album.size() < album_most;
      });
  if (found == chat.waiting.rend()) {
    update.data = album_with(update.data, nullptr);
    update.gathering = group;
    update.gathers_until = now() + setup_.options.albums_within;
    retries_.emplace(update.gathers_until, key);
    arm();
    return false;
  }
  found->data = album_with(found->data, update.data);
  found->more_rows.push_back(update.row);
  found->failures = std::max(found->failures, update.failures);
  std::ranges::move(update.sends, std::back_inserter(found->sends));
  if (found->data->album.size() == album_most) {
    found->gathers_until = steady_time::min();
  }
  return true;
}

} // namespace cafegram
