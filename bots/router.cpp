#include <cafegram/bots/router.hpp>

namespace cafegram {

namespace {

std::optional<filter> taken(filter* when) {
  return when != nullptr ? std::optional{std::move(*when)} : std::nullopt;
}

} // namespace

router::router() = default;
router::router(const router&) = default;
router::router(router&&) noexcept = default;
router& router::operator=(const router&) = default;
router& router::operator=(router&&) noexcept = default;
router::~router() = default;

void router::add_factory(filter* when, detail::behavior_factory factory) {
  routes_.push_back({taken(when), std::move(factory), nullptr});
}

void router::add_handler(filter* when, std::optional<std::size_t> kind,
                         detail::context_handler handler) {
  auto test = taken(when);
  if (kind) {
    test = test ? detail::kind_at(*kind) & *std::move(test) : detail::kind_at(*kind);
  }
  routes_.push_back({std::move(test), nullptr, std::move(handler)});
}

} // namespace cafegram
