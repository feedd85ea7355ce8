#pragma once

#include <cafegram/base/bytes.hpp>

#include <cstdint>

namespace cafegram::protocol {

/// Names one message of a session. Server time in 2^-32 s; mod 4: 0 from the client, 1 an answer
/// of the server, 3 anything else of the server.
enum class msg_id : std::int64_t {};

constexpr std::int64_t number(msg_id id) {
  return static_cast<std::int64_t>(id);
}

/// Which of the two ends, where code serves both.
enum class side : std::uint8_t { client, server };

/// Chosen by who submits a request, to know its answer again; unique while it is under way.
enum class request_id : std::uint64_t {};

} // namespace cafegram::protocol
