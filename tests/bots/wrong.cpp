// Compiled by CTest only: CASE 0 is right, each other one must be refused with its own sentence.
#include <cafegram/bots/behavior.hpp>
#include <cafegram/bots/router.hpp>

#include <string>

using namespace cafegram;

#if CASE == 0
behavior good(bot_actor) {
  return {[](const new_message&) {}, [](callback_query) -> task<> { co_return; }};
}
void routes(router& r) {
  r.on(command("a"), good)
      .on(text("b"), [](context) {})
      .otherwise([](context, new_message) -> task<> { co_return; });
}
#elif CASE == 1
behavior of_no_update(bot_actor) {
  return {[](const std::string&) {}};
}
#elif CASE == 2
behavior of_anything(bot_actor) {
  return {[](const auto&) {}};
}
#elif CASE == 3
behavior twice(bot_actor) {
  return {[](const new_message&) {}, [](new_message) {}};
}
#elif CASE == 4
behavior coroutine_by_reference(bot_actor) {
  return {[](const new_message&) -> task<> { co_return; }};
}
#elif CASE == 5
task<> by_reference(const context& ctx) {
  co_await ctx.reply("x");
}
#elif CASE == 6
struct flow {
  task<> run(context) { co_return; }
};
#elif CASE == 7
void routes(router& r) {
  r.otherwise([n = 0](context) mutable { ++n; });
}
#elif CASE == 8
void routes(router& r) {
  r.otherwise([](int) {});
}
#elif CASE == 9
task<> foreign() {
  co_await std::suspend_always{};
}
#elif CASE == 10
behavior wrong_result(bot_actor) {
  return {[](const new_message&) { return 1; }};
}
#endif
