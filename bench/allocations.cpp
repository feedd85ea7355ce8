#include <cafegram/bench/allocations.hpp>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<bool> counting = false;
std::atomic<std::uint64_t> counted = 0;

void* allocate(std::size_t size) {
  if (counting.load(std::memory_order_relaxed)) {
    counted.fetch_add(1, std::memory_order_relaxed);
  }
  return std::malloc(size == 0 ? 1 : size);
}

} // namespace

void* operator new(std::size_t size) {
  if (auto* out = allocate(size)) {
    return out;
  }
  throw std::bad_alloc{};
}

void* operator new(std::size_t size, const std::nothrow_t& /*unused*/) noexcept {
  return allocate(size);
}

void operator delete(void* what) noexcept {
  std::free(what);
}

void operator delete(void* what, std::size_t /*unused*/) noexcept {
  std::free(what);
}

void operator delete(void* what, const std::nothrow_t& /*unused*/) noexcept {
  std::free(what);
}

namespace cafegram::bench {

allocation_counter::allocation_counter() {
  counted = 0;
  counting = true;
}

allocation_counter::~allocation_counter() {
  counting = false;
}

std::uint64_t allocation_counter::count() const {
  return counted;
}

} // namespace cafegram::bench
