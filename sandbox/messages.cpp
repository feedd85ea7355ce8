#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/text.hpp>
#include <cafegram/sandbox/views.hpp>
#include <cafegram/sandbox/visibility.hpp>

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
  if (to.blocked.contains(from.id)) {
    return refuse("USER_IS_BLOCKED", 403);
  }
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

or_refusal<void> check_reach(const account& from, const place& to) {
  if (to.user != nullptr) {
    return check_reach(from, *to.user);
  }
  if (to.in->closed()) {
    return refuse("PEER_ID_INVALID");
  }
  if (to.in->may_write(from.id)) {
    return {};
  }
  const room_member* member = to.in->find(from.id);
  const bool restricted = member != nullptr && member->inside() && member->rights.is_object() &&
                          flag(member->rights, "send_messages");
  return restricted ? refuse("USER_BANNED_IN_CHANNEL") : refuse("CHAT_WRITE_FORBIDDEN", 403);
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

/// Answers as `alice` does: in a private chat each message, in a room those that name her.
void answer_by_script(step& at, account& alice, account& writer, const place& where,
                      const message_record& heard) {
  if (!alice.scripted || !at.in.options.alice || &alice == &writer || !heard.action.is_null() ||
      answers_her(at, alice, writer, heard)) {
    return;
  }
  draft reply;
  reply.text = std::string{script} + shortened(heard.text);
  place there{&writer, nullptr};
  if (where.in != nullptr) {
    if (!mentions(at.in, heard, alice) || !where.in->may_write(alice.id)) {
      return;
    }
    there = where;
    reply.reply_to = heard.id_for(alice.id);
  }
  // Not a part of the call: every session of the writer is to hear it. She writes what always
  // passes the checks, so that there is no refusal to tell anybody of.
  step hers{at.in, {}, nullptr, at.now, at.out};
  (void)send_message(hers, alice, there, std::move(reply));
}

void answer_by_script(step& at, account& writer, const place& where, const message_record& heard) {
  if (where.user != nullptr) {
    answer_by_script(at, *where.user, writer, where, heard);
    return;
  }
  for (const auto& [user, member] : where.in->members) {
    if (account* who = at.in.data.find(user); who->scripted && member.inside()) {
      answer_by_script(at, *who, writer, where, heard);
    }
  }
}

/// The message as it is to be kept. Refusals: as `send_message`.
or_refusal<message_record> composed(step& at, account& from, const place& to, draft what) {
  const message_record* answered =
      what.reply_to != 0 ? at.in.data.find_message(from, to.id(), what.reply_to) : nullptr;
  if (what.reply_to != 0 && answered == nullptr) {
    return refuse("MESSAGE_ID_INVALID");
  }
  auto entities = check_entities(what.entities, what.text);
  if (!entities) {
    return std::unexpected(entities.error());
  }
  add_found_entities(what.text, *entities);
  auto markup = from.bot ? check_markup(what.markup) : or_refusal<json>{json{}};
  if (!markup) {
    return std::unexpected(markup.error());
  }
  message_record out;
  out.from = from.id;
  out.date = at.unix_time();
  out.text = std::move(what.text);
  out.entities = *std::move(entities);
  out.markup = *std::move(markup);
  out.random_id = what.random_id;
  out.reply_to = answered != nullptr ? answered->number : 0;
  out.silent = what.silent;
  out.forward = what.forward;
  return out;
}

/// Keeps a message and tells everybody of it.
message_record& deliver(step& at, account& from, const place& to, message_record fresh) {
  if (to.in != nullptr) {
    fresh.room = to.in->id;
    fresh.unseen_by = bots_left_out(at.in, *to.in, fresh);
  } else {
    fresh.to = to.user->id;
  }
  message_record& kept = at.in.data.deliver(std::move(fresh));
  if (to.is_channel()) {
    at.announce(*to.in, to.in->events.back());
  }
  for (const message_copy& copy : kept.copies) {
    account& owner = *at.in.data.find(copy.owner);
    at.announce(owner, owner.events.back());
  }
  answer_by_script(at, from, to, kept);
  return kept;
}

} // namespace

