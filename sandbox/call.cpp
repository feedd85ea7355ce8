#include <cafegram/base/log.hpp>
#include <cafegram/protocol/gzip.hpp>
#include <cafegram/sandbox/call.hpp>
#include <cafegram/sandbox/layer_forms.hpp>
#include <cafegram/sandbox/read_json.hpp>

#include <fmt/format.h>

namespace cafegram::sandbox {

namespace {

constexpr int most_wrappers = 16;
constexpr std::size_t most_unpacked = std::size_t{16} << 20;
constexpr std::uint32_t rpc_error_id = 0x2144ca19;

std::unexpected<rpc_refusal> not_readable() {
  return std::unexpected(rpc_refusal{400, "INPUT_FETCH_ERROR"});
}

/// Takes the wrappers off, one after the other.
class unwrapper {
public:
  unwrapper(const layer_set& layers, opened_call& into, bytes_view body)
    : layers_{layers}
    , call_{into}
    , in_{body} {}

  /// What is left begins with the function itself.
  std::expected<bytes_view, rpc_refusal> run() {
    for (int count = 0; count < most_wrappers; ++count) {
      const std::uint32_t id = in_.peek_u32();
      if (in_.remaining() < sizeof(id)) {
        return not_readable();
      }
      auto more = take(id);
      if (!more) {
        return std::unexpected(more.error());
      }
      if (!in_.ok()) {
        return not_readable();
      }
      if (!*more) {
        return in_.rest();
      }
    }
    return std::unexpected(rpc_refusal{400, "INPUT_LAYER_INVALID"});
  }

private:
  /// False: not a wrapper.
  std::expected<bool, rpc_refusal> take(std::uint32_t id);
  bool take_prefix(std::uint32_t id);
  std::expected<bool, rpc_refusal> init_connection(std::uint32_t id);
  std::expected<bool, rpc_refusal> unpack();

