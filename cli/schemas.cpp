#include <cafegram/cli/command.hpp>
#include <cafegram/cli/schemas.hpp>
#include <cafegram/sandbox/layers.hpp>

namespace cafegram::cli {

result<std::shared_ptr<const tl::schema>> load_schema(const std::string& path) {
  auto text = read_file(path);
  if (!text) {
    return std::unexpected(std::move(text).error());
  }
  auto parsed = tl::schema::parse(*text);
  if (!parsed) {
    auto e = std::move(parsed).error();
    e.what = path + ": " + e.what;
    return std::unexpected(std::move(e));
  }
  return std::make_shared<const tl::schema>(*std::move(parsed));
}

result<std::shared_ptr<const tl::dynamic_codec>> load_codec(const std::string& path) {
  if (path.empty()) {
    auto layers = sandbox::layer_set::load({});
    if (!layers) {
      return std::unexpected(std::move(layers).error());
    }
    const auto& newest = (*layers)->codec((*layers)->newest());
    return std::shared_ptr<const tl::dynamic_codec>{*layers, &newest};
  }
  auto schema = load_schema(path);
  if (!schema) {
    return std::unexpected(std::move(schema).error());
  }
  return std::make_shared<const tl::dynamic_codec>(*std::move(schema));
}

} // namespace cafegram::cli
