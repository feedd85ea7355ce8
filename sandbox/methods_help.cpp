#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/read_json.hpp>

/// What clients ask before anything else. Spec: `help.getConfig`.
namespace cafegram::sandbox {

namespace {

json dc_option(std::int32_t id, const std::string& address, std::uint16_t port) {
  json out = make("dcOption");
  if (address.find(':') != std::string::npos) {
    out["ipv6"] = true;
  }
  out["id"] = id;
  out["ip_address"] = address;
  out["port"] = port;
  return out;
}

json dc_options(const step& at) {
  json out = json::array();
  const auto& options = at.in.options;
  const auto add = [&out](std::int32_t id, const std::string& address, std::uint16_t port) {
    out.push_back(dc_option(id, address, port));
  };
  if (options.data_centres.empty()) {
    // Every DC of Telegram's is there for a client that looks its own up; all are this one.
    for (std::int32_t id = 1; id <= 5; ++id) {
      add(id, options.address, options.port);
    }
    if (options.dc_id <= 5) {
      return out;
    }
  }
  add(options.dc_id, options.address, options.port);
  for (const auto& [id, where] : options.data_centres) {
    add(id, where.first, where.second);
  }
  return out;
}

answer get_config(step& at, const json&) {
  json out = make("config");
  out["date"] = at.unix_time();
  out["expires"] = at.unix_time() + 3600;
  out["test_mode"] = at.in.options.test_mode;
  out["this_dc"] = at.dc;
  out["dc_options"] = dc_options(at);
  const std::pair<const char*, json> rest[] = {{"dc_txt_domain_name", "example.org"},
                                               {"chat_size_max", 200},
                                               {"megagroup_size_max", 200'000},
                                               {"forwarded_count_max", 100},
                                               {"online_update_period_ms", 210'000},
                                               {"offline_blur_timeout_ms", 5'000},
                                               {"offline_idle_timeout_ms", 30'000},
                                               {"online_cloud_timeout_ms", 300'000},
                                               {"notify_cloud_delay_ms", 30'000},
                                               {"notify_default_delay_ms", 1'500},
                                               {"push_chat_period_ms", 60'000},
                                               {"push_chat_limit", 2},
                                               {"edit_time_limit", 172'800},
                                               {"revoke_time_limit", 2'147'483'647},
                                               {"revoke_pm_time_limit", 2'147'483'647},
                                               {"rating_e_decay", 2'419'200},
                                               {"stickers_recent_limit", 200},
                                               {"channels_read_media_period", 604'800},
                                               {"call_receive_timeout_ms", 20'000},
                                               {"call_ring_timeout_ms", 90'000},
                                               {"call_connect_timeout_ms", 30'000},
                                               {"call_packet_timeout_ms", 10'000},
                                               {"me_url_prefix", "https://t.me/"},
                                               {"caption_length_max", 1'024},
                                               {"message_length_max", 4'096}};
  for (const auto& [name, value] : rest) {
    out[name] = value;
  }
  out["webfile_dc_id"] = at.in.options.dc_id;
  return out;
}

answer get_nearest_dc(step& at, const json&) {
  json out = make("nearestDc");
  out["country"] = "DE";
  out["this_dc"] = at.dc;
  out["nearest_dc"] = at.in.options.dc_id;
  return out;
}

/// No setting differs from what clients take for granted.
answer get_app_config(step&, const json&) {
  json out = make("help.appConfig");
  out["hash"] = 1;
  out["config"] = make("jsonObject");
  out["config"]["value"] = json::array();
  return out;
}

answer get_cdn_config(step&, const json&) {
  json out = make("cdnConfig");
  out["public_keys"] = json::array();
  return out;
}

/// There are no texts to translate: the client keeps its own.
answer get_difference_of_language(step&, const json& request) {
  json out = make("langPackDifference");
  out["lang_code"] = text(request, "lang_code");
  out["from_version"] = number32(request, "from_version");
  out["version"] = number32(request, "from_version");
  out["strings"] = json::array();
  return out;
}

answer nothing_to_translate(step&, const json&) {
  return json::array();
}

} // namespace

std::span<const method> help_methods() {
  static constexpr method table[] = {
      {"help.getConfig", audience::anyone, get_config},
      {"help.getNearestDc", audience::anyone, get_nearest_dc},
      {"help.getAppConfig", audience::anyone, get_app_config},
      {"help.getCdnConfig", audience::anyone, get_cdn_config},
      {"langpack.getLangPack", audience::anyone, get_difference_of_language},
      {"langpack.getDifference", audience::anyone, get_difference_of_language},
      {"langpack.getStrings", audience::anyone, nothing_to_translate},
      {"langpack.getLanguages", audience::anyone, nothing_to_translate},
  };
  return table;
}

} // namespace cafegram::sandbox
