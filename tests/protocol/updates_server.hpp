#pragma once

#include <cafegram/protocol/updates.hpp>

#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace cafegram::protocol::test {

/// An update as the server knows it.
struct model_event {
  int id = 0;
  box_id box;
  std::int32_t value = 0; ///< 0: in no order
  std::int32_t count = 1;
  std::int32_t date = 0;
  bool own = false;     ///< made by this client: its result brings no body
  bool strange = false; ///< pushed, it names somebody unknown
};

struct model_body final : update_body {
  model_body(const model_event& from, bool is_pushed)
    : event{from}
    , pushed{is_pushed} {}
  model_event event;
  bool pushed;
};

/// All that ever happened to one account, in full; answers as Telegram does.
class updates_server {
public:
  explicit updates_server(int channels);

  /// A box moves `count` further; a count of 0 makes an update that holds at the present value.
  const model_event& post(box_id box, std::int32_t count, bool own, bool strange);
  /// Something in no order.
  model_event loose();

  static update_item item_of(const model_event& event, bool pushed, bool with_place);

  account_place place() const;
  std::int32_t end(box_id box) const;
  std::int32_t begin(box_id box) const;
  const std::vector<model_event>& log(box_id box) const { return logs_.at(box); }
  /// Updates that move the box, within (from, to].
  std::vector<const model_event*> between(box_id box, std::int32_t from, std::int32_t to) const;
  std::int32_t now() const { return date_; }
  void pass(std::int32_t seconds) { date_ += seconds; }

  /// What is up to here is told to nobody any more.
  void forget(box_id box) { gone_[box] = end(box); }
  void forbid(std::int64_t channel, bool is) { forbidden_[channel] = is; }
  bool forbidden(std::int64_t channel) const;

  /// At most `most` updates, 0: all. `mixed`: channels' updates come with it.
  /// `names_last`: which channels have moved says only what is whole.
  account_difference answer(const account_place& from, std::size_t most, bool mixed,
                            bool names_last) const;
  /// None where the channel is forbidden. With `strict` a gap of more than the limit is too long.
  std::optional<channel_difference> answer(const channel_question& question, std::size_t most,
                                           bool strict) const;

private:
  std::map<box_id, std::vector<model_event>> logs_; ///< by rising values
  std::map<box_id, std::int32_t> begins_;
  std::map<box_id, std::int32_t> gone_;
  std::map<std::int64_t, bool> forbidden_;
  std::int32_t date_ = 1000;
  int ids_ = 0;
};

} // namespace cafegram::protocol::test
