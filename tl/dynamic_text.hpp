#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/tl/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cafegram::tl {

/// True for well-formed UTF-8: no overlong form, no surrogate, nothing over U+10FFFF.
bool is_utf8(std::string_view text);

/// How the content of a TL `string` is said in JSON: as text, or `{"$bytes":base64}`.
json text_to_json(bytes_view content);
/// Nothing for what is neither.
std::optional<std::string> text_from_json(const json& value);

/// Base64 in a string.
std::optional<bytes> bytes_from_json(const json& value);

json real_to_json(double value);
std::optional<double> real_from_json(const json& value);

/// A number without fraction, in range.
std::optional<std::int32_t> int32_from_json(const json& value);
/// The same, or its decimal digits as a string.
std::optional<std::int64_t> int64_from_json(const json& value);

} // namespace cafegram::tl
