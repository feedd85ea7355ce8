#pragma once

#include <cafegram/base/error.hpp>
#include <cafegram/tl/dynamic.hpp>

#include <memory>
#include <string>

namespace cafegram::cli {

/// The schema in a file, TL text or Telegram's JSON form. Errors name the file and the line.
result<std::shared_ptr<const tl::schema>> load_schema(const std::string& path);

/// The codec for a schema file, or for the newest layer that is built in where `path` is empty.
result<std::shared_ptr<const tl::dynamic_codec>> load_codec(const std::string& path);

} // namespace cafegram::cli
