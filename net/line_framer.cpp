// See the header for the idea. Invariant: `carry_` holds older bytes than `fresh_`, and bytes move
// from `fresh_` to `carry_` only to finish the line that `carry_` has begun, or when the round is
// over.
#include "net/line_framer.hpp"

#include <algorithm>
#include <utility>

#include "core/check.hpp"

namespace atlas::net {
namespace {

// Buffers that grew above this are given back once they are empty; below it they are kept, because
// a client that splits lines once will do so again.
constexpr std::size_t carry_keep_max = 4096;

// Assigning an empty string would keep the old buffer.
void free_memory(std::string& s) {
  std::string().swap(s);
}

std::size_t heap_bytes(const std::string& s) {
  return s.capacity() <= std::string().capacity() ? 0 : s.capacity();
}

}  // namespace

void line_framer::feed(std::string_view bytes) {
  ATLAS_CHECK(fresh_.empty(), "bytes fed before the last ones were settled");
  fresh_ = bytes;
}

frame line_framer::next() {
  return mode_ == mode::lines ? next_line() : next_raw();
}

frame line_framer::next_line() {
  if (carry_at_ == carry_.size()) {
    release_carry();
    const auto lf = fresh_.find('\n');
    if (lf != std::string_view::npos) {
      const auto line = fresh_.substr(0, lf + 1);
      fresh_.remove_prefix(lf + 1);
      return cut(line);
    }
  }
  auto lf = carry_.find('\n', scanned_);
  if (lf == std::string::npos) {
    const auto in_fresh = fresh_.find('\n');
    if (in_fresh == std::string_view::npos) {
      absorb(fresh_.size());
      scanned_ = carry_.size();
      if (passes_limit(carried())) return {frame_kind::too_long, {}};
      return ended_ ? last_line() : frame{};
    }
    absorb(in_fresh + 1);
    lf = carry_.size() - 1;
  }
  const auto line = std::string_view(carry_).substr(carry_at_, lf + 1 - carry_at_);
  carry_at_ = scanned_ = lf + 1;
  return cut(line);
}

frame line_framer::next_raw() {
  const auto take = [this](std::string_view from) {
    const auto n = std::min(missing_, from.size());
    if (mode_ == mode::blob) {
      // Doubling, but never past the announced length: an announcement alone costs no memory.
      if (blob_.capacity() < blob_.size() + n)
        blob_.reserve(
            std::min(blob_.size() + missing_, std::max(blob_.size() + n, 2 * blob_.capacity())));
      blob_.append(from.substr(0, n));
    }
    missing_ -= n;
    return n;
  };
  carry_at_ += take(carried());
  scanned_ = std::max(scanned_, carry_at_);
  fresh_.remove_prefix(take(fresh_));
  if (missing_ > 0) {
    release_carry();
    return {ended_ ? frame_kind::truncated : frame_kind::none, {}};
  }
  const bool kept = mode_ == mode::blob;
  mode_ = mode::lines;
  return {kept ? frame_kind::blob : frame_kind::skipped, {}};
}

frame line_framer::last_line() {
  if (carry_at_ == carry_.size()) return {frame_kind::end, {}};
  const auto line = carried();
  carry_at_ = scanned_ = carry_.size();
  return {frame_kind::line, line};
}

frame line_framer::cut(std::string_view line) {
  line.remove_suffix(1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (line.size() > line_bytes_max_) return {frame_kind::too_long, {}};
  return {frame_kind::line, line};
}

bool line_framer::passes_limit(std::string_view unfinished) const {
  // A last CR may turn out to belong to the terminator.
  const std::size_t cr = !unfinished.empty() && unfinished.back() == '\r' ? 1 : 0;
  return unfinished.size() - cr > line_bytes_max_;
}

void line_framer::expect_blob(std::size_t n) {
  mode_ = mode::blob;
  missing_ = n;
  blob_.clear();
}

void line_framer::expect_skip(std::size_t n) {
  mode_ = mode::skip;
  missing_ = n;
}

std::string line_framer::take_blob() {
  return std::exchange(blob_, std::string());
}

void line_framer::shed() {
  std::string(carried()).swap(carry_);  // assigning a short one would keep the old buffer
  scanned_ -= carry_at_;
  carry_at_ = 0;
}

void line_framer::settle() {
  absorb(fresh_.size());
}

void line_framer::clear() {
  fresh_ = {};
  free_memory(carry_);
  free_memory(blob_);
  carry_at_ = scanned_ = missing_ = 0;
  mode_ = mode::lines;
}

std::size_t line_framer::held_bytes() const {
  return heap_bytes(carry_) + heap_bytes(blob_);
}

void line_framer::absorb(std::size_t n) {
  if (n == 0) return;
  // At most once per read: bytes are only fed when no whole frame is left in carry_.
  carry_.erase(0, carry_at_);
  scanned_ -= carry_at_;
  carry_at_ = 0;
  carry_.append(fresh_.substr(0, n));
  fresh_.remove_prefix(n);
}

void line_framer::release_carry() {
  if (carry_at_ != carry_.size()) return;
  if (carry_.capacity() > carry_keep_max)
    free_memory(carry_);
  else
    carry_.clear();
  carry_at_ = scanned_ = 0;
}

}  // namespace atlas::net
