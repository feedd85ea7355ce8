#pragma once

#include <cafegram/actors/signing.hpp>
#include <cafegram/base/bytes.hpp>
#include <cafegram/base/error.hpp>

#include <cstdint>
#include <vector>

namespace cafegram::detail {

/// A function that sends, with the `random_id`s that it was given here.
struct named_send {
  bytes function;
  std::vector<std::int64_t> random_ids; ///< empty: it needed none
  bytes name;                           ///< what they are made from, for `send_scope::give_back`
};

/// Gives a `random_id` to what a function sends without one: its own field, or that of each item of
/// an album, where it is 0; as many as there are ids where a list of them is empty. Also within
/// `invokeWith...`. What is set stays.
named_send name_send(bytes function, send_scope& sends);

/// False where trying again may help: Telegram has said no, or the caller is wrong. A send is known
/// by its `random_id`, so one that may have run is made again without harm.
bool is_final(const error& why);

} // namespace cafegram::detail
