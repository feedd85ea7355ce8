#include <cafegram/actors/call_scope.hpp>
#include <cafegram/tl/api.hpp>
#include <cafegram/tl/text_walk.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>
#include <vector>

namespace cafegram {

namespace {

using std::string_view;

/// What tells peers apart, by what the call names them with; the first one found counts.
constexpr std::array<string_view, 6> peer_fields = {"to_peer", "peer", "user_id",
                                                    "bot",     "call", "receiver_id"};
constexpr std::array<string_view, 4> id_fields = {"user_id", "chat_id", "channel_id", "id"};
constexpr std::array<string_view, 6> send_methods = {
    "messages.sendMessage",     "messages.sendMedia",           "messages.sendMultiMedia",
    "messages.forwardMessages", "messages.sendInlineBotResult", "messages.sendQuickReplyMessages"};

std::uint64_t hash_of(bytes_view octets) {
  return std::hash<string_view>{}({reinterpret_cast<const char*>(octets.data()), octets.size()});
}

std::uint64_t hash_of(string_view name, std::uint64_t number) {
  return std::hash<string_view>{}(name) ^ (number * 0x9e3779b97f4a7c15U);
}

/// Reads of a call its method, its peer, and how many random ids it has.
class call_reader final : public tl::detail::deaf_sink {
public:
  string_view method() const { return method_; }
  std::uint32_t random_ids() const { return random_ids_; }
  std::uint64_t peer() const { return peer_; }
  bool group() const { return group_; }

  void begin_object(string_view name) override {
    if (fields_.empty() || (fields_.size() == call_depth_ && fields_.back() == "query")) {
      *this = call_reader{std::move(fields_)};
      method_ = name;
    } else if (fields_.size() == call_depth_) {
      choose_peer(name);
    }
    fields_.emplace_back();
  }
  void end_object() override {
    fields_.pop_back();
    in_peer_ = in_peer_ && fields_.size() > call_depth_;
  }
  void field(string_view name) override { fields_.back() = name; }
  void number(std::int32_t value) override { wide_number(value); }
  void wide_number(std::int64_t value) override {
    const auto name = fields_.back();
    if (name == "random_id") {
      ++random_ids_;
    } else if (in_peer_ && std::ranges::find(id_fields, name) != id_fields.end()) {
      // The last one is the peer's own: before it may come where the peer was met.
      peer_ = hash_of(name, static_cast<std::uint64_t>(value));
      group_ = name == "chat_id" || name == "channel_id";
    }
  }

  call_reader() = default;

private:
  explicit call_reader(std::vector<string_view> fields)
    : fields_{std::move(fields)}
    , call_depth_{fields_.size() + 1} {}

  void choose_peer(string_view object) {
    const auto at = std::ranges::find(peer_fields, fields_.back()) - peer_fields.begin();
    const auto rank = static_cast<std::size_t>(at);
    if (rank < rank_) {
      rank_ = rank;
      in_peer_ = true;
      peer_ = hash_of(object, 0);
      group_ = false;
    }
  }

  std::vector<string_view> fields_; ///< the one being read of each object that is open
  std::size_t call_depth_ = 1;
  string_view method_;
  std::size_t rank_ = peer_fields.size();
  bool in_peer_ = false;
  std::uint64_t peer_ = 0;
  bool group_ = false;
  std::uint32_t random_ids_ = 0;
};

std::optional<call_reader> read_call(bytes_view function) {
  static constexpr std::array form{tl::kind::boxed};
  call_reader out;
  const auto* schema = tl::help::getConfig::tl_info.schema;
  return tl::detail::walk(function, form, schema, out) ? std::optional{std::move(out)}
                                                       : std::nullopt;
}

} // namespace

call_scope scope_of(bytes_view function) {
  const auto call = read_call(function);
  const bool by_peer = call && call->random_ids() > 0;
  return {tl::reader{function}.peek_u32(), by_peer ? call->peer() : hash_of(function)};
}

std::optional<send_target> send_target_of(bytes_view function) {
  const auto call = read_call(function);
  if (!call || std::ranges::find(send_methods, call->method()) == send_methods.end()) {
    return std::nullopt;
  }
  return send_target{call->peer(), call->group(), std::max(call->random_ids(), 1U)};
}

} // namespace cafegram
