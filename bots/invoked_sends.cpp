#include <cafegram/bots/conversation.hpp>
#include <cafegram/bots/invoke.hpp>
#include <cafegram/bots/invoked_sends.hpp>
#include <cafegram/tl/api.hpp>
#include <cafegram/tl/text_walk.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

namespace cafegram::detail {

namespace {

using std::string_view;

constexpr std::size_t id_size = sizeof(std::int64_t);
constexpr std::size_t count_at = sizeof(std::uint32_t); ///< of a boxed vector: behind its id
constexpr std::size_t elements_at = 2 * sizeof(std::uint32_t);

const tl::table& schema() {
  return *tl::help::getConfig::tl_info.schema;
}

/// The rest need not be walked: parts of files are large.
bool may_send(bytes_view function) {
  const auto* method = schema().find(tl::reader{function}.peek_u32());
  return method != nullptr &&
         std::ranges::any_of(schema().fields_of(*method), [](const tl::field_descriptor& field) {
           const string_view name = field.name;
           return name == "random_id" || name == "multi_media" || name == "query";
         });
}

/// Finds where `random_id`s are missing, and writes down what is sent.
class send_reader final : public tl::detail::deaf_sink {
public:
  explicit send_reader(const bytes& function)
    : start_{function.data()} {}

  /// Of those that are 0, in octets from the start.
  const std::vector<std::size_t>& zeros() const { return zeros_; }
  /// Of a list of `random_id`s without any.
  const std::optional<std::size_t>& empty_list() const { return empty_list_; }
  /// What there is to send: of a list of ids their count.
  std::size_t ids() const { return ids_; }
  bytes name() { return name_.take(); }

  void begin_object(string_view object) override {
    const bool inside = open_.size() == call_depth_ && open_.back().field == "query";
    if (open_.empty() || inside) {
      call_depth_ = open_.size() + 1;
    }
    open_.push_back({object, {}, nullptr});
    name_.string(object);
  }
  void end_object() override { open_.pop_back(); }
  void place(const std::uint8_t* octets) override { open_.back().place = octets; }
  void field(string_view field) override {
    open_.back().field = field;
    name_.string(field);
  }
  void begin_list() override {
    if (in_call()) {
      listed_.emplace(0);
    }
  }
  void end_list() override {
    if (!in_call() || !listed_) {
      return;
    }
    const auto& at = open_.back();
    if (at.field == "random_id" && *listed_ == 0) {
      empty_list_ = static_cast<std::size_t>(at.place - start_);
    } else if (at.field == "id") {
      ids_ = *listed_;
    }
    listed_.reset();
  }
  void number(std::int32_t value) override {
    count();
    name_.i32(value);
  }
  void wide_number(std::int64_t value) override {
    const auto& at = open_.back();
    if (value == 0 && at.field == "random_id" && (in_call() || at.object == "inputSingleMedia")) {
      const auto within = in_call() && listed_ ? elements_at + *listed_ * id_size : 0;
      zeros_.push_back(static_cast<std::size_t>(at.place - start_) + within);
    }
    count();
    if (!changes()) {
      name_.i64(value);
    }
  }
  void real(double value) override { name_.f64(value); }
  void boolean(bool value) override { name_.boolean(value); }
  void text(bytes_view value) override { name_.byte_string(value); }
  void octets(bytes_view value) override {
    if (!changes()) {
      name_.byte_string(value);
    }
  }
  void opaque(bytes_view value) override { name_.raw(value); }

private:
  struct level {
    string_view object;
    string_view field;         ///< the one that is read
    const std::uint8_t* place; ///< where its octets begin
  };

  /// In the fields of the function that sends, not below them.
  bool in_call() const { return open_.size() == call_depth_; }
  void count() {
    if (in_call() && listed_) {
      ++*listed_;
    }
  }
  /// May be another one when the same is sent again: what Telegram gives out anew each time, and
  /// the number of a file that is uploaded again.
  bool changes() const {
    const auto& at = open_.back();
    const bool upload = at.object == "inputFile" || at.object == "inputFileBig";
    return at.field == "random_id" || at.field == "access_hash" || at.field == "file_reference" ||
           (upload && at.field == "id");
  }

  const std::uint8_t* start_;
  std::vector<level> open_; ///< the innermost last
  std::size_t call_depth_ = 1;
  std::optional<std::size_t> listed_; ///< elements of the function's list that is read
  std::size_t ids_ = 0;
  std::vector<std::size_t> zeros_;
  std::optional<std::size_t> empty_list_;
  tl::writer name_;
};

/// Makes room for `count` elements in an empty vector, and gives their places.
std::vector<std::size_t> fill_list(bytes& function, std::size_t list, std::size_t count) {
  const auto size = static_cast<std::uint32_t>(count);
  std::memcpy(function.data() + list + count_at, &size, sizeof(size));
  const auto first = list + elements_at;
  function.insert(function.begin() + static_cast<std::ptrdiff_t>(first), count * id_size, 0);
  std::vector<std::size_t> places;
  places.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    places.push_back(first + i * id_size);
  }
  return places;
}

} // namespace

named_send name_send(bytes function, send_scope& sends) {
  named_send out{std::move(function), {}, {}};
  static constexpr std::array form{tl::kind::boxed};
  send_reader found{out.function};
  if (!may_send(out.function) || !tl::detail::walk(out.function, form, &schema(), found)) {
    return out;
  }
  auto places = found.zeros();
  if (found.empty_list() && found.ids() > 0) {
    places = fill_list(out.function, *found.empty_list(), found.ids());
  }
  if (places.empty()) {
    return out;
  }
  out.name = found.name();
  for (const auto at : places) {
    const auto id = out.random_ids.emplace_back(sends.random_id(out.name));
    std::memcpy(out.function.data() + at, &id, sizeof(id));
  }
  return out;
}

bool is_final(const error& why) {
  if (!why.rpc) {
    return why.code == errc::bad_argument || why.code == errc::malformed;
  }
  switch (why.rpc->kind()) {
  case rpc_class::bad_request:
  case rpc_class::payment_required:
  case rpc_class::forbidden:
  case rpc_class::not_found:
  case rpc_class::not_acceptable:
    return true;
  default:
    return why.is_rpc("RANDOM_ID_DUPLICATE"); // it is there, whatever the code
  }
}

conversation* start_invoke(const std::shared_ptr<delivery>& origin, bytes function,
                           invoke_options options, call_done done) {
  if (!find_home(origin)) { // the sends of another thread's conversation are not counted here
    return start_call(origin, std::move(function), std::move(options), std::move(done));
  }
  auto send = name_send(std::move(function), origin->sends);
  if (send.random_ids.empty()) {
    return start_call(origin, std::move(send.function), std::move(options), std::move(done));
  }
  auto settled = [origin, name = std::move(send.name), ids = std::move(send.random_ids),
                  done = std::move(done)](const result<bytes>& answer) {
    if (!answer && !is_final(answer.error())) {
      // A handler that tries again makes the same send.
      for (const auto id : ids) {
        origin->sends.give_back(name, id);
      }
    }
    done(answer);
  };
  return start_call(origin, std::move(send.function), std::move(options), std::move(settled));
}

} // namespace cafegram::detail
