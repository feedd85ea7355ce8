#pragma once

#include <cafegram/actors/client.hpp>
#include <cafegram/tl/api.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>

namespace cafegram::chaos {

/// How one bot works.
struct load_options {
  std::uint64_t seed = 1;
  std::uint64_t number = 0; ///< of the bot, from 0
  std::size_t in_flight = 16;
  std::chrono::milliseconds timeout{10'000}; ///< of one call
};

/// What became of calls: an outcome is `result`, the name of an `errc`, or `rpc NAME`.
struct tally {
  std::uint64_t issued = 0;
  std::uint64_t settled = 0;
  std::uint64_t settled_twice = 0;
  std::uint64_t messages = 0;
  std::uint64_t unsent = 0; ///< messages that no answer has confirmed
  std::map<std::string, std::uint64_t> outcomes = {};
  std::map<std::string, std::uint64_t> reasons = {}; ///< of errors that are not the API's

  std::uint64_t under_way() const { return issued - settled; }
  tally& operator+=(const tally& other);
};

/// A bot that makes calls for as long as it is asked to: reads, messages that it sends until it
/// knows that they are sent, edits that may not run twice. What it asks for, and in which order,
/// depends on the seed and its number alone.
class bot_load {
public:
  /// Finds alice and writes her the message that is edited from then on. Tries until it works, for
  /// faults happen by now. Errors: the last one, when it gives up.
  result<void> prepare();

  /// Makes calls until `quota` were made or enough are under way.
  void top_up(std::uint64_t quota);
  /// Only messages that are not known to be sent, from now on.
  void finish_messages();
  /// Nothing is under way and every message is sent.
  bool idle() const;
  tally counts() const;
  void stop() { client_.stop(); }

  bot_load(client on, load_options options);

private:
  enum class call_kind : std::uint8_t { read, send, edit };
  struct call;

  std::shared_ptr<call> next_call();
  std::shared_ptr<call> make_read();
  std::shared_ptr<call> make_send(std::uint64_t number);
  std::shared_ptr<call> make_edit();
  void make(std::shared_ptr<call> what);
  void settle(call& what, const result<bytes>& answer);
  std::int64_t random_id_of(std::uint64_t message) const;

  client client_;
  const load_options options_;
  tl::InputPeer alice_;
  mutable std::mutex lock_; // callbacks come on the client's threads
  std::mt19937_64 choice_;
  std::uint64_t edits_ = 0;
  std::deque<std::uint64_t> again_; ///< messages whose outcome was not known
  tally counts_;
};

} // namespace cafegram::chaos
