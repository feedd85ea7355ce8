#include <cafegram/storage/file_store.hpp>
#include <cafegram/storage/open.hpp>
#include <cafegram/storage/postgres_store.hpp>
#include <cafegram/storage/session_rows.hpp>
#include <cafegram/storage/sqlite_store.hpp>
#include <cafegram/storage/string_store.hpp>

#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>

namespace cafegram::storage {

namespace {

using opened = result<std::unique_ptr<backend>>;

/// The rest of `place` behind `kind:`; none if it is another kind.
std::optional<std::string> rest_of(const std::string& place, std::string_view kind) {
  if (!place.starts_with(kind) || place.size() <= kind.size() || place[kind.size()] != ':') {
    return std::nullopt;
  }
  return place.substr(kind.size() + 1);
}

bool is_there(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

/// A file of this kind begins so.
bool is_session_file(const std::string& path) {
  std::array<char, 8> head{};
  std::ifstream in{path, std::ios::binary};
  in.read(head.data(), head.size());
  return in.gcount() == head.size() && std::string_view{head.data(), head.size()} == "CAFEGRAM";
}

opened open_path(const std::string& path, const open_options& options,
                 opened (*with)(const std::string&)) {
  if (path.empty()) {
    return fail(errc::bad_argument, "the session's path is empty");
  }
  if (!options.create && !is_there(path)) {
    return fail(errc::not_found, "there is no session " + path);
  }
  return with(path);
}

opened open_file(const std::string& path) {
  return open_file_store(path);
}
opened open_sqlite(const std::string& path) {
  return open_sqlite_store(path);
}

struct keyed_place {
  std::string place;
  std::optional<store_key> key;
};

/// Takes the key off the end of `place`.
result<keyed_place> split_key(const std::string& place, const open_options& options) {
  constexpr std::string_view name = "key=";
  const auto at = place.find_last_of("?&");
  if (at == std::string::npos || place.compare(at + 1, name.size(), name) != 0) {
    return keyed_place{place, options.key};
  }
  auto key = store_key::named(std::string_view{place}.substr(at + 1 + name.size()));
  if (!key) {
    return std::unexpected(std::move(key.error()));
  }
  return keyed_place{place.substr(0, at), *std::move(key)};
}

opened open_kind(const std::string& place, const open_options& options) {
  if (place == "memory") {
    return make_memory_store();
  }
  if (const auto text = rest_of(place, "string")) {
    return open_string_store(*text);
  }
  if (const auto path = rest_of(place, "file")) {
    return open_path(*path, options, open_file);
  }
  if (const auto path = rest_of(place, "sqlite")) {
    return open_path(*path, options, open_sqlite);
  }
  if (rest_of(place, "postgresql") || rest_of(place, "postgres")) {
    return open_postgres_store(place);
  }
  return open_path(place, options, is_session_file(place) ? open_file : open_sqlite);
}

} // namespace

result<std::shared_ptr<backend>> open_store(const std::string& place, const open_options& options) {
  const auto keyed = split_key(place, options);
  if (!keyed) {
    return std::unexpected(keyed.error());
  }
  auto out = open_kind(keyed->place, options);
  if (!out) {
    return std::unexpected(std::move(out.error()));
  }
  if (keyed->key) {
    return encrypted_store(*std::move(out), *keyed->key);
  }
  const auto sealed = is_encrypted(**out);
  if (!sealed) {
    return std::unexpected(sealed.error());
  }
  if (*sealed) {
    return fail(errc::storage, "session " + (*out)->place() +
                                   " is encrypted: name its key, as in " +
                                   "PLACE?key=file:PATH or PLACE?key=env:NAME");
  }
  return *std::move(out);
}

result<std::shared_ptr<session_backend>> open_session(const std::string& place,
                                                      const open_options& options) {
  auto out = open_store(place, options);
  if (!out) {
    return std::unexpected(std::move(out.error()));
  }
  return keep_session(*std::move(out));
}

} // namespace cafegram::storage
