#include <cafegram/bots/behavior.hpp>

#include <array>
#include <variant>

namespace cafegram {

struct behavior::table {
  std::array<detail::behavior_handler, std::variant_size_v<detail::update_variant>> by_kind;
};

behavior::behavior()
  : table_{std::make_shared<table>()} {}

void behavior::add_for(std::size_t kind, detail::behavior_handler handler) {
  table_->by_kind[kind] = std::move(handler);
}

task<> behavior::run(const any_update& update) const {
  const auto& handler = table_->by_kind[update.index()];
  return handler ? handler(update) : task<>{};
}

bool behavior::handles(const any_update& update) const {
  return static_cast<bool>(table_->by_kind[update.index()]);
}

} // namespace cafegram
