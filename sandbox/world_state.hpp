#pragma once

#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/message_log.hpp>

#include <memory>

namespace cafegram::sandbox {

/// What a world holds.
struct world::impl : core {
  impl(world_options opts, std::unique_ptr<store> records, std::shared_ptr<random_source> source)
    : core{std::move(opts),
           model{std::move(records)},
           std::move(source),
           {},
           {},
           {},
           {},
           {},
           false} {}

  result<void> commit();
  void finish(outcome& out);

  /// What an action of the page gives, once it is in the store.
  template <class T>
  paged<T> keep(T value, outcome effects) {
    if (auto kept = commit(); !kept) {
      return {std::unexpected(kept.error()), {}};
    }
    return {std::move(value), std::move(effects)};
  }
  paged<void> keep(outcome effects) {
    if (auto kept = commit(); !kept) {
      return {std::unexpected(kept.error()), {}};
    }
    return {{}, std::move(effects)};
  }

  std::unique_ptr<message_log> log;
  std::int64_t logged = 0; ///< number of the last message in the log
};

/// A person whom the page may speak for. Errors: `not_found`, `bad_argument` for a bot.
result<account*> acting_person(core& in, account_id id);
error to_error(const rpc_refusal& refusal);

} // namespace cafegram::sandbox
