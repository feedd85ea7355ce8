#include <cafegram/tl/dynamic_plan.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

namespace cafegram::tl {

namespace {

constexpr std::uint64_t impossible = std::numeric_limits<std::uint32_t>::max();

std::optional<value_kind> basic_kind(std::string_view name) {
  struct entry {
    std::string_view name;
    value_kind kind;
  };
  static constexpr std::array<entry, 12> table{{{"int", value_kind::int32},
                                                {"long", value_kind::int64},
                                                {"double", value_kind::real},
                                                {"string", value_kind::string},
                                                {"bytes", value_kind::bytes},
                                                {"int128", value_kind::octets16},
                                                {"int256", value_kind::octets32},
                                                {"#", value_kind::flags_word},
                                                {"true", value_kind::nothing},
                                                {"Bool", value_kind::boolean},
                                                {"Object", value_kind::any},
                                                {"X", value_kind::any}}};
  const auto* at = std::ranges::find(table, name, &entry::name);
  return at != table.end() ? std::optional{at->kind} : std::nullopt;
}

/// The flags word of the field at `position`: one that stands in front of it.
int word_index(const definition& def, int position) {
  const parameter& param = def.params[static_cast<std::size_t>(position)];
  const int at = param.conditional() ? find_parameter(def, param.flags_word) : -1;
  const bool good =
      at >= 0 && at < position && def.params[static_cast<std::size_t>(at)].type.is_flags_word();
  return good ? at : -1;
}

} // namespace

dynamic_plan::dynamic_plan(std::shared_ptr<const schema> of)
  : schema_{std::move(of)} {
  const auto& all = schema_->definitions();
  plans_.resize(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    plans_[i].def = &all[i];
    index_.emplace(&all[i], i);
  }
  for (const definition& def : all) {
    compile(def);
  }
  find_simplest();
}

void dynamic_plan::compile(const definition& def) {
  definition_plan& plan = plans_[index_.at(&def)];
  for (const parameter& param : def.params) {
    const int word = word_index(def, static_cast<int>(plan.fields.size()));
    const std::uint32_t mask = param.conditional() ? 1u << (param.bit & 31) : 0;
    plan.fields.push_back({&param, make(param.type), word, mask});
  }
}

value_plan dynamic_plan::make(const type_expr& expression) const {
  value_plan out;
  if (expression.query) {
    out.kind = value_kind::query;
    return out;
  }
  if (expression.is_vector()) {
    out.kind = expression.bare ? value_kind::bare_vector : value_kind::boxed_vector;
    const type_expr any{"Object", {}, false, false};
    const auto& element = expression.args.empty() ? any : expression.args.front();
    out.element = std::make_shared<const value_plan>(make(element));
    return out;
  }
  if (const auto basic = basic_kind(expression.name)) {
    out.kind = *basic;
    return out;
  }
  if (const auto* def = expression.bare ? schema_->bare_definition(expression) : nullptr) {
    out.kind = value_kind::bare;
    out.definition = &plans_[index_.at(def)];
    return out;
  }
  out.kind = value_kind::boxed;
  out.type = expression.name;
  return out;
}

result<value_plan> dynamic_plan::type(const type_expr& expression) const {
  const type_expr* inner = &expression;
  while (inner->is_vector() && !inner->args.empty()) {
    inner = &inner->args.front();
  }
  if (inner->is_vector() || basic_kind(inner->name) || schema_->has_type(inner->name) ||
      (inner->bare && schema_->bare_definition(*inner) != nullptr)) {
    return make(expression);
  }
  return fail(errc::bad_argument, "no type " + to_string(expression) + " in this schema");
}

const definition_plan* dynamic_plan::find(std::uint32_t id) const {
  const auto* def = schema_->find(id);
  return def != nullptr ? &plans_[index_.at(def)] : nullptr;
}

const definition_plan* dynamic_plan::find_constructor(std::string_view name) const {
  const auto* def = schema_->find_constructor(name);
  return def != nullptr ? &plans_[index_.at(def)] : nullptr;
}

const definition_plan* dynamic_plan::find_function(std::string_view name) const {
  const auto* def = schema_->find_function(name);
  return def != nullptr ? &plans_[index_.at(def)] : nullptr;
}

const definition_plan* dynamic_plan::simplest(std::string_view type) const {
  const auto at = simplest_.find(type);
  return at != simplest_.end() ? at->second : nullptr;
}

std::uint64_t dynamic_plan::cost(const value_plan& of) const {
  switch (of.kind) {
  case value_kind::bare:
    return costs_[static_cast<std::size_t>(of.definition - plans_.data())];
  case value_kind::boxed: {
    const definition_plan* best = simplest(of.type);
    return best != nullptr ? costs_[static_cast<std::size_t>(best - plans_.data())] : impossible;
  }
  case value_kind::any:
  case value_kind::query:
    return impossible;
  default:
    return 1;
  }
}

std::uint64_t dynamic_plan::cost(const definition_plan& of) const {
  std::uint64_t sum = 1;
  bool plain = true;
  for (const field_plan& field : of.fields) {
    if (!field.param->conditional()) {
      const std::uint64_t own = cost(field.value);
      plain = plain && own == 1;
      sum = std::min(sum + own, impossible);
    }
  }
  const auto& name = of.def->name;
  const bool empty = name.ends_with("Empty") || name.ends_with("Unknown");
  return empty && plain ? 0 : sum;
}

void dynamic_plan::find_simplest() {
  // Costs only sink, and each is the sum of costs known before: so no choice leads back to itself.
  costs_.assign(plans_.size(), impossible);
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < plans_.size(); ++i) {
      const std::uint64_t now = cost(plans_[i]);
      if (plans_[i].def->function || now >= costs_[i]) {
        continue;
      }
      costs_[i] = now;
      changed = true;
      const definition_plan*& best = simplest_[plans_[i].def->result.name];
      if (best == nullptr || now < costs_[static_cast<std::size_t>(best - plans_.data())]) {
        best = &plans_[i];
      }
    }
  }
}

std::size_t dynamic_plan::least_size(const value_plan& value) const {
  switch (value.kind) {
  case value_kind::nothing:
    return 0;
  case value_kind::int64:
  case value_kind::real:
  case value_kind::boxed_vector:
    return 8;
  case value_kind::octets16:
    return 16;
  case value_kind::octets32:
    return 32;
  case value_kind::bare:
    // Close enough to bound a count: a constructor without fields takes no octets.
    return std::ranges::any_of(value.definition->fields,
                               [](const field_plan& f) {
                                 return !f.param->conditional() &&
                                        f.value.kind != value_kind::nothing &&
                                        f.value.kind != value_kind::bare;
                               })
               ? 4
               : 0;
  default:
    return 4;
  }
}

} // namespace cafegram::tl
