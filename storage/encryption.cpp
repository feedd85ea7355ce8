#include <cafegram/base/lru_map.hpp>
#include <cafegram/crypto/hash.hpp>
#include <cafegram/storage/encryption.hpp>
#include <cafegram/storage/files.hpp>
#include <cafegram/storage/number_key.hpp>
#include <cafegram/storage/store.pb.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <utility>

namespace cafegram::storage {

namespace {

constexpr std::string_view sealing_key = "sealing";
constexpr std::string_view known_text = "cafegram store";
constexpr std::size_t run_size = 16;
constexpr std::size_t head_size = run_size + 8; ///< before the ciphertext
constexpr std::size_t hidden_size = 16;
/// What a file may make this program spend on a wrong passphrase.
constexpr std::uint32_t most_block = 32;
constexpr std::uint32_t most_parallel = 4;

using key_octets = crypto::fixed_secret<32>;

key_octets derive(bytes_view from, bytes_view what) {
  auto digest = crypto::hmac_sha256(from, what);
  key_octets out{digest};
  crypto::wipe(digest);
  return out;
}

/// Those tables whose keys are numbers, which tell nothing and have to rise.
bool has_numbers(table in) {
  return in == table::inbox || in == table::dead || in == table::send;
}

/// What a value is bound to.
bytes place_of(table in, std::string_view key) {
  bytes out(1 + key.size());
  out[0] = static_cast<std::uint8_t>(in);
  std::ranges::copy(as_bytes(key), out.begin() + 1);
  return out;
}

/// Encrypts and decrypts values. A random number names this process's run, and the key is one for
/// each run: so a counter makes nonces that are never used twice, however many there are.
class sealer {
public:
  explicit sealer(bytes_view master)
    : values_{derive(master, as_bytes("cafegram values"))}
    , names_{derive(master, as_bytes("cafegram names"))} {
    crypto::system_random()->fill(run_);
    key_ = std::make_shared<const key_octets>(derive(values_.view(), run_));
  }

  /// `run:16*u8 number:u64be (keylen:u16be key value) encrypted tag:16*u8`.
  blob seal(table in, const std::string& stored, std::string_view key, bytes_view value) {
    blob plain;
    plain.reserve(2 + key.size() + value.size());
    plain.push_back(static_cast<std::uint8_t>(key.size() >> 8));
    plain.push_back(static_cast<std::uint8_t>(key.size()));
    plain.insert(plain.end(), key.begin(), key.end());
    plain.insert(plain.end(), value.begin(), value.end());
    blob out(head_size + plain.size() + crypto::gcm_tag_size);
    std::ranges::copy(run_, out.begin());
    const auto number = number_key(++last_);
    std::ranges::copy(number, out.begin() + run_size);
    crypto::gcm_seal(key_->view(), nonce_of(out), place_of(in, stored), plain,
                     mutable_bytes_view{out}.subspan(head_size));
    return out;
  }

  /// None if it was not sealed with this key for this place.
  std::optional<row> open(table in, const std::string& stored, bytes_view value) {
    constexpr auto least = head_size + 2 + crypto::gcm_tag_size;
    if (value.size() < least) {
      return std::nullopt;
    }
    blob plain(value.size() - head_size - crypto::gcm_tag_size);
    const auto key = key_of(value.first(run_size));
    if (!crypto::gcm_open(key->view(), nonce_of(value), place_of(in, stored),
                          value.subspan(head_size), plain)) {
      return std::nullopt;
    }
    const auto length = static_cast<std::size_t>(plain[0] << 8 | plain[1]);
    if (plain.size() < 2 + length) {
      return std::nullopt;
    }
    const auto text = as_text(plain);
    return row{std::string{text.substr(2, length)}, to_blob(bytes_view{plain}.subspan(2 + length))};
  }

  /// The key under which the row of `key` lies.
  std::string stored_key(table in, std::string_view key) const {
    if (has_numbers(in) || key.empty()) {
      return std::string{key};
    }
    const auto digest = crypto::hmac_sha256(names_.view(), place_of(in, key));
    return std::string{as_text(bytes_view{digest}.first(hidden_size))};
  }

private:
  /// 4 zeros, and the number.
  static std::array<std::uint8_t, 12> nonce_of(bytes_view sealed) {
    std::array<std::uint8_t, 12> out{};
    std::ranges::copy(sealed.subspan(run_size, 8), out.begin() + 4);
    return out;
  }

  /// That of another run is derived; the last ones are remembered.
  std::shared_ptr<const key_octets> key_of(bytes_view run) {
    if (std::ranges::equal(run, run_)) {
      return key_;
    }
    const std::lock_guard lock{mutex_};
    const std::string name{as_text(run)};
    if (const auto* known = others_.find(name)) {
      return *known;
    }
    return others_.put(name, std::make_shared<const key_octets>(derive(values_.view(), run)));
  }

