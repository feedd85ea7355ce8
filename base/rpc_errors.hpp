#pragma once

#include <cafegram/base/error.hpp>
#include <cafegram/base/rpc_names.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace cafegram {

/// What is documented of one of Telegram's errors.
struct rpc_error_info {
  rpc_name name;
  std::span<const std::int32_t> codes; ///< at least one
  std::string_view methods;            ///< that are known to give it, with spaces between
  std::string_view text;               ///< for people, `%d` for the number; often empty

  /// Is `method`, such as `messages.sendMessage`, known to give it?
  bool given_by(std::string_view method) const;
};

/// All of them, by name.
std::span<const rpc_error_info> documented_rpc_errors();

/// What is documented of this one; null for a name that is not.
const rpc_error_info* find_rpc_error(const rpc_failure& which);
const rpc_error_info* find_rpc_error(const rpc_name& which);

/// What has happened and what can be done, in a sentence or two for people. Never empty; Telegram's
/// own description where there is one.
std::string explain(const error& e);

} // namespace cafegram
