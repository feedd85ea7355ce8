#include <cafegram/cli/page_client.hpp>

#include <fmt/format.h>
#include <httplib.h>

namespace cafegram::cli {
namespace {

/// Without the path: what the HTTP library takes.
std::string base_of(std::string url) {
  while (url.ends_with('/')) {
    url.pop_back();
  }
  return url;
}

result<tl::json> read_answer(const httplib::Result& answer, const std::string& path) {
  if (!answer) {
    return fail(errc::network, path + ": " + httplib::to_string(answer.error()));
  }
  auto value = tl::json::parse(answer->body, nullptr, false);
  if (value.is_discarded()) {
    return fail(errc::malformed, path + ": the answer is not JSON");
  }
  if (answer->status >= 300) {
    return fail(errc::bad_argument,
                path + ": " + std::to_string(answer->status) + " " +
                    value.dump(-1, ' ', false, tl::json::error_handler_t::replace));
  }
  return value;
}

} // namespace

struct page_client::connections {
  explicit connections(const std::string& base)
    : calls{base}
    , stream{base} {
    calls.set_read_timeout(std::chrono::seconds{10});
    stream.set_read_timeout(std::chrono::seconds{60});
  }
  httplib::Client calls;
  httplib::Client stream;
};

page_client::page_client(std::unique_ptr<connections> c)
  : http_{std::move(c)} {
  reader_ = std::thread{[this] { listen(); }};
}

page_client::~page_client() {
  stopping_ = true;
  http_->stream.stop();
  reader_.join();
}

result<std::unique_ptr<page_client>> page_client::connect(const std::string& url) {
  std::unique_ptr<page_client> out{new page_client{std::make_unique<connections>(base_of(url))}};
  std::unique_lock guard{out->lock_};
  if (!out->arrived_.wait_for(guard, std::chrono::seconds{10}, [&out] { return out->open_; })) {
    return fail(errc::network, "the page's stream of events did not open at " + url);
  }
  guard.unlock();
  return out;
}

result<tl::json> page_client::get(const std::string& path) {
  return read_answer(http_->calls.Get(path), path);
}

result<tl::json> page_client::post(const std::string& path, const tl::json& body) {
  return read_answer(http_->calls.Post(path, body.dump(), "application/json"), path);
}

result<tl::json> page_client::wait(const predicate& fits, std::chrono::milliseconds within) {
  const auto until = std::chrono::steady_clock::now() + within;
  std::unique_lock guard{lock_};
  for (;;) {
    while (!events_.empty()) {
      auto event = std::move(events_.front());
      events_.pop_front();
      if (fits(event)) {
        return event;
      }
    }
    if (arrived_.wait_until(guard, until) == std::cv_status::timeout && events_.empty()) {
      return fail(errc::deadline, fmt::format("nothing of the kind happened within {:.1f} s",
                                              std::chrono::duration<double>(within).count()));
    }
  }
}

void page_client::listen() {
  const auto opened = [this](const httplib::Response& head) {
    const std::scoped_lock guard{lock_};
    open_ = head.status == 200;
    arrived_.notify_all();
    return open_ && !stopping_;
  };
  const auto content = [this](const char* data, std::size_t size) { return take_in({data, size}); };
  http_->stream.Get("/api/events", opened, content);
}

bool page_client::take_in(std::string_view text) {
  constexpr std::string_view mark = "data: ";
  const std::scoped_lock guard{lock_};
  partial_ += text;
  for (auto stop = partial_.find('\n'); stop != std::string::npos; stop = partial_.find('\n')) {
    const std::string line = partial_.substr(0, stop);
    partial_.erase(0, stop + 1);
    if (line.starts_with(mark)) {
      auto event = tl::json::parse(line.substr(mark.size()), nullptr, false);
      if (event.is_object()) {
        events_.push_back(std::move(event));
      }
    }
  }
  arrived_.notify_all();
  return !stopping_;
}

} // namespace cafegram::cli
