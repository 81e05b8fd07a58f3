// Pieces are closed at 64 KiB, so that memory goes back while a slow client reads and a growing
// piece is never copied for long.
#include "net/outbox.hpp"

#include <algorithm>
#include <utility>

#include "core/check.hpp"

namespace atlas::net {
namespace {

constexpr std::size_t piece_bytes = 64u << 10;
constexpr std::size_t own_piece_bytes = 16u << 10;  // from here on a move beats a copy
constexpr std::size_t output_keep_max = 16u << 10;  // what an idle connection may keep

}  // namespace

void outbox::append(std::string_view bytes) {
  if (bytes.empty()) return;
  if (first_ == pieces_.size() || pieces_.back().size() + bytes.size() > piece_bytes)
    pieces_.emplace_back();
  pieces_.back().append(bytes);
  size_ += bytes.size();
}

void outbox::append(std::string&& bytes) {
  if (bytes.size() < own_piece_bytes) return append(std::string_view(bytes));
  size_ += bytes.size();
  pieces_.push_back(std::move(bytes));
}

std::size_t outbox::gather(std::span<iovec> out) const {
  std::size_t n = 0;
  for (std::size_t i = first_; i < pieces_.size() && n < out.size(); ++i, ++n) {
    const auto skip = i == first_ ? offset_ : 0;
    // iovec is shared with readv and therefore not const; sending does not write.
    out[n] = {const_cast<char*>(pieces_[i].data()) + skip, pieces_[i].size() - skip};
  }
  return n;
}

void outbox::consume(std::size_t n) {
  ATLAS_CHECK(n <= size_, "more bytes sent than there were");
  size_ -= n;
  if (size_ == 0) {
    // One small piece survives as the next round's buffer.
    if (pieces_.size() == 1 && pieces_[0].capacity() <= output_keep_max) {
      pieces_[0].clear();
      first_ = offset_ = 0;
    } else {
      clear();
    }
    return;
  }
  while (n > 0) {
    auto& piece = pieces_[first_];
    const auto step = std::min(n, piece.size() - offset_);
    offset_ += step;
    n -= step;
    if (offset_ < piece.size()) break;
    std::string().swap(piece);  // assigning an empty one would keep the buffer
    ++first_;
    offset_ = 0;
  }
  // Keeps the list short for a client that is always a little behind.
  if (first_ > 64 && first_ * 2 > pieces_.size()) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void outbox::clear() {
  std::vector<std::string>().swap(pieces_);
  first_ = offset_ = size_ = 0;
}

}  // namespace atlas::net
