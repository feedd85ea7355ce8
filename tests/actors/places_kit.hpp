#pragma once

#include <utility>

#include "client_kit.hpp"

namespace cafegram::test {

/// A client, and words for what is called over which of its connections.
struct places_kit : client_kit {
  tl::help::getNearestDc question;

  /// The session of somebody who is logged in.
  void log_in(bool bot) { stored->user = storage::user_record{7, bot, "Ada", "ada"}; }

  /// The newest call of a function, and the connection that has it.
  template <class Function>
  std::pair<fake_line*, std::size_t> newest() {
    std::pair<fake_line*, std::size_t> out{nullptr, 0};
    call_id latest = 0;
    for (const auto& line : lines) {
      for (std::size_t n = 0; !line->ended && n < line->calls.size(); ++n) {
        const auto& one = line->calls[n];
        if (tl::reader{*one.function}.peek_u32() == Function::tl_id && one.id > latest) {
          latest = one.id;
          out = {line.get(), n};
        }
      }
    }
    return out;
  }
  template <class Function>
  std::size_t count() {
    std::size_t out = 0;
    for (const auto& line : lines) {
      out +=
          static_cast<std::size_t>(std::ranges::count_if(line->calls, [](const submit_call& one) {
            return tl::reader{*one.function}.peek_u32() == Function::tl_id;
          }));
    }
    return out;
  }
  /// Where it went; 0 for nowhere.
  template <class Function>
  std::int32_t place_of() {
    const auto [line, number] = newest<Function>();
    return line == nullptr ? 0 : line->setup.dc;
  }
  template <class Function>
  void reply(bytes_view body = {}) {
    const auto [line, number] = newest<Function>();
    ASSERT_NE(line, nullptr);
    line->answer(number, body);
    system.run();
  }
  template <class Function>
  void reject(std::int32_t code, std::string_view text) {
    const auto [line, number] = newest<Function>();
    ASSERT_NE(line, nullptr);
    line->refuse(number, code, text);
    system.run();
  }

  static bytes exported() {
    return tl::encode(tl::auth::ExportedAuthorization{
        tl::auth::exportedAuthorization{.id = 42, .bytes = bytes{1, 2, 3}}});
  }
  static bytes config(std::chrono::seconds good_for) {
    tl::dcOption where;
    where.id = 2;
    where.ip_address = "127.0.0.1";
    where.port = 443;
    tl::config out;
    out.date = 1'750'000'000;
    out.expires = out.date + static_cast<std::int32_t>(good_for.count());
    out.this_dc = 2;
    out.dc_options = {where};
    return tl::encode(out);
  }

  using give = tl::auth::exportAuthorization;
  using take = tl::auth::importAuthorization;
  using log_in_anew = tl::auth::importBotAuthorization;
  using asked = tl::help::getNearestDc;
};

} // namespace cafegram::test
