#include <cafegram/actors/interfaces.hpp>
#include <cafegram/testing/lab.hpp>

#include <algorithm>
#include <utility>

namespace cafegram::testing {

namespace {

namespace events = sandbox::page_events;

constexpr std::int64_t bot_id = 1000003;
constexpr const char* lab_token = "1000003:a-bot-in-the-lab";
constexpr std::size_t most_events = 10'000;

client_options options_for(const sandbox::server& server) {
  client_options out;
  out.api_id = 1;
  out.api_hash = "0123456789abcdef0123456789abcdef";
  out.bot_token = lab_token;
  out.dc = dc_override{2, {"127.0.0.1", server.port()}};
  out.rsa_keys_pem = {server.public_key_pem()};
  return out;
}

} // namespace

result<std::unique_ptr<lab>> lab::start(const bot::setup_function& setup, bot_options options) {
  auto out = std::unique_ptr<lab>{new lab};
  if (auto good = out->open(setup, options); !good) {
    return std::unexpected(good.error());
  }
  return out;
}

result<void> lab::open(const bot::setup_function& setup, bot_options options) {
  runtime_ = std::make_unique<runtime>();
  sandbox::server_options server;
  server.alice = false;
  auto started = sandbox::server::start(*runtime_, server);
  if (!started) {
    return std::unexpected(started.error());
  }
  server_ = *std::move(started);
  auto reader = server_->feed()->subscribe();
  if (!reader) {
    return std::unexpected(reader.error());
  }
  events_ = *std::move(reader);
  if (!setup) {
    return {};
  }
  auto account_client = client::start(*runtime_, options_for(*server_));
  if (!account_client) {
    return std::unexpected(account_client.error());
  }
  client_ = std::make_unique<client>(*std::move(account_client));
  auto running = bot::start(*client_, setup, options);
  if (!running) {
    return std::unexpected(running.error());
  }
  bot_ = std::make_unique<bot>(*std::move(running));
  const auto self = client_->login_bot(lab_token, patience);
  if (!self) {
    return std::unexpected(self.error());
  }
  bot_->logged_in_as(*self);
  return {};
}

lab::~lab() {
  if (bot_) {
    bot_->stop();
  }
  if (client_) {
    client_->stop();
  }
  bot_.reset();
  client_.reset();
  events_.reset();
  if (server_) {
    server_->stop();
  }
}

const char* lab::bot_token() {
  return lab_token;
}

result<void> lab::wait_for_bot() {
  const auto state = server_->page().state();
  if (!state) {
    return std::unexpected(state.error());
  }
  const auto there = [](const sandbox::page_user& user) {
    return user.id == bot_id && user.online;
  };
  if (std::ranges::any_of(state->users, there)) {
    return {};
  }
  const auto event = take(
      [](const sandbox::page_event& e) { // what a login brings
        const auto* changed = std::get_if<events::user_changed>(&e);
        return changed != nullptr && changed->user.id == bot_id;
      },
      "itself");
  if (!event) {
    return std::unexpected(event.error());
  }
  return {};
}

result<person> lab::make_person(const std::string& name) {
  auto made = server_->page().create_user(name, "");
  if (!made) {
    return std::unexpected(made.error());
  }
  return person{*this, made->id};
}

result<sandbox::page_event> lab::take(const std::function<bool(const sandbox::page_event&)>& fits,
                                      std::string_view awaited) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto found = std::ranges::find_if(seen_, fits);
    if (found != seen_.end()) {
      auto out = std::move(*found);
      seen_.erase(found);
      return out;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left <= std::chrono::milliseconds::zero()) {
      return fail(errc::deadline, "the bot did not bring " + std::string{awaited});
    }
    for (auto& event : events_->take(left)) {
      seen_.push_back(std::move(event));
    }
    while (seen_.size() > most_events) { // what no test has asked for
      seen_.pop_front();
    }
  }
}

result<page_message> person::says(std::string text, std::vector<page_entity> entities) {
  sandbox::page_text message;
  message.as = id_;
  message.to = bot_id;
  message.text = std::move(text);
  message.entities = std::move(entities);
  return lab_->server_->page().send(message);
}

result<page_message> person::hears() {
  const auto event = lab_->take(
      [this](const sandbox::page_event& e) {
        const auto* m = std::get_if<events::message_new>(&e);
        return m != nullptr && m->owner == id_ && m->peer == bot_id && !m->message.out;
      },
      "a message");
  if (!event) {
    return std::unexpected(event.error());
  }
  return std::get<events::message_new>(*event).message;
}

result<page_message> person::sees_edited(std::int32_t message) {
  const auto event = lab_->take(
      [this, message](const sandbox::page_event& e) {
        const auto* m = std::get_if<events::message_edited>(&e);
        return m != nullptr && m->owner == id_ && m->message.id == message && m->message.edited;
      },
      "a changed message");
  if (!event) {
    return std::unexpected(event.error());
  }
  return std::get<events::message_edited>(*event).message;
}

result<events::click_answered> person::presses(const page_message& message, std::string_view data) {
  sandbox::page_click click;
  click.as = id_;
  click.chat = bot_id;
  click.message = message.id;
  click.data = to_bytes(as_bytes(data));
  const auto query = lab_->server_->page().click(click);
  if (!query) {
    return std::unexpected(query.error());
  }
  const auto event = lab_->take(
      [&query](const sandbox::page_event& e) {
        const auto* answer = std::get_if<events::click_answered>(&e);
        return answer != nullptr && answer->query == *query;
      },
      "an answer to the button");
  if (!event) {
    return std::unexpected(event.error());
  }
  return std::get<events::click_answered>(*event);
}

} // namespace cafegram::testing
