#pragma once

#include <cafegram/sandbox/router.hpp>

namespace cafegram::sandbox {

/// The page's way to the router: each call becomes a task in the router's own time, and waits for
/// it, at most 5 s. For threads that are no actors.
class page_access final : public page_model {
public:
  explicit page_access(router_actor router)
    : router_{std::move(router)} {}

  result<page_state> state() override;
  result<std::vector<page_message>> messages(std::int64_t owner, std::int64_t peer,
                                             std::int32_t before, std::int32_t limit) override;
  result<page_message> send(const page_text& text) override;
  result<page_message> edit(std::int32_t message, const page_text& text) override;
  result<void> remove(std::int64_t as, std::int64_t chat, std::int32_t message) override;
  result<void> mark_read(std::int64_t as, std::int64_t chat, std::int32_t up_to) override;
  result<std::uint64_t> click(const page_click& click) override;
  result<page_user> create_user(const std::string& name, const std::string& username) override;
  result<page_group> create_group(const page_new_group& wanted) override;
  result<page_group> change_member(const page_membership& change) override;
  result<page_user> set_privacy(std::int64_t bot, bool on) override;
  result<std::vector<page_load_chat>> create_load(const page_load& wanted) override;

  /// From now on every call fails with `cancelled`.
  void disconnect() { router_ = nullptr; }

private:
  template <class T>
  result<T> ask(std::function<result<T>(router_state&)> task);
  template <class T>
  result<T> act(std::function<paged<T>(world&, wall_time)> action);

  router_actor router_;
};

} // namespace cafegram::sandbox
