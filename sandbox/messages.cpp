#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/text.hpp>
#include <cafegram/sandbox/views.hpp>

#include <algorithm>

namespace cafegram::sandbox {

namespace {

constexpr std::size_t longest_message = 4096;
constexpr std::size_t longest_quote = 200;

or_refusal<void> check_text(std::string_view content) {
  if (is_blank(content)) {
    return refuse("MESSAGE_EMPTY");
  }
  if (code_points(content) > longest_message) {
    return refuse("MESSAGE_TOO_LONG");
  }
  return {};
}

/// Bots speak to people only, and only to those who have spoken first; `alice` is open to all.
or_refusal<void> check_reach(const account& from, const account& to) {
  if (!from.bot || &from == &to) {
    return {};
  }
  if (to.bot) {
    return refuse("USER_IS_BOT");
  }
  if (!to.scripted && !from.dialogs.contains(to.id)) {
    return refuse("PEER_ID_INVALID");
  }
  return {};
}

/// The first characters of a text, whole.
std::string shortened(const std::string& content) {
  std::size_t end = 0;
  std::size_t count = 0;
  while (end < content.size() && count < longest_quote) {
    ++count;
    do {
      ++end;
    } while (end < content.size() && (static_cast<unsigned char>(content[end]) & 0xc0) == 0x80);
  }
  return content.substr(0, end) + (end < content.size() ? "…" : "");
}

constexpr std::string_view script = "You wrote: ";

/// True for what a machine says because she has said something: its answer to her message, or her
/// own words again. Two that answer each other would never stop.
bool answers_her(const step& at, const account& alice, const account& writer,
                 const message_record& heard) {
  const message_record* replied = at.in.data.message(heard.reply_to);
  return (replied != nullptr && replied->from == alice.id) ||
         (writer.bot && heard.text.find(script) != std::string::npos);
}

/// Answers as `alice` does.
void answer_by_script(step& at, account& alice, account& writer, const message_record& heard) {
  if (!alice.scripted || !at.in.options.alice || &alice == &writer ||
      answers_her(at, alice, writer, heard)) {
    return;
  }
  draft reply;
  reply.text = std::string{script} + shortened(heard.text);
  // Not a part of the call: every session of the writer is to hear it. She writes what always
  // passes the checks, so that there is no refusal to tell anybody of.
  step hers{at.in, {}, nullptr, at.now, at.out};
  (void)send_message(hers, alice, writer, std::move(reply));
}

} // namespace

or_refusal<message_record*> send_message(step& at, account& from, account& to, draft what) {
  if (auto good = check_text(what.text); !good) {
    return std::unexpected(good.error());
  }
  if (auto good = check_reach(from, to); !good) {
    return std::unexpected(good.error());
  }
  if (what.random_id != 0 && from.random_ids.contains(what.random_id)) {
    return refuse("RANDOM_ID_DUPLICATE", 500);
  }
  const message_record* answered =
      what.reply_to != 0 ? at.in.data.in_box(from, what.reply_to) : nullptr;
  if (what.reply_to != 0 && (answered == nullptr || answered->peer_of(from.id) != to.id)) {
    return refuse("MESSAGE_ID_INVALID");
  }
  auto entities = check_entities(what.entities, what.text, from.id);
  if (!entities) {
    return std::unexpected(entities.error());
  }
  add_found_entities(what.text, *entities);
  auto markup = from.bot ? check_markup(what.markup) : or_refusal<json>{json{}};
  if (!markup) {
    return std::unexpected(markup.error());
  }
  message_record fresh;
  fresh.from = from.id;
  fresh.to = to.id;
  fresh.date = at.unix_time();
  fresh.text = std::move(what.text);
  fresh.entities = *std::move(entities);
  fresh.markup = *std::move(markup);
  fresh.random_id = what.random_id;
  fresh.reply_to = answered != nullptr ? answered->number : 0;
  fresh.silent = what.silent;
  message_record& kept = at.in.data.deliver(std::move(fresh));
  at.announce(from, from.events.back());
  if (&from != &to) {
    at.announce(to, to.events.back());
  }
  answer_by_script(at, to, from, kept);
  return &kept;
}

or_refusal<message_record*> edit_message(step& at, account& from, std::int32_t id,
                                         const json& request) {
  message_record* found = at.in.data.in_box(from, id);
  if (found == nullptr) {
    return refuse("MESSAGE_ID_INVALID");
  }
  if (found->from != from.id) {
    return refuse("MESSAGE_AUTHOR_REQUIRED", 403);
  }
  std::string content = found->text;
  json entities = found->entities;
  if (member(request, "message") != nullptr) {
    content = text(request, "message");
    if (auto good = check_text(content); !good) {
      return std::unexpected(good.error());
    }
    auto checked = check_entities(items(request, "entities"), content, from.id);
    if (!checked) {
      return std::unexpected(checked.error());
    }
    entities = *std::move(checked);
    add_found_entities(content, entities);
  }
  const json* given = member(request, "reply_markup");
  auto markup = from.bot && given != nullptr ? check_markup(*given) : or_refusal<json>{json{}};
  if (!markup) {
    return std::unexpected(markup.error());
  }
  const bool same_text = content == found->text && entities == found->entities;
  if (same_text && *markup == found->markup) {
    return refuse("MESSAGE_NOT_MODIFIED");
  }
  found->text = std::move(content);
  found->entities = std::move(entities);
  found->markup = *std::move(markup);
  found->edit_hidden = same_text && (found->edited == 0 || found->edit_hidden);
  found->edited = at.unix_time();
  at.in.data.save(*found);
  at.note(from, event_kind::edited, found->to, {found->sender_id});
  if (found->to != from.id && !found->gone_for_receiver) {
    at.note(*at.in.data.find(found->to), event_kind::edited, from.id, {found->receiver_id});
  }
  return found;
}

std::int32_t delete_messages(step& at, account& from, const std::vector<std::int32_t>& ids,
                             bool revoke) {
  std::map<account_id, std::vector<std::int32_t>> mine; // by chat
  std::map<account_id, std::vector<std::int32_t>> theirs;
  std::int32_t count = 0;
  for (const std::int32_t id : ids) {
    const message_record* found = at.in.data.in_box(from, id);
    if (found == nullptr) {
      continue;
    }
    const account_id peer = found->peer_of(from.id);
    auto& list = mine[peer];
    if (std::ranges::find(list, id) != list.end()) {
      continue;
    }
    list.push_back(id);
    ++count;
    const bool there = found->from == from.id ? !found->gone_for_receiver : !found->gone_for_sender;
    if (revoke && peer != from.id && there) {
      theirs[peer].push_back(found->id_for(peer));
    }
  }
  for (const auto& [peer, list] : mine) {
    at.in.data.remove(from, peer, list);
    at.announce(from, from.events.back());
  }
  for (const auto& [peer, list] : theirs) {
    account& other = *at.in.data.find(peer);
    at.in.data.remove(other, from.id, list);
    at.announce(other, other.events.back());
  }
  return count;
}

std::int32_t read_history(step& at, account& reader, account& writer, std::int32_t up_to) {
  dialog& talk = at.in.data.dialog_of(reader, writer.id);
  const auto& chat = reader.chats[writer.id];
  auto last = chat.upper_bound(up_to > 0 ? up_to : talk.top);
  if (last == chat.begin()) {
    return 0;
  }
  const std::int32_t newest = (--last)->first;
  const std::int32_t before = talk.unread;
  if (newest <= talk.read_inbox) {
    return 0;
  }
  talk.read_inbox = newest;
  at.in.data.recount(reader, writer.id);
  at.in.data.save_dialog(reader, writer.id);
  at.note(reader, event_kind::read_inbox, writer.id, {newest});
  // What the writer sees is its own newest message up to there.
  const message_record* seen = nullptr;
  for (auto one = std::make_reverse_iterator(std::next(last)); one != chat.rend(); ++one) {
    const message_record* message = at.in.data.message(one->second);
    if (message->from == writer.id && !message->gone_for_sender) {
      seen = message;
      break;
    }
  }
  dialog& other = at.in.data.dialog_of(writer, reader.id);
  if (seen != nullptr && &reader != &writer && seen->sender_id > other.read_outbox) {
    other.read_outbox = seen->sender_id;
    at.in.data.save_dialog(writer, reader.id);
    if (writer.bot) { // bots are not told; the page is
      at.out.events.emplace_back(page_events::messages_read{writer.id, reader.id, seen->sender_id});
    } else {
      at.note(writer, event_kind::read_outbox, reader.id, {seen->sender_id});
    }
  }
  return before - talk.unread;
}

} // namespace cafegram::sandbox
