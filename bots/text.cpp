#include <cafegram/bots/text.hpp>

#include <utility>

namespace cafegram {

namespace {

std::int32_t units(std::size_t n) {
  return static_cast<std::int32_t>(n);
}

// Wraps the whole text in one entity. Outer entities come first, as Telegram orders them.
template <class Entity>
formatted_text wrap(const formatted_text& inner, Entity entity) {
  if (inner.empty()) {
    return inner;
  }
  entity.offset = 0;
  entity.length = units(inner.length());
  std::vector<tl::MessageEntity> entities{tl::MessageEntity{std::move(entity)}};
  entities.insert(entities.end(), inner.entities().begin(), inner.entities().end());
  return {inner.text(), std::move(entities)};
}

} // namespace

std::size_t utf16_length(std::string_view text) {
  std::size_t length = 0;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if ((octet & 0xc0) != 0x80) {
      length += octet >= 0xf0 ? 2 : 1; // four octets: a surrogate pair
    }
  }
  return length;
}

formatted_text::formatted_text() = default;
formatted_text::formatted_text(const formatted_text&) = default;
formatted_text::formatted_text(formatted_text&&) noexcept = default;
formatted_text& formatted_text::operator=(const formatted_text&) = default;
formatted_text& formatted_text::operator=(formatted_text&&) noexcept = default;
formatted_text::~formatted_text() = default;

formatted_text::formatted_text(std::string_view text)
  : formatted_text{std::string{text}} {}

formatted_text::formatted_text(const char* text)
  : formatted_text{std::string{text}} {}

formatted_text::formatted_text(std::string text)
  : text_{std::move(text)}
  , length_{utf16_length(text_)} {}

formatted_text::formatted_text(std::string text, std::vector<tl::MessageEntity> entities)
  : text_{std::move(text)}
  , entities_{std::move(entities)}
  , length_{utf16_length(text_)} {}

formatted_text& formatted_text::operator+=(const formatted_text& more) {
  const auto by = units(length_);
  const auto added = more.entities_; // `more` may be this text
  entities_.reserve(entities_.size() + added.size());
  for (const auto& entity : added) {
    entities_.push_back(shifted(entity, by));
  }
  length_ += more.length_;
  text_ += more.text_;
  return *this;
}

formatted_text operator+(formatted_text a, const formatted_text& b) {
  a += b;
  return a;
}

void formatted_text::add(tl::MessageEntity entity) {
  entities_.push_back(std::move(entity));
}

formatted_text bold(const formatted_text& inner) {
  return wrap(inner, tl::messageEntityBold{});
}

formatted_text italic(const formatted_text& inner) {
  return wrap(inner, tl::messageEntityItalic{});
}

formatted_text underline(const formatted_text& inner) {
  return wrap(inner, tl::messageEntityUnderline{});
}

formatted_text strike(const formatted_text& inner) {
  return wrap(inner, tl::messageEntityStrike{});
}

formatted_text spoiler(const formatted_text& inner) {
  return wrap(inner, tl::messageEntitySpoiler{});
}

formatted_text code(const formatted_text& inner) {
  return wrap(inner, tl::messageEntityCode{});
}

formatted_text pre(const formatted_text& inner, std::string language) {
  tl::messageEntityPre entity;
  entity.language = std::move(language);
  return wrap(inner, std::move(entity));
}

formatted_text link(const formatted_text& inner, std::string url) {
  tl::messageEntityTextUrl entity;
  entity.url = std::move(url);
  return wrap(inner, std::move(entity));
}

formatted_text mention(const formatted_text& inner, std::int64_t user_id) {
  tl::messageEntityMentionName entity;
  entity.user_id = user_id;
  return wrap(inner, std::move(entity));
}

formatted_text custom_emoji(const formatted_text& inner, std::int64_t document_id) {
  tl::messageEntityCustomEmoji entity;
  entity.document_id = document_id;
  return wrap(inner, std::move(entity));
}

formatted_text blockquote(const formatted_text& inner, bool collapsed) {
  tl::messageEntityBlockquote entity;
  entity.collapsed = collapsed;
  return wrap(inner, std::move(entity));
}

namespace {

// All kinds have an offset; a kind that this schema does not know keeps its place.
template <template <class...> class List, class... Kinds>
tl::MessageEntity shifted_as(List<Kinds...>, const tl::MessageEntity& entity, std::int32_t by) {
  auto out = entity;
  const auto try_kind = [&]<class Kind>(const Kind* known) {
    if (known != nullptr) {
      auto moved = *known;
      moved.offset += by;
      out = std::move(moved);
    }
  };
  (try_kind(tl::get_if<Kinds>(entity)), ...);
  return out;
}

} // namespace

tl::MessageEntity shifted(const tl::MessageEntity& entity, std::int32_t by) {
  return shifted_as(tl::MessageEntity::tl_alternatives{}, entity, by);
}

std::vector<tl::MessageEntity> sendable(std::vector<tl::MessageEntity> entities) {
  for (auto& entity : entities) {
    if (const auto* name = tl::get_if<tl::messageEntityMentionName>(entity)) {
      tl::inputUser user;
      user.user_id = name->user_id;
      tl::inputMessageEntityMentionName input;
      input.offset = name->offset;
      input.length = name->length;
      input.user_id = user;
      entity = input;
    }
  }
  return entities;
}

} // namespace cafegram
