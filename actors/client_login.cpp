#include <cafegram/actors/client_state.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/tl/api.hpp>

#include <caf/all.hpp>

#include <charconv>

namespace cafegram {

namespace {

/// So long the end of a login waits for the store, whose own deadlines are a disk's.
constexpr std::chrono::seconds store_patience{10};

/// Each costs a key exchange. The calls that were under way when a key ended say it too.
constexpr int most_duplicated_keys = 5;

/// Refused for good: the same question has the same answer. All else is trouble of the network or
/// the server, or a wait that it wants, and passes.
bool is_final(const error& why, int duplicated_keys) {
  if (why.is_rpc("AUTH_KEY_DUPLICATED")) {
    return duplicated_keys > most_duplicated_keys; // until then another key is made
  }
  if (!why.rpc) {
    return false;
  }
  switch (why.rpc->kind()) {
  case rpc_class::see_other:
  case rpc_class::flood:
  case rpc_class::internal:
  case rpc_class::timeout:
    return false;
  default:
    return true;
  }
}

/// The login is over all the same.
error not_emptied(const error& why) {
  return error::make(errc::storage, "logged out, but the session may still name the login (" +
                                        to_string(why) + "): remove it before it is used again");
}

} // namespace

std::int64_t bot_id_of(std::string_view token) {
  std::int64_t id = 0;
  const auto [end, problem] = std::from_chars(token.data(), token.data() + token.size(), id);
  const bool good = problem == std::errc{} && end != token.data() + token.size() && *end == ':';
  return good ? id : 0;
}

account_promise client_state::log_in(const bot_login& how) {
  auto promise = self->make_response_promise<account>();
  const auto id = bot_id_of(how.token);
  if (id == 0) {
    promise.deliver(to_caf(error::make(
        errc::bad_argument, "not a bot token: it has the form NUMBER:LETTERS, from @BotFather")));
  } else if (login == login_state::logged_in && who.id == id && !logging_in) {
    promise.deliver(who);
  } else if (logging_in && logging_in->token == how.token) {
    logging_in->waiting.push_back(promise);
  } else if (logging_in) {
    promise.deliver(to_caf(error::make(errc::bad_argument, "another login is under way")));
  } else {
    logging_in = running_login{how.token, {promise}};
    log_in_bot();
  }
  return promise;
}

void client_state::log_in_bot() {
  const tl::auth::importBotAuthorization request{.flags = 0,
                                                 .api_id = setup.options.api_id,
                                                 .api_hash = setup.options.api_hash,
                                                 .bot_auth_token = logging_in->token};
  invoke_request encoded{std::make_shared<const bytes>(tl::encode(request)), {}};
  call(std::move(encoded), [this](const result<shared_bytes>& outcome) { bot_logged_in(outcome); });
}

void client_state::bot_logged_in(const result<shared_bytes>& outcome) {
  if (!logging_in) {
    return;
  }
  if (!outcome && outcome.error().is_rpc("AUTH_KEY_DUPLICATED")) {
    ++logging_in->duplicated_keys;
  }
  if (!outcome && !is_final(outcome.error(), logging_in->duplicated_keys) && !stopping) {
    log_in_later(outcome.error());
    return;
  }
  const auto waiting = std::move(logging_in->waiting);
  logging_in.reset();
  login_waits.reset();
  if (outcome && fetching_state) {
    after_state = waiting;
    return;
  }
  if (!outcome) {
    last_error = to_string(outcome.error());
    log::error("client", "the bot cannot log in: {}", last_error);
    if (login == login_state::unknown) {
      login = login_state::logged_out;
    }
  }
  for (auto promise : waiting) {
    if (outcome && login == login_state::logged_in) {
      promise.deliver(who);
    } else {
      promise.deliver(
          to_caf(outcome ? error::make(errc::malformed, "auth.Authorization") : outcome.error()));
    }
  }
}

/// A flood wait is waited out however long it is: a bot without its login has nothing else to do.
void client_state::log_in_later(const error& why) {
  const bool told = why.rpc && why.rpc->kind() == rpc_class::flood && why.rpc->value;
  const auto pause = told ? flood_pause(*why.rpc->value) : login_waits.take(*services.random);
  last_error = to_string(why);
  log::warn("client", "the bot is not logged in yet: {}; tried again in {:.1f} s", last_error,
            std::chrono::duration<double>{pause}.count());
  login_at = later(now(), pause);
  schedule();
}

void client_state::take_authorization(bytes_view object) {
  const auto decoded = tl::decode<tl::auth::Authorization>(object);
  const auto* good = decoded ? tl::get_if<tl::auth::authorization>(*decoded) : nullptr;
  const auto* user = good != nullptr ? tl::get_if<tl::user>(good->user) : nullptr;
  if (user != nullptr) {
    logged_in(*user);
  }
}

void client_state::logged_in(const tl::user& user) {
  const bool same = user.id == who.id;
  if (!same) {
    followed_channels.clear(); // by another account
  }
  login = login_state::logged_in;
  who = {user.id, user.bot, user.first_name.value_or(""), user.username.value_or("")};
  last_error.clear();
  log::info("client", "logged in as {} ({})", who.username.empty() ? who.first_name : who.username,
            who.id);
  self->send(pool, login_noted{true});
  keep_login();
  if (same && setup.options.catch_up) {
    begin_updates(updates_from::stored);
  } else {
    fetch_first_state();
  }
}

void client_state::fetch_first_state() {
  fetching_state = true;
  invoke_request request{std::make_shared<const bytes>(tl::encode(tl::updates::getState{})), {}};
  call(std::move(request), [this](const result<shared_bytes>& outcome) {
    fetching_state = false;
    const auto decoded = outcome ? tl::decode<tl::updates::State>(**outcome)
                                 : result<tl::updates::State>{std::unexpected(outcome.error())};
    const auto* known = decoded ? tl::get_if<tl::updates::state>(*decoded) : nullptr;
    if (known != nullptr) {
      const storage::update_state from{known->pts, known->qts, known->date, known->seq};
      self->send(store,
                 session_change{[from](storage::session_state& session) { session.updates = from; },
                                true});
    }
    // Without it the hub asks again, until it is told.
    begin_updates(known != nullptr ? updates_from::login : updates_from::now);
    for (auto& promise : after_state) {
      promise.deliver(who);
    }
    after_state.clear();
  });
}

void client_state::keep_login() const {
  auto apply = [account = who, dc = home_dc](storage::session_state& session) {
    if (session.user && session.user->id != account.id) {
      session.updates.reset();
      session.channels.clear();
      session.peers.clear();
    }
    session.user =
        storage::user_record{account.id, account.bot, account.first_name, account.username};
    session.ended = false;
    session.home_dc = dc;
  };
  // No deadline: it would call unsaved what may be saved. The store's death is an answer too, for
  // the client monitors it.
  self->request(store, caf::infinite, session_change{std::move(apply), true})
      .then([]() {},
            [](const caf::error& why) {
              log::error("client", "the login is not saved: {}", to_string(to_error(why)));
            });
}

/// After a log out by our own wish: the server is about to forget the keys, and a session that
/// still named them would be refused for ever. So it is emptied first, then the keys are destroyed.
/// `then` hears `storage` where the session may still name them.
void client_state::end_login(std::function<void(const result<void>&)> then) {
  who = {};
  const auto apply = [](storage::session_state& session) {
    session.user.reset();
    session.updates.reset();
    session.channels.clear();
    session.peers.clear();
    for (auto& [dc, record] : session.data_centres) {
      storage::dc_record without_key;
      without_key.addresses = std::move(record.addresses);
      record = std::move(without_key);
    }
  };
  const auto destroy = [this, then = std::move(then)](const result<void>& emptied) {
    const auto tell = [then, emptied] { then(emptied); };
    self->request(pool, caf::infinite, destroy_keys{})
        .then([tell](caf::ok_atom) { tell(); }, [tell](const caf::error&) { tell(); });
  };
  self->request(store, store_patience, session_change{apply, true})
      .then([destroy]() { destroy({}); },
            [destroy](const caf::error& why) {
              auto failed = not_emptied(to_error(why));
              log::error("client", "{}", to_string(failed));
              destroy(std::unexpected(std::move(failed)));
            });
}

void client_state::logged_out(const error& why) {
  last_error = to_string(why);
  log::warn("client", "the login has ended: {}", last_error);
  self->send(pool, login_noted{false});
  self->send(store, session_ended{.keep_copy = why.code != errc::logged_out,
                                  .at = services.clock->wall_now()});
  const auto& token = setup.options.bot_token;
  if (!token.empty() && why.rpc && !logging_in) {
    logging_in = running_login{token, {}};
    log_in_bot();
  }
  // What becomes of a login under way is not known yet.
  login = logging_in ? login_state::unknown : login_state::logged_out;
}

} // namespace cafegram
