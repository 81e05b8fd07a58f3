// What may be concluded from an answer is decided in one place, `perform`: an operation that is
// wrongly written down as done, or as nothing, would make the judge blame the nodes or miss their
// faults. One clock serves all clients; they are threads of one machine.
#include "tests/system/history.hpp"

#include "core/rng.hpp"

namespace atlas::system_tests {
namespace {

using linear::op_kind;
using linear::operation;

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

std::string line_of(const operation& o) {
  switch (o.what) {
    case op_kind::put:
      return "KEY PUT " + o.key + " " + *o.value;
    case op_kind::erase:
      return "KEY DEL " + o.key;
    case op_kind::get:
      break;
  }
  return "KEY GET " + o.key;
}

/// What an operation left behind.
enum class trace { done, unknown, nothing };

/// Performs `o` and fills in what is known of it.
trace perform(client& c, operation& o) {
  o.invoked = now_ns();
  const auto answer = c.ask(line_of(o));
  const auto returned = now_ns();
  if (answer.ok()) {
    o.returned = returned;
    if (o.what == op_kind::get && answer.text() != "NOT_FOUND")
      o.value = answer.text().substr(std::string("VALUE:").size());
    return trace::done;
  }
  // A read without an answer says nothing; a write that was never proposed did nothing.
  const bool never_proposed = answer.text().starts_with("ERROR WARN quorum unavailable: ");
  return o.what == op_kind::get || never_proposed ? trace::nothing : trace::unknown;
}

}  // namespace

history_recorder::history_recorder(std::vector<std::string> sockets, std::vector<std::string> keys,
                                   std::size_t clients, std::uint64_t seed)
    : sockets_(std::move(sockets)), keys_(std::move(keys)) {
  for (std::size_t i = 0; i < clients; ++i)
    threads_.emplace_back([this, i, seed] { run(i, seed * 1000 + i); });
}

history_recorder::~history_recorder() {
  stop();
}

void history_recorder::stop() {
  stopping_ = true;
  for (auto& t : threads_)
    if (t.joinable()) t.join();
}

void history_recorder::record(operation&& o) {
  const std::lock_guard lock(mutex_);
  history_.push_back(std::move(o));
}

void history_recorder::run(std::size_t number, std::uint64_t seed) {
  core::rng random(seed);
  const auto& socket = sockets_[number % sockets_.size()];
  std::optional<client> c;
  for (std::size_t i = 0; !stopping_; ++i) {
    if (!c) {
      eventually([&] { return stopping_ || (c = client::connect(socket)).has_value(); });
      if (!c) continue;
    }
    operation o;
    o.key = keys_[random.below(keys_.size())];
    const auto dice = random.below(10);
    o.what = dice < 4 ? op_kind::put : dice < 5 ? op_kind::erase : op_kind::get;
    if (o.what == op_kind::put) o.value = std::to_string(number) + "-" + std::to_string(i);
    const auto left = perform(*c, o);
    if (left == trace::done) ++answered_;
    if (left != trace::done) c.reset();  // a late answer must not be taken for the next one's
    if (left != trace::nothing) record(std::move(o));
  }
}

bool history_recorder::read_all_keys() {
  bool all = true;
  for (const auto& socket : sockets_)
    for (const auto& key : keys_)
      all = eventually([&] {
              auto c = client::connect(socket);
              operation o;
              o.key = key;
              if (!c || perform(*c, o) != trace::done) return false;
              record(std::move(o));
              return true;
            }) &&
            all;
  return all;
}

}  // namespace atlas::system_tests
