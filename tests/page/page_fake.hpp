#pragma once

#include <cafegram/sandbox/page_feed.hpp>
#include <cafegram/sandbox/page_model.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace cafegram::test {

/// A sandbox as the page could meet one: two bots, a scripted user, and people who are made at the
/// page. Its bot answers within the call that sends, so that tests wait for nothing.
class page_fake final : public sandbox::page_model {
public:
  static constexpr std::int64_t ada = 5001;
  static constexpr std::int64_t alice = 5002;
  static constexpr std::int64_t bot = 7001;
  static constexpr std::int64_t quiet_bot = 7002;
  static constexpr std::int64_t club = -4001;              ///< a basic group
  static constexpr std::int64_t news = -1'001'500'000'001; ///< a channel that Ada reads

  /// Without `furnished` there is a bot and nobody else: what a stranger sees first.
  page_fake(std::shared_ptr<sandbox::page_feed> feed, wall_time now, bool furnished);

  result<sandbox::page_state> state() override;
  result<std::vector<sandbox::page_message>>
  messages(std::int64_t owner, std::int64_t peer, std::int32_t before, std::int32_t limit) override;
  result<sandbox::page_message> send(const sandbox::page_text& text) override;
  result<sandbox::page_message> edit(std::int32_t message, const sandbox::page_text& text) override;
  result<void> remove(std::int64_t as, std::int64_t chat, std::int32_t message) override;
  result<void> mark_read(std::int64_t as, std::int64_t chat, std::int32_t up_to) override;
  result<std::uint64_t> click(const sandbox::page_click& click) override;
  result<sandbox::page_user> create_user(const std::string& name,
                                         const std::string& username) override;

  result<sandbox::page_group> create_group(const sandbox::page_new_group& wanted) override;
  result<sandbox::page_group> change_member(const sandbox::page_membership& change) override;
  result<sandbox::page_user> set_privacy(std::int64_t bot, bool on) override;
  result<std::vector<sandbox::page_load_chat>>
  create_load(const sandbox::page_load& wanted) override;

  /// How many clicks came, with the data of the last.
  std::pair<int, bytes> clicks() const;

private:
  using chat_key = std::pair<std::int64_t, std::int64_t>;

  void furnish();
  void furnish_wire();
  void furnish_groups();
  bool is_known(std::int64_t peer) const;
  sandbox::page_message& say(std::int64_t group, std::int64_t from, std::string text);
  sandbox::page_message& add(std::int64_t owner, std::int64_t peer, bool out, std::string text);
  void tell_new(const chat_key& chat, const sandbox::page_message& message);
  void answer(const sandbox::page_text& text);
  void call(const std::string& method, const std::string& failure, int micros);

  mutable std::mutex mutex_;
  std::shared_ptr<sandbox::page_feed> feed_;
  wall_time now_;
  sandbox::page_state state_;
  std::map<chat_key, std::vector<sandbox::page_message>> chats_;
  std::int32_t next_message_ = 1;
  std::uint64_t next_query_ = 1;
  int clicks_ = 0;
  bytes clicked_;
};

} // namespace cafegram::test
