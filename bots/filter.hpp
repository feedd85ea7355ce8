#pragma once

#include <cafegram/bots/callable.hpp>
#include <cafegram/bots/updates.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace cafegram {

/// A test of an update. Filters are put together with `&`, `|` and `!`; the second operand is not
/// looked at when the first decides. They are shared by all conversations, which run in parallel.
class filter {
public:
  explicit filter(std::function<bool(const any_update&)> test)
    : test_{std::move(test)} {}

  bool operator()(const any_update& update) const { return test_(update); }

  friend filter operator&(filter a, filter b);
  friend filter operator|(filter a, filter b);
  friend filter operator!(filter a);

private:
  std::function<bool(const any_update&)> test_;
};

/// A command as it stands at the beginning of a message: `/name@bot arguments`.
struct command_line {
  std::string_view name;      ///< without `/`
  std::string_view addressee; ///< without `@`; empty when none was named
  std::string_view arguments; ///< without the blanks around
};

/// Takes a command apart; none where the text does not begin with one. Names are 1 to 32 letters,
/// digits and underscores. Spec: "Bot commands".
std::optional<command_line> parse_command(std::string_view text);

/// A new message with this command (any case), addressed to this bot or to none.
filter command(std::string name);
/// A new message with any command, addressed to this bot or to none.
filter any_command();
/// A new message whose text is exactly this.
filter text(std::string exact);
/// A new message with some text.
filter has_text();
/// A press of a button with exactly this data.
filter callback(std::string data);
/// A press of a button whose data begins so.
filter callback_prefix(std::string prefix);
/// The conversation is a private chat.
filter private_chat();
/// The conversation is a group or supergroup, or a channel.
filter group_chat();
/// Sent, pressed, asked or otherwise caused by this user (`user_of`).
filter from_user(std::int64_t id);

namespace detail {

/// An update with this `any_update::index`.
filter kind_at(std::size_t index);

} // namespace detail

/// An update of kind `U`.
template <detail::typed_update U>
filter kind() {
  return detail::kind_at(detail::kind_index<U>);
}

/// An update of the kind that `test` takes and says yes to:
/// `when([](const new_message& m) { return m.mentioned(); })`.
template <detail::plain_callable F>
  requires detail::typed_update<detail::argument_t<F, 0>>
filter when(F test) {
  using update_type = std::remove_cvref_t<detail::argument_t<F, 0>>;
  static_assert(std::is_invocable_r_v<bool, const F&, const update_type&>,
                "the test of `when` takes a typed update and returns bool, without changing "
                "itself: conversations run in parallel");
  return filter{[test = std::move(test)](const any_update& update) {
    const auto* typed = std::get_if<update_type>(&update);
    return typed != nullptr && test(*typed);
  }};
}

} // namespace cafegram
