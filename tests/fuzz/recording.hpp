#pragma once

#include <cafegram/protocol/envelope.hpp>
#include <cafegram/protocol/framing.hpp>
#include <cafegram/storage/session.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include "fuzz.hpp"

/// From what was heard on a line to the inputs of the fuzzers.
namespace cafegram::fuzz {

/// What one read of a socket brought.
struct heard_piece {
  std::size_t connection = 0;
  bool from_client = false;
  bytes data;
};

/// One talk over one framing, not obfuscated, and the session that it left behind.
struct recording {
  protocol::framing kind{};
  std::vector<heard_piece> pieces;
  storage::session_state session;
};

/// A message out of its packet and container.
struct heard_message {
  bool from_client = false;
  protocol::message_header header;
  bytes body;
  bool content() const { return (header.seqno & 1) != 0; }
};

/// Where seeds go: FOLDER/FUZZER/HASH, each once.
class seed_folder {
public:
  explicit seed_folder(std::filesystem::path root)
    : root_{std::move(root)} {}
  void add(std::string_view fuzzer, bytes_view seed) const;
  std::size_t count() const { return count_; }

private:
  std::filesystem::path root_;
  mutable std::size_t count_ = 0;
};

/// Everything that a recording is a seed for.
void make_seeds(const recording& heard, const seed_folder& to);
/// For the fuzzers whose inputs no talk between client and sandbox holds.
void make_written_seeds(const seed_folder& to);

} // namespace cafegram::fuzz
