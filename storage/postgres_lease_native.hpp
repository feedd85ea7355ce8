#pragma once

// Internal to storage/: who has a session in PostgreSQL. Not installed.

#include <cafegram/storage/session_lock.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <pqxx/pqxx>
#include <string>

namespace cafegram::storage::native {

/// The lease of one session. All functions throw what libpqxx throws.
class postgres_lease {
public:
  postgres_lease(std::string session, std::chrono::seconds length)
    : session_{std::move(session)}
    , length_{std::to_string(length.count())} {}

  /// Makes the table, where it is missing, and names statements.
  static void make_table(pqxx::transaction_base& in);
  static void prepare(pqxx::connection& with);

  /// Takes it if nobody has it. None when taken, else who has it.
  std::optional<store_owner> take(pqxx::connection& with);
  /// Is it still ours? Renews it; the answer holds until the end of the transaction.
  bool renew(pqxx::transaction_base& in) const;
  /// The same over a connection in the place of one that broke, to which it belongs from then on.
  bool move_to(pqxx::transaction_base& in) const;
  void give_back(pqxx::transaction_base& in) const;
  store_owner owner(pqxx::transaction_base& in) const;

private:
  std::string session_;
  std::string length_; ///< seconds
  std::int64_t token_ = 0;
};

} // namespace cafegram::storage::native
