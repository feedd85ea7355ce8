#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/tl/codec.hpp>
#include <cafegram/tl/table.hpp>

#include <map>
#include <vector>

namespace cafegram::test {

/// Octets of random well-formed values, made from a schema's descriptors.
class random_values {
public:
  random_values(const tl::table& schema, std::uint64_t seed);

  /// A constructor or function with its id.
  bytes make(const tl::definition_descriptor& def);

private:
  void fields(tl::writer& out, const tl::definition_descriptor& def, int depth);
  void value(tl::writer& out, tl::kind what, std::uint16_t argument, int depth);
  void boxed(tl::writer& out, std::uint16_t type, int depth);
  void text(tl::writer& out);
  double number();
  bytes any_object(int depth);
  int depth_of(tl::kind what, std::uint16_t argument) const;
  int depth_of(const tl::definition_descriptor& def) const;
  void find_depths();

  const tl::table& schema_;
  seeded_random random_;
  std::map<std::uint16_t, std::vector<std::uint16_t>> constructors_; ///< by type
  std::vector<int> depths_; ///< of the smallest value, by definition
  std::vector<std::uint16_t> functions_;
};

} // namespace cafegram::test
