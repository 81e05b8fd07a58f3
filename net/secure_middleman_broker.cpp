// CAF's middleman actor makes every connection through its multiplexer's virtual functions. So the
// guard is a multiplexer: connecting goes through the dialler, listening through the porter, and
// the stock code behind (scribes, BASP) gets sockets that have passed the challenge.
#include "net/secure_middleman_broker.hpp"

#include <memory>
#include <utility>

#include <caf/actor_system.hpp>
#include <caf/io/abstract_broker.hpp>
#include <caf/io/doorman.hpp>
#include <caf/io/middleman.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/scribe.hpp>
#include <caf/make_counted.hpp>
#include <caf/sec.hpp>

#include "net/dialler.hpp"
#include "net/porter.hpp"
#include "net/tcp.hpp"

namespace atlas::net {

namespace {

namespace io = caf::io;

/// Stands for one listening port at its broker. It owns no socket of CAF's event loop: the porter
/// accepts, and what it admits is posted into the loop.
class guarded_doorman : public io::doorman {
 public:
  guarded_doorman(std::shared_ptr<porter> guard, io::network::default_multiplexer& loop, int fd)
      : doorman(io::network::accept_hdl_from_socket(fd)), guard_(std::move(guard)), loop_(loop) {
    std::tie(addr_, port_) = split_address(local_address(fd));
  }

  ~guarded_doorman() override { guard_->close(id_); }

  /// Gives the listening socket to the porter; false if it has stopped.
  bool enlist(owned_fd listener) {
    // The porter holds the doorman alive until `close`.
    auto admit = [self = caf::intrusive_ptr<guarded_doorman>{this}](owned_fd fd) {
      self->loop_.post([self, fd = std::move(fd)]() mutable { self->admit(std::move(fd)); });
    };
    const auto id = guard_->add(std::move(listener), std::move(admit));
    id_ = id.value_or(0);
    return id.has_value();
  }

  bool new_connection() override { return false; }  // only CAF's own acceptors call it
  void launch() override { guard_->watch(id_, true); }
  void add_to_loop() override { guard_->watch(id_, true); }
  void remove_from_loop() override { guard_->watch(id_, false); }

  void graceful_shutdown() override {
    const caf::intrusive_ptr<guarded_doorman> keep{this};
    detach(&loop_, false);
    guard_->close(id_);
  }

  std::string addr() const override { return addr_; }
  std::uint16_t port() const override { return port_; }

 private:
  /// In the event loop: gives the connection to the broker, unless it closed the port meanwhile.
  void admit(owned_fd fd) {
    if (detached()) return;
    auto scribe = loop_.new_scribe(fd.release());
    const auto handle = scribe->hdl();
    parent()->add_scribe(std::move(scribe));
    doorman::new_connection(&loop_, handle);
  }

  std::shared_ptr<porter> guard_;
  io::network::default_multiplexer& loop_;
  std::uint64_t id_ = 0;
  std::string addr_;
  std::uint16_t port_ = 0;
};

class guarded_multiplexer : public io::network::default_multiplexer {
 public:
  guarded_multiplexer(caf::actor_system* system, const transport_options& options)
      : default_multiplexer(system),
        porter_(std::make_shared<porter>(options)),
        dialler_(options) {}

  caf::expected<io::scribe_ptr> new_tcp_scribe(const std::string& host,
                                               std::uint16_t port) override {
    auto connected = dialler_.dial(host, port);
    if (connected) return new_scribe(connected.value().release());
    const auto& why = connected.error();
    const auto code = why.code == core::errc::refused ? caf::sec::disconnect_during_handshake
                                                      : caf::sec::cannot_connect_to_node;
    return caf::make_error(code, why.detail);
  }

  caf::expected<io::doorman_ptr> new_tcp_doorman(std::uint16_t port, const char* in,
                                                 bool /*reuse_addr*/) override {
    auto listening = listen_tcp(in == nullptr ? "" : in, port);
    if (!listening) return caf::make_error(caf::sec::cannot_open_port, listening.error().detail);
    owned_fd fd = std::move(listening).value();
    auto door = caf::make_counted<guarded_doorman>(porter_, *this, fd.get());
    if (!door->enlist(std::move(fd))) {
      return caf::make_error(caf::sec::cannot_open_port, std::string{"the node is shutting down"});
    }
    return io::doorman_ptr{std::move(door)};
  }

  caf::expected<io::datagram_servant_ptr> new_remote_udp_endpoint(const std::string&,
                                                                  std::uint16_t) override {
    return caf::make_error(caf::sec::feature_disabled, std::string{"UDP has no guard"});
  }

  caf::expected<io::datagram_servant_ptr> new_local_udp_endpoint(std::uint16_t, const char*,
                                                                 bool) override {
    return caf::make_error(caf::sec::feature_disabled, std::string{"UDP has no guard"});
  }

  void stop_guards() {
    dialler_.stop();
    porter_->stop();
  }

 private:
  std::shared_ptr<porter> porter_;
  dialler dialler_;
};

class guarded_middleman : public io::middleman {
 public:
  guarded_middleman(caf::actor_system& system, const transport_options& options)
      : middleman(system), loop_(&system, options) {}

  io::network::multiplexer& backend() override { return loop_; }

  void stop() override {
    // First the guards: nothing is posted into an event loop that ends, and the middleman actor,
    // which `stop` waits for, is not stuck in a connect.
    loop_.stop_guards();
    middleman::stop();
  }

 private:
  guarded_multiplexer loop_;
};

}  // namespace

void load_secure_middleman(caf::actor_system_config& config, transport_options options) {
  config.module_factories.emplace_back(
      [options = std::move(options)](caf::actor_system& system) -> caf::actor_system::module* {
        return new guarded_middleman(system, options);
      });
}

bool is_refused_handshake(const caf::error& why) {
  // CAF's own use of the code, a connection lost within BASP's handshake, carries no sentence.
  return why == caf::sec::disconnect_during_handshake &&
         why.context().match_elements<std::string>();
}

std::string transport_error_text(const caf::error& why) {
  if (why.context().match_elements<std::string>()) return why.context().get_as<std::string>(0);
  return caf::to_string(why);
}

}  // namespace atlas::net
