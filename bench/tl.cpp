#include <cafegram/bench/tl.hpp>
#include <cafegram/tl/api.hpp>
#include <cafegram/tl/json.hpp>
#include <cafegram/tl/text.hpp>

#include <algorithm>
#include <functional>
#include <string>

namespace cafegram::bench {
namespace {

using clock = std::chrono::steady_clock;

constexpr int message_count = 100;
constexpr int user_count = 12;

tl::ReplyMarkup make_keyboard(int index) {
  tl::keyboardInlineButtonRow row;
  for (const char* text : {"Yes", "No", "Later"}) {
    tl::inlineButtonTypeCallback callback;
    callback.data = to_bytes(as_bytes("answer:" + std::to_string(index)));
    row.buttons.emplace_back(tl::keyboardInlineButton{.text = text, .type = callback});
  }
  return tl::replyInlineMarkup{.rows = {row}};
}

tl::Message make_message(int index) {
  static constexpr std::string_view words =
      "Messages of a private chat are short, but some of them are long enough to need two lines, "
      "and a few hold more than that; ";
  tl::message m;
  m.out = index % 3 == 0;
  m.id = 1000 + index;
  m.from_id = tl::peerUser{.user_id = 5'000'000 + index % user_count};
  m.peer_id = tl::peerUser{.user_id = 5'000'000};
  m.date = 1'750'000'000 + index * 37;
  m.message = std::string{words.substr(0, 20 + static_cast<std::size_t>(index) % 100)};
  if (index % 4 == 0) {
    m.entities = {tl::messageEntityBold{.offset = 0, .length = 8},
                  tl::messageEntityTextUrl{
                      .offset = 9, .length = 4, .url = "https://core.telegram.org/mtproto"}};
  }
  if (index % 5 == 0) {
    m.reply_to = tl::messageReplyHeader{.reply_to_msg_id = 999 + index};
  }
  if (index % 10 == 0) {
    m.reply_markup = make_keyboard(index);
  }
  return m;
}

tl::User make_user(int index) {
  tl::user u;
  u.id = 5'000'000 + index;
  u.access_hash = 0x123456789abcdef0 + index;
  u.first_name = "Person";
  u.last_name = "Number " + std::to_string(index);
  u.username = "person_" + std::to_string(index);
  return u;
}

tl::messages::Messages make_reply() {
  tl::messages::messages reply;
  for (int i = 0; i < message_count; ++i) {
    reply.messages.push_back(make_message(i));
  }
  for (int i = 0; i < user_count; ++i) {
    reply.users.push_back(make_user(i));
  }
  return reply;
}

/// Constructors in a value, counted in its JSON: each object has one `_`.
std::size_t count_objects(const tl::json& value) {
  std::size_t count = value.is_object() && value.contains("_") ? 1 : 0;
  for (const auto& part : value) {
    if (part.is_structured()) {
      count += count_objects(part);
    }
  }
  return count;
}

/// Seconds for one run, the best of several rounds: what disturbs a round only makes it slower.
double seconds_each(std::chrono::milliseconds time, const std::function<void()>& work) {
  constexpr int rounds = 5;
  double best = 1e9;
  for (int round = 0; round < rounds; ++round) {
    const auto start = clock::now();
    const auto until = start + time / rounds;
    int runs = 0;
    auto now = start;
    for (; now < until || runs == 0; now = clock::now()) {
      work();
      ++runs;
    }
    best = std::min(best, std::chrono::duration<double>(now - start).count() / runs);
  }
  return best;
}

void add(std::vector<figure>& out, const std::string& what, double seconds, std::size_t size,
         std::size_t objects) {
  const std::string name = "tl/" + what + "/messages100";
  out.push_back({name, static_cast<double>(size) / seconds / 1e6, "MB/s"});
  out.push_back({name + "/objects", static_cast<double>(objects) / seconds, "objects/s"});
}

} // namespace

result<std::vector<figure>> run_tl(std::chrono::milliseconds time) {
  const tl::messages::Messages reply = make_reply();
  const bytes encoded = tl::encode(reply);
  const auto decoded = tl::decode<tl::messages::Messages>(encoded);
  if (!decoded) {
    return std::unexpected(decoded.error());
  }
  if (tl::encode(*decoded) != encoded) {
    return fail(errc::malformed, "a reply did not survive being encoded and decoded");
  }
  const auto json = tl::json::parse(tl::to_json(reply), nullptr, false);
  const std::size_t objects = count_objects(json);

  std::vector<figure> out;
  std::size_t failures = 0;
  const double decode = seconds_each(time, [&encoded, &failures] {
    failures += tl::decode<tl::messages::Messages>(encoded) ? 0 : 1;
  });
  add(out, "decode", decode, encoded.size(), objects);
  std::size_t total = 0;
  const double encode = seconds_each(time, [&reply, &total] { total += tl::encode(reply).size(); });
  add(out, "encode", encode, encoded.size(), objects);
  if (failures != 0 || total % encoded.size() != 0) {
    return fail(errc::malformed, "the same bytes gave another value");
  }
  out.push_back({"tl/size/messages100", static_cast<double>(encoded.size()), "bytes"});
  return out;
}

} // namespace cafegram::bench
