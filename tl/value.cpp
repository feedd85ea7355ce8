#include <cafegram/tl/value.hpp>

#include <algorithm>

namespace cafegram::tl {

namespace {

/// An opaque value keeps its own id in the head.
struct unknown_box : detail::node {
  unknown value;

  explicit unknown_box(unknown&& v)
    : node{detail::unknown_info}
    , value{std::move(v)} {
    id = value.id;
  }
};

void write_unknown(writer& out, const void* value) {
  out.raw(static_cast<const unknown*>(value)->body);
}

void destroy_unknown(const detail::node* n) {
  delete static_cast<const unknown_box*>(n);
}

} // namespace

const detail::info detail::unknown_info{
    0, sizeof(unknown_box), nullptr, nullptr, write_unknown, nullptr, destroy_unknown};

detail::node* detail::make_unknown(unknown&& value) {
  return new unknown_box{std::move(value)};
}

void boxed::release() const noexcept {
  if (node_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    node_->about->destroy(node_);
  }
}

std::string_view boxed::name() const {
  if (node_ == nullptr || node_->about->schema == nullptr) {
    return {};
  }
  const auto* def = node_->about->schema->find(node_->id);
  return def != nullptr ? def->name : std::string_view{};
}

const definition_descriptor* table::find(std::uint32_t id) const {
  const auto at = std::ranges::lower_bound(definitions, id, {}, &definition_descriptor::id);
  return at != definitions.end() && at->id == id ? &*at : nullptr;
}

const definition_descriptor* table::find(std::string_view name, bool function) const {
  const auto key = [this](std::uint16_t i) { return std::string_view{definitions[i].name}; };
  for (const auto i : std::ranges::equal_range(by_name, name, {}, key)) {
    if (definitions[i].function == function) {
      return &definitions[i];
    }
  }
  return nullptr;
}

} // namespace cafegram::tl
