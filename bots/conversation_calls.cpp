#include <cafegram/actors/errors.hpp>
#include <cafegram/bots/conversation.hpp>

#include <utility>

// The calls that a conversation makes.
namespace cafegram {

void conversation::call(const std::shared_ptr<detail::delivery>& origin, bytes function,
                        invoke_options options, detail::call_done done) {
  ++outstanding_;
  ++origin->outstanding;
  invoke_request request{std::make_shared<const bytes>(std::move(function)), std::move(options)};
  const auto settled = [this, origin, done = std::move(done)](const result<bytes>& outcome) {
    --outstanding_;
    --origin->outstanding;
    if (!failed_) {
      guarded(origin->number, [&] { done(outcome); });
    }
    settle();
  };
  // The client answers each request by its own deadline; another one here would only cost.
  self_.request(setup_.client, caf::infinite, std::move(request))
      .then([settled](const invoke_answer& answer) { settled(to_bytes(*answer.result)); },
            [settled](const caf::error& e) { settled(std::unexpected(to_error(e))); });
}

bool conversation::is_addressed(const chat_ref& to) const {
  const bool known = to.kind == chat_kind::group || to.access_hash != 0;
  return known && !addressing_.contains(to.marked_id());
}

/// Calls to one chat are made in their order: behind one that waits for the address the others wait
/// too, whatever they know.
void conversation::call_to(detail::addressed_call what) {
  if (is_addressed(what.to)) {
    const auto address = what.to.input_peer();
    make_addressed(std::move(what), address);
    return;
  }
  if (unaddressed_ >= max_unaddressed) {
    guarded(what.origin->number, [&] {
      what.done(cafegram::fail(errc::limit, "too many calls wait until their chats are found"));
    });
    return;
  }
  ++unaddressed_;
  ++outstanding_;
  ++what.origin->outstanding;
  const auto chat = what.to.marked_id();
  const auto [waiting, first] = addressing_.try_emplace(chat);
  waiting->second.push_back(std::move(what));
  if (first) {
    find_address(chat);
  }
}

void conversation::find_address(chat_key chat) {
  self_.request(setup_.client, caf::infinite, peer_request{peer_name::marked(chat)})
      .then([this, chat](const resolved_peer& found) { address_came(chat, found.peer); },
            [this, chat](const caf::error& why) {
              address_came(chat, std::unexpected(to_error(why)));
            });
}

/// Where the account has not seen the chat the server is the judge: bots may leave out the hash for
/// many. What somebody calls when one of these has failed goes behind the others.
void conversation::address_came(chat_key chat, const result<tl::InputPeer>& address) {
  const auto waiting = addressing_.find(chat);
  if (waiting == addressing_.end()) {
    return;
  }
  for (auto& one : std::exchange(waiting->second, {})) {
    --unaddressed_;
    --outstanding_;
    --one.origin->outstanding;
    if (failed_) {
      continue;
    }
    if (one.to.access_hash == 0 && address) {
      make_addressed(std::move(one), *address);
    } else if (one.to.access_hash != 0 || address.error().code == errc::not_found) {
      const auto as_known = one.to.input_peer();
      make_addressed(std::move(one), as_known);
    } else {
      guarded(one.origin->number, [&] { one.done(std::unexpected(address.error())); });
    }
  }
  if (failed_ || waiting->second.empty()) {
    addressing_.erase(waiting);
  } else {
    find_address(chat);
  }
  settle();
}

void conversation::make_addressed(detail::addressed_call&& what, const tl::InputPeer& address) {
  auto function = what.make(address);
  if (function) {
    call(what.origin, *std::move(function), {}, std::move(what.done));
  } else {
    guarded(what.origin->number, [&] { what.done(function); });
  }
}

namespace detail {

result<conversation*> find_home(const std::shared_ptr<delivery>& origin) {
  auto* home = origin ? origin->link->home : nullptr;
  if (home == nullptr) {
    return fail(errc::cancelled, "the conversation of this update has ended");
  }
  if (conversation::running() != home) {
    return fail(errc::bad_argument, "a context is used in its own conversation only");
  }
  return home;
}

namespace {

/// Null, and told so, where no call can be made.
conversation* home_for(const std::shared_ptr<delivery>& origin, const call_done& done) {
  const auto home = find_home(origin);
  if (!home) {
    done(std::unexpected(home.error()));
    return nullptr;
  }
  return *home;
}

} // namespace

conversation* start_call(const std::shared_ptr<delivery>& origin, bytes function,
                         invoke_options options, call_done done) {
  auto* home = home_for(origin, done);
  if (home != nullptr) {
    home->call(origin, std::move(function), std::move(options), std::move(done));
  }
  return home;
}

/// Where no call can be made, that is found out later. Another thread's conversation is not
/// touched.
bool is_addressed(const std::shared_ptr<delivery>& origin, const chat_ref& to) {
  const auto* home = origin ? origin->link->home : nullptr;
  return home == nullptr || conversation::running() != home || home->is_addressed(to);
}

conversation* start_call_to(const std::shared_ptr<delivery>& origin, const chat_ref& to,
                            address_user make, call_done done) {
  auto* home = home_for(origin, done);
  if (home != nullptr) {
    home->call_to({origin, to, std::move(make), std::move(done)});
  }
  return home;
}

} // namespace detail

} // namespace cafegram
