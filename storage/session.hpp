#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/crypto/secure.hpp>
#include <cafegram/storage/backend.hpp>
#include <cafegram/storage/peer_record.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cafegram::storage {

/// Octets that copies share and that are wiped when the last one goes. Null for none.
using shared_secret = std::shared_ptr<const crypto::secret>;

struct dc_address {
  std::string host;
  std::uint16_t port = 443;
  bool ipv6 = false;
  bool media_only = false;
  bool tcpo_only = false; ///< obfuscated only
  bool cdn = false;
  bool is_static = false;
  bool this_port_only = false;
  std::vector<std::uint8_t> secret = {}; ///< of obfuscation, empty for none

  friend bool operator==(const dc_address&, const dc_address&) = default;
};

struct dc_record {
  shared_secret auth_key; ///< 256 octets
  std::uint64_t salt = 0;
  std::int64_t created_at = 0; ///< seconds since 1970
  std::vector<dc_address> addresses;
  bool authorised = false; ///< beside home: the login was carried there
};

struct user_record {
  std::int64_t id = 0;
  bool bot = false;
  std::string first_name;
  std::string username;

  friend bool operator==(const user_record&, const user_record&) = default;
};

/// Where the account stands in its updates. Spec: "updates.state".
struct update_state {
  std::int32_t pts = 0;
  std::int32_t qts = 0;
  std::int32_t date = 0;
  std::int32_t seq = 0;
  /// Channels that moved by then were named (the server's time, in seconds). 0: by `date`.
  std::int32_t named_until = 0;

  friend bool operator==(const update_state&, const update_state&) = default;
};

/// Where a channel stands in its updates.
struct channel_counter {
  std::int32_t pts = 0;
  bool unsure = false; ///< more may have been there when this was written
  bool closed = false; ///< it could not be seen any more
  /// Unsure because it was heard of for the first time: what came before this time (the server's,
  /// in seconds) is history. 0: nothing is.
  std::int32_t since = 0;

  friend bool operator==(const channel_counter&, const channel_counter&) = default;
};

/// One account's session, whole. A value: copies share only the immutable keys.
struct session_state {
  std::int32_t home_dc = 0; ///< 0: not chosen yet
  bool test = false;
  shared_secret signing_secret; ///< 32 octets
  std::map<std::int32_t, dc_record> data_centres;
  std::optional<user_record> user; ///< none: never logged in
  bool ended = false;              ///< the login of `user` has ended
  std::optional<update_state> updates;
  std::map<std::int64_t, channel_counter> channels; ///< by id
  /// Only in what travels. A store keeps peers apart (peers.hpp): a session that was loaded from
  /// one has none here, and those of a session that is saved are added to what the store has.
  std::vector<peer_record> peers;
};

/// The Protocol Buffers form (session.proto). Holds secrets: wipe it after use.
crypto::secret encode_session(const session_state& state);

/// Errors: `malformed` for what is no such message; `storage` for values that cannot be, naming
/// the field.
result<session_state> decode_session(bytes_view data);

/// How far an account has come in its updates, and the rows that belong to that.
struct update_progress {
  std::int64_t account = 0;
  bool forget = false; ///< all counters, before the rest
  std::optional<update_state> counters = {};
  std::vector<std::pair<std::int64_t, channel_counter>> channels = {};
  std::vector<change> rows = {}; ///< of inbox, sends and dead letters
};

/// What is written together or not at all: the session, then the rows.
struct session_batch {
  std::optional<session_state> session;
  std::shared_ptr<const batch> rows = {}; ///< null: none
};

/// Keeps one session. Calls may block; each comes from one thread at a time. Opening a backend
/// takes the session for this process until it is destroyed.
class session_backend {
public:
  virtual ~session_backend() = default;
  /// None where nothing has been saved yet. Errors: `storage`, naming the place and the damage.
  virtual result<std::optional<session_state>> load() = 0;
  /// After it returns the batch outlives a power cut, where the backend outlives the process.
  /// Errors: `storage`; what was there before is still whole.
  virtual result<void> commit(const session_batch& batch) = 0;
  /// Keeps a copy of `state` under a name of its own, in which `name` stands, and tells it; nothing
  /// is ever overwritten. The same again is the copy that there is. An empty text from backends
  /// that keep no copies. Errors: `storage`.
  virtual result<std::string> put_aside(const session_state& state, std::string_view name);
  /// What is kept beside the session; null where nothing is, and the rows of a batch are dropped.
  virtual backend* rows() { return nullptr; }
  /// For people: `memory`, or the file's path.
  virtual std::string place() const = 0;
};

/// Nothing outlives the object.
std::unique_ptr<session_backend> make_memory_backend();

/// A session in a file; see file_store.hpp.
/// Errors: `storage` when it is in use by another process (named), cannot be locked, is damaged.
result<std::unique_ptr<session_backend>> open_file_backend(const std::string& path);

} // namespace cafegram::storage
