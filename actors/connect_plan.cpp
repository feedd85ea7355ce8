#include <cafegram/actors/connect_attempt.hpp>
#include <cafegram/actors/connect_plan.hpp>

#include <algorithm>

namespace cafegram {

std::vector<endpoint> in_turn(const std::vector<endpoint>& addresses, ip_choice ip) {
  const bool v6_first = ip == ip_choice::ipv6_first || ip == ip_choice::ipv6_only;
  std::vector<endpoint> first;
  std::vector<endpoint> second;
  std::vector<endpoint> names;
  for (const auto& one : addresses) {
    if (!is_numeric_address(one.host)) {
      names.push_back(one);
    } else {
      const bool v6 = one.host.contains(':');
      (v6 == v6_first ? first : second).push_back(one);
    }
  }
  if (ip == ip_choice::ipv4_only || ip == ip_choice::ipv6_only) {
    second.clear();
  }
  std::vector<endpoint> out;
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    for (const auto* family : {&first, &second}) {
      if (i < family->size()) {
        out.push_back((*family)[i]);
      }
    }
  }
  out.insert(out.end(), names.begin(), names.end());
  return out;
}

std::vector<connect_step> plan_steps(const std::vector<endpoint>& addresses,
                                     const std::vector<endpoint>& targets, ip_choice ip) {
  const auto ordered = in_turn(addresses, ip);
  std::vector<connect_step> out;
  if (targets.empty()) {
    for (const auto& address : ordered) {
      out.push_back({address, address});
    }
  }
  for (const auto& target : in_turn(targets, ip)) {
    for (const auto& address : ordered) {
      out.push_back({address, target});
    }
  }
  return out;
}

} // namespace cafegram
