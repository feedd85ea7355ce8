#pragma once

#include <string_view>

namespace cafegram::sandbox {

/// A file of the page, compiled into the program.
struct page_asset {
  std::string_view path; ///< `/app.js`; the page itself is `/`
  std::string_view type; ///< for `Content-Type`
  std::string_view etag; ///< changes with the content; with its quotes
  std::string_view body;
};

/// The file at `path`, or nothing.
const page_asset* find_asset(std::string_view path);

} // namespace cafegram::sandbox
