#pragma once

#include <cafegram/base/error.hpp>
#include <cafegram/tl/dynamic.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <vector>

namespace cafegram::sandbox {

/// The layers that clients can be answered in: the built-in newest one and every schema file of a
/// folder. Immutable once loaded, shared by all connections.
class layer_set {
public:
  /// Reads every `*.tl` and `*.json` of `folder` (empty path: none) whose layer is named in it; of
  /// others the log tells that they are left out.
  /// Errors: `storage` for a folder that cannot be read, `malformed` naming file and line.
  static result<std::shared_ptr<const layer_set>> load(const std::filesystem::path& folder);

  std::int32_t newest() const { return newest_; }
  std::vector<std::int32_t> layers() const;

  /// The codec of exactly this layer, or of the newest one where its schema is not here.
  const tl::dynamic_codec& codec(std::int32_t layer) const;
  /// The layer that `codec(layer)` speaks.
  std::int32_t effective(std::int32_t layer) const;

private:
  std::map<std::int32_t, std::unique_ptr<const tl::dynamic_codec>> codecs_;
  std::int32_t newest_ = 0;
};

} // namespace cafegram::sandbox
