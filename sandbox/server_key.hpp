#pragma once

#include <cafegram/crypto/rsa.hpp>

#include <filesystem>
#include <memory>
#include <string_view>

namespace cafegram::sandbox {

/// The RSA key in `file` of `folder` (0600), made there where it is missing; a fresh one each time
/// for an empty path. Errors: `storage` naming the file.
result<std::shared_ptr<const crypto::rsa_private_key>>
load_server_key(const std::filesystem::path& folder, std::string_view file);

/// Writes the public half, whole or not at all. Errors: `storage`.
result<void> write_public_key(const std::filesystem::path& path, const crypto::rsa_public_key& key);

} // namespace cafegram::sandbox
