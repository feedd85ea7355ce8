#include <sstream>

#include "program.hpp"

using namespace cafegram;
using test::run_program;

TEST(usage, tells_its_version) {
  const auto answer = run_program("--version");
  EXPECT_EQ(answer.output, "cafegram " CAFEGRAM_VERSION "\n");
  EXPECT_EQ(answer.status, 0);
}

TEST(usage, lists_every_command) {
  const auto answer = run_program("--help");
  EXPECT_EQ(answer.status, 0);
  std::istringstream names{"sandbox connect listen invoke session inbox tl bench check"};
  for (std::string name; names >> name;) {
    EXPECT_NE(answer.output.find("\n  " + name + ' '), std::string::npos)
        << name << " in " << answer.output;
  }
}

TEST(usage, a_command_line_without_sense_exits_with_2) {
  EXPECT_EQ(run_program("").status, 2);
  EXPECT_EQ(run_program("nonsense").status, 2);
  EXPECT_EQ(run_program("tl").status, 2);
  EXPECT_EQ(run_program("tl decode --bytes octal 00").status, 2);
  EXPECT_EQ(run_program("bench tl --seconds -1").status, 2);
}

TEST(usage, telegram_itself_wants_an_api_id) {
  const auto answer = run_program("connect");
  EXPECT_EQ(answer.status, 1);
  EXPECT_NE(answer.output.find("my.telegram.org"), std::string::npos) << answer.output;
}

TEST(usage, an_address_or_transport_that_is_none_is_named) {
  const auto address = run_program("connect --dc 'host:many'");
  EXPECT_EQ(address.status, 1);
  EXPECT_NE(address.output.find("host:many"), std::string::npos) << address.output;
  const auto transport = run_program("connect --dc 127.0.0.1:1 --transport pigeon");
  EXPECT_EQ(transport.status, 1);
  EXPECT_NE(transport.output.find("pigeon"), std::string::npos) << transport.output;
}

TEST(usage, a_proxy_that_is_none_is_named_without_its_secret) {
  const auto link = run_program("connect --dc 127.0.0.1:1 --proxy 'tg://proxy?server=h&port=1&"
                                "secret=0011223344556677'");
  EXPECT_EQ(link.status, 1);
  EXPECT_NE(link.output.find("secret is too short"), std::string::npos) << link.output;
  EXPECT_EQ(link.output.find("00112233"), std::string::npos) << link.output;
  const auto url = run_program("connect --dc 127.0.0.1:1 --proxy ftp://a:1");
  EXPECT_EQ(url.status, 1);
  EXPECT_NE(url.output.find("socks5://HOST:PORT"), std::string::npos) << url.output;
  const auto port = run_program("sandbox --listen 127.0.0.1:0 --no-page --mtproxy 127.0.0.1:0");
  EXPECT_EQ(port.status, 1);
  EXPECT_NE(port.output.find("--mtproxy-secret"), std::string::npos) << port.output;
}

TEST(usage, faults_and_data_centres_that_make_no_sense_are_named) {
  const auto refused = [](const std::string& options, std::string_view word) {
    const auto answer = run_program("sandbox --listen 127.0.0.1:0 --no-page " + options);
    EXPECT_EQ(answer.status, 1) << options;
    EXPECT_NE(answer.output.find(word), std::string::npos) << answer.output;
  };
  refused("--fault rain=3", "half-open");
  refused("--fault drop=sometimes", "one in N");
  refused("--fault-at cut=out/1", "WAY/CONNECTION/NUMBER");
  refused("--dc 4", "--dc");
  refused("--dc four=127.0.0.1:0", "four");
  refused("--dc 2=127.0.0.1:0", "there twice");
  refused("--home 1000004=4", "no data centre 4");
  refused("--log /no/such/folder/log", "/no/such/folder/log");
}
