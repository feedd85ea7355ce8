#pragma once

#include <cafegram/actors/client.hpp>
#include <cafegram/actors/messages.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace cafegram {

// Login of people, step by step, for programs that can wait: all of these block, as `client` does.
// Spec: "User Authorization", "Two-factor authentication".

/// A code is on its way.
struct login_code {
  std::string phone;
  std::string hash;
  std::string kind;        ///< how it comes: `App`, `Sms`, `Call`, `EmailCode`, ...
  std::int32_t length = 0; ///< digits, 0 where not told
  std::optional<std::int32_t> resend_after; ///< seconds
};

/// The account has a password: go on with `check_password`.
struct password_needed {
  std::string hint;
};
/// Nobody has this number: go on with `auth.signUp`.
struct sign_up_needed {};

using sign_in_outcome = std::variant<account, password_needed, sign_up_needed>;

/// Errors: `rpc` (`PHONE_NUMBER_INVALID`, ...); `limit` where Telegram wants to be paid for it.
result<login_code> send_code(client& with, std::string phone);
/// Another code by the next way. Errors: `rpc`.
result<login_code> resend_code(client& with, const login_code& earlier);
/// Errors: `rpc`: `PHONE_CODE_INVALID` is not `PHONE_CODE_EXPIRED`.
result<sign_in_outcome> sign_in(client& with, const login_code& sent, std::string_view code);
/// Proves the password without sending it (SRP). Errors: `rpc` (`PASSWORD_HASH_INVALID`),
/// `protocol_violation` where the server's parameters fail their checks.
result<account> check_password(client& with, std::string_view password);
/// The account that is logged in. Errors: `rpc` 401 where none is.
result<account> get_me(client& with);
/// Ends the login on the server. Errors: `rpc`.
result<void> log_out(client& with);

} // namespace cafegram