  key_octets values_;
  key_octets names_;
  std::array<std::uint8_t, run_size> run_{};
  std::shared_ptr<const key_octets> key_;
  std::atomic<std::uint64_t> last_ = 0;
  std::mutex mutex_;
  lru_map<std::string, std::shared_ptr<const key_octets>> others_{64};
};

class sealed_store final : public backend {
public:
  sealed_store(std::shared_ptr<backend> in, std::unique_ptr<sealer> by)
    : in_{std::move(in)}
    , by_{std::move(by)} {}

  result<void> apply(const batch& what) override {
    if (auto good = check(what); !good) {
      return good;
    }
    batch sealed;
    sealed.durable = what.durable;
    for (const auto& one : what.changes) {
      if (one.what == change::kind::clear && one.in == table::about) {
        return fail(errc::bad_argument, "how a store is encrypted cannot be cleared");
      }
      auto key = by_->stored_key(one.in, one.key);
      auto value =
          one.what == change::kind::put ? by_->seal(one.in, key, one.key, one.value) : blob{};
      sealed.changes.push_back({one.what, one.in, std::move(key), std::move(value)});
    }
    return in_->apply(sealed);
  }

  result<std::optional<blob>> get(table in, std::string_view key) override {
    const auto stored = by_->stored_key(in, key);
    auto sealed = in_->get(in, stored);
    if (!sealed || !*sealed) {
      return sealed;
    }
    auto opened = by_->open(in, stored, **sealed);
    if (!opened || opened->key != key) {
      return damaged(in, key, errc::malformed);
    }
    return std::move(opened->value);
  }

  result<page> scan(table in, std::string_view after, const page_limits& limits) override {
    auto sealed = in_->scan(in, by_->stored_key(in, after), limits);
    if (!sealed) {
      return sealed;
    }
    page out;
    out.more = sealed->more;
    for (const auto& one : sealed->rows) {
      if (in == table::about && one.key == sealing_key) {
        continue;
      }
      auto opened = by_->open(in, one.key, one.value);
      if (!opened && has_numbers(in) && !out.rows.empty()) {
        out.more = true; // the whole ones first: the next page begins with the damaged one
        return out;
      }
      if (!opened) {
        return damaged(in, one.key, has_numbers(in) ? errc::malformed : errc::storage);
      }
      out.rows.push_back(*std::move(opened));
    }
    return out;
  }

  std::string place() const override { return in_->place(); }
  void when_lost(std::function<void(const error&)> tell) override {
    in_->when_lost(std::move(tell));
  }

private:
  /// Other keys than numbers are not for everybody's eyes.
  std::unexpected<error> damaged(table in, std::string_view key, errc code) const {
    const auto number = has_numbers(in) ? number_of(key) : 0;
    return fail(code,
                in_->place() + (number != 0 ? ": row " + std::to_string(number) : ": a row") +
                    " of table " + std::string{name_of(in)} +
                    " is damaged: it was not encrypted so, or not for its place",
                static_cast<std::int64_t>(number));
  }

