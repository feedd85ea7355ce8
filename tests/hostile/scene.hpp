#pragma once

#include <cafegram/actors/client.hpp>

#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "wrong_server.hpp"

namespace cafegram::test {

/// How a client has to take what a server does wrong. The call under way is settled once in any
/// case, another one after it is answered rightly, and the log holds no secret.
enum class reaction : std::uint8_t {
  anew,    ///< it closes, connects anew, and the call gets its answer
  drops,   ///< the one message is dropped; the call gets its answer over the same connection
  repeats, ///< the call goes out again over the same connection and gets its answer
  fails,   ///< the call gets one typed error; the connection stays
};

/// One row of a table: what is wrong, and what comes of it.
struct scene {
  std::string name; ///< of the test
  misdeed what = {};
  reaction expected = reaction::anew;
  std::string logged = {}; ///< what the log must say
  errc code = errc::none;  ///< of the error, where there is one
  /// How often the client connects; 0: as `expected` says, -1: so often at least.
  int lines = 0;
  /// The call is made after the login, so that nothing else is under way.
  bool logged_in = true;
  std::function<void(client_options&)> options = {};
  /// Further demands on what the server has seen.
  std::function<void(const server_record&)> check = {};
};

inline void PrintTo(const scene& of, std::ostream* out) {
  *out << of.name;
}

/// Runs our whole client, over real sockets, against a server that does one thing wrong.
void play(const scene& what);

/// The name of a row, for `INSTANTIATE_TEST_SUITE_P`.
template <class Row>
std::string name_of(const testing::TestParamInfo<Row>& info) {
  return info.param.name;
}

/// Fails the test if `text` holds six octets in a row of any secret, as they are or in
/// hexadecimal, or six characters of the token.
void expect_no_secrets(std::string_view text, const std::vector<bytes>& secrets);

/// The token that clients of these tests log in with.
inline constexpr std::string_view hostile_token = "1000001:QxPvWzKj7TnLmBcRdYhGfAsE2uIoN4tVw9k";

/// Standard error, to where log lines go, from `debug` on.
class captured_log {
public:
  captured_log();
  ~captured_log();
  captured_log(const captured_log&) = delete;
  captured_log& operator=(const captured_log&) = delete;

  /// What was written until now.
  std::string text() const;
  /// Waits for it.
  bool says(std::string_view what) const;

private:
  int file_;
  int before_;
};

} // namespace cafegram::test
