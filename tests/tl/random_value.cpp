#include "random_value.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace cafegram::test {

namespace {

constexpr int endless = 1000;

} // namespace

random_values::random_values(const tl::table& schema, std::uint64_t seed)
  : schema_{schema}
  , random_{seed} {
  for (std::uint16_t i = 0; const auto& def : schema.definitions) {
    const auto [what, argument] = schema.shapes[def.result];
    if (def.function) {
      functions_.push_back(i);
    } else if (what == tl::kind::boxed) {
      constructors_[argument].push_back(i);
    }
    ++i;
  }
  find_depths();
}

/// How deep the smallest value of each definition is: by repetition until nothing changes.
void random_values::find_depths() {
  depths_.assign(schema_.definitions.size(), endless);
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < depths_.size(); ++i) {
      const int depth = depth_of(schema_.definitions[i]);
      changed = changed || depth != depths_[i];
      depths_[i] = depth;
    }
  }
}

int random_values::depth_of(const tl::definition_descriptor& def) const {
  int out = 0;
  for (const auto& field : schema_.fields_of(def)) {
    if (field.word < 0) {
      const auto [what, argument] = schema_.shapes[field.shape];
      out = std::max(out, depth_of(what, argument));
    }
  }
  return std::min(out + 1, endless);
}

int random_values::depth_of(tl::kind what, std::uint16_t argument) const {
  if (what == tl::kind::bare) {
    return depths_[argument];
  }
  if (what != tl::kind::boxed) {
    return 0;
  }
  int out = endless;
  for (const auto i : constructors_.at(argument)) {
    out = std::min(out, depths_[i]);
  }
  return out;
}

bytes random_values::make(const tl::definition_descriptor& def) {
  tl::writer out;
  out.u32(def.id);
  fields(out, def, 0);
  return out.take();
}

void random_values::fields(tl::writer& out, const tl::definition_descriptor& def, int depth) {
  std::array<std::uint32_t, 8> words{};
  for (const auto& field : schema_.fields_of(def)) {
    const auto [what, argument] = schema_.shapes[field.shape];
    const bool deep = depth > 4 && what != tl::kind::flag;
    if (field.word >= 0 && !deep && random_.next() % 2 == 0) {
      words[field.word] |= 1u << field.bit;
    }
  }
  std::size_t word = 0;
  std::size_t sized = 0;
  for (const auto& field : schema_.fields_of(def)) {
    const auto [what, argument] = schema_.shapes[field.shape];
    if (what == tl::kind::flags_word) {
      out.u32(words[word++]);
    } else if (field.word < 0 || (words[field.word] >> field.bit & 1) != 0) {
      sized =
          field.name == std::string_view{"bytes"} && what == tl::kind::int32 ? out.size() : sized;
      value(out, what, argument, depth);
      if (what == tl::kind::object && sized != 0) {
        out.patch_u32(sized, static_cast<std::uint32_t>(out.size() - sized - 4));
      }
    }
  }
}

void random_values::value(tl::writer& out, tl::kind what, std::uint16_t argument, int depth) {
  switch (what) {
  case tl::kind::int32:
  case tl::kind::flags_word:
    return out.u32(static_cast<std::uint32_t>(random_.next()) >> random_.next() % 32);
  case tl::kind::int64:
    return out.u64(random_.next() >> random_.next() % 64);
  case tl::kind::float64:
    return out.f64(number());
  case tl::kind::string:
    return text(out);
  case tl::kind::byte_string: {
    bytes data(random_.next() % 8 == 0 ? random_.next() % 600 : random_.next() % 16);
    random_.fill(data);
    return out.byte_string(data);
  }
  case tl::kind::bits128:
    return out.i128(random_.integer<unsigned>() % 2 == 0 ? tl::int128{} : tl::int128{1, 2, 255});
  case tl::kind::bits256:
    return out.i256(random_.integer<unsigned>() % 2 == 0 ? tl::int256{} : tl::int256{9, 0, 128});
  case tl::kind::boolean:
    return out.boolean(random_.next() % 2 == 0);
  case tl::kind::flag:
    return;
  case tl::kind::boxed:
    return boxed(out, argument, depth);
  case tl::kind::bare:
    return fields(out, schema_.definitions[argument], depth + 1);
  case tl::kind::vector:
  case tl::kind::bare_vector: {
    const auto [element, inner] = schema_.shapes[argument];
    const auto count = depth > 4 ? 0 : random_.next() % 4;
    out.vector_header(what == tl::kind::vector, count);
    for (std::uint64_t i = 0; i < count; ++i) {
      value(out, element, inner, depth + 1);
    }
    return;
  }
  case tl::kind::object:
  case tl::kind::query:
    return out.raw(any_object(depth + 1));
  }
}

void random_values::boxed(tl::writer& out, std::uint16_t type, int depth) {
  const auto& all = constructors_.at(type);
  auto choice = all[random_.next() % all.size()];
  if (depth > 3) {
    choice = *std::ranges::min_element(all, {}, [this](std::uint16_t i) { return depths_[i]; });
  }
  const auto& def = schema_.definitions[choice];
  out.u32(def.id);
  fields(out, def, depth + 1);
}

void random_values::text(tl::writer& out) {
  static constexpr std::array samples{"",
                                      "a",
                                      "text",
                                      "\"quoted\" \\ \n\t",
                                      "\xd1\x84\xd0\xb8",
                                      "\xf0\x9f\x98\x80",
                                      "\xff\xfe",
                                      "\xed\xa0\x80",
                                      "\xc0\x80"};
  std::string content = samples[random_.next() % samples.size()];
  if (random_.next() % 8 == 0) {
    content.append(random_.next() % 600, 'x');
  }
  out.string(content);
}

double random_values::number() {
  using limits = std::numeric_limits<double>;
  switch (random_.next() % 6) {
  case 0:
    return limits::infinity();
  case 1:
    return -limits::infinity();
  case 2:
    return limits::quiet_NaN();
  case 3:
    return -0.0;
  default:
    return static_cast<double>(random_.next()) / 3;
  }
}

bytes random_values::any_object(int depth) {
  const bool shallow = depth > 3 || functions_.empty();
  const auto& def = shallow ? schema_.definitions[random_.next() % schema_.definitions.size()]
                            : schema_.definitions[functions_[random_.next() % functions_.size()]];
  tl::writer out;
  out.u32(def.id);
  fields(out, def, depth + 1);
  return out.take();
}

} // namespace cafegram::test
