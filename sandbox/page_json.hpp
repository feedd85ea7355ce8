#pragma once

#include <cafegram/sandbox/page_model.hpp>
#include <cafegram/tl/json.hpp>

/// The page's values as JSON; the shapes are in docs/sandbox_page.md. Times are seconds since 1970,
/// octets base64.
namespace cafegram::sandbox {

using page_json = tl::json;

page_json to_json(const page_command& command);
page_json to_json(const page_user& user);
page_json to_json(const page_group& group);
page_json to_json(const page_load_chat& chat);
page_json to_json(const page_entity& entity);
page_json to_json(const page_button& button);
page_json to_json(const page_markup& markup);
page_json to_json(const page_message& message);
page_json to_json(const page_chat& chat);
page_json to_json(const page_connection& connection);
page_json to_json(const page_key& key);
page_json to_json(const page_method& method);
page_json to_json(const page_call& call);
page_json to_json(const page_code& code);
page_json to_json(const page_state& state);

/// An event: its `type` and what belongs to it.
page_json to_json(const page_event& event);

/// Text with octets that are not UTF-8 replaced: what a browser can always parse.
std::string dump(const page_json& value);

/// Reads the body of `POST /api/send` and `/api/edit`. Errors: `bad_argument` with the field's
/// name.
result<page_text> read_text(const page_json& body);
result<page_click> read_click(const page_json& body);

result<page_new_group> read_new_group(const page_json& body);
result<page_membership> read_membership(const page_json& body);
result<page_load> read_load(const page_json& body);
/// Reads a member that is true or false. Error: `bad_argument`.
result<bool> read_flag(const page_json& body, const char* field);

/// Reads the id of a user or, below zero, of a group.
result<std::int64_t> read_chat_id(const page_json& body, const char* field);

/// Reads an id (a whole number from 1 to 2^53 - 1) or, with `zero`, 0 too.
result<std::int64_t> read_id(const page_json& body, const char* field, bool zero = false);

/// Reads a message's id (1 to 2^31 - 1), or, with `zero`, 0 too and 0 where it is missing.
result<std::int32_t> read_message_id(const page_json& body, const char* field, bool zero = false);

/// Reads a text of at most `limit` UTF-16 code units; missing counts as empty.
result<std::string> read_string(const page_json& body, const char* field, std::size_t limit);

} // namespace cafegram::sandbox
