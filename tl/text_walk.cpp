#include <cafegram/tl/text_walk.hpp>

#include <array>

namespace cafegram::tl::detail {

namespace {

constexpr std::size_t most_flags_words = 8;
constexpr int max_nested = 32;
constexpr std::uint32_t null_id = 0x56730bcc; ///< what stands for an empty boxed field

/// To find out whether octets can be walked at all.
class silent_sink final : public deaf_sink {
public:
  bool silent() const override { return true; }
};

class walker {
public:
  walker(bytes_view data, const table* schema, text_sink& out, int nested = 0)
    : in_{data}
    , schema_{schema}
    , out_{&out}
    , nested_{nested} {}

  bool whole(std::span<const kind> form) {
    walk_form(form);
    in_.finish();
    return in_.ok();
  }

private:
  void walk_form(std::span<const kind> form) {
    if (form.front() == kind::boxed) {
      return walk_object();
    }
    if (form.front() != kind::vector) {
      return walk_kind(form.front(), 0);
    }
    const auto count = in_.vector_count(true, 4, 0);
    out_->begin_list();
    for (std::uint32_t i = 0; i < count && in_.ok(); ++i) {
      walk_form(form.subspan(1));
    }
    out_->end_list();
  }

  void walk_kind(kind what, std::uint16_t argument) {
    switch (what) {
    case kind::int32:
    case kind::flags_word:
      return out_->number(in_.i32());
    case kind::int64:
      return out_->wide_number(in_.i64());
    case kind::float64:
      return out_->real(in_.f64());
    case kind::string:
      return out_->text(in_.view());
    case kind::byte_string:
      return out_->octets(in_.view());
    case kind::bits128:
      return out_->octets(in_.raw(16));
    case kind::bits256:
      return out_->octets(in_.raw(32));
    case kind::boolean:
      return out_->boolean(in_.boolean());
    case kind::flag:
      return out_->boolean(true);
    case kind::bare:
      return walk_fields(schema_->definitions[argument]);
    case kind::vector:
    case kind::bare_vector:
      return walk_vector(argument, what == kind::vector);
    case kind::boxed:
      return walk_object(argument);
    case kind::object:
    case kind::query:
      return walk_any(in_.remaining());
    }
  }

  void walk_vector(std::uint16_t element, bool with_id) {
    const auto [what, argument] = schema_->shapes[element];
    const bool wide = what == kind::int64 || what == kind::float64;
    const auto count = in_.vector_count(with_id, wide ? 8 : 4, 0);
    out_->begin_list();
    for (std::uint32_t i = 0; i < count && in_.ok(); ++i) {
      walk_kind(what, argument);
    }
    out_->end_list();
  }

  /// A constructor or function by its id. `type`: the one that stands here, or -1 for any. Octets
  /// of another one are no value of the schema, and their text would not read back; a value that
  /// is not complete is shown all the same, for people.
  void walk_object(int type = -1) {
    const auto at = in_.offset();
    const auto id = in_.u32();
    const auto* def = schema_ != nullptr ? schema_->find(id) : nullptr;
    if (def == nullptr) {
      in_.fail(decode_fault::unknown_constructor, at, id);
      return;
    }
    const auto [what, result] = schema_->shapes[def->result];
    const bool fits = type < 0 || (what == kind::boxed && result == type);
    if (!fits && (id != null_id || nested_ > 0)) {
      in_.fail(decode_fault::wrong_constructor, at, id);
      return;
    }
    walk_fields(*def);
  }

  void walk_fields(const definition_descriptor& def) {
    if (!in_.enter()) {
      return;
    }
    out_->begin_object(def.name);
    std::array<std::uint32_t, most_flags_words> words{};
    std::size_t word_count = 0;
    std::int32_t sized = -1;
    for (const auto& field : schema_->fields_of(def)) {
      const auto [what, argument] = schema_->shapes[field.shape];
      if (what == kind::flags_word && word_count < most_flags_words) {
        words[word_count++] = in_.u32();
        continue;
      }
      if (field.word >= 0 && (words[field.word] >> field.bit & 1) == 0) {
        continue;
      }
      out_->place(in_.rest().data());
      out_->field(field.name);
      if (what == kind::int32 && field.name == std::string_view{"bytes"}) {
        sized = static_cast<std::int32_t>(in_.peek_u32());
      }
      if (what == kind::object && sized >= 0) {
        walk_any(static_cast<std::size_t>(sized));
      } else {
        walk_kind(what, argument);
      }
      if (!in_.ok()) {
        return;
      }
    }
    out_->end_object();
    in_.leave();
  }

  /// Some object in the next `size` octets: walked if it follows the schema, else opaque.
  void walk_any(std::size_t size) {
    const auto data = in_.raw(size);
    if (!in_.ok()) {
      return;
    }
    if (data.size() < 4) {
      in_.fail(decode_fault::bad_length);
      return;
    }
    // The sink cannot take back what it was told: the content is tried in silence first. Inside
    // such a trial nothing needs to be told, so that each level is walked once more, not twice.
    silent_sink nobody;
    const bool follows = nested_ < max_nested && content_walks(data, nobody);
    if (out_->silent()) {
      return;
    }
    if (follows) {
      content_walks(data, *out_);
    } else {
      out_->opaque(data);
    }
  }

  bool content_walks(bytes_view data, text_sink& out) {
    walker inner{data, schema_, out, nested_ + 1};
    if (reader{data}.peek_u32() == vector_id) {
      // Nothing says what the elements are; objects are the common case.
      const auto count = inner.in_.vector_count(true, 4, 0);
      out.begin_list();
      for (std::uint32_t i = 0; i < count && inner.in_.ok(); ++i) {
        inner.walk_object();
      }
      out.end_list();
    } else {
      inner.walk_object();
    }
    inner.in_.finish();
    return inner.in_.ok();
  }

  reader in_;
  const table* schema_;
  text_sink* out_;
  int nested_;
};

} // namespace

bool walk(bytes_view data, std::span<const kind> kinds, const table* schema, text_sink& out) {
  return walker{data, schema, out}.whole(kinds);
}

} // namespace cafegram::tl::detail