  std::shared_ptr<backend> in_;
  std::unique_ptr<sealer> by_;
};

/// The key itself, where `given` is that.
std::optional<crypto::secret> raw_key(bytes_view given) {
  if (given.size() != 64) {
    return std::nullopt;
  }
  auto octets = from_hex(as_text(given));
  if (!octets) {
    return std::nullopt;
  }
  crypto::secret out{*octets};
  crypto::wipe(*octets);
  return out;
}

result<v1::Sealing> read_sealing(backend& in, const blob& from) {
  v1::Sealing out;
  if (!out.ParseFromArray(from.data(), static_cast<int>(from.size())) || out.block() > most_block ||
      out.parallel() > most_parallel) {
    return fail(errc::storage, in.place() + ": how it is encrypted is damaged");
  }
  return out;
}

/// The key that all others come from. Errors: `storage` where a key cannot be that of the store.
result<crypto::secret> master_key(const v1::Sealing& by, const std::string& place,
                                  const crypto::secret& given) {
  auto raw = raw_key(given.view());
  if (by.derivation() == v1::Sealing::DERIVATION_RAW) {
    if (!raw) {
      return fail(errc::storage,
                  place + " is encrypted with a key of 64 hexadecimal digits, not a passphrase");
    }
    return *std::move(raw);
  }
  if (by.derivation() != v1::Sealing::DERIVATION_SCRYPT) {
    return fail(errc::storage, place + " is encrypted in a way that is not known to this program");
  }
  return crypto::scrypt(given.view(), as_bytes(by.salt()), {by.cost(), by.block(), by.parallel()});
}

v1::Sealing new_sealing(const crypto::secret& given, const crypto::scrypt_cost& cost) {
  v1::Sealing out;
  if (raw_key(given.view())) {
    out.set_derivation(v1::Sealing::DERIVATION_RAW);
    return out;
  }
  std::array<std::uint8_t, 16> salt;
  crypto::system_random()->fill(salt);
  out.set_derivation(v1::Sealing::DERIVATION_SCRYPT);
  out.set_salt(salt.data(), salt.size());
  out.set_cost(cost.cost);
  out.set_block(cost.block);
  out.set_parallel(cost.parallel);
  return out;
}

result<bool> is_empty(backend& in) {
  for (std::size_t at = 0; at < table_count; ++at) {
    const auto some = in.scan(static_cast<table>(at), {}, {.rows = 1});
    if (!some) {
      return std::unexpected(some.error());
    }
    if (!some->rows.empty()) {
      return false;
    }
  }
  return true;
}

/// The first time: writes down how it is encrypted.
result<std::unique_ptr<backend>> begin(std::shared_ptr<backend> in, const crypto::secret& given,
                                       const crypto::scrypt_cost& cost) {
  const auto empty = is_empty(*in);
  if (!empty) {
    return std::unexpected(empty.error());
  }
  if (!*empty) {
    return fail(errc::storage, in->place() + " is not encrypted: convert it into an encrypted one, "
                                             "or open it without a key");
  }
  auto how = new_sealing(given, cost);
  const auto master = master_key(how, in->place(), given);
  if (!master) {
    return std::unexpected(master.error());
  }
  auto by = std::make_unique<sealer>(master->view());
  const auto known =
      by->seal(table::about, std::string{sealing_key}, sealing_key, as_bytes(known_text));
  how.set_check(known.data(), known.size());
  batch what;
  what.put(table::about, std::string{sealing_key}, to_blob(as_bytes(how.SerializeAsString())));
  what.durable = true;
  if (auto done = in->apply(what); !done) {
    return std::unexpected(std::move(done.error()));
  }
  return std::make_unique<sealed_store>(std::move(in), std::move(by));
}

} // namespace

result<store_key> store_key::named(std::string_view where) {
  const auto rest = where.substr(std::min(where.size(), where.find(':') + 1));
  if (where.starts_with("file:") && !rest.empty()) {
    return from_file(std::string{rest});
  }
  if (where.starts_with("env:") && !rest.empty()) {
    return from_environment(std::string{rest});
  }
  return fail(errc::bad_argument,
              "a key is named by file:PATH or env:NAME, and never given itself");
}

store_key store_key::from_text(std::string_view text) {
  return store_key{[text = std::make_shared<const crypto::secret>(as_bytes(text))] {
    return result<crypto::secret>{text->clone()};
  }};
}

store_key store_key::from_file(std::string path) {
  return store_key{[path = std::move(path)]() -> result<crypto::secret> {
    auto content = system_files()->read(path);
    if (!content) {
      return std::unexpected(std::move(content.error()));
    }
    if (!*content) {
      return fail(errc::storage, "the key file " + path + " is not there");
    }
    auto text = (*content)->view();
    while (!text.empty() && std::string_view{" \t\r\n"}.find(static_cast<char>(text.back())) !=
                                std::string_view::npos) {
      text = text.first(text.size() - 1);
    }
    return crypto::secret{text};
  }};
}

store_key store_key::from_environment(std::string variable) {
  return store_key{[variable = std::move(variable)]() -> result<crypto::secret> {
    const char* text = std::getenv(variable.c_str());
    if (text == nullptr) {
      return fail(errc::storage, "the variable " + variable + ", for the key, is not set");
    }
    return crypto::secret{as_bytes(text)};
  }};
}

store_key store_key::from(std::function<result<crypto::secret>()> callback) {
  return store_key{std::move(callback)};
}

result<crypto::secret> store_key::ask() const {
  auto out = ask_();
  if (out && out->empty()) {
    return fail(errc::bad_argument, "the key to the session is empty");
  }
  return out;
}

result<std::unique_ptr<backend>> encrypted_store(std::shared_ptr<backend> in, const store_key& key,
                                                 const crypto::scrypt_cost& cost) {
  const auto given = key.ask();
  if (!given) {
    return std::unexpected(given.error());
  }
  const auto stored = in->get(table::about, sealing_key);
  if (!stored) {
    return std::unexpected(stored.error());
  }
  if (!*stored) {
    return begin(std::move(in), *given, cost);
  }
  const auto how = read_sealing(*in, **stored);
  const auto master = how ? master_key(*how, in->place(), *given)
                          : result<crypto::secret>{std::unexpected(how.error())};
  if (!master) {
    return std::unexpected(master.error());
  }
  auto by = std::make_unique<sealer>(master->view());
  const auto known = by->open(table::about, std::string{sealing_key}, as_bytes(how->check()));
  if (!known || as_text(known->value) != known_text) {
    return fail(errc::storage, "the key is not the one that " + in->place() + " is encrypted with");
  }
  return std::make_unique<sealed_store>(std::move(in), std::move(by));
}

result<bool> is_encrypted(backend& in) {
  const auto stored = in.get(table::about, sealing_key);
  if (!stored) {
    return std::unexpected(stored.error());
  }
  return stored->has_value();
}

} // namespace cafegram::storage
