#pragma once

#include <cafegram/base/bytes.hpp>

#include <compare>
#include <cstdint>
#include <optional>

namespace cafegram {

/// What a flood limit on a call concerns: the method with these parameters. Where a `random_id`
/// makes each call another one, the method and its peer.
struct call_scope {
  std::uint32_t method = 0;
  std::uint64_t parameters = 0; ///< a hash: two that are taken for one wait for each other, no more

  friend auto operator<=>(const call_scope&, const call_scope&) = default;
};

/// Of an encoded call. One that the schema does not know is told apart by its octets.
call_scope scope_of(bytes_view function);

/// Where a call puts messages, and how many.
struct send_target {
  std::uint64_t chat = 0; ///< names the chat among all
  bool group = false;     ///< or a channel
  std::uint32_t messages = 1;
};

/// Nothing for a call that sends no messages to a chat. Looks into wrappers such as
/// `invokeWithTakeout`.
std::optional<send_target> send_target_of(bytes_view function);

} // namespace cafegram
