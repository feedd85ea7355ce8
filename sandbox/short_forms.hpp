#pragma once

#include <cafegram/sandbox/core.hpp>

/// `Updates` as they are pushed. Spec: "Working with Updates", "updateShortMessage".
namespace cafegram::sandbox {

/// One of the short forms where Telegram has one for it: a plain text message of somebody whom the
/// account knows, or what moves no counter and needs no description. Null: there is none. Bots get
/// none: they need the sender's description each time.
json short_form(const core& in, const account& to, const json& updates, std::int64_t now);

/// The updates as the sessions of `to` get them. `ordered`: what has neither pts nor qts moves the
/// account's seq, which is not so for what a session of its own has brought about: that one has it
/// in its answer, and would miss the number.
json pushed_form(core& in, account& to, json updates, std::vector<peer_id> about, std::int64_t now,
                 bool ordered);

/// `updateShortSentMessage` for what `messages.sendMessage` has sent; null where Telegram answers
/// with all of it: in channels, with buttons, to a message of oneself.
json short_sent_form(const core& in, const account& from, const message_record& message);

} // namespace cafegram::sandbox
