#include <cafegram/actors/method_traits.hpp>
#include <cafegram/tl/api.hpp>

#include <algorithm>
#include <array>

namespace cafegram {

namespace {

/// What is called so reads.
constexpr std::array reading_verbs = {"get", "search", "check", "resolve", "is", "can"};

/// Are called like what reads, and act each time: press a button, pay, tell where somebody is,
/// spend a value (of a password, of a code) that is good for once.
constexpr auto acts_each_time = std::to_array<std::string_view>(
    {"messages.getBotCallbackAnswer", "ephemeral.getCallbackAnswer", "channels.searchPosts",
     "contacts.getLocated", "phone.getGroupCallStreamRtmpUrl", "messages.checkUrlAuthMatchCode",
     "auth.checkPassword", "auth.checkRecoveryPassword", "account.getTmpPassword",
     "account.getPasswordSettings", "payments.getStarsRevenueWithdrawalUrl",
     "payments.getStarGiftWithdrawalUrl"});

/// Are called otherwise, and do no harm when they run again, late ones included. What sets
/// something is not among them: run late it would undo what was set meanwhile.
constexpr auto harmless_again = std::to_array<std::string_view>({
    // The same octets in the same place.
    "upload.saveFilePart",
    "upload.saveBigFilePart",
    // Moves a mark forward to what the call names, never back.
    "messages.readHistory",
    "channels.readHistory",
    "messages.readDiscussion",
    "messages.readSavedHistory",
    "messages.readEncryptedHistory",
    "messages.receivedMessages",
    "messages.receivedQueue",
    "stories.readStories",
    // The messages that the call names, which are then read.
    "messages.readMessageContents",
    "channels.readMessageContents",
    // Shown for seconds, and the next one takes its place.
    "messages.setTyping",
    "messages.setEncryptedTyping",
    "account.updateStatus",
    // One query is answered once, by its id; another answer to it is refused.
    "messages.setBotCallbackAnswer",
    "messages.setInlineBotResults",
    "messages.setBotShippingResults",
    "messages.setBotPrecheckoutResults",
    // The same key is logged in as the same bot.
    "auth.importBotAuthorization",
    // A token that nobody has seen comes to nothing.
    "auth.exportAuthorization",
    "auth.exportLoginToken",
    // Links to what is there.
    "channels.exportMessageLink",
    "stories.exportStoryLink",
});

/// `getX` is called so, `getaway` is not.
bool has_verb(std::string_view method, std::string_view verb) {
  return method.starts_with(verb) && (method.size() == verb.size() ||
                                      (method[verb.size()] >= 'A' && method[verb.size()] <= 'Z'));
}

const tl::definition_descriptor* find(bytes_view function) {
  const auto& schema = *tl::help::getConfig::tl_info.schema;
  const auto* found = schema.find(tl::reader{function}.peek_u32());
  return found != nullptr && found->function ? found : nullptr;
}

bool has_random_id(const tl::definition_descriptor& method) {
  if (method.id == tl::messages::sendMultiMedia::tl_id) {
    return true; // in each of its items
  }
  const auto& schema = *tl::help::getConfig::tl_info.schema;
  return std::ranges::any_of(schema.fields_of(method),
                             [&schema](const tl::field_descriptor& field) {
                               // Octets of that name are those of a sponsored message: a click
                               // again is another click.
                               return std::string_view{field.name} == "random_id" &&
                                      schema.shapes[field.shape].what != tl::kind::byte_string;
                             });
}

/// Cuts off a wrapper; false where it is not this one, or cannot be read.
template <class Wrapper>
bool cut(bytes_view& function) {
  if (tl::reader{function}.peek_u32() != Wrapper::tl_id) {
    return false;
  }
  const auto outer = tl::decode<Wrapper>(function);
  if (outer) {
    function = function.last(outer->query.view().size());
  }
  return outer.has_value();
}

template <class... Wrappers>
bool cut_any(bytes_view& function) {
  return (cut<Wrappers>(function) || ...);
}

} // namespace

bool may_repeat_by_default(bytes_view function) {
  const auto* method = find(unwrap(function).function);
  if (method == nullptr) {
    return false;
  }
  const std::string_view name = method->name;
  if (std::ranges::find(acts_each_time, name) != acts_each_time.end()) {
    return false;
  }
  const auto own = name.substr(name.find('.') + 1);
  return has_random_id(*method) ||
         std::ranges::find(harmless_again, name) != harmless_again.end() ||
         std::ranges::any_of(reading_verbs,
                             [own](std::string_view verb) { return has_verb(own, verb); });
}

login_effect login_effect_of(bytes_view function) {
  switch (tl::reader{unwrap(function).function}.peek_u32()) {
  case tl::auth::importBotAuthorization::tl_id:
  case tl::auth::signIn::tl_id:
  case tl::auth::signUp::tl_id:
  case tl::auth::checkPassword::tl_id:
    return login_effect::in;
  case tl::auth::logOut::tl_id:
    return login_effect::out;
  default:
    return login_effect::none;
  }
}

bool is_file_part(bytes_view function) {
  const auto id = tl::reader{function}.peek_u32();
  return id == tl::upload::saveFilePart::tl_id || id == tl::upload::saveBigFilePart::tl_id;
}

bool is_for_cdns(bytes_view function) {
  return tl::reader{function}.peek_u32() == tl::upload::getCdnFile::tl_id;
}

std::string_view method_name(bytes_view function) {
  const auto* method = find(function);
  return method != nullptr ? method->name : "unknown method";
}

bytes without_updates(bytes_view function) {
  tl::writer out;
  out.u32(tl::invokeWithoutUpdates::tl_id);
  out.raw(function);
  return out.take();
}

unwrapped_call unwrap(bytes_view function) {
  unwrapped_call out{.function = function};
  for (bool more = true; more;) {
    const bool business = cut<tl::invokeWithBusinessConnection>(out.function);
    out.for_another = out.for_another || business;
    more = business ||
           cut_any<tl::initConnection, tl::invokeAfterMsg, tl::invokeAfterMsgs,
                   tl::invokeWithApnsSecret, tl::invokeWithGooglePlayIntegrity, tl::invokeWithLayer,
                   tl::invokeWithMessagesRange, tl::invokeWithReCaptcha, tl::invokeWithTakeout,
                   tl::invokeWithoutUpdates>(out.function);
  }
  return out;
}

first_call_info toward_cdns(const first_call_info& info) {
  return {.api_id = info.api_id,
          .device_model = "n/a",
          .system_version = "n/a",
          .app_version = info.app_version,
          .system_lang_code = "en",
          .lang_pack = "",
          .lang_code = "en"};
}

bytes first_call_prefix(const first_call_info& info) {
  // Both end with their query: what is encoded without one is what goes before it.
  tl::writer out;
  out.u32(tl::invokeWithLayer::tl_id);
  out.i32(tl::layer);
  out.u32(tl::initConnection::tl_id);
  out.u32(0); // neither proxy nor params
  out.i32(info.api_id);
  for (const auto text : {info.device_model, info.system_version, info.app_version,
                          info.system_lang_code, info.lang_pack, info.lang_code}) {
    out.string(text);
  }
  return out.take();
}

} // namespace cafegram
