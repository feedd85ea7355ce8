#include <cafegram/cli/command.hpp>
#include <cafegram/cli/schemas.hpp>
#include <cafegram/storage/inbox.hpp>
#include <cafegram/storage/open.hpp>

#include <CLI/CLI.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cafegram::cli {
namespace {

struct inbox_arguments {
  std::string session;
  std::uint64_t number = 0;
};

using store = std::shared_ptr<storage::backend>;

result<store> open(const inbox_arguments& a) {
  return storage::open_store(a.session, {.key = {}, .create = false});
}

std::string utc_text(std::int64_t since_1970) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", fmt::gmtime(since_1970));
}

std::string line_of(const storage::inbox_row& row) {
  auto out = fmt::format("{}  {}  {}  {}", row.number, utc_text(row.received_at),
                         row.chat.empty() ? "-" : row.chat, row.identity);
  if (row.failures != 0) {
    out += fmt::format("  failed {} time(s): {}", row.failures, row.last_failure);
  }
  return out + '\n';
}

/// `read` gives pages of records, `line` is what is shown of one. A damaged row has its line among
/// the others, for each is dropped by its number. Errors: that there were some, once all are told.
template <class Read, class Line>
result<void> print_all(storage::backend& from, Read read, Line line) {
  std::uint64_t after = 0;
  std::size_t damaged = 0;
  for (bool more = true; more;) {
    const auto page = read(from, after);
    if (!page && storage::is_damaged_behind(after, page.error())) {
      after = static_cast<std::uint64_t>(page.error().number);
      std::cout << fmt::format("{}  damaged: {}\n", after, page.error().what);
      ++damaged;
      continue;
    }
    if (!page) {
      return std::unexpected(page.error());
    }
    for (const auto& one : page->records) {
      const auto& [number, text] = line(one);
      std::cout << text;
      after = number;
    }
    more = page->more;
  }
  if (damaged != 0) {
    return fail(errc::storage, fmt::format("{} of the rows cannot be read: see `damaged` above; "
                                           "`cafegram inbox drop` forgets one",
                                           damaged));
  }
  return {};
}

result<void> list(const inbox_arguments& a) {
  const auto from = open(a);
  if (!from) {
    return std::unexpected(from.error());
  }
  return print_all(
      **from,
      [](storage::backend& in, std::uint64_t after) { return storage::read_inbox(in, after); },
      [](const storage::inbox_row& row) { return std::pair{row.number, line_of(row)}; });
}

result<void> dead(const inbox_arguments& a) {
  const auto from = open(a);
  if (!from) {
    return std::unexpected(from.error());
  }
  return print_all(
      **from,
      [](storage::backend& in, std::uint64_t after) {
        return storage::read_dead_letters(in, after);
      },
      [](const storage::dead_letter& letter) {
        return std::pair{letter.update.number, line_of(letter.update)};
      });
}

/// A row and where it lies.
struct found_row {
  storage::inbox_row row;
  bool dead = false;
  std::optional<error> damaged = {}; ///< then it cannot be read, and `row` has its number alone
};

/// `read` gives the records above a number; `row_of` makes a row of one.
template <class Read, class RowOf>
result<std::optional<found_row>> find_in(storage::backend& in, std::uint64_t number, bool dead,
                                         Read read, RowOf row_of) {
  const auto page = read(in, number - 1, storage::page_limits{.rows = 1});
  if (!page) {
    const auto& why = page.error();
    if (storage::is_damaged_behind(number, why)) {
      return std::optional<found_row>{}; // a later one: this one is not there
    }
    if (!storage::is_damaged_behind(number - 1, why)) {
      return std::unexpected(why);
    }
    found_row out{{}, dead, why};
    out.row.number = number;
    return out;
  }
  if (page->records.empty() || row_of(page->records.front()).number != number) {
    return std::optional<found_row>{};
  }
  return found_row{row_of(page->records.front()), dead};
}

result<found_row> find(storage::backend& in, std::uint64_t number) {
  if (number == 0) {
    return fail(errc::bad_argument, "numbers begin at 1");
  }
  auto found = find_in(in, number, false, storage::read_inbox,
                       [](const storage::inbox_row& row) { return row; });
  if (found && !*found) {
    found = find_in(in, number, true, storage::read_dead_letters,
                    [](const storage::dead_letter& letter) { return letter.update; });
  }
  if (!found) {
    return std::unexpected(found.error());
  }
  if (*found) {
    return **std::move(found);
  }
  return fail(errc::not_found, fmt::format("there is no update {} in {}", number, in.place()));
}

