// For AES_ige_encrypt, with which ours is compared.
#define OPENSSL_SUPPRESS_DEPRECATED

#include <cafegram/bench/crypto.hpp>
#include <cafegram/crypto/aes_paths.hpp>
#include <cafegram/crypto/factor.hpp>
#include <cafegram/crypto/pooled_random.hpp>
#include <cafegram/crypto/sha256.hpp>
#include <cafegram/protocol/envelope.hpp>

#include <fmt/format.h>
#include <openssl/aes.h>

#include <algorithm>
#include <array>
#include <bit>
#include <ctime>
#include <functional>
#include <string>
#include <utility>

namespace cafegram::bench {
namespace {

constexpr std::size_t interleaved = 8;
constexpr std::size_t rounds = 7;

struct length {
  const char* name;
  std::size_t octets;
};
constexpr std::array lengths{length{"64B", 64}, length{"1KiB", 1024}, length{"8KiB", 8192},
                             length{"512KiB", 512 << 10}};
constexpr length small_message{"256B", 256};
constexpr length large_message = lengths.back();

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// Something to be measured: one run of it does `octets`.
struct measurement {
  std::string name;
  std::size_t octets = 0; ///< 0: the figure is the time of one run
  std::function<void()> work;
  std::function<void()> prepare{}; ///< before each run of a long work, not counted
};

/// One round: about so many seconds of processor time, divided by the runs.
double measure(double time, const measurement& one) {
  double spent = 0;
  int runs = 0;
  // The clock is asked seldom: a short message takes less time than the question.
  for (int step = 1; spent < time || runs == 0; step = one.prepare ? 1 : std::min(2 * step, 256)) {
    if (one.prepare) {
      one.prepare();
    }
    const double start = processor_seconds();
    for (int i = 0; i < step; ++i) {
      one.work();
    }
    spent += processor_seconds() - start;
    runs += step;
  }
  return spent / runs;
}

/// Seconds of processor time that one run takes: the median of the rounds.
double seconds_each(double time, const measurement& one) {
  std::array<double, rounds> each;
  for (double& round : each) {
    round = measure(time / rounds, one);
  }
  std::ranges::nth_element(each, each.begin() + rounds / 2);
  return each[rounds / 2];
}

/// Messages of one length, each with its own key and memory.
class texts {
public:
  texts(std::size_t count, std::size_t octets, random_source& random)
    : keys_(count) {
    for (auto& key : keys_) {
      random.fill(key.key);
      random.fill(key.iv);
      key.text.resize(octets);
      random.fill(key.text);
      jobs_.push_back({key.key, key.iv, key.text, key.text});
    }
  }
  std::span<const crypto::ige_job> jobs() const { return jobs_; }

private:
  struct one {
    std::array<std::uint8_t, 32> key;
    std::array<std::uint8_t, 32> iv;
    bytes text;
  };
  std::vector<one> keys_;
  std::vector<crypto::ige_job> jobs_;
};

/// What programs get from libcrypto: the key's schedule and the message.
void libcrypto_ige(const crypto::ige_job& job, bool inverse) {
  AES_KEY key;
  if (inverse) {
    AES_set_decrypt_key(job.key.data(), 256, &key);
  } else {
    AES_set_encrypt_key(job.key.data(), 256, &key);
  }
  std::array<std::uint8_t, 32> iv;
  std::ranges::copy(job.iv, iv.begin());
  AES_ige_encrypt(job.in.data(), job.out.data(), job.in.size(), &key, iv.data(),
                  inverse ? AES_DECRYPT : AES_ENCRYPT);
}

using jobs_of = std::shared_ptr<const texts>;

void add_ige(std::vector<measurement>& out, const std::string& prefix, const length& size,
             const jobs_of& one, const jobs_of& several,
             void (*run)(std::span<const crypto::ige_job>, crypto::aes_path, bool),
             crypto::aes_path path) {
  for (const bool inverse : {false, true}) {
    const auto name = fmt::format("{}/{}", prefix, inverse ? "decrypt" : "encrypt");
    out.push_back({fmt::format("{}/single/{}", name, size.name), size.octets,
                   [one, run, path, inverse] { run(one->jobs(), path, inverse); }});
    out.push_back({fmt::format("{}/x{}/{}", name, interleaved, size.name),
                   size.octets * interleaved,
                   [several, run, path, inverse] { run(several->jobs(), path, inverse); }});
  }
}

void by_path(std::span<const crypto::ige_job> jobs, crypto::aes_path path, bool inverse) {
  if (inverse) {
    crypto::ige_decrypt(jobs, path);
  } else {
    crypto::ige_encrypt(jobs, path);
  }
}

void by_libcrypto(std::span<const crypto::ige_job> jobs, crypto::aes_path /*path*/, bool inverse) {
  for (const auto& job : jobs) {
    libcrypto_ige(job, inverse);
  }
}

void add_ciphers(std::vector<measurement>& out, random_source& random) {
  for (const auto& size : lengths) {
    const auto one = std::make_shared<const texts>(1, size.octets, random);
    const auto several = std::make_shared<const texts>(interleaved, size.octets, random);
    const auto best = crypto::default_aes_path();
    add_ige(out, "ige", size, one, several, by_path, best);
    for (const auto path : crypto::aes_paths(crypto::detect_cpu())) {
      if (path != best) {
        add_ige(out, "ige-" + std::string{to_string(path)}, size, one, several, by_path, path);
      }
    }
    add_ige(out, "openssl-ige", size, one, several, by_libcrypto, best);
  }
}

/// Sealed into memory that is there, and packets of a server to be opened, in place: they are
/// brought back before each run.
struct messages {
  messages(std::size_t count, std::size_t octets, protocol::auth_key k,
           std::shared_ptr<random_source> r)
    : key{std::move(k)}
    , random{std::move(r)}
    , body(octets)
    , memory(count, bytes(protocol::longest_packet(octets))) {
    random->fill(body);
    received.resize(count);
    const std::vector<protocol::plain_message> plain(count, {.header = {}, .body = body});
    // Padding is of random length: a short packet is to be of the middle one.
    const auto middle = (protocol::longest_packet(octets) - 136) / 16;
    for (std::size_t i = 0; i < count; ++i) {
      do {
        received[i] = protocol::seal(key, protocol::side::server, plain[i], *random);
      } while (octets < 1024 && received[i].octets.size() / 16 != middle);
    }
    work.resize(count);
    incoming.resize(count);
  }

