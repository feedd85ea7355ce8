#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/error.hpp>

#include <functional>
#include <map>
#include <string>
#include <string_view>

// Who adds options includes <CLI/CLI.hpp>: it is slow to compile.
namespace CLI {
class App;
}

namespace cafegram::cli {

/// What the program's exit status says.
enum exit_code : int {
  done = 0,
  failed = 1, ///< the command was understood and did not succeed
  usage = 2,  ///< the command line makes no sense
};

/// What is to run once the command line is known to be good; returns the exit status.
using action = std::function<int()>;

/// Tells a person on standard error what went wrong; returns `failed`.
int report(const error& e);

/// The text itself, or what standard input holds where it is "-".
result<std::string> text_or_input(const std::string& argument);
result<std::string> read_file(const std::string& path);
result<void> write_file(const std::string& path, std::string_view content);

/// How octets are written on the command line.
enum class byte_form { hex, base64, raw };
extern const std::map<std::string, byte_form> byte_forms;
result<bytes> parse_bytes(const std::string& text, byte_form form);
std::string format_bytes(bytes_view data, byte_form form);

// One per subcommand, each in its own file. The action that the user chose ends up in `chosen`.
void add_bench(CLI::App& app, action& chosen);
void add_check(CLI::App& app, action& chosen);
void add_connect(CLI::App& app, action& chosen);
void add_inbox(CLI::App& app, action& chosen);
void add_invoke(CLI::App& app, action& chosen);
void add_listen(CLI::App& app, action& chosen);
void add_sandbox(CLI::App& app, action& chosen);
void add_session(CLI::App& app, action& chosen);
void add_tl(CLI::App& app, action& chosen);

} // namespace cafegram::cli
