#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/connection_state.hpp>

#include <caf/all.hpp>

#include <algorithm>
#include <cstdlib>

// What a connection goes through that came to the MTProxy port.
namespace cafegram::sandbox {
namespace {

constexpr auto gate_deadline = std::chrono::seconds{10};
constexpr int test_shift = 10'000;

} // namespace

void connection_state::start_framing() {
  if (!parts_.mtproxy) {
    framing_.emplace(parts_.random);
    return;
  }
  const auto& secret = parts_.mtproxy->secret;
  framing_.emplace(parts_.random, secret.key, secret.fake_tls());
  if (secret.fake_tls()) {
    gate_.emplace(secret, parts_.random);
  }
}

void connection_state::start_exchange() {
  protocol::server_exchange_options options;
  options.key = parts_.keys->at(parts_.dc);
  options.test = parts_.test;
  exchange_.emplace(std::move(options), parts_.random);
}

/// Octets of a client that has not proven that it knows the secret.
void connection_state::pass_gate(bytes_view data) {
  const auto proven = gate_->feed(data, now());
  if (!proven) {
    refuse(to_string(proven.error()));
    return;
  }
  if (!*proven) {
    return;
  }
  gate_waits_ = true;
  self->request(parts_.gatekeeper, gate_deadline, hello_seen{(*proven)->random})
      .then(
          [this](bool fresh) {
            gate_waits_ = false;
            if (!fresh) {
              refuse("a hello came a second time");
              return;
            }
            write(gate_->accept());
            gate_.reset();
            resume();
          },
          [this](const caf::error&) { end(); });
}

/// It has shown a key, or ends.
void connection_state::no_stranger() {
  if (std::exchange(stranger_until_, wall_time::max()) != wall_time::max()) {
    caf::anon_send(parts_.gatekeeper, stranger_gone{about_.id});
  }
}

/// As a web server would: an alert, and the end.
void connection_state::refuse(std::string_view why) {
  log::info("sandbox", "{}: {}", about_.remote, why);
  if (auto words = gate_->refusal(); !words.empty()) {
    write(std::move(words));
  }
  end();
}

/// False for a client that the port does not let through: another framing than the secret wants, a
/// data centre that is not here.
bool connection_state::admit(const protocol::detected_transport& found) {
  if (!parts_.mtproxy) {
    return true;
  }
  if (parts_.mtproxy->secret.padded && found.kind != protocol::framing::padded) {
    log::info("sandbox", "{}: the proxy's secret wants the padded framing", about_.remote);
    return false;
  }
  // Negative for media; a test data centre is shifted.
  const int dc = std::abs(static_cast<int>(found.dc)) - (parts_.test ? test_shift : 0);
  if (!parts_.keys->contains(dc)) {
    log::info("sandbox", "{}: data centre {} is not here", about_.remote, found.dc);
    return false;
  }
  if (dc != parts_.dc) {
    parts_.dc = dc;
    about_.dc = dc;
    start_exchange();
    note();
  }
  return true;
}

} // namespace cafegram::sandbox
