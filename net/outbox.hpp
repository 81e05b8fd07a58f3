// Bytes on their way to one client. Small pieces are gathered so that a round of answers leaves in
// one send; a big value becomes a piece of its own and is never copied again.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace atlas::net {

class outbox {
 public:
  /// Appends a copy of `bytes`.
  void append(std::string_view bytes);
  /// Appends `bytes`; takes it over without a copy if it is big.
  void append(std::string&& bytes);

  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Fills `out` with the first unsent pieces; returns how many.
  std::size_t gather(std::span<iovec> out) const;
  /// Forgets the first `n` bytes, which have been sent.
  void consume(std::size_t n);
  /// Forgets everything and frees its memory.
  void clear();

 private:
  std::vector<std::string> pieces_;  // [first_, end) are not sent completely
  std::size_t first_ = 0;
  std::size_t offset_ = 0;  // sent bytes of pieces_[first_]
  std::size_t size_ = 0;    // unsent bytes of all pieces
};

}  // namespace atlas::net