  void seal() {
    for (std::size_t i = 0; i < work.size(); ++i) {
      work[i] = {.message = {.header = {}, .body = body}, .packet = memory[i]};
    }
    protocol::seal(key, protocol::side::client, work, *random);
  }
  void receive() {
    for (std::size_t i = 0; i < incoming.size(); ++i) {
      const auto& packet = received[i].octets;
      std::ranges::copy(packet, memory[i].begin());
      incoming[i].packet = std::span{memory[i]}.first(packet.size());
    }
  }
  bool open() {
    protocol::open(key, protocol::side::server, incoming);
    return std::ranges::all_of(
        incoming, [](const auto& one) { return one.status == protocol::open_status::ok; });
  }

  protocol::auth_key key;
  std::shared_ptr<random_source> random;
  bytes body;
  std::vector<bytes> memory;
  std::vector<protocol::sealed_packet> received;
  std::vector<protocol::sealing> work;
  std::vector<protocol::opening> incoming;
};

void add_messages(std::vector<measurement>& out, const protocol::auth_key& key,
                  const std::shared_ptr<random_source>& random, bool& opened) {
  for (const std::size_t count : {std::size_t{1}, interleaved}) {
    const auto shape = count == 1 ? std::string{"single"} : fmt::format("x{}", count);
    for (const auto& size : {small_message, large_message}) {
      const auto some = std::make_shared<messages>(count, size.octets, key, random);
      const auto name = fmt::format("{}/{}", shape, size.name);
      const auto octets = size.octets >= 1024 ? count * size.octets : 0;
      out.push_back({"seal/" + name, octets, [some] { some->seal(); }});
      measurement open{"open/" + name, octets,
                       [some, &opened] { opened = some->open() && opened; }};
      open.prepare = [some] { some->receive(); };
      if (octets == 0) {
        // Too short to be timed alone: copying 300 octets counts.
        open.work = [prepare = std::exchange(open.prepare, {}), work = std::move(open.work)] {
          prepare();
          work();
        };
      }
      out.push_back(std::move(open));
    }
  }
}

void add_hashes(std::vector<measurement>& out, random_source& random) {
  for (const auto& size : {lengths.front(), large_message}) {
    const auto text = std::make_shared<bytes>(size.octets);
    random.fill(*text);
    for (const std::size_t count : {std::size_t{1}, std::size_t{2}}) {
      const auto shape = count == 1 ? std::string{"single"} : fmt::format("x{}", count);
      out.push_back({fmt::format("sha256/{}/{}", shape, size.name), count * size.octets,
                     [text, digests = std::vector<crypto::digest_sha256>(count)]() mutable {
                       std::array<crypto::sha256_job, 2> jobs;
                       for (std::size_t i = 0; i < digests.size(); ++i) {
                         jobs[i] = {.head = {}, .body = *text, .out = &digests[i]};
                       }
                       crypto::sha256_each(std::span{jobs}.first(digests.size()));
                     }});
    }
  }
}

/// A prime of 32 bits.
std::uint64_t random_prime(seeded_random& random) {
  for (;;) {
    const std::uint64_t candidate = random.next() >> 32 | 0x80000001;
    if (crypto::is_prime(candidate)) {
      return candidate;
    }
  }
}

/// The product of two such, of 63 bits as Telegram's are.
std::uint64_t random_pq(seeded_random& random) {
  for (;;) {
    const std::uint64_t p = random_prime(random);
    const std::uint64_t q = random_prime(random);
    if (p != q && std::bit_width(p * q) == 63) {
      return p * q;
    }
  }
}

/// What a client does for each key that it makes: the middle one of so many numbers.
result<figure> measure_factoring() {
  constexpr std::size_t numbers = 101;
  seeded_random random{1};
  std::array<double, numbers> each{};
  for (double& one : each) {
    const std::uint64_t pq = random_pq(random);
    const double start = processor_seconds();
    const auto factors = crypto::factor_pq(pq);
    one = processor_seconds() - start;
    if (!factors) {
      return std::unexpected(factors.error());
    }
  }
  std::ranges::nth_element(each, each.begin() + numbers / 2);
  return figure{"factor/pq63", each[numbers / 2] * 1e6, "us"};
}

} // namespace

result<std::vector<figure>> run_crypto(std::chrono::milliseconds time) {
  // As each connection has it.
  const auto random = std::make_shared<crypto::pooled_random>(crypto::system_random());
  std::array<std::uint8_t, protocol::auth_key::octets> octets;
  random->fill(octets);
  const auto key = protocol::auth_key::from(octets);
  if (!key) {
    return std::unexpected(key.error());
  }
  bool opened = true;
  std::vector<measurement> all;
  add_ciphers(all, *random);
  add_hashes(all, *random);
  add_messages(all, *key, random, opened);

  const double each = std::chrono::duration<double>(time).count() / static_cast<double>(all.size());
  std::vector<figure> out;
  for (const auto& one : all) {
    const double seconds = seconds_each(each, one);
    if (one.octets == 0) {
      out.push_back({one.name, seconds * 1e9, "ns"});
    } else {
      out.push_back({one.name, static_cast<double>(one.octets) / seconds / 1e9, "GB/s"});
    }
  }
  if (!opened) {
    return fail(errc::malformed, "a sealed message was not opened");
  }
  auto factoring = measure_factoring();
  if (!factoring) {
    return std::unexpected(std::move(factoring).error());
  }
  out.push_back(*std::move(factoring));
  return out;
}

} // namespace cafegram::bench
