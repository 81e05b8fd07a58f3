// A writer is a thread that waits for each answer before the next write: what it knows is exactly
// what a client knows. Without a node it waits for one, until `stop`.
#include "tests/system/load.hpp"

#include <algorithm>

namespace atlas::system_tests {

load::load(std::string table, const std::vector<std::string>& sockets) : table_(std::move(table)) {
  for (const auto& socket : sockets) {
    writers_.push_back(std::make_unique<writer>());
    writers_.back()->socket = socket;
  }
  for (std::size_t i = 0; i < writers_.size(); ++i)
    writers_[i]->thread = std::thread([this, i] { run(*writers_[i], i); });
}

load::~load() {
  stop();
}

void load::stop() {
  stopping_ = true;
  for (auto& w : writers_)
    if (w->thread.joinable()) w->thread.join();
}

void load::run(writer& w, std::size_t number) {
  std::optional<client> c;
  for (std::size_t i = 0; !stopping_; ++i) {
    if (!c) {
      eventually([&] { return stopping_ || (c = client::connect(w.socket)).has_value(); });
      if (!c) continue;
    }
    const auto key = table_ + "." + std::to_string(number) + "-" + std::to_string(i);
    const auto answer = c->ask("KEY PUT " + key + " " + key);
    if (answer.ok()) {
      w.keys.push_back(key);
      ++w.done;
      ++acknowledged_;
      continue;
    }
    w.failures += key + ": " + answer.text() + "\n";
    if (answer.what != reply::kind::error) c.reset();
  }
}

bool load::goes_on(std::size_t more, std::chrono::milliseconds limit) {
  std::vector<std::size_t> before;
  for (const auto& w : writers_) before.push_back(w->done);
  return eventually(
      [&] {
        for (std::size_t i = 0; i < writers_.size(); ++i)
          if (writers_[i]->done < before[i] + more) return false;
        return true;
      },
      limit);
}

std::string load::failures() const {
  std::string all;
  for (const auto& w : writers_) all += w->failures;
  return all;
}

std::string load::missing_at(const std::string& socket) const {
  auto c = client::connect(socket);
  if (!c) return "nobody serves at " + socket + "\n";
  std::string missing;
  for (const auto& w : writers_) {
    std::vector<std::string> lines;
    for (const auto& key : w->keys) lines.push_back("KEY GET " + key);
    const auto answers = c->ask_all(lines);
    for (std::size_t i = 0; i < answers.size(); ++i)
      if (answers[i].text() != "VALUE:" + w->keys[i])
        missing += w->keys[i] + ": " + answers[i].text() + "\n";
  }
  return missing;
}

}  // namespace atlas::system_tests
