#include <cafegram/bots/updates.hpp>

#include <utility>

namespace cafegram {

any_update::any_update(const any_update& other) = default;
any_update::any_update(any_update&& other) noexcept = default;
any_update& any_update::operator=(const any_update& other) = default;
any_update& any_update::operator=(any_update&& other) noexcept = default;
any_update::~any_update() = default;

template <detail::typed_update U>
any_update::any_update(U update) noexcept
  : detail::update_variant{std::in_place_type<U>, std::move(update)} {}

// One that is missing here is missing to the linker.
template any_update::any_update(new_message) noexcept;
template any_update::any_update(edited_message) noexcept;
template any_update::any_update(deleted_messages) noexcept;
template any_update::any_update(new_album) noexcept;
template any_update::any_update(pinned_messages) noexcept;
template any_update::any_update(read_receipt) noexcept;
template any_update::any_update(contents_read) noexcept;
template any_update::any_update(draft_changed) noexcept;
template any_update::any_update(callback_query) noexcept;
template any_update::any_update(inline_query) noexcept;
template any_update::any_update(chosen_inline_result) noexcept;
template any_update::any_update(pre_checkout_query) noexcept;
template any_update::any_update(shipping_query) noexcept;
template any_update::any_update(user_status) noexcept;
template any_update::any_update(user_typing) noexcept;
template any_update::any_update(chat_member_updated) noexcept;
template any_update::any_update(chat_join_request) noexcept;
template any_update::any_update(pending_join_requests) noexcept;
template any_update::any_update(message_reaction) noexcept;
template any_update::any_update(message_reactions) noexcept;
template any_update::any_update(poll_updated) noexcept;
template any_update::any_update(poll_answer) noexcept;
template any_update::any_update(bot_stopped) noexcept;
template any_update::any_update(chat_boost) noexcept;
template any_update::any_update(business_connection) noexcept;
template any_update::any_update(business_message) noexcept;
template any_update::any_update(edited_business_message) noexcept;
template any_update::any_update(deleted_business_messages) noexcept;
template any_update::any_update(story_updated) noexcept;
template any_update::any_update(stories_read) noexcept;
template any_update::any_update(story_reaction) noexcept;
template any_update::any_update(updates_lost) noexcept;
template any_update::any_update(other_update) noexcept;

} // namespace cafegram
