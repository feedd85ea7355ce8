#pragma once

#include <cstdint>
#include <string>

namespace cafegram::durability {

/// What the supervisor tells the process of the bots.
struct arguments {
  std::string address; ///< HOST:PORT of the sandbox
  std::string key;     ///< file with its public key
  std::string session; ///< place of the sessions; `%` stands for the bot's number
  std::uint64_t bots = 4;
  std::string die_at;         ///< name of a `point`; empty: nowhere
  std::int64_t die_after = 0; ///< milliseconds from the start; earlier passes are none
  std::uint32_t die_passes = 1;
};

/// Answers each `ask N` with `answer N`, and `hello N` with `welcome N`, until it is told to stop,
/// or dies; prints `ready` when all bots are logged in. The exit status.
int work(const arguments& a);

} // namespace cafegram::durability
