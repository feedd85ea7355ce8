#pragma once

#include <cafegram/sandbox/layers.hpp>
#include <cafegram/sandbox/world.hpp>

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace cafegram::sandbox {

/// A request without its wrappers (`invokeWithLayer`, `initConnection`, `invokeWithoutUpdates`,
/// `invokeAfterMsg(s)`, ranges, `gzip_packed`, in any order and number).
struct opened_call {
  std::int32_t layer = 0;   ///< that the answer is to have; 0: the key has told none yet
  bool layer_told = false;  ///< by this request: to be kept for the key
  bool initialised = false; ///< an `initConnection` was there
  json device;              ///< its parameters, for people to read
  bool without_updates = false;
  std::vector<std::int64_t> after; ///< msg_ids that must have been run before
  json request;
  std::string result_type; ///< in the words of the layer's schema, such as `Vector<User>`
};

/// Takes the wrappers off and decodes the function in the caller's layer.
/// Refusals: 400 `INPUT_METHOD_INVALID_<id>` for a function that the layer lacks, 400
/// `INPUT_REQUEST_TOO_LONG`/`INPUT_FETCH_ERROR` for what does not decode.
std::expected<opened_call, rpc_refusal> open_call(const layer_set& layers, bytes_view body,
                                                  std::int32_t key_layer);

/// The bytes for `rpc_result`: the value in the caller's layer, or an `rpc_error`.
bytes seal_answer(const layer_set& layers, const opened_call& call, const answer& value);

/// The same for a call whose request is not at hand any more.
bytes seal_answer(const layer_set& layers, std::int32_t layer, std::string_view method,
                  std::string_view result_type, const answer& value);

/// `Updates` as a client of `layer` reads them. Errors: `bad_argument` where it cannot be said in
/// that layer; such a push is left out.
result<bytes> seal_updates(const layer_set& layers, std::int32_t layer, const json& updates);

/// `rpc_error` as bytes.
bytes seal_refusal(const rpc_refusal& refusal);

} // namespace cafegram::sandbox
