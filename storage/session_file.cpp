#include <cafegram/crypto/hash.hpp>
#include <cafegram/storage/session_file.hpp>
#include <cafegram/storage/session_rows.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

namespace cafegram::storage {

namespace {

constexpr std::string_view magic = "CAFEGRAM";
constexpr std::size_t version_at = 8;
constexpr std::size_t length_at = 12;
constexpr std::size_t digest_at = 16;

std::uint32_t read_u32(bytes_view data, std::size_t at) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    out |= static_cast<std::uint32_t>(data[at + i]) << (8 * i);
  }
  return out;
}

void write_u32(mutable_bytes_view data, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) {
    data[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
}

result<snapshot> rows_of_session(bytes_view payload) {
  const auto session = decode_session(payload);
  if (!session) {
    return std::unexpected(session.error());
  }
  batch rows;
  put(rows, *session);
  snapshot out;
  out.rows.apply(rows);
  return out;
}

} // namespace

crypto::secret wrap_session_file(bytes_view payload, std::uint32_t version) {
  crypto::secret out{session_file_header + payload.size()};
  const auto view = out.view();
  std::ranges::copy(magic, view.begin());
  write_u32(view, version_at, version);
  write_u32(view, length_at, static_cast<std::uint32_t>(payload.size()));
  const auto digest = crypto::sha256({view.first(digest_at), payload});
  std::ranges::copy(digest, view.begin() + digest_at);
  std::ranges::copy(payload, view.begin() + session_file_header);
  return out;
}

result<session_payload> unwrap_session_file(bytes_view file) {
  if (file.size() < magic.size() || as_text(file.first(magic.size())) != magic) {
    return fail(errc::storage, "not a session: wrong first 8 octets", 0);
  }
  if (file.size() < session_file_header) {
    return fail(errc::storage, "cut off within the header", static_cast<std::int64_t>(file.size()));
  }
  const auto version = read_u32(file, version_at);
  if (version == 0 || version > session_file_version) {
    return fail(errc::storage,
                "format version " + std::to_string(version) + " is not known to this program",
                version_at);
  }
  const auto payload = file.subspan(session_file_header);
  if (read_u32(file, length_at) != payload.size()) {
    return fail(errc::storage, "cut off, or longer than it says", length_at);
  }
  const auto digest = crypto::sha256({file.first(digest_at), payload});
  if (!std::ranges::equal(digest, file.subspan(digest_at, digest.size()))) {
    return fail(errc::storage, "damaged: the checksum does not match", digest_at);
  }
  return session_payload{version, payload};
}

result<snapshot> read_session_file(bytes_view file) {
  const auto payload = unwrap_session_file(file);
  if (!payload) {
    return std::unexpected(payload.error());
  }
  auto out =
      payload->version == 1 ? rows_of_session(payload->octets) : decode_snapshot(payload->octets);
  if (!out) {
    out.error().code = errc::storage;
  }
  return out;
}

} // namespace cafegram::storage
