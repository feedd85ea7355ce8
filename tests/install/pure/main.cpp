#include <cafegram/base/environment.hpp>
#include <cafegram/crypto/hash.hpp>
#include <cafegram/protocol/framing.hpp>
#include <cafegram/tl/schema_check.hpp>

#include <iostream>
#include <memory>

using namespace cafegram;

// One call into each layer, so that linking proves more than finding the headers.
int main() {
  const auto schema = tl::schema::parse("boolFalse#bc799737 = Bool;\nboolTrue#997275b5 = Bool;\n");
  if (!schema || !tl::check_ids(*schema).empty()) {
    return 1;
  }
  auto transport = protocol::client_transport::make({}, std::make_shared<seeded_random>(1));
  if (!transport || transport->opening().empty()) {
    return 2;
  }
  std::cout << to_hex(crypto::sha256(as_bytes("abc"))) << '\n';
}