result<void> show(const inbox_arguments& a) {
  const auto from = open(a);
  if (!from) {
    return std::unexpected(from.error());
  }
  const auto found = find(**from, a.number);
  if (!found) {
    return std::unexpected(found.error());
  }
  if (found->damaged) {
    return std::unexpected(*found->damaged);
  }
  if (const auto& lost = found->row.lost) {
    std::cout << (found->dead ? "dead letter  " : "") << line_of(found->row)
              << fmt::format("updates are lost ({}): {} of {}, from {} to {}\n", lost->why,
                             lost->box,
                             lost->channel == 0 ? std::string{"the account"}
                                                : fmt::format("channel {}", lost->channel),
                             lost->from, lost->to ? std::to_string(*lost->to) : "?");
    return {};
  }
  const auto codec = load_codec("");
  if (!codec) {
    return std::unexpected(codec.error());
  }
  std::cout << (found->dead ? "dead letter  " : "") << line_of(found->row);
  const auto update = (*codec)->decode(found->row.update);
  std::cout << (update ? update->dump(2) : "it cannot be read: " + to_string(update.error()))
            << '\n';
  return {};
}

result<void> replay(const inbox_arguments& a) {
  const auto in = open(a);
  if (!in) {
    return std::unexpected(in.error());
  }
  auto found = find(**in, a.number);
  if (!found) {
    return std::unexpected(found.error());
  }
  if (found->damaged) {
    return std::unexpected(*found->damaged);
  }
  if (!found->dead) {
    return fail(errc::bad_argument, fmt::format("update {} is no dead letter", a.number));
  }
  found->row.failures = 0;
  found->row.last_failure.clear();
  storage::batch rows;
  put(rows, found->row);
  erase_dead_letter(rows, a.number);
  rows.durable = true;
  return (*in)->apply(rows);
}

result<void> drop(const inbox_arguments& a) {
  const auto in = open(a);
  if (!in) {
    return std::unexpected(in.error());
  }
  const auto found = find(**in, a.number);
  if (!found) {
    return std::unexpected(found.error());
  }
  storage::batch rows;
  if (const auto sends = storage::erase_sends(rows, **in, a.number);
      !sends && sends.error().code != errc::malformed) {
    return std::unexpected(sends.error());
  }
  if (found->dead) {
    erase_dead_letter(rows, a.number);
  } else {
    erase_inbox(rows, a.number);
  }
  rows.durable = true;
  return (*in)->apply(rows);
}

void add(CLI::App& inbox, action& chosen, const std::string& name, const std::string& what,
         bool of_one, result<void> (*run)(const inbox_arguments&)) {
  auto* command = inbox.add_subcommand(name, what);
  auto a = std::make_shared<inbox_arguments>();
  if (of_one) {
    command->add_option("number", a->number, "the update's, as `list` and `dead` tell")->required();
  }
  command->add_option("--session", a->session, "the bot's session, as `cafegram session` takes it")
      ->envname("CAFEGRAM_SESSION")
      ->required();
  command->callback([&chosen, a, run] {
    chosen = [a, run] {
      const auto outcome = run(*a);
      if (outcome) {
        return done;
      }
      report(outcome.error());
      return outcome.error().code == errc::bad_argument ? usage : failed;
    };
  });
}

} // namespace

void add_inbox(CLI::App& app, action& chosen) {
  auto* inbox = app.add_subcommand(
      "inbox", "updates that a bot has not finished, and those it has given up; while it is down");
  inbox->require_subcommand(1);
  add(*inbox, chosen, "list", "what is not finished, in its order; fails if a row is damaged",
      false, list);
  add(*inbox, chosen, "dead", "what was given up: the dead letters; fails as `list` does", false,
      dead);
  add(*inbox, chosen, "show", "one of either", true, show);
  add(*inbox, chosen, "replay", "has the bot try a dead letter again", true, replay);
  add(*inbox, chosen, "drop", "forgets one of either", true, drop);
}

} // namespace cafegram::cli
