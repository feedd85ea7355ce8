#pragma once

#include <cafegram/sandbox/page_json.hpp>
#include <cafegram/sandbox/page_model.hpp>

#include <map>
#include <string>
#include <string_view>

/// The page's JSON interface without any HTTP: a request in, an answer out.
namespace cafegram::sandbox {

struct api_answer {
  int status = 200;
  std::string body; ///< JSON
};

/// What `path` can be asked with.
enum class api_verb : std::uint8_t { none, get, post };
api_verb verb_of(std::string_view path);

/// Answers a GET; `query` holds the parameters behind the `?`.
api_answer api_get(page_model& model, std::string_view path,
                   const std::multimap<std::string, std::string>& query);

/// Answers a POST with the JSON text `body`.
api_answer api_post(page_model& model, std::string_view path, std::string_view body);

/// `{"error":{"code":...,"message":...}}`
api_answer api_error(int status, std::string_view code, std::string_view message);

} // namespace cafegram::sandbox
