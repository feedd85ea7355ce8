#include <cafegram/base/rpc_errors.hpp>

#include <algorithm>

namespace cafegram {

namespace {

std::string_view advice(errc code) {
  switch (code) {
  case errc::none:
    return "Nothing went wrong.";
  case errc::rpc:
    return "Telegram refused the call.";
  case errc::deadline:
    return "There was no answer in time. The call may have run; ask before repeating it.";
  case errc::cancelled:
    return "The call was given up by its caller or by the end of the client.";
  case errc::unknown_outcome:
    return "The call may or may not have run, and may not run twice: look before repeating it.";
  case errc::connection_lost:
    return "There is no connection and none will be tried: start the client again.";
  case errc::protocol_violation:
    return "The other side broke the protocol: no server of Telegram's, or a bug.";
  case errc::bad_argument:
    return "The call cannot be made with these values.";
  case errc::storage:
    return "A file could not be read or written: look at its rights and the room on the disk.";
  case errc::need_more:
  case errc::malformed:
    return "The octets or text do not parse.";
  case errc::limit:
    return "A bound was exceeded: make fewer calls at a time.";
  case errc::network:
    return "The network failed; trying again may help.";
  case errc::transport_error:
    return "The server refused the connection.";
  case errc::not_found:
    return "The thing named does not exist.";
  case errc::logged_out:
    return "The login is gone: log in again.";
  case errc::circuit_open:
    return "Connections to this data centre fail again and again: try again later.";
  case errc::proxy:
    return "The proxy refused the connection or broke its protocol: look at its settings.";
  case errc::key_unknown:
    return "The server does not know the key of this login, which is kept. If that lasts, log in.";
  case errc::session_in_use:
    return "Another process has this session: stop that one first, or use another session.";
  }
  return "An unknown error.";
}

std::string_view advice(rpc_class kind) {
  switch (kind) {
  case rpc_class::see_other:
    return "The call belongs to another data centre.";
  case rpc_class::bad_request:
    return "Telegram does not take the call with these values.";
  case rpc_class::unauthorized:
    return "The call needs a login.";
  case rpc_class::payment_required:
    return "The call has to be paid for.";
  case rpc_class::forbidden:
    return "The account may not do this.";
  case rpc_class::not_found:
    return "What the call names does not exist.";
  case rpc_class::not_acceptable:
    return "Telegram does not take the call, and tells the user why in another way.";
  case rpc_class::flood:
    return "Too many calls: wait.";
  case rpc_class::internal:
    return "Telegram has a problem; trying again later may help.";
  case rpc_class::timeout:
    return "Telegram took too long; trying again may help.";
  }
  return {};
}

/// With the number in its place.
std::string filled(std::string_view text, std::optional<std::int64_t> value) {
  std::string out{text};
  if (const auto at = out.find("%d"); at != std::string::npos) {
    out.replace(at, 2, value ? std::to_string(*value) : "some");
  }
  return out;
}

} // namespace

bool rpc_error_info::given_by(std::string_view method) const {
  for (auto rest = methods; !rest.empty();) {
    const auto end = std::min(rest.find(' '), rest.size());
    if (rest.substr(0, end) == method) {
      return true;
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

const rpc_error_info* find_rpc_error(const rpc_failure& which) {
  const auto all = documented_rpc_errors();
  const auto found = std::ranges::find_if(
      all, [&which](const rpc_error_info& one) { return one.name.matches(which); });
  return found != all.end() ? &*found : nullptr;
}

const rpc_error_info* find_rpc_error(const rpc_name& which) {
  const auto all = documented_rpc_errors();
  const auto found = std::ranges::find_if(
      all, [&which](const rpc_error_info& one) { return one.name.name == which.name; });
  return found != all.end() ? &*found : nullptr;
}

std::string explain(const error& e) {
  if (!e.rpc) {
    return std::string{advice(e.code)};
  }
  const auto* known = find_rpc_error(*e.rpc);
  if (known == nullptr || known->text.empty()) {
    return std::string{advice(e.rpc->kind())};
  }
  return filled(known->text, e.rpc->value);
}

} // namespace cafegram
