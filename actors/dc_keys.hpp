#pragma once

#include <cafegram/actors/messages.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

namespace cafegram {

/// How the keys of a client are held.
struct key_policy {
  bool forward_secrecy = true;
  std::chrono::seconds lifetime{86'400}; ///< of a temporary key
};

/// The keys of one data centre and the rules about when one may go: no passing fault costs a login.
/// Connections to media addresses have temporary keys of their own. Pure: no actor, no clock.
/// Spec: "Perfect Forward Secrecy".
class dc_keys {
public:
  explicit dc_keys(key_policy policy)
    : policy_{policy} {}

  /// As loaded, or as made by a connection.
  void take(dc_key permanent) { permanent_ = std::move(permanent); }
  void take(temporary_key bound);
  /// True if it concerned the permanent key, which is to be stored.
  bool take(const key_salt& salt);

  const std::optional<dc_key>& permanent() const { return permanent_; }
  /// What connections of the realm encrypt with is not there, or has to be made anew.
  bool lacks(bool media) const;
  bool renewal_due(bool media, steady_time now) const;
  /// What to tell a connection of the realm.
  key_order order(bool media, bool maker, steady_time now) const;

  /// A temporary key that is over is of no use to anybody.
  void expire(steady_time now);
  /// The next time that a renewal or an expiry falls due.
  steady_time next_deadline(steady_time now) const;

  /// What the server's word about a key has come to.
  enum class verdict : std::uint8_t {
    nothing,             ///< about a key that is out of use already, or a fault that may pass
    temporary_gone,      ///< another one is made
    permanent_gone,      ///< another one is made; what hung on it is lost
    kept_though_unknown, ///< without it the login would be lost: it stays
  };
  /// `login_hangs_on_it`: nothing but this key stands for the login.
  verdict judge(const key_news& news, bool login_hangs_on_it);

  /// The login was ended: nothing is left of the keys.
  void drop_all();

private:
  const std::optional<temporary_key>& temporary(bool media) const {
    return temporary_[media ? 1 : 0];
  }
  steady_time renewal_of(const temporary_key& key) const;
  bool is_in_use(std::uint64_t id) const;
  bool drop_temporary(std::uint64_t id);
  bool ends_permanent(const key_news& news) const;

  key_policy policy_;
  std::optional<dc_key> permanent_;
  std::array<std::optional<temporary_key>, 2> temporary_;
};

} // namespace cafegram
