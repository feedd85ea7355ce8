#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/messages.hpp>

#include <caf/exit_reason.hpp>
#include <caf/message.hpp>
#include <caf/sec.hpp>

namespace cafegram {

namespace {

constexpr auto our_category = caf::atom("cafegram");

error from_system(caf::sec code) {
  const auto name = caf::to_string(code);
  switch (code) {
  case caf::sec::request_timeout:
    return error::make(errc::deadline, "no answer in time");
  case caf::sec::request_receiver_down:
  case caf::sec::runtime_error: // a handler of it has thrown
    return error::make(errc::cancelled, "the actor that was asked has ended");
  default:
    return error::make(errc::bad_argument, "an actor refused the message: " + name);
  }
}

} // namespace

caf::error to_caf(const error& e) {
  return {static_cast<std::uint8_t>(e.code), our_category, caf::make_message(e)};
}

error to_error(const caf::error& e) {
  if (!e) {
    return {};
  }
  if (e.category() == our_category) {
    if (e.context().match_elements<error>()) {
      return e.context().get_as<error>(0);
    }
    return error::make(static_cast<errc>(e.code()), "no more is known");
  }
  if (e.category() == caf::atom("system")) {
    return from_system(static_cast<caf::sec>(e.code()));
  }
  if (e.category() == caf::atom("exit")) {
    return error::make(errc::cancelled, "the actor that was asked has ended");
  }
  return error::make(errc::bad_argument, "an actor failed: " + caf::to_string(e));
}

bool ends_login(const error& e) {
  return e.rpc && e.rpc->code == 401 && e.rpc->name != "SESSION_PASSWORD_NEEDED" &&
         e.rpc->name != "AUTH_KEY_PERM_EMPTY";
}

} // namespace cafegram
