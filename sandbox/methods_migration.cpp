#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/views.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

/// Which data centre a call belongs to, and how a login comes to another one. Spec: "Accessing
/// encrypted files in other data centres", `auth.exportAuthorization`, 303 SEE_OTHER.
namespace cafegram::sandbox {

namespace {

constexpr std::int32_t test_shift = 10'000;
constexpr std::string_view test_phones = "99966";
constexpr std::size_t most_exported = 1'000;
constexpr std::int64_t export_lifetime = 300; ///< seconds
constexpr std::size_t proof_octets = 64;

std::int32_t or_main(const world_options& options, std::int32_t dc) {
  return dc != 0 ? dc : options.dc_id;
}

bool is_one_of(std::string_view method, std::initializer_list<std::string_view> spaces) {
  return std::ranges::any_of(
      spaces, [method](std::string_view space) { return method.starts_with(space); });
}

rpc_refusal see_other(std::string_view what, std::int32_t dc) {
  return {303, fmt::format("{}_MIGRATE_{}", what, dc)};
}

void forget_old(step& at) {
  std::erase_if(at.in.exported,
                [now = at.unix_time()](const auto& entry) { return entry.second.until <= now; });
  if (at.in.exported.size() >= most_exported) {
    at.in.exported.erase(std::ranges::min_element(
        at.in.exported, {}, [](const auto& entry) { return entry.second.until; }));
  }
}

answer export_authorization(step& at, const json& request) {
  const auto dc = number32(request, "dc_id");
  if (!is_here(at.in.options, dc) || dc == at.dc) {
    return refuse("DC_ID_INVALID");
  }
  forget_old(at);
  bytes octets(proof_octets);
  at.in.random->fill(octets);
  const std::string proof = to_base64(octets);
  at.in.exported[proof] = {at.me->id, dc, at.unix_time() + export_lifetime};
  json out = make("auth.exportedAuthorization");
  out["id"] = at.me->id;
  out["bytes"] = proof;
  return out;
}

/// Works once, in the data centre that it was made for.
answer import_authorization(step& at, const json& request) {
  const auto found = at.in.exported.find(std::string{text(request, "bytes")});
  if (found == at.in.exported.end() || found->second.dc != at.dc ||
      found->second.until <= at.unix_time()) {
    return refuse("AUTH_BYTES_INVALID");
  }
  if (found->second.user != number(request, "id")) {
    return refuse("USER_ID_INVALID");
  }
  account* user = at.in.data.find(found->second.user);
  at.in.exported.erase(found);
  return user != nullptr ? answer{log_in(at, *user)} : refuse("AUTH_BYTES_INVALID");
}

/// There are no files yet: in the data centre that would have them each place is wrong.
answer get_file(step&, const json&) {
  return refuse("LOCATION_INVALID");
}

/// Nor channels.
answer get_channel_stats(step&, const json&) {
  return refuse("CHANNEL_INVALID");
}

} // namespace

std::int32_t dc_number(std::int32_t told) {
  return (told < 0 ? -told : told) % test_shift;
}

bool is_here(const world_options& options, std::int32_t dc) {
  return dc == options.dc_id || options.data_centres.contains(dc);
}

std::optional<std::int32_t> home_of_phone(const world_options& options, const std::string& phone) {
  if (const auto told = options.homes.find(phone); told != options.homes.end()) {
    return told->second;
  }
  if (phone.starts_with(test_phones) && phone.size() > test_phones.size()) {
    const std::int32_t dc = phone[test_phones.size()] - '0';
    if (!options.data_centres.empty() && is_here(options, dc)) {
      return dc;
    }
  }
  return std::nullopt;
}

std::int32_t home_of(const world_options& options, const account& who) {
  if (const auto told = options.homes.find(std::to_string(who.id)); told != options.homes.end()) {
    return told->second;
  }
  return home_of_phone(options, who.phone).value_or(options.dc_id);
}

bool is_home(const step& at, std::int32_t home) {
  return at.in.options.data_centres.empty() || home == at.dc;
}

std::optional<rpc_refusal> misplaced(const step& at, std::string_view method) {
  const auto& options = at.in.options;
  if (options.data_centres.empty()) {
    return std::nullopt;
  }
  if (is_one_of(method, {"upload.get"})) {
    const auto dc = or_main(options, options.file_dc);
    return dc == at.dc ? std::nullopt : std::optional{see_other("FILE", dc)};
  }
  if (is_one_of(method, {"stats."})) {
    const auto dc = or_main(options, options.stats_dc);
    return dc == at.dc ? std::nullopt : std::optional{see_other("STATS", dc)};
  }
  // What else a login may do that was carried here.
  if (at.me == nullptr || is_one_of(method, {"auth.", "help.", "langpack.", "upload."})) {
    return std::nullopt;
  }
  const auto home = home_of(options, *at.me);
  return is_home(at, home) ? std::nullopt : std::optional{see_other("USER", home)};
}

std::span<const method> migration_methods() {
  static constexpr method table[] = {
      {"auth.exportAuthorization", audience::logged_in, export_authorization},
      {"auth.importAuthorization", audience::anyone, import_authorization},
      {"upload.getFile", audience::logged_in, get_file},
      {"stats.getBroadcastStats", audience::person, get_channel_stats},
      {"stats.getMegagroupStats", audience::person, get_channel_stats},
  };
  return table;
}

} // namespace cafegram::sandbox
