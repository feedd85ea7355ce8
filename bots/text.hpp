#pragma once

#include <cafegram/tl/api.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cafegram {

/// Length in UTF-16 units of a text in UTF-8: what Telegram counts entities and limits in.
/// An octet that begins no character counts as one unit.
std::size_t utf16_length(std::string_view text);

/// A text with its entities, put together with `+`:
/// `bold("Name: ") + user.first_name + " " + link("profile", url)`.
/// Offsets and lengths are UTF-16 units. Spec: "Styled text with message entities".
class formatted_text {
public:
  formatted_text();
  // Implicit: a plain text is a formatted one.
  formatted_text(std::string text);
  formatted_text(std::string_view text);
  formatted_text(const char* text);
  formatted_text(std::string text, std::vector<tl::MessageEntity> entities);
  formatted_text(const formatted_text&);
  formatted_text(formatted_text&&) noexcept;
  formatted_text& operator=(const formatted_text&);
  formatted_text& operator=(formatted_text&&) noexcept;
  ~formatted_text();

  const std::string& text() const { return text_; }
  const std::vector<tl::MessageEntity>& entities() const { return entities_; }
  /// Length of the text in UTF-16 units.
  std::size_t length() const { return length_; }
  bool empty() const { return text_.empty(); }

  formatted_text& operator+=(const formatted_text& more);
  friend formatted_text operator+(formatted_text a, const formatted_text& b);

  /// Adds an entity; the caller answers for its range.
  void add(tl::MessageEntity entity);

private:
  std::string text_;
  std::vector<tl::MessageEntity> entities_;
  std::size_t length_ = 0;
};

formatted_text bold(const formatted_text& inner);
formatted_text italic(const formatted_text& inner);
formatted_text underline(const formatted_text& inner);
formatted_text strike(const formatted_text& inner);
formatted_text spoiler(const formatted_text& inner);
formatted_text code(const formatted_text& inner);
/// A block of code; `language` may be empty.
formatted_text pre(const formatted_text& inner, std::string language = {});
formatted_text link(const formatted_text& inner, std::string url);
/// A mention of a user who need not have a username.
formatted_text mention(const formatted_text& inner, std::int64_t user_id);
/// `inner` is the plain emoji shown where the custom one cannot be.
formatted_text custom_emoji(const formatted_text& inner, std::int64_t document_id);
formatted_text blockquote(const formatted_text& inner, bool collapsed = false);

/// `entity` with `by` units added to its offset.
tl::MessageEntity shifted(const tl::MessageEntity& entity, std::int32_t by);

/// Entities as a request takes them: `messageEntityMentionName`, which only comes from a server,
/// becomes `inputMessageEntityMentionName`.
std::vector<tl::MessageEntity> sendable(std::vector<tl::MessageEntity> entities);

} // namespace cafegram
