#pragma once

#include "client_kit.hpp"

namespace cafegram::test {

/// Calls of several kinds for tests of what holds calls back.
struct limits_kit : client_kit {
  static tl::messages::sendMessage text(std::int64_t user, std::int64_t random_id = 1) {
    return {.peer = tl::inputPeerUser{.user_id = user, .access_hash = 5},
            .message = "x",
            .random_id = random_id};
  }
  static tl::messages::sendMessage to_group(std::int64_t chat, std::int64_t random_id) {
    return {.peer = tl::inputPeerChat{.chat_id = chat}, .message = "x", .random_id = random_id};
  }
  static tl::messages::getHistory history(std::int32_t offset) {
    return {.peer = tl::inputPeerSelf{}, .offset_id = offset, .limit = 1};
  }
  static tl::account::deleteAccount once() { return {.reason = "x"}; }
  void fail_line(std::size_t which = 0) {
    lines.at(which)->tell(connection_report{2, connection_phase::waiting, "cut", false, true});
    system.run();
  }
};

} // namespace cafegram::test
