// Every actor is metered from its first message: depth of its mailbox, messages, busy time, latency
// histogram. The base overrides CAF's own enqueue and consume (60-90 ns a message); function-based
// spawns would bypass it, so all our actors are classes.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <caf/all.hpp>

#include "core/check.hpp"

namespace atlas::actors {

/// Counters of one actor; written by many threads, read by anyone.
struct meter {
  std::string name;
  std::atomic<std::uint64_t> enqueued{0};
  std::atomic<std::uint64_t> processed{0};
  std::atomic<std::uint64_t> busy_ns{0};
  /// histogram[i]: messages that took [2^i, 2^(i+1)) nanoseconds.
  std::array<std::atomic<std::uint32_t>, 40> histogram{};

  [[nodiscard]] std::uint64_t depth() const {
    const auto in = enqueued.load(std::memory_order_relaxed);
    const auto out = processed.load(std::memory_order_relaxed);
    return in > out ? in - out : 0;
  }
};

/// All meters of a node that are alive.
class meter_board {
 public:
  std::shared_ptr<meter> add(std::string name) {
    auto m = std::make_shared<meter>();
    m->name = std::move(name);
    const std::lock_guard lock(mutex_);
    std::erase_if(meters_, [](const auto& old) { return old.expired(); });
    meters_.push_back(m);
    return m;
  }
  [[nodiscard]] std::vector<std::shared_ptr<const meter>> all() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<const meter>> out;
    for (const auto& m : meters_)
      if (auto alive = m.lock()) out.push_back(std::move(alive));
    return out;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::weak_ptr<meter>> meters_;
};

/// `Base` is a typed actor's `::base`.
template <class Base>
class metered : public Base {
 public:
  metered(caf::actor_config& config, meter_board& board, std::string meter_name)
      : Base(config), name_(std::move(meter_name)), meter_(board.add(name_)) {
    // An actor that ends in the middle of a step leaves a node that is half alive, which is worse
    // than a restart: what matters is on disk.
    this->set_exception_handler([name = name_](std::exception_ptr& what) -> caf::error {
      try {
        std::rethrow_exception(what);
      } catch (const std::exception& e) {
        core::check_failed("no exception leaves an actor", name.c_str(), 0, e.what());
      }
    });
  }

  const char* name() const override { return name_.c_str(); }

  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* unit) override {
    meter_->enqueued.fetch_add(1, std::memory_order_relaxed);
    Base::enqueue(std::move(what), unit);
  }

  caf::invoke_message_result consume(caf::mailbox_element& what) override {
    const auto begin = std::chrono::steady_clock::now();
    const auto outcome = Base::consume(what);
    const auto ns = static_cast<std::uint64_t>(
        std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count());
    if (outcome != caf::invoke_message_result::skipped)
      meter_->processed.fetch_add(1, std::memory_order_relaxed);
    meter_->busy_ns.fetch_add(ns, std::memory_order_relaxed);
    const auto bucket = std::min<std::size_t>(std::bit_width(ns | 1) - 1, 39);
    meter_->histogram[bucket].fetch_add(1, std::memory_order_relaxed);
    return outcome;
  }

 private:
  std::string name_;
  std::shared_ptr<meter> meter_;
};

}  // namespace atlas::actors
