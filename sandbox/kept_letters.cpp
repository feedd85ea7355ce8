#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/router.hpp>

#include <utility>

namespace cafegram::sandbox {

namespace {

std::shared_ptr<const session_letter> news(json updates) {
  return std::make_shared<const session_letter>(letter_updates{std::move(updates)});
}

/// The channel whose pts these updates move, and nothing else; 0: there is none.
std::int64_t channel_of(const session_letter& letter) {
  const auto* told = std::get_if<letter_updates>(&letter);
  if (told == nullptr || items(told->updates, "updates").size() != 1) {
    return 0;
  }
  const json& update = items(told->updates, "updates").front();
  if (member(update, "pts_count") == nullptr) {
    return 0;
  }
  const json* message = member(update, "message");
  const json* peer = message != nullptr ? member(*message, "peer_id") : nullptr;
  return number(peer != nullptr ? *peer : update, "channel_id");
}

/// `updateChannelTooLong` in the place of some updates, the last of which is `last`.
json too_long(std::int64_t channel, const json& last) {
  json update = make("updateChannelTooLong");
  update["channel_id"] = channel;
  update["pts"] = number32(items(last, "updates").front(), "pts");
  json out = last;
  out["updates"] = json::array({std::move(update)});
  out["users"] = json::array();
  return out;
}

} // namespace

void kept_letters::add(std::shared_ptr<const session_letter> letter) {
  if (!std::holds_alternative<letter_updates>(*letter)) {
    letters_.push_back(std::move(letter));
    return;
  }
  if (lost_) {
    return; // the difference brings this too
  }
  if (const auto channel = channel_of(*letter); channel != 0) {
    if (behind_.contains(channel) || ++of_channel_[channel] > most_of_channel) {
      give_up(channel);
      behind_[channel] = too_long(channel, std::get<letter_updates>(*letter).updates);
      return;
    }
  }
  if (++news_ > most_news) {
    lose();
    return;
  }
  letters_.push_back(std::move(letter));
}

/// Takes what has come of a channel away.
void kept_letters::give_up(std::int64_t channel) {
  news_ -=
      std::erase_if(letters_, [channel](const auto& one) { return channel_of(*one) == channel; });
  of_channel_.erase(channel);
}

void kept_letters::lose() {
  std::erase_if(letters_,
                [](const auto& letter) { return std::holds_alternative<letter_updates>(*letter); });
  of_channel_.clear();
  behind_.clear(); // the difference names them
  news_ = 0;
  lost_ = true;
}

std::vector<std::shared_ptr<const session_letter>> kept_letters::take() {
  for (auto& [channel, told] : std::exchange(behind_, {})) {
    letters_.push_back(news(std::move(told)));
  }
  if (std::exchange(lost_, false)) {
    letters_.push_back(news(make("updatesTooLong")));
  }
  news_ = 0;
  of_channel_.clear();
  return std::exchange(letters_, {});
}

} // namespace cafegram::sandbox
