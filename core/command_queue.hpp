// Commands that wait at an owner for a slot. Chunks of large values stand by themselves: they have
// a window of their own, and what is small does not wait behind them.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "core/command.hpp"

namespace atlas::core {

/// One slot's share of the queue.
struct command_batch {
  std::vector<command> commands;
  bool has_chunk = false;
};

class command_queue {
 public:
  [[nodiscard]] std::size_t size() const { return small_.size() + chunks_.size(); }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::size_t small() const { return small_.size(); }
  [[nodiscard]] std::size_t chunks() const { return chunks_.size(); }

  /// A chunk that waits already is not taken once more.
  void push(std::vector<command>&& commands);
  /// What goes into the next slot, of the kinds that may go: many small commands, in their order,
  /// and one chunk at most. Empty if none of a kind that may go is there.
  [[nodiscard]] command_batch take(bool small, bool chunk);
  /// Appends all to `out`.
  void give_back(std::vector<command>& out);

 private:
  [[nodiscard]] bool waits(const command& chunk) const;

  std::deque<command> small_;
  std::deque<command> chunks_;
};

}  // namespace atlas::core
