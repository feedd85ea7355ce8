#include <cafegram/crypto/aes_native.hpp>
#include <cafegram/crypto/secure.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

namespace cafegram::crypto::native {
namespace {

/// Jobs are ordered by length so many at a time: short ones then fill up what long ones leave.
constexpr std::size_t window = 64;

/// Lanes up to a whole register.
std::size_t round_up(std::size_t lanes, std::size_t width) {
  return (lanes + width - 1) / width * width;
}

void copy_block(std::uint8_t* blocks, std::size_t from, std::size_t to) {
  std::memcpy(blocks + to * aes_block, blocks + from * aes_block, aes_block);
}

} // namespace

lane_runner::~lane_runner() {
  const auto lanes = round_up(used_, kernel_.width);
  wipe(std::span{lanes_.keys}.first(lanes * aes_round_keys * aes_block));
  wipe(std::span{lanes_.before_in}.first(lanes * aes_block));
  wipe(std::span{lanes_.before_out}.first(lanes * aes_block));
}

std::uint8_t* lane_runner::keys_of(std::size_t lane) {
  const auto group = lane / kernel_.width * kernel_.width;
  return lanes_.keys + (group * aes_round_keys + lane - group) * aes_block;
}

void lane_runner::add(const ige_job& job) {
  const auto lane = count_++;
  used_ = std::max(used_, count_);
  kernel_.expand(job.key.data(), inverse_, keys_of(lane), kernel_.width * aes_block);
  // The iv is c[-1] p[-1]: of the decryption's input and output the other way round.
  const auto* cipher = job.iv.data();
  const auto* plain = cipher + aes_block;
  std::memcpy(lanes_.before_in + lane * aes_block, inverse_ ? cipher : plain, aes_block);
  std::memcpy(lanes_.before_out + lane * aes_block, inverse_ ? plain : cipher, aes_block);
  lanes_.in[lane] = job.in.data();
  lanes_.out[lane] = job.out.data();
  left_[lane] = job.in.size() / aes_block;
}

void lane_runner::copy(std::size_t from, std::size_t to) {
  const auto* old_keys = keys_of(from);
  auto* new_keys = keys_of(to);
  for (std::size_t i = 0; i < aes_round_keys; ++i) {
    const auto offset = i * kernel_.width * aes_block;
    std::memcpy(new_keys + offset, old_keys + offset, aes_block);
  }
  copy_block(lanes_.before_in, from, to);
  copy_block(lanes_.before_out, from, to);
  lanes_.in[to] = lanes_.in[from];
  lanes_.out[to] = lanes_.out[from];
  left_[to] = left_[from];
}

void lane_runner::remove(std::size_t lane) {
  --count_;
  if (lane != count_) {
    copy(count_, lane);
  }
}

void lane_runner::advance(std::size_t blocks) {
  const auto lanes = round_up(count_, kernel_.width);
  // A half-filled register does its first message twice over, to the same place.
  for (auto lane = count_; lane < lanes; ++lane) {
    copy(0, lane);
  }
  kernel_.run(lanes_, lanes, blocks, inverse_);
  for (std::size_t lane = 0; lane < count_; ++lane) {
    left_[lane] -= blocks;
  }
}

void lane_runner::run_window(std::span<const ige_job*> longest_first) {
  auto next = longest_first.begin();
  while (true) {
    while (next != longest_first.end() && count_ < kernel_.lanes) {
      add(**next++);
    }
    if (count_ == 0) {
      return;
    }
    advance(*std::min_element(left_, left_ + count_));
    for (auto lane = count_; lane-- > 0;) {
      if (left_[lane] == 0) {
        remove(lane);
      }
    }
  }
}

void lane_runner::run(std::span<const ige_job> jobs) {
  std::array<const ige_job*, window> order;
  while (!jobs.empty()) {
    const auto now = jobs.first(std::min(jobs.size(), window));
    jobs = jobs.subspan(now.size());
    std::size_t count = 0;
    for (const auto& job : now) {
      assert(job.in.size() % aes_block == 0 && job.in.size() == job.out.size());
      if (!job.in.empty()) {
        order[count++] = &job;
      }
    }
    const auto chosen = std::span{order}.first(count);
    std::ranges::sort(
        chosen, [](const ige_job* a, const ige_job* b) { return a->in.size() > b->in.size(); });
    run_window(chosen);
  }
}

} // namespace cafegram::crypto::native
