// For: protocol/proxy.cpp base/bytes.cpp
#include <cafegram/protocol/proxy.hpp>

#include <string>

#include "fuzz.hpp"

// What people pass around: links and addresses of proxies, secrets, hexadecimal digits and base64.
namespace {

using namespace cafegram;
using namespace cafegram::protocol;
using fuzz::holds;

void encodings(std::string_view text) {
  if (const auto octets = from_hex(text)) {
    holds(fuzz::is(from_hex(to_hex(*octets)), *octets), "digits survive");
  } else {
    holds(octets.error().offset <= text.size(), "an error lies within the text");
  }
  if (const auto octets = from_base64(text)) {
    holds(fuzz::is(from_base64(to_base64(*octets)), *octets), "base64 survives");
    holds(fuzz::is(from_base64(to_base64url(*octets)), *octets), "so does the alphabet of URLs");
  } else {
    holds(octets.error().offset <= text.size(), "an error lies within the text");
  }
}

/// No error may say what could be a secret: a long word that is not one of a sentence.
void keeps_secret(const error& why, std::string_view text) {
  const bool word = text.size() >= 24 && !text.contains(' ');
  holds(!word || !why.what.contains(text), "an error does not repeat a secret");
}

void secrets(std::string_view text) {
  const auto secret = mtproxy_secret::parse(text);
  if (!secret) {
    keeps_secret(secret.error(), text);
    return;
  }
  holds(secret->domain.size() <= max_fake_domain, "a domain is bounded");
  bytes octets;
  if (secret->fake_tls()) {
    octets.push_back(0xee);
  } else if (secret->padded) {
    octets.push_back(0xdd);
  }
  append(octets, secret->key);
  append(octets, as_bytes(secret->domain));
  const auto again = mtproxy_secret::from(octets);
  holds(fuzz::is(again, *secret), "its octets say the same");
  holds(fuzz::is(mtproxy_secret::parse(to_hex(octets)), *secret), "so do their digits");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = as_text({data, size});
  encodings(text);
  secrets(text);
  (void)mtproxy_secret::from({data, size});
  const auto proxy = proxy_server::parse(text);
  if (!proxy) {
    holds(proxy.error().code == errc::bad_argument, "the text is at fault");
    return 0;
  }
  holds(check(*proxy).has_value(), "what was read can be used");
  holds(!to_string(*proxy).empty(), "it can be shown");
  holds(proxy->password.size() < 8 || !to_string(*proxy).contains(proxy->password) ||
            proxy->host.contains(proxy->password),
        "without its password");
  return 0;
}
