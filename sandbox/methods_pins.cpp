#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/views.hpp>

/// Pinned messages. Spec: "messages.updatePinnedMessage".
namespace cafegram::sandbox {

namespace {

or_refusal<void> check_rights(const step& at, const place& where) {
  if (where.in == nullptr) {
    return {};
  }
  const bool post = where.in->kind == room_kind::broadcast;
  return where.in->may(at.me->id, post ? "edit_messages" : "pin_messages")
             ? or_refusal<void>{}
             : refuse("CHAT_ADMIN_REQUIRED");
}

answer pin(step& at, const json& request) {
  const auto where = at.chat_of(request);
  if (!where) {
    return std::unexpected(where.error());
  }
  if (auto good = check_rights(at, *where); !good) {
    return std::unexpected(good.error());
  }
  const std::int32_t id = number32(request, "id");
  message_record* found = at.in.data.find_message(*at.me, where->id(), id);
  if (found == nullptr || !found->action.is_null()) {
    return refuse("MESSAGE_ID_INVALID");
  }
  const bool pins = !flag(request, "unpin");
  if (found->pinned == pins) {
    return refuse("CHAT_NOT_MODIFIED");
  }
  found->pinned = pins;
  at.in.data.save(*found);
  announce_change(at, *where, *found, pins ? event_kind::pinned : event_kind::unpinned);
  if (pins && !flag(request, "pm_oneside")) {
    send_service(at, *at.me, *where, make("messageActionPinMessage"), id);
  }
  return at.own_updates();
}

/// The messages of a chat that are pinned, as the caller sees it.
std::vector<message_record*> pinned_in(step& at, const place& where) {
  std::vector<message_record*> out;
  const auto chat = at.me->chats.find(where.id());
  const std::map<std::int32_t, std::int64_t> nothing;
  const auto& history = where.is_channel()           ? where.in->history
                        : chat != at.me->chats.end() ? chat->second
                                                     : nothing;
  for (const auto& [id, number] : history) {
    if (message_record* message = at.in.data.message(number); message->pinned) {
      out.push_back(message);
    }
  }
  return out;
}

answer unpin_all(step& at, const json& request) {
  const auto where = at.chat_of(request);
  if (!where) {
    return std::unexpected(where.error());
  }
  if (auto good = check_rights(at, *where); !good) {
    return std::unexpected(good.error());
  }
  const auto pts = [&] {
    return where->is_channel() ? model::pts_for(*where->in, at.me->id) : at.me->pts;
  };
  const std::int32_t before = pts();
  const auto pinned = pinned_in(at, *where);
  for (message_record* message : pinned) {
    message->pinned = false;
    at.in.data.save(*message);
    announce_change(at, *where, *message, event_kind::unpinned);
  }
  json out = make("messages.affectedHistory");
  out["pts"] = pts();
  out["pts_count"] = pts() - before;
  out["offset"] = 0;
  return out;
}

} // namespace

std::span<const method> pin_methods() {
  static constexpr method table[] = {
      {"messages.updatePinnedMessage", audience::logged_in, pin},
      {"messages.unpinAllMessages", audience::logged_in, unpin_all},
  };
  return table;
}

} // namespace cafegram::sandbox
