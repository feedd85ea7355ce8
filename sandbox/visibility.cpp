#include <cafegram/sandbox/text.hpp>
#include <cafegram/sandbox/views.hpp>
#include <cafegram/sandbox/visibility.hpp>

namespace cafegram::sandbox {

namespace {

/// A command, unless it is another bot's; its name; an answer to it.
bool concerns(const core& in, const message_record& message, const account& bot) {
  const command_line line = leading_command(message.text);
  const bool called =
      !line.command.empty() && (line.bot.empty() || same_name(line.bot, bot.username));
  return called || mentions(in, message, bot);
}

bool sees(const core& in, const room& where, const message_record& message, const account& bot) {
  if (message.from == bot.id || where.kind == room_kind::broadcast || !message.action.is_null()) {
    return true;
  }
  if (const account* author = in.data.find(message.from); author != nullptr && author->bot) {
    return false;
  }
  const room_member* member = where.find(bot.id);
  return !bot.privacy || (member != nullptr && member->leads()) || concerns(in, message, bot);
}

} // namespace

std::vector<account_id> bots_left_out(const core& in, const room& where,
                                      const message_record& message) {
  std::vector<account_id> out;
  for (const auto& [user, member] : where.members) {
    const account* who = member.inside() ? in.data.find(user) : nullptr;
    if (who != nullptr && who->bot && !sees(in, where, message, *who)) {
      out.push_back(user);
    }
  }
  return out;
}

} // namespace cafegram::sandbox
