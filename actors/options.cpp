#include <cafegram/actors/options.hpp>

#include <charconv>

namespace cafegram {

namespace {

constexpr std::string_view obfuscated_prefix = "obfuscated-";

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (problem != std::errc{} || end != text.data() + text.size() || port == 0) {
    return std::nullopt;
  }
  return port;
}

std::optional<endpoint> parse_bracketed(std::string_view text) {
  const auto close = text.find(']');
  if (close == std::string_view::npos || close == 1) {
    return std::nullopt;
  }
  endpoint out{std::string{text.substr(1, close - 1)}};
  const auto rest = text.substr(close + 1);
  if (rest.empty()) {
    return out;
  }
  const auto port = rest.front() == ':' ? parse_port(rest.substr(1)) : std::nullopt;
  if (!port) {
    return std::nullopt;
  }
  out.port = *port;
  return out;
}

std::string_view name_of(transport_kind kind) {
  switch (kind) {
  case transport_kind::abridged:
    return "abridged";
  case transport_kind::intermediate:
    return "intermediate";
  case transport_kind::padded:
    return "padded";
  case transport_kind::full:
    return "full";
  }
  return "unknown";
}

} // namespace

std::string_view to_string(circuit_phase phase) {
  switch (phase) {
  case circuit_phase::closed:
    return "closed";
  case circuit_phase::open:
    return "open";
  case circuit_phase::probing:
    return "probing";
  }
  return "unknown";
}

std::optional<endpoint> parse_endpoint(std::string_view text) {
  if (text.starts_with('[')) {
    return parse_bracketed(text);
  }
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
    // No colon: a host. Several: an address of version 6 without a port.
    return text.empty() ? std::nullopt : std::optional{endpoint{std::string{text}}};
  }
  const auto port = parse_port(text.substr(colon + 1));
  if (colon == 0 || !port) {
    return std::nullopt;
  }
  return endpoint{std::string{text.substr(0, colon)}, *port};
}

std::string to_string(const endpoint& where) {
  const bool v6 = where.host.find(':') != std::string::npos;
  return (v6 ? "[" + where.host + "]" : where.host) + ":" + std::to_string(where.port);
}

std::optional<transport_choice> transport_choice::parse(std::string_view text) {
  transport_choice out{.obfuscated = text.starts_with(obfuscated_prefix)};
  if (out.obfuscated) {
    text.remove_prefix(obfuscated_prefix.size());
  }
  for (const auto kind : {transport_kind::abridged, transport_kind::intermediate,
                          transport_kind::padded, transport_kind::full}) {
    if (text == name_of(kind) && (!out.obfuscated || kind != transport_kind::full)) {
      out.kind = kind;
      return out;
    }
  }
  return std::nullopt;
}

std::string_view to_string(connection_purpose purpose) {
  switch (purpose) {
  case connection_purpose::main:
    return "main";
  case connection_purpose::upload:
    return "upload";
  case connection_purpose::download:
    return "download";
  case connection_purpose::cdn:
    return "cdn";
  }
  return "unknown";
}

std::string to_string(transport_choice choice) {
  return std::string{choice.obfuscated ? obfuscated_prefix : ""} +
         std::string{name_of(choice.kind)};
}

} // namespace cafegram
