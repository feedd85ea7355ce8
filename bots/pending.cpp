#include <cafegram/bots/outgoing.hpp>
#include <cafegram/bots/pending.hpp>

namespace cafegram {

namespace detail {

void pending_base::settle_now() {
  settled = true;
  if (const auto handler = std::exchange(on_settled, nullptr)) {
    handler(*this);
  }
}

pending_awaiter::pending_awaiter(std::shared_ptr<pending_base> state, root_task* root)
  : state_{std::move(state)}
  , root_{root}
  , home_{home_of(root)} {}

pending_awaiter::~pending_awaiter() {
  if (point_) {
    point_->frame = nullptr;
  }
}

bool pending_awaiter::await_ready() const noexcept {
  return state_->settled || state_->home != home_;
}

void pending_awaiter::await_suspend(std::coroutine_handle<> frame) {
  point_ = std::make_shared<resume_point>();
  point_->frame = frame;
  point_->root = root_;
  state_->on_settled = [point = point_](const pending_base&) { resume(point); };
}

error pending_awaiter::not_at_home() {
  return error::make(errc::bad_argument,
                     "a request of another conversation cannot be awaited here");
}

} // namespace detail

template class pending<void>;
template class pending<sent_message>;

} // namespace cafegram
