#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/builtin_schema.hpp>
#include <cafegram/sandbox/layers.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace cafegram::sandbox {

namespace {

result<tl::schema> read_schema(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  if (!in) {
    return fail(errc::storage, fmt::format("cannot read the schema {}", path.string()));
  }
  auto parsed = tl::schema::parse(text);
  if (!parsed) {
    parsed.error().what = path.string() + ": " + parsed.error().what;
  }
  return parsed;
}

result<std::vector<std::filesystem::path>> schema_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> out;
  std::error_code problem;
  for (auto at = std::filesystem::directory_iterator{folder, problem};
       !problem && at != std::filesystem::directory_iterator{}; at.increment(problem)) {
    const auto kind = at->path().extension();
    if (kind == ".tl" || kind == ".json") {
      out.push_back(at->path());
    }
  }
  if (problem) {
    return fail(
        errc::storage,
        fmt::format("cannot read the folder of schemas {}: {}", folder.string(), problem.message()),
        problem.value());
  }
  std::ranges::sort(out);
  return out;
}

} // namespace

result<std::shared_ptr<const layer_set>> layer_set::load(const std::filesystem::path& folder) {
  auto out = std::make_shared<layer_set>();
  auto builtin = tl::schema::parse(builtin_api_schema());
  if (!builtin) {
    return std::unexpected(builtin.error());
  }
  out->newest_ = builtin->layer();
  out->codecs_[out->newest_] = std::make_unique<const tl::dynamic_codec>(
      std::make_shared<const tl::schema>(*std::move(builtin)));
  const auto files =
      folder.empty() ? result<std::vector<std::filesystem::path>>{} : schema_files(folder);
  if (!files) {
    return std::unexpected(files.error());
  }
  for (const auto& path : *files) {
    auto parsed = read_schema(path);
    if (!parsed) {
      return std::unexpected(parsed.error());
    }
    const int layer = parsed->layer();
    if (layer <= 0) {
      // No client can ask for it. MTProto's own has none; of another one somebody has to know why
      // clients of its layer are answered in the newest.
      log::warn("sandbox", "the schema {} is left out: {} is missing", path.string(),
                path.extension() == ".json" ? "the field `layer`" : "the line `// LAYER N`");
    } else if (!out->codecs_.contains(layer)) {
      out->codecs_[layer] = std::make_unique<const tl::dynamic_codec>(
          std::make_shared<const tl::schema>(*std::move(parsed)));
    }
  }
  return out;
}

std::vector<std::int32_t> layer_set::layers() const {
  std::vector<std::int32_t> out;
  out.reserve(codecs_.size());
  for (const auto& [layer, codec] : codecs_) {
    out.push_back(layer);
  }
  return out;
}

std::int32_t layer_set::effective(std::int32_t layer) const {
  return codecs_.contains(layer) ? layer : newest_;
}

const tl::dynamic_codec& layer_set::codec(std::int32_t layer) const {
  return *codecs_.at(effective(layer));
}

} // namespace cafegram::sandbox
