#include <cafegram/actors/session_changes.hpp>
#include <cafegram/storage/session_rows.hpp>

#include <algorithm>

namespace cafegram {

namespace {

bool is_of_account(storage::table in) {
  return in == storage::table::state || in == storage::table::inbox || in == storage::table::send ||
         in == storage::table::peer || in == storage::table::name;
}

} // namespace

void session_changes::add(storage::update_progress what, storage::session_state& session) {
  if (what.forget) {
    session.updates.reset();
    session.channels.clear();
    fresh_.channels.clear();
    fresh_.forget = true;
    fresh_.counters = true;
  }
  if (what.counters) {
    session.updates = what.counters;
    fresh_.counters = true;
  }
  for (const auto& [channel, counter] : what.channels) {
    session.channels[channel] = counter;
    fresh_.channels.insert(channel);
  }
  add(storage::batch{std::move(what.rows)});
}

void session_changes::add(storage::batch&& what) {
  for (auto& row : what.changes) {
    auto key = std::pair{row.in, row.key};
    rows_.insert_or_assign(std::move(key), std::move(row));
  }
}

const storage::change* session_changes::latest(storage::table in, const std::string& key) const {
  if (const auto fresh = rows_.find({in, key}); fresh != rows_.end()) {
    return &fresh->second;
  }
  if (rows_under_way_ && !(forgotten_ && is_of_account(in))) {
    // Behind the counters they stand in their order.
    const auto& rows = rows_under_way_->changes;
    const auto at = std::lower_bound(rows.begin(), rows.end(), key,
                                     [in](const storage::change& row, const std::string& wanted) {
                                       return row.in != in ? row.in < in : row.key < wanted;
                                     });
    return at != rows.end() && at->in == in && at->key == key ? &*at : nullptr;
  }
  return nullptr;
}

const storage::change* session_changes::find(storage::table in, const std::string& key) const {
  const auto* found = latest(in, key);
  return found != nullptr && found->what == storage::change::kind::put ? found : nullptr;
}

void session_changes::forget_account() {
  std::erase_if(rows_, [](const auto& one) { return is_of_account(one.first.first); });
  fresh_ = {.login = fresh_.login};
  under_way_ = {.login = under_way_.login};
  forgotten_ = true;
}

void session_changes::put_counters(const storage::session_state& of, storage::batch& to) const {
  if (fresh_.counters && of.updates) {
    put(to, *of.updates);
  } else if (fresh_.counters) {
    erase_common(to);
  }
  for (const auto channel : fresh_.channels) {
    if (const auto found = of.channels.find(channel); found != of.channels.end()) {
      put_channel(to, channel, found->second);
    } else {
      erase_channel(to, channel);
    }
  }
}

std::shared_ptr<const storage::session_batch>
session_changes::take(const storage::session_state& session) {
  auto rows = std::make_shared<storage::batch>();
  if (fresh_.forget) {
    rows->clear(storage::table::state);
  }
  put_counters(session, *rows);
  rows->changes.reserve(rows->changes.size() + rows_.size());
  for (auto& [key, row] : rows_) {
    rows->changes.push_back(std::move(row));
  }
  rows_.clear();
  under_way_ = std::exchange(fresh_, {});
  rows_under_way_ = rows;
  forgotten_ = false;
  auto out = std::make_shared<storage::session_batch>();
  if (under_way_.login) {
    out->session = session;
  }
  out->rows = std::move(rows);
  return out;
}

void session_changes::written() {
  under_way_ = {};
  rows_under_way_ = nullptr;
}

void session_changes::failed() {
  if (!rows_under_way_) {
    return;
  }
  for (const auto& row : rows_under_way_->changes) {
    // Counters are taken from the session.
    if (row.in != storage::table::state && !(forgotten_ && is_of_account(row.in))) {
      rows_.try_emplace({row.in, row.key}, row);
    }
  }
  fresh_.login = fresh_.login || under_way_.login;
  fresh_.counters = fresh_.counters || under_way_.counters;
  if (!fresh_.forget) {
    fresh_.forget = under_way_.forget;
    fresh_.channels.merge(under_way_.channels);
  }
  written();
}

} // namespace cafegram
