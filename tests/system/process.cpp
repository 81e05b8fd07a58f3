// Between fork and exec only what is allowed in a child of a program with threads: system calls.
// A child dies with the thread that started it (PR_SET_PDEATHSIG), so nodes are to be started from
// the thread that runs the test case.
#include "tests/system/process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

#include "core/check.hpp"

namespace atlas::system_tests {

bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= deadline) return holds();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

process::process(const std::vector<std::string>& arguments, const std::string& log) {
  std::vector<char*> argv;
  for (const auto& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ATLAS_CHECK(out >= 0, "a test can write its log");
  const auto parent = ::getpid();
  pid_ = ::fork();
  ATLAS_CHECK(pid_ >= 0, "a test can start a process");
  if (pid_ == 0) {
    // Nodes must not outlive a test that was killed.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(out);
}

process::~process() {
  kill_now();
}

bool process::running() {
  return !wait(std::chrono::milliseconds(0));
}

void process::kill_now() {
  if (status_) return;
  ::kill(pid_, SIGKILL);
  wait();
}

void process::pause() {
  if (!status_) ::kill(pid_, SIGSTOP);
}

void process::resume() {
  if (!status_) ::kill(pid_, SIGCONT);
}

void process::terminate() {
  if (!status_) ::kill(pid_, SIGTERM);
}

std::optional<int> process::wait(std::chrono::milliseconds limit) {
  eventually(
      [&] {
        int status = 0;
        if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_)
          status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return status_.has_value();
      },
      limit);
  return status_;
}

reserved_port::reserved_port() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  // Node and test both say SO_REUSEADDR: so the node may bind the port as well, and only by name.
  const int on = 1;
  ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = ::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ATLAS_CHECK(bound, "a free port can be found");
  number_ = ntohs(address.sin_port);
}

reserved_port::~reserved_port() {
  if (fd_ >= 0) ::close(fd_);
}

reserved_port::reserved_port(reserved_port&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), number_(other.number_) {}

}  // namespace atlas::system_tests
