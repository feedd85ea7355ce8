#include <cafegram/actors/options.hpp>
#include <cafegram/cli/command.hpp>
#include <cafegram/crypto/hash.hpp>
#include <cafegram/protocol/dc_options.hpp>
#include <cafegram/storage/files.hpp>
#include <cafegram/storage/foreign_session.hpp>
#include <cafegram/storage/open.hpp>
#include <cafegram/storage/session_rows.hpp>
#include <cafegram/storage/string_store.hpp>

#include <CLI/CLI.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <iostream>
#include <memory>

namespace cafegram::cli {
namespace {

using storage::session_format;

const std::string formats = "cafegram, telethon, gramjs, pyrogram or mtcute";

/// None for an empty text. Errors: `bad_argument`.
result<std::optional<storage::store_key>> key_of(const std::string& where) {
  if (where.empty()) {
    return std::nullopt;
  }
  auto key = storage::store_key::named(where);
  return key ? result<std::optional<storage::store_key>>{*std::move(key)}
             : std::unexpected(key.error());
}

std::string time_text(std::int64_t seconds) {
  return seconds == 0 ? "unknown" : fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", fmt::gmtime(seconds));
}

// -- show

struct show_arguments {
  std::string place;
  bool secrets = false;
};

void show_data_centre(std::int32_t id, const storage::dc_record& dc, bool home, bool secrets) {
  std::cout << fmt::format("  {}{}:", id, home ? " (home)" : "");
  if (dc.auth_key) {
    const auto digest = crypto::sha1(dc.auth_key->view());
    std::cout << fmt::format(" key {}, since {}", to_hex(bytes_view{digest}.last(8)),
                             time_text(dc.created_at));
  }
  std::cout << (dc.authorised ? ", logged in" : "") << '\n';
  if (secrets && dc.auth_key) {
    std::cout << "    " << to_hex(dc.auth_key->view()) << '\n';
  }
  for (const auto& address : dc.addresses) {
    std::cout << fmt::format("    {} port {}{}\n", address.host, address.port,
                             address.media_only ? ", media" : "");
  }
}

void show_session(const storage::session_state& session, bool secrets) {
  if (session.user) {
    const auto& user = *session.user;
    std::cout << fmt::format("account: {} {} {} {}\n", user.bot ? "bot" : "user", user.id,
                             user.first_name, user.username.empty() ? "" : "@" + user.username);
  } else {
    std::cout << "account: not logged in\n";
  }
  if (session.updates) {
    const auto& at = *session.updates;
    std::cout << fmt::format("updates: pts {}, qts {}, seq {}, {}; {} channel(s)\n", at.pts, at.qts,
                             at.seq, time_text(at.date), session.channels.size());
  }
  std::cout << (session.test ? "test data centres:\n" : "data centres:\n");
  for (const auto& [id, dc] : session.data_centres) {
    show_data_centre(id, dc, id == session.home_dc, secrets);
  }
  if (secrets && session.signing_secret) {
    std::cout << "signing secret: " << to_hex(session.signing_secret->view()) << '\n';
  }
}

result<std::size_t> count_rows(storage::backend& in, storage::table of) {
  std::size_t out = 0;
  auto counted = storage::for_each_row(in, of, [&out](const storage::row&) {
    ++out;
    return result<void>{};
  });
  return counted ? result<std::size_t>{out} : std::unexpected(counted.error());
}

result<void> show(const show_arguments& a) {
  const auto store = storage::open_store(a.place, {.key = {}, .create = false});
  if (!store) {
    return std::unexpected(store.error());
  }
  const auto session = storage::read_session(**store);
  if (!session) {
    return std::unexpected(session.error());
  }
  std::cout << "session: " << (*store)->place() << '\n';
  if (*session) {
    show_session(**session, a.secrets);
  } else {
    std::cout << "account: none yet\n";
  }
  for (const auto table : {storage::table::peer, storage::table::inbox, storage::table::dead,
                           storage::table::send, storage::table::value}) {
    const auto count = count_rows(**store, table);
    if (!count) {
      return std::unexpected(count.error());
    }
    std::cout << fmt::format("{}: {}\n", storage::name_of(table), *count);
  }
  return storage::for_each_row(**store, storage::table::aside, [](const storage::row& one) {
    std::cout << "put aside: " << one.key << '\n';
    return result<void>{};
  });
}

// -- export

struct export_arguments {
  std::string place;
  std::string to = "cafegram";
  std::string aside;
  std::string out;
  bool print = false;
  std::size_t peers = 100;
  std::string address;
  std::int32_t api_id = 0;
  std::string key;
};

/// Where other libraries' sessions have to say an address and ours knows none.
std::optional<storage::dc_address> usual_address(std::int32_t dc, bool test) {
  for (const auto& known : protocol::builtin_addresses(test)) {
    if (static_cast<std::int32_t>(known.dc) == dc && !known.media_only) {
      storage::dc_address out;
      out.host = known.host;
      out.port = known.port;
      out.ipv6 = known.ipv6;
      return out;
    }
  }
  return std::nullopt;
}

result<crypto::secret> foreign_string(storage::backend& from, session_format format,
                                      const export_arguments& a) {
  const auto session = storage::read_session(from);
  if (!session) {
    return std::unexpected(session.error());
  }
  auto login = storage::from_session(session->value_or(storage::session_state{}));
  if (!login) {
    return std::unexpected(login.error());
  }
  login->api_id = a.api_id;
  if (!a.address.empty()) {
    const auto address = parse_endpoint(a.address);
    if (!address) {
      return fail(errc::bad_argument, "--address is not HOST:PORT: " + a.address);
    }
    login->address = storage::dc_address{};
    login->address->host = address->host;
    login->address->port = address->port;
    login->address->ipv6 = address->host.find(':') != std::string::npos;
  } else if (!login->address) {
    login->address = usual_address(login->dc, login->test);
  }
  return storage::write_foreign(*login, format);
}

result<crypto::secret> string_of(storage::backend& from, const export_arguments& a) {
  if (const auto format = storage::session_format_of(a.to)) {
    return foreign_string(from, *format, a);
  }
  auto key = key_of(a.key);
  if (!key) {
    return std::unexpected(key.error());
  }
  return storage::export_string(from, {.peers = a.peers, .first = {}, .key = *key, .cost = {}});
}

/// A session that was put aside, in a store of its own.
result<std::shared_ptr<storage::backend>> put_aside_in(storage::backend& store,
                                                       const std::string& name) {
  const auto session = storage::read_aside(store, name);
  if (!session) {
    return std::unexpected(session.error());
  }
  if (!*session) {
    return fail(errc::not_found, "nothing in " + store.place() + " was put aside as " + name);
  }
  storage::batch rows;
  storage::put(rows, **session);
  std::shared_ptr<storage::backend> out = storage::make_memory_store();
  auto done = out->apply(rows);
  return done ? result<std::shared_ptr<storage::backend>>{std::move(out)}
              : std::unexpected(done.error());
}

result<void> export_session(const export_arguments& a) {
  if (a.out.empty() && !a.print) {
    return fail(errc::bad_argument, "whoever has the string has the account: name a file for it "
                                    "with --out, or say --print to see it here");
  }
  const auto store = storage::open_store(a.place, {.key = {}, .create = false});
  if (!store) {
    return std::unexpected(store.error());
  }
  const auto of = a.aside.empty() ? store : put_aside_in(**store, a.aside);
  if (!of) {
    return std::unexpected(of.error());
  }
  const auto text = string_of(**of, a);
  if (!text) {
    return std::unexpected(text.error());
  }
  if (a.print) {
    std::cout << as_text(text->view()) << '\n';
  }
  if (a.out.empty()) {
    return {};
  }
  const auto written = storage::create_file(a.out, text->view());
  if (!written) {
    return std::unexpected(written.error());
  }
  std::cerr << "written to " << *written << '\n';
  return {};
}

// -- import

struct import_arguments {
  std::string place;
  std::string from = "auto";
  std::string in = "-";
  std::string key;
};

result<std::shared_ptr<storage::backend>> store_of_string(std::string_view text,
                                                          const std::string& with) {
  auto key = key_of(with);
  if (!key) {
    return std::unexpected(key.error());
  }
  return storage::open_store("string:" + std::string{text}, {.key = *key, .create = false});
}

/// A store in memory with what the string says.
result<std::shared_ptr<storage::backend>> read_string(const std::string& text,
                                                      const import_arguments& a) {
  const auto format =
      a.from == "auto" ? storage::guess_format(text) : storage::session_format_of(a.from);
  if (!format) {
    return store_of_string(text, a.key);
  }
  const auto login = storage::read_foreign(text, *format);
  if (!login) {
    return std::unexpected(login.error());
  }
  storage::batch rows;
  storage::put(rows, storage::to_session(*login));
  std::shared_ptr<storage::backend> out = storage::make_memory_store();
  if (auto done = out->apply(rows); !done) {
    return std::unexpected(done.error());
  }
  return out;
}

result<void> refuse_unless_empty(storage::backend& store) {
  const auto there = storage::read_session(store);
  if (!there) {
    return std::unexpected(there.error());
  }
  if (*there) {
    return fail(errc::bad_argument,
                "there is a session in " + store.place() + " already; name another place");
  }
  return {};
}

result<void> import_session(const import_arguments& a) {
  auto text = a.in == "-" ? text_or_input("-") : read_file(a.in);
  if (!text) {
    return std::unexpected(text.error());
  }
  while (!text->empty() && std::string_view{" \t\r\n"}.find(text->back()) != std::string::npos) {
    text->pop_back();
  }
  const auto from = read_string(*text, a);
  crypto::wipe({reinterpret_cast<std::uint8_t*>(text->data()), text->size()});
  if (!from) {
    return std::unexpected(from.error());
  }
  const auto to = storage::open_store(a.place);
  if (!to) {
    return std::unexpected(to.error());
  }
  if (auto empty = refuse_unless_empty(**to); !empty) {
    return empty;
  }
  return storage::copy_store(**from, **to);
}

// -- convert

struct convert_arguments {
  std::string from;
  std::string to;
};

result<void> convert(const convert_arguments& a) {
  const auto from = storage::open_store(a.from, {.key = {}, .create = false});
  if (!from) {
    return std::unexpected(from.error());
  }
  const auto to = storage::open_store(a.to);
  if (!to) {
    return std::unexpected(to.error());
  }
  if (auto empty = refuse_unless_empty(**to); !empty) {
    return empty;
  }
  return storage::copy_store(**from, **to);
}

// -- the command line

void add_place(CLI::App& command, std::string& place, const std::string& name,
               const std::string& what) {
  command
      .add_option(name, place,
                  what + ": PATH, sqlite:PATH, file:PATH or postgresql://HOST/NAME?session=NAME; "
                         "?key=file:PATH or ?key=env:NAME behind it where it is encrypted")
      ->required();
}

void add_key(CLI::App& command, std::string& key) {
  command.add_option("--key", key, "encrypts the string: file:PATH or env:NAME");
}

template <class Arguments>
void on_parse(CLI::App& command, action& chosen, const std::shared_ptr<Arguments>& arguments,
              result<void> (*run)(const Arguments&)) {
  command.callback([&chosen, arguments, run] {
    chosen = [arguments, run] {
      const auto outcome = run(*arguments);
      if (outcome) {
        return done;
      }
      report(outcome.error());
      return outcome.error().code == errc::bad_argument ? usage : failed;
    };
  });
}

void add_show(CLI::App& session, action& chosen) {
  auto* command = session.add_subcommand("show", "what is in a session");
  auto a = std::make_shared<show_arguments>();
  add_place(*command, a->place, "place", "session");
  command->add_flag("--secrets", a->secrets, "keys too: whoever sees them has the account");
  on_parse(*command, chosen, a, show);
}

void add_export(CLI::App& session, action& chosen) {
  auto* command = session.add_subcommand("export", "a session as a string");
  auto a = std::make_shared<export_arguments>();
  add_place(*command, a->place, "place", "session");
  command->add_option("--to", a->to, formats)
      ->check(CLI::IsMember({"cafegram", "telethon", "gramjs", "pyrogram", "mtcute"}))
      ->capture_default_str();
  command->add_option("--out", a->out, "a new file for it, readable by its owner alone");
  command->add_flag("--print", a->print, "show it: whoever sees it has the account");
  command->add_option("--aside", a->aside,
                      "one that was put aside when its login ended, by its name");
  command->add_option("--peers", a->peers, "how many peers go into a string of cafegram's")
      ->check(CLI::Range(0, 10000))
      ->capture_default_str();
  command->add_option("--address", a->address, "HOST:PORT of the home data centre, for the others");
  command->add_option("--api-id", a->api_id, "for Pyrogram")->envname("API_ID");
  add_key(*command, a->key);
  on_parse(*command, chosen, a, export_session);
}

void add_import(CLI::App& session, action& chosen) {
  auto* command = session.add_subcommand("import", "a session from a string");
  auto a = std::make_shared<import_arguments>();
  add_place(*command, a->place, "place", "new session");
  command->add_option("--from", a->from, "auto, " + formats)
      ->check(CLI::IsMember({"auto", "cafegram", "telethon", "gramjs", "pyrogram", "mtcute"}))
      ->capture_default_str();
  command->add_option("--in", a->in, "file with the string; - reads standard input")
      ->capture_default_str();
  add_key(*command, a->key);
  on_parse(*command, chosen, a, import_session);
}

void add_convert(CLI::App& session, action& chosen) {
  auto* command = session.add_subcommand("convert", "a session, all of it, into another kind");
  auto a = std::make_shared<convert_arguments>();
  add_place(*command, a->from, "from", "session");
  add_place(*command, a->to, "to", "new session");
  on_parse(*command, chosen, a, convert);
}

} // namespace

void add_session(CLI::App& app, action& chosen) {
  auto* session = app.add_subcommand("session", "show, export, import and convert sessions");
  session->require_subcommand(1);
  add_show(*session, chosen);
  add_export(*session, chosen);
  add_import(*session, chosen);
  add_convert(*session, chosen);
}

} // namespace cafegram::cli
