#pragma once

#include <cafegram/tl/coding.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <span>

/// Typed values of which only the id is known.

namespace cafegram::tl::detail {

std::span<const info* const> all_api();
std::span<const info* const> all_mtproto();

} // namespace cafegram::tl::detail

namespace cafegram::test {

using tl::detail::info;

struct node_deleter {
  void operator()(tl::detail::node* n) const { n->about->destroy(n); }
};
using node_ptr = std::unique_ptr<tl::detail::node, node_deleter>;

/// The typed value of the octets behind the id; null, with the failure, when they do not decode.
inline node_ptr decode(const info& about, bytes_view body, tl::decode_error& failure,
                       tl::limits bounds = {}) {
  tl::reader in{body, bounds};
  node_ptr out{about.make()};
  about.read(in, tl::detail::content(*out));
  in.finish();
  failure = in.failure();
  return in.ok() ? std::move(out) : nullptr;
}

inline bytes encode(const info& about, const tl::detail::node& value) {
  tl::writer out;
  out.u32(about.id);
  about.write(out, tl::detail::content(value));
  EXPECT_TRUE(out.complete());
  return out.take();
}

} // namespace cafegram::test
