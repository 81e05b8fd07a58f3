// Owns the thread of the client loop: everything about its life, nothing about what it does.
#include "net/client_gateway.hpp"

#include <pthread.h>

#include <csignal>
#include <mutex>
#include <thread>
#include <utility>

#include "core/check.hpp"
#include "net/client_loop.hpp"

namespace atlas::net {
namespace {

class client_gateway final : public gateway {
 public:
  client_gateway(gateway_options options, client_door door, backend& serve)
      : loop_(std::move(options), std::move(door), serve) {}
  ~client_gateway() override { stop(std::chrono::milliseconds(0)); }

  [[nodiscard]] bool is_usable() const { return loop_.is_usable(); }

  void start() override {
    const std::lock_guard lock(life_);
    ATLAS_CHECK(!started_ && !stopped_, "a gateway is started once");
    started_ = true;
    // The thread inherits the mask: signals of the process are for its main thread.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { loop_.run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_setname_np(thread_.native_handle(), "atlas-gateway");
  }

  void wake() override { loop_.wake(); }

  void stop(std::chrono::milliseconds grace) override {
    const std::lock_guard lock(life_);
    if (std::exchange(stopped_, true)) return;
    loop_.request_stop(grace);
    if (started_)
      thread_.join();
    else
      loop_.run();  // nobody was let in: only removes the socket file
  }

 private:
  client_loop loop_;
  std::mutex life_;  // start and stop, never held while serving
  bool started_ = false;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace

core::result<std::unique_ptr<gateway>> open_client_gateway(gateway_options options,
                                                           backend& serve) {
  auto door = client_door::open(options.socket_path, options.socket_mode);
  if (!door) return door.error();
  auto opened =
      std::make_unique<client_gateway>(std::move(options), std::move(door).value(), serve);
  if (!opened->is_usable())
    return core::failure{core::errc::bad_config,
                         "client socket: the system gives no more descriptors to wait with"};
  return std::unique_ptr<gateway>(std::move(opened));
}

}  // namespace atlas::net
