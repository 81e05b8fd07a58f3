#include "core/command_queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace atlas::core {
namespace {

constexpr std::size_t batch_commands_max = 1000;
constexpr std::size_t batch_bytes_max = 1 << 20;
constexpr std::size_t beside_chunk_bytes_max = 16 << 10;

std::size_t size_of(const command& c) {
  return 48 + c.row.size() + c.value.size();
}

command take_first(std::deque<command>& from) {
  auto first = std::move(from.front());
  from.pop_front();
  return first;
}

}  // namespace

void command_queue::push(std::vector<command>&& commands) {
  for (auto& c : commands) {
    if (c.what != operation::put_chunk)
      small_.push_back(std::move(c));
    else if (!waits(c))
      chunks_.push_back(std::move(c));
  }
}

/// Who waits for an answer asks again, and where a line is full that would fill it once more.
bool command_queue::waits(const command& chunk) const {
  return std::any_of(chunks_.begin(), chunks_.end(), [&](const command& c) {
    return c.from == chunk.from && c.table == chunk.table && c.seq == chunk.seq;
  });
}

command_batch command_queue::take(bool small, bool chunk) {
  command_batch out;
  std::size_t bytes = 0;
  while (small && !small_.empty() && out.commands.size() < batch_commands_max &&
         bytes < batch_bytes_max) {
    bytes += size_of(small_.front());
    out.commands.push_back(take_first(small_));
  }
  // The row of a chunk shares the entry's bytes on disk, is read with all of them and keeps them as
  // long as it lives: little else comes with it.
  if (!chunk || chunks_.empty() || bytes > beside_chunk_bytes_max) return out;
  out.commands.push_back(take_first(chunks_));
  out.has_chunk = true;
  return out;
}

void command_queue::give_back(std::vector<command>& out) {
  for (auto* part : {&small_, &chunks_}) {
    std::move(part->begin(), part->end(), std::back_inserter(out));
    part->clear();
  }
}

}  // namespace atlas::core
