#include <cafegram/sandbox/page_access.hpp>

#include <caf/send.hpp>

#include <chrono>
#include <future>

namespace cafegram::sandbox {

template <class T>
result<T> page_access::ask(std::function<result<T>(router_state&)> task) {
  if (!router_) {
    return fail(errc::cancelled, "the sandbox has stopped");
  }
  // Shared with the task: it may still run when this thread has given up.
  auto promise = std::make_shared<std::promise<result<T>>>();
  auto done = promise->get_future();
  caf::anon_send(router_, router_task{std::make_shared<std::function<void(router_state&)>>(
                              [promise, task = std::move(task)](router_state& at) {
                                promise->set_value(task(at));
                              })});
  if (done.wait_for(std::chrono::seconds{5}) != std::future_status::ready) {
    return fail(errc::deadline, "the sandbox is too busy; try again");
  }
  return done.get();
}

template <class T>
result<T> page_access::act(std::function<paged<T>(world&, wall_time)> action) {
  return ask<T>([action = std::move(action)](router_state& at) {
    auto done = action(*at.parts.model, at.now());
    at.spread(done.effects);
    return std::move(done.value);
  });
}

result<page_state> page_access::state() {
  return ask<page_state>([](router_state& at) -> result<page_state> { return at.describe(); });
}

result<std::vector<page_message>> page_access::messages(std::int64_t owner, std::int64_t peer,
                                                        std::int32_t before, std::int32_t limit) {
  return ask<std::vector<page_message>>([owner, peer, before, limit](router_state& at) {
    return at.parts.model->messages(owner, peer, before, limit);
  });
}

result<page_message> page_access::send(const page_text& text) {
  return act<page_message>([text](world& in, wall_time now) { return in.send(text, now); });
}

result<page_message> page_access::edit(std::int32_t message, const page_text& text) {
  return act<page_message>(
      [message, text](world& in, wall_time now) { return in.edit(message, text, now); });
}

result<void> page_access::remove(std::int64_t as, std::int64_t chat, std::int32_t message) {
  return act<void>(
      [as, chat, message](world& in, wall_time now) { return in.remove(as, chat, message, now); });
}

result<void> page_access::mark_read(std::int64_t as, std::int64_t chat, std::int32_t up_to) {
  return act<void>(
      [as, chat, up_to](world& in, wall_time now) { return in.mark_read(as, chat, up_to, now); });
}

result<std::uint64_t> page_access::click(const page_click& click) {
  return act<std::uint64_t>([click](world& in, wall_time now) { return in.click(click, now); });
}

result<page_user> page_access::create_user(const std::string& name, const std::string& username) {
  return act<page_user>(
      [name, username](world& in, wall_time now) { return in.create_person(name, username, now); });
}

result<page_group> page_access::create_group(const page_new_group& wanted) {
  return act<page_group>(
      [wanted](world& in, wall_time now) { return in.create_group(wanted, now); });
}

result<page_group> page_access::change_member(const page_membership& change) {
  return act<page_group>(
      [change](world& in, wall_time now) { return in.change_member(change, now); });
}

result<page_user> page_access::set_privacy(std::int64_t bot, bool on) {
  return act<page_user>(
      [bot, on](world& in, wall_time now) { return in.set_privacy(bot, on, now); });
}

result<std::vector<page_load_chat>> page_access::create_load(const page_load& wanted) {
  return act<std::vector<page_load_chat>>(
      [wanted](world& in, wall_time now) { return in.create_load(wanted, now); });
}

} // namespace cafegram::sandbox
