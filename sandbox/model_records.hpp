#pragma once

#include <cafegram/sandbox/model.hpp>

#include <optional>
#include <string>
#include <string_view>

/// The model's records as JSON text, for the store. Names are stable: old data folders are read by
/// newer programs; a member that is missing has its zero.
namespace cafegram::sandbox::records {

inline constexpr std::string_view meta = "meta";
inline constexpr std::string_view accounts = "account";
inline constexpr std::string_view messages = "message";
inline constexpr std::string_view events = "event";
inline constexpr std::string_view dialogs = "dialog";
inline constexpr std::string_view keys = "key";
inline constexpr std::string_view codes = "code";
inline constexpr std::string_view rooms = "room";
inline constexpr std::string_view room_events = "room_event";
inline constexpr std::string_view members = "room_member";
inline constexpr std::string_view secondary = "secondary";

/// Keys sort as their numbers do.
std::string key_of(std::int64_t number);
std::string key_of(std::int64_t first, std::int64_t second);
/// The numbers of a key; nothing where there are not exactly `count`.
std::optional<std::vector<std::int64_t>> numbers_of(std::string_view key, std::size_t count);

std::string write(const account& value);
std::string write(const message_record& value);
std::string write(const box_event& value);
std::string write(const dialog& value);
std::string write(const secondary_event& value);
std::string write(const room& value);
std::string write(const room_member& value);
std::string write(const key_record& value);
std::string write(const login_code& value);

account read_account(const json& from);
message_record read_message(const json& from);
box_event read_event(const json& from);
dialog read_dialog(const json& from);
secondary_event read_secondary(const json& from);
room read_room(const json& from);
room_member read_member(const json& from);
key_record read_key(const json& from);
login_code read_code(const json& from);

} // namespace cafegram::sandbox::records
