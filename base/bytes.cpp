#include <cafegram/base/bytes.hpp>

#include <array>
#include <cstddef>

namespace cafegram {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view base64url_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return c - 'A' + 10;
  }
  return -1;
}

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') {
    return c - 'A';
  }
  if (c >= 'a' && c <= 'z') {
    return c - 'a' + 26;
  }
  if (c >= '0' && c <= '9') {
    return c - '0' + 52;
  }
  if (c == '+' || c == '-') {
    return 62;
  }
  if (c == '/' || c == '_') {
    return 63;
  }
  return -1;
}

std::string encode_base64(bytes_view data, std::string_view alphabet, bool pad) {
  std::string out;
  out.reserve((data.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < data.size(); i += 3) {
    const std::size_t left = data.size() - i;
    const std::uint32_t group = static_cast<std::uint32_t>(data[i]) << 16 |
                                static_cast<std::uint32_t>(left > 1 ? data[i + 1] : 0) << 8 |
                                static_cast<std::uint32_t>(left > 2 ? data[i + 2] : 0);
    out += alphabet[group >> 18 & 63];
    out += alphabet[group >> 12 & 63];
    if (left > 1) {
      out += alphabet[group >> 6 & 63];
    } else if (pad) {
      out += '=';
    }
    if (left > 2) {
      out += alphabet[group & 63];
    } else if (pad) {
      out += '=';
    }
  }
  return out;
}

} // namespace

std::string to_hex(bytes_view data) {
  std::string out;
  out.reserve(data.size() * 2);
  for (const std::uint8_t octet : data) {
    out += hex_digits[octet >> 4];
    out += hex_digits[octet & 15];
  }
  return out;
}

std::expected<bytes, text_error> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) {
    return std::unexpected(text_error{text.size(), "an odd number of hexadecimal digits"});
  }
  bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) {
      return std::unexpected(text_error{high < 0 ? i : i + 1, "not a hexadecimal digit"});
    }
    out.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  return out;
}

std::string to_base64(bytes_view data) {
  return encode_base64(data, base64_alphabet, true);
}

std::string to_base64url(bytes_view data) {
  return encode_base64(data, base64url_alphabet, false);
}

std::expected<bytes, text_error> from_base64(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0 && text.size() - end < 2 && text[end - 1] == '=') {
    --end;
  }
  const std::size_t padding = text.size() - end;
  if (end % 4 == 1 || (padding != 0 && text.size() % 4 != 0)) {
    return std::unexpected(text_error{end, "not a length that base64 can have"});
  }
  bytes out;
  out.reserve(end / 4 * 3 + 2);
  std::uint32_t group = 0;
  int bits = 0;
  for (std::size_t i = 0; i < end; ++i) {
    const int value = base64_value(text[i]);
    if (value < 0) {
      return std::unexpected(text_error{i, "not a base64 character"});
    }
    group = group << 6 | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<std::uint8_t>(group >> bits & 255));
    }
  }
  if ((group & ((1U << bits) - 1)) != 0) {
    return std::unexpected(text_error{end, "bits set behind the last octet"});
  }
  return out;
}

} // namespace cafegram
