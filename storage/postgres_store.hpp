#pragma once

#include <cafegram/storage/backend.hpp>

#include <chrono>
#include <string>

namespace cafegram::storage {

struct postgres_options {
  /// How long a session stays with an owner that is connected and says nothing.
  std::chrono::seconds lease{30};
  /// How long a server is waited for that says nothing, where the URI does not say
  /// (`connect_timeout`, `tcp_user_timeout`, `keepalives_idle`, `keepalives_interval`).
  std::chrono::seconds patience{10};
};

/// Rows of one session among others in a PostgreSQL database, for machines that share one. `uri` is
/// libpq's (`postgresql://USER@HOST/NAME`), in which `session=NAME` says which session (`default`).
/// Tables that are missing are made.
///
/// The owner has a lease with a number that rises with each owner. Each batch is written with the
/// proof that the number is still this owner's, so that one who was taken for dead changes nothing.
/// The lease ends with the connection, or when it has not been renewed in time.
///
/// Durable batches wait for the disk; others do not (`synchronous_commit` off): they are safe from
/// the death of this process, and whole after that of the server.
/// Errors: `storage`; `session_in_use` with the owner's process id as `error::number`, also from
/// all functions of a store whose lease another owner has by now. `bad_argument` where this library
/// was built without libpqxx.
result<std::unique_ptr<backend>> open_postgres_store(const std::string& uri,
                                                     const postgres_options& options = {});

/// Was this library built with libpqxx?
bool has_postgres();

} // namespace cafegram::storage
