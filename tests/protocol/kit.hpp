#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/protocol/auth_key.hpp>
#include <cafegram/protocol/framing.hpp>

#include <nlohmann/json.hpp>

#include <deque>

#include "../support.hpp"

namespace cafegram::protocol::test {

using cafegram::test::hex;
using cafegram::test::seed;
using cafegram::test::shared_folder;

/// Gives out prepared octets, then fails the test.
class scripted_random final : public random_source {
public:
  explicit scripted_random(bytes octets)
    : octets_{octets.begin(), octets.end()} {}

  void fill(mutable_bytes_view out) override {
    for (auto& octet : out) {
      if (octets_.empty()) {
        ADD_FAILURE() << "more randomness is taken than the vector has";
        octet = 0;
        continue;
      }
      octet = octets_.front();
      octets_.pop_front();
    }
  }

private:
  std::deque<std::uint8_t> octets_;
};

/// The cases of a file of shared vectors.
inline nlohmann::json vectors(std::string_view file) {
  return nlohmann::json::parse(cafegram::test::read_text(shared_folder() / "vectors" / file))
      .at("cases");
}

inline bytes random_octets(seeded_random& random, std::size_t count) {
  bytes out(count);
  random.fill(out);
  return out;
}

inline auth_key some_key(std::uint64_t from = 7) {
  seeded_random random{from};
  return *auth_key::from(random_octets(random, auth_key::octets));
}

} // namespace cafegram::protocol::test
