#pragma once

#include <cafegram/base/bytes.hpp>

#include <cstdint>
#include <string_view>

namespace cafegram {

/// May this encoded call run twice without harm, the second time late? True for what reads, for
/// everything that carries a `random_id`, and for some whose repetition changes nothing (a part of
/// a file, marks of what was read). Not for what sets or edits: it would undo what was set
/// meanwhile. What wraps the call changes nothing of that.
bool may_repeat_by_default(bytes_view function);

/// What a call, wrapped or not, does to the login when it succeeds.
enum class login_effect : std::uint8_t { none, in, out };
login_effect login_effect_of(bytes_view function);

/// Does this encoded call carry a part of a file? Those do not shrink.
bool is_file_part(bytes_view function);

/// May this encoded call go to a CDN? `upload.getCdnFile` alone may.
bool is_for_cdns(bytes_view function);

/// The method's name, for errors; `unknown method` where the schema has none.
std::string_view method_name(bytes_view function);

/// An encoded call in `invokeWithoutUpdates`.
bytes without_updates(bytes_view function);

/// A call within all that wraps it.
struct unwrapped_call {
  bytes_view function;
  /// It is made in the name of another account, whose counters it moves.
  bool for_another = false;
};

/// Goes into `invokeAfterMsg`, `invokeWithTakeout` and all other functions that take any query; a
/// wrapper that cannot be read stays.
unwrapped_call unwrap(bytes_view function);

/// Octets that go before an encoded call: `invokeWithLayer(initConnection(`.
struct first_call_info {
  std::int32_t api_id = 0;
  std::string_view device_model;
  std::string_view system_version;
  std::string_view app_version;
  std::string_view system_lang_code;
  std::string_view lang_pack;
  std::string_view lang_code;
};
bytes first_call_prefix(const first_call_info& info);
/// What of it is said to a CDN: nothing of the user or the machine.
first_call_info toward_cdns(const first_call_info& info);

} // namespace cafegram
