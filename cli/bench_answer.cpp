// The frames of each kind, as sets of bits.
#include "cli/bench_answer.hpp"

#include <array>

namespace atlas::cli {

namespace {

using frame = bench_frame;

constexpr std::uint32_t bit(frame f) {
  return 1u << static_cast<unsigned>(f);
}

struct answer_shape {
  std::uint32_t lines;     // of the request, each with an end of its own
  std::uint32_t required;  // one of these; 0: OK says it all
  std::uint32_t also;      // these may come beside them
};

// In the order of bench_kind.
constexpr std::array<answer_shape, bench_kinds.size()> shapes{{
    {1, bit(frame::value) | bit(frame::not_found), 0},   // get
    {1, 0, 0},                                           // put
    {1, bit(frame::version) | bit(frame::conflict), 0},  // cas
    {1, bit(frame::value), 0},                           // incr
    {4, bit(frame::committed), bit(frame::queued)},      // txn
    {1, bit(frame::keys), bit(frame::more)},             // scan
    {1, bit(frame::count), 0},                           // count
    {1, bit(frame::blob) | bit(frame::empty), 0},        // blob_get
    {1, 0, 0},                                           // blob_set
}};

}  // namespace

bool bench_answer::take(bench_kind kind, const bench_reply& frame) {
  if (frame.what != bench_reply::kind::payload) ++lines;
  if (frame.frame == bench_frame::none) return true;
  const auto& expected = shapes[index_of(kind)];
  const auto came = bit(frame.frame);
  if ((came & (expected.required | expected.also)) == 0) return false;
  if ((came & expected.required) != 0 && (seen & expected.required) != 0) return false;
  seen |= came;
  if (frame.frame != bench_frame::more) number = frame.number;
  return true;
}

bool bench_answer::ended(bench_kind kind) const {
  return lines >= shapes[index_of(kind)].lines;
}

bool bench_answer::fits(bench_kind kind) const {
  const auto required = shapes[index_of(kind)].required;
  return required == 0 || (seen & required) != 0;
}

bool bench_answer::has(bench_frame frame) const {
  return (seen & bit(frame)) != 0;
}

bool bench_answer::miss() const {
  if (has(bench_frame::not_found) || has(bench_frame::empty)) return true;
  return number == 0 && (has(bench_frame::keys) || has(bench_frame::count));
}

bool bench_answer::conflict() const {
  return has(bench_frame::conflict);
}

}  // namespace atlas::cli