  const layer_set& layers_;
  opened_call& call_;
  tl::reader in_;
  bytes unpacked_;
};

std::expected<bool, rpc_refusal> unwrapper::take(std::uint32_t id) {
  switch (id) {
  case 0xda9b0d0d: // invokeWithLayer
    in_.u32();
    call_.layer = in_.i32();
    call_.layer_told = true;
    if (in_.ok() && call_.layer <= 0) {
      return std::unexpected(rpc_refusal{400, "CONNECTION_LAYER_INVALID"});
    }
    return true;
  case 0xc1cd5ea9: // initConnection, newest first
  case 0x785188b8:
  case 0xc7481da6:
  case 0x69796de9:
    return init_connection(id);
  case 0x3072cfa1:
    return unpack();
  default:
    return take_prefix(id);
  }
}

/// The wrappers that only put something in front.
bool unwrapper::take_prefix(std::uint32_t id) {
  const auto skip_strings = [this](int count) {
    for (in_.u32(); count > 0; --count) {
      in_.view();
    }
    return true;
  };
  switch (id) {
  case 0xbf9459b7: // invokeWithoutUpdates
    in_.u32();
    call_.without_updates = true;
    return true;
  case 0xcb9f372d: // invokeAfterMsg
    in_.u32();
    call_.after.push_back(in_.i64());
    return true;
  case 0x3dc4b4f0: { // invokeAfterMsgs
    in_.u32();
    const std::uint32_t count = in_.vector_count(true, 8, 8);
    for (std::uint32_t i = 0; i < count; ++i) {
      call_.after.push_back(in_.i64());
    }
    return true;
  }
  case 0x365275f2: // invokeWithMessagesRange: a boxed range of two ids
    in_.raw(16);
    return true;
  case 0xaca9fd2e: // invokeWithTakeout
    in_.raw(12);
    return true;
  case 0xdd289f8e: // invokeWithBusinessConnection
  case 0xadbb0f94: // invokeWithReCaptcha
    return skip_strings(1);
  case 0x1df92984: // invokeWithGooglePlayIntegrity
  case 0x0dae54f8: // invokeWithApnsSecret
    return skip_strings(2);
  default:
    return false;
  }
}

std::expected<bool, rpc_refusal> unwrapper::init_connection(std::uint32_t id) {
  const bool flagged = id == 0xc1cd5ea9 || id == 0x785188b8;
  in_.u32();
  const std::uint32_t flags = flagged ? in_.u32() : 0;
  json device = json::object();
  device["api_id"] = in_.i32();
  for (const char* name : {"device_model", "system_version", "app_version"}) {
    device[name] = tl::text_to_json(in_.view());
  }
  if (id != 0x69796de9) {
    device["system_lang_code"] = tl::text_to_json(in_.view());
    device["lang_pack"] = tl::text_to_json(in_.view());
  }
  device["lang_code"] = tl::text_to_json(in_.view());
  if ((flags & 1) != 0) { // inputClientProxy address:string port:int
    in_.u32();
    in_.view();
    in_.i32();
  }
  if ((flags & 2) != 0 && in_.ok()) {
    std::size_t used = 0;
    const auto params = layers_.codec(call_.layer).decode_prefix(in_.rest(), used);
    if (!params) {
      return not_readable();
    }
    in_.raw(used);
  }
  if (!in_.ok()) {
    return not_readable();
  }
  if (device["api_id"].get<std::int32_t>() <= 0) {
    return std::unexpected(rpc_refusal{400, "API_ID_INVALID"});
  }
  call_.device = std::move(device);
  call_.initialised = true;
  return true;
}

std::expected<bool, rpc_refusal> unwrapper::unpack() {
  in_.u32();
  const bytes_view packed = in_.view();
  auto opened = in_.ok() ? protocol::gzip_unpack(packed, most_unpacked)
                         : result<bytes>{fail(errc::malformed, "gzip_packed")};
  if (!opened) {
    return not_readable();
  }
  unpacked_ = *std::move(opened);
  in_ = tl::reader{unpacked_};
  return true;
}

} // namespace

std::expected<opened_call, rpc_refusal> open_call(const layer_set& layers, bytes_view body,
                                                  std::int32_t key_layer) {
  opened_call out;
  out.layer = key_layer;
  unwrapper wrappers{layers, out, body};
  const auto inner = wrappers.run();
  if (!inner) {
    return std::unexpected(inner.error());
  }
  const tl::dynamic_codec& codec = layers.codec(out.layer);
  const std::uint32_t id = tl::reader{*inner}.u32();
  const tl::definition* function = codec.definitions().find(id);
  if (function == nullptr || !function->function) {
    return std::unexpected(rpc_refusal{400, fmt::format("INPUT_METHOD_INVALID_{}", id)});
  }
  // Some clients leave octets behind the function: they are nobody's.
  std::size_t used = 0;
  auto request = codec.decode_prefix(*inner, used);
  if (!request) {
    log::debug("sandbox", "{}: {}", function->name, to_string(request.error()));
    return not_readable();
  }
  out.request = *std::move(request);
  out.result_type = to_string(function->result);
  return out;
}

bytes seal_refusal(const rpc_refusal& refusal) {
  tl::writer out;
  out.u32(rpc_error_id);
  out.i32(refusal.code);
  out.string(refusal.text);
  return out.take();
}

bytes seal_answer(const layer_set& layers, const opened_call& call, const answer& value) {
  return seal_answer(layers, call.layer, kind(call.request), call.result_type, value);
}

bytes seal_answer(const layer_set& layers, std::int32_t layer, std::string_view method,
                  std::string_view result_type, const answer& value) {
  if (!value) {
    return seal_refusal(value.error());
  }
  const tl::dynamic_codec& codec = layers.codec(layer);
  tl::encode_options how;
  how.lenient = true;
  auto body = codec.encode_as(in_layer(*value, codec, result_type), result_type, how);
  if (!body) {
    log::warn("sandbox", "{} cannot be answered in layer {}: {}", method, layer,
              to_string(body.error()));
    return seal_refusal({400, "SANDBOX_ANSWER_NOT_IN_LAYER"});
  }
  return *std::move(body);
}

result<bytes> seal_updates(const layer_set& layers, std::int32_t layer, const json& updates) {
  const tl::dynamic_codec& codec = layers.codec(layer);
  tl::encode_options how;
  how.lenient = true;
  return codec.encode_as(in_layer(updates, codec, "Updates"), "Updates", how);
}

} // namespace cafegram::sandbox
