#include "bot_load.hpp"

#include <cafegram/actors/invoke.hpp>
#include <cafegram/tests/interop/peer_in.hpp>

#include <fmt/format.h>

#include <atomic>

namespace cafegram::chaos {
namespace {

constexpr int patience = 200; ///< attempts of one call before the run

std::string outcome_of(const result<bytes>& answer) {
  if (answer) {
    return "result";
  }
  const auto& why = answer.error();
  return why.rpc ? "rpc " + why.rpc->name : std::string{to_string(why.code)};
}

/// The server has it: it said so, or that it came before.
bool is_sent(const result<bytes>& answer) {
  return answer || answer.error().is_rpc("RANDOM_ID_DUPLICATE");
}

template <class Function>
result<typename Function::result_type> insist(client& on, const Function& function) {
  for (int i = 1;; ++i) {
    auto answer = on.invoke_sync(function, {.timeout = std::chrono::seconds{10}});
    if (answer || i == patience) {
      return answer;
    }
  }
}

/// The first message of a fresh account.
constexpr std::int32_t edited_id = 1;

tl::messages::getMessages ask_for_edited() {
  return {.id = {tl::inputMessageID{.id = edited_id}}};
}

bool has_message(const tl::messages::Messages& found) {
  const auto* some = tl::get_if<tl::messages::messages>(found);
  return some != nullptr && some->messages.size() == 1 &&
         tl::get_if<tl::message>(some->messages.front()) != nullptr;
}

} // namespace

struct bot_load::call {
  call_kind kind;
  std::uint64_t message; ///< its number, of a send
  bytes request;
  std::atomic<int> settled = 0;
};

tally& tally::operator+=(const tally& other) {
  issued += other.issued;
  settled += other.settled;
  settled_twice += other.settled_twice;
  messages += other.messages;
  unsent += other.unsent;
  for (const auto& [name, count] : other.outcomes) {
    outcomes[name] += count;
  }
  for (const auto& [text, count] : other.reasons) {
    reasons[text] += count;
  }
  return *this;
}

bot_load::bot_load(client on, load_options options)
  : client_{std::move(on)}
  , options_{options}
  , choice_{options.seed * 1'000'003 + options.number} {}

/// Another one for each seed, bot and message; never 0.
std::int64_t bot_load::random_id_of(std::uint64_t message) const {
  std::seed_seq parts{options_.seed, options_.number, message};
  std::uint32_t words[2];
  parts.generate(std::begin(words), std::end(words));
  return static_cast<std::int64_t>(std::uint64_t{words[0]} << 31 | words[1] >> 1) | 1;
}

result<void> bot_load::prepare() {
  auto found = test::peer_in(insist(client_, tl::contacts::resolveUsername{.username = "alice"}));
  if (!found) {
    return std::unexpected(std::move(found).error());
  }
  alice_ = *std::move(found);
  const tl::messages::sendMessage first{
      .peer = alice_, .message = "chaos 0", .random_id = random_id_of(0)};
  if (const auto sent = insist(client_, first);
      !sent && !sent.error().is_rpc("RANDOM_ID_DUPLICATE")) {
    return std::unexpected(sent.error());
  }
  const auto found_again = insist(client_, ask_for_edited());
  if (!found_again) {
    return std::unexpected(found_again.error());
  }
  return has_message(*found_again)
             ? result<void>{}
             : fail(errc::not_found, "the first message is not there: is the sandbox fresh?");
}

std::shared_ptr<bot_load::call> bot_load::make_read() {
  bytes request;
  switch (choice_() % 4) {
  case 0:
    request = tl::encode(tl::help::getNearestDc{});
    break;
  case 1:
    request = tl::encode(tl::users::getUsers{.id = {tl::inputUserSelf{}}});
    break;
  case 2:
    request = tl::encode(tl::updates::getState{});
    break;
  default:
    request = tl::encode(ask_for_edited());
  }
  return std::make_shared<call>(call_kind::read, 0U, std::move(request));
}

std::shared_ptr<bot_load::call> bot_load::make_send(std::uint64_t number) {
  return std::make_shared<call>(
      call_kind::send, number,
      tl::encode(tl::messages::sendMessage{.peer = alice_,
                                           .message = fmt::format("chaos {}", number),
                                           .random_id = random_id_of(number)}));
}

std::shared_ptr<bot_load::call> bot_load::make_edit() {
  return std::make_shared<call>(
      call_kind::edit, 0U,
      tl::encode(tl::messages::editMessage{
          .peer = alice_, .id = edited_id, .message = fmt::format("edit {}", ++edits_)}));
}

std::shared_ptr<bot_load::call> bot_load::next_call() {
  if (!again_.empty()) {
    const auto number = again_.front();
    again_.pop_front();
    return make_send(number);
  }
  const auto dice = choice_() % 10;
  if (dice < 3) {
    ++counts_.unsent;
    return make_send(++counts_.messages);
  }
  return dice < 5 ? make_edit() : make_read();
}

void bot_load::top_up(std::uint64_t quota) {
  while (true) {
    std::shared_ptr<call> next;
    {
      const std::scoped_lock guard{lock_};
      if (counts_.issued >= quota || counts_.under_way() >= options_.in_flight) {
        return;
      }
      next = next_call();
      ++counts_.issued;
    }
    make(std::move(next));
  }
}

void bot_load::finish_messages() {
  while (true) {
    std::shared_ptr<call> next;
    {
      const std::scoped_lock guard{lock_};
      if (again_.empty() || counts_.under_way() >= options_.in_flight) {
        return;
      }
      next = next_call();
      ++counts_.issued;
    }
    make(std::move(next));
  }
}

void bot_load::make(std::shared_ptr<call> what) {
  const invoke_options how{.timeout = options_.timeout};
  auto request = std::move(what->request);
  client_.invoke_bytes_async(std::move(request), how,
                             [this, what](const result<bytes>& answer) { settle(*what, answer); });
}

void bot_load::settle(call& what, const result<bytes>& answer) {
  const std::scoped_lock guard{lock_};
  if (what.settled.fetch_add(1) != 0) {
    ++counts_.settled_twice;
    return;
  }
  ++counts_.settled;
  ++counts_.outcomes[outcome_of(answer)];
  if (!answer && !answer.error().rpc) {
    ++counts_.reasons[answer.error().what];
  }
  if (what.kind != call_kind::send) {
    return;
  }
  if (is_sent(answer)) {
    --counts_.unsent;
  } else {
    again_.push_back(what.message);
  }
}

bool bot_load::idle() const {
  const std::scoped_lock guard{lock_};
  return counts_.under_way() == 0 && again_.empty();
}

tally bot_load::counts() const {
  const std::scoped_lock guard{lock_};
  return counts_;
}

} // namespace cafegram::chaos
