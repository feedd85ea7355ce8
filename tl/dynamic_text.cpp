#include <cafegram/tl/dynamic_text.hpp>

#include <charconv>
#include <cmath>
#include <limits>

namespace cafegram::tl {

namespace {

/// Octets of the sequence that begins at `text[0]`; 0 if it is not one.
std::size_t sequence_length(std::string_view text) {
  const auto at = [text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned lead = at(0);
  const unsigned next = at(1);
  if (lead < 0x80) {
    return 1;
  }
  const auto follows = [&at](std::size_t i) { return (at(i) & 0xc0) == 0x80; };
  if (lead >= 0xc2 && lead <= 0xdf) {
    return follows(1) ? 2 : 0;
  }
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool odd = (lead == 0xe0 && next < 0xa0) || (lead == 0xed && next > 0x9f);
    return !odd && follows(1) && follows(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool odd = (lead == 0xf0 && next < 0x90) || (lead == 0xf4 && next > 0x8f);
    return !odd && follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

} // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

json text_to_json(bytes_view content) {
  const std::string_view text = as_text(content);
  if (is_utf8(text)) {
    return json(std::string{text});
  }
  json out = json::object();
  out.emplace("$bytes", to_base64(content));
  return out;
}

std::optional<std::string> text_from_json(const json& value) {
  if (const auto* text = value.get_ptr<const std::string*>()) {
    return *text;
  }
  const auto at = value.is_object() && value.size() == 1 ? value.find("$bytes") : value.end();
  if (at == value.end()) {
    return std::nullopt;
  }
  const auto content = bytes_from_json(*at);
  return content ? std::optional{std::string{as_text(*content)}} : std::nullopt;
}

std::optional<bytes> bytes_from_json(const json& value) {
  const auto* text = value.get_ptr<const std::string*>();
  if (text == nullptr) {
    return std::nullopt;
  }
  auto content = from_base64(*text);
  return content ? std::optional{*std::move(content)} : std::nullopt;
}

json real_to_json(double value) {
  if (std::isnan(value)) {
    return "NaN";
  }
  if (std::isinf(value)) {
    return value > 0 ? "Infinity" : "-Infinity";
  }
  return value;
}

std::optional<double> real_from_json(const json& value) {
  if (value.is_number()) {
    return value.get<double>();
  }
  const auto* text = value.get_ptr<const std::string*>();
  if (text == nullptr) {
    return std::nullopt;
  }
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (*text == "NaN") {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (*text == "Infinity") {
    return infinity;
  }
  return *text == "-Infinity" ? std::optional{-infinity} : std::nullopt;
}

std::optional<std::int32_t> int32_from_json(const json& value) {
  if (!value.is_number_integer()) {
    return std::nullopt;
  }
  const auto wide = int64_from_json(value);
  const bool fits = wide && *wide >= std::numeric_limits<std::int32_t>::min() &&
                    *wide <= std::numeric_limits<std::int32_t>::max();
  return fits ? std::optional{static_cast<std::int32_t>(*wide)} : std::nullopt;
}

std::optional<std::int64_t> int64_from_json(const json& value) {
  if (value.is_number_unsigned()) {
    const auto wide = value.get<std::uint64_t>();
    const bool fits = wide <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return fits ? std::optional{static_cast<std::int64_t>(wide)} : std::nullopt;
  }
  if (value.is_number_integer()) {
    return value.get<std::int64_t>();
  }
  const auto* text = value.get_ptr<const std::string*>();
  if (text == nullptr) {
    return std::nullopt;
  }
  std::int64_t out = 0;
  const char* end = text->data() + text->size();
  const auto [stop, problem] = std::from_chars(text->data(), end, out);
  return problem == std::errc{} && stop == end ? std::optional{out} : std::nullopt;
}

} // namespace cafegram::tl