or_refusal<message_record*> send_message(step& at, account& from, const place& to, draft what) {
  if (auto good = check_text(what.text); !good) {
    return std::unexpected(good.error());
  }
  if (auto good = check_reach(from, to); !good) {
    return std::unexpected(good.error());
  }
  if (what.random_id != 0 && from.random_ids.contains(what.random_id)) {
    return refuse("RANDOM_ID_DUPLICATE", 500);
  }
  auto fresh = composed(at, from, to, std::move(what));
  if (!fresh) {
    return std::unexpected(fresh.error());
  }
  return &deliver(at, from, to, *std::move(fresh));
}

message_record& send_service(step& at, account& from, const place& to, json action,
                             std::int32_t reply_to) {
  const message_record* answered =
      reply_to != 0 ? at.in.data.find_message(from, to.id(), reply_to) : nullptr;
  message_record fresh;
  fresh.from = from.id;
  fresh.date = at.unix_time();
  fresh.action = std::move(action);
  fresh.reply_to = answered != nullptr ? answered->number : 0;
  return deliver(at, from, to, std::move(fresh));
}

namespace {

or_refusal<void> check_edit(const account& from, const place& where,
                            const message_record& message) {
  const bool own = message.from == from.id;
  if (where.in == nullptr) {
    return own ? or_refusal<void>{} : refuse("MESSAGE_AUTHOR_REQUIRED", 403);
  }
  if (where.in->kind == room_kind::broadcast && where.in->may(from.id, "edit_messages")) {
    return {};
  }
  if (!own) {
    return refuse("MESSAGE_AUTHOR_REQUIRED", 403);
  }
  // Who has left, or posts no more, has no say in what stands there.
  return where.in->may_change_own(from.id) ? or_refusal<void>{}
                                           : refuse("CHAT_WRITE_FORBIDDEN", 403);
}

struct new_content {
  std::string text;
  json entities;
  json markup;
};

/// What the request makes of a message. Refusals: as `edit_message`.
or_refusal<new_content> changed_content(const account& from, const message_record& before,
                                        const json& request) {
  new_content out{before.text, before.entities, {}};
  if (member(request, "message") != nullptr) {
    out.text = text(request, "message");
    if (auto good = check_text(out.text); !good) {
      return std::unexpected(good.error());
    }
    auto checked = check_entities(items(request, "entities"), out.text);
    if (!checked) {
      return std::unexpected(checked.error());
    }
    out.entities = *std::move(checked);
    add_found_entities(out.text, out.entities);
  }
  const json* given = member(request, "reply_markup");
  auto markup = from.bot && given != nullptr ? check_markup(*given) : or_refusal<json>{json{}};
  if (!markup) {
    return std::unexpected(markup.error());
  }
  out.markup = *std::move(markup);
  return out;
}

} // namespace

void announce_change(step& at, const place& where, const message_record& message, event_kind what) {
  if (where.is_channel()) {
    at.note(*where.in, what, {message.id});
    return;
  }
  for (const message_copy& copy : message.copies) {
    const bool hears = where.in == nullptr || where.in->has(copy.owner);
    if (!copy.gone && hears) {
      account& owner = *at.in.data.find(copy.owner);
      at.note(owner, what, message.peer_of(owner.id), {copy.id});
    }
  }
}

or_refusal<message_record*> edit_message(step& at, account& from, const place& where,
                                         std::int32_t id, const json& request) {
  message_record* found = at.in.data.find_message(from, where.id(), id);
  if (found == nullptr || !found->action.is_null()) {
    return refuse("MESSAGE_ID_INVALID");
  }
  if (auto good = check_edit(from, where, *found); !good) {
    return std::unexpected(good.error());
  }
  auto fresh = changed_content(from, *found, request);
  if (!fresh) {
    return std::unexpected(fresh.error());
  }
  const bool same_text = fresh->text == found->text && fresh->entities == found->entities;
  if (same_text && fresh->markup == found->markup) {
    return refuse("MESSAGE_NOT_MODIFIED");
  }
  found->text = std::move(fresh->text);
  found->entities = std::move(fresh->entities);
  found->markup = std::move(fresh->markup);
  found->edit_hidden = same_text && (found->edited == 0 || found->edit_hidden);
  found->edited = at.unix_time();
  at.in.data.save(*found);
  announce_change(at, where, *found, event_kind::edited);
  return found;
}

} // namespace cafegram::sandbox
