// How the node's memory is managed (jemalloc(3), "TUNING"): what was freed goes back to the system
// after some seconds, by a thread of the allocator's own, also while nobody asks for memory.
#include <jemalloc/jemalloc.h>

#include <cstdio>

namespace {

/// Switched on before `main` and not in `malloc_conf`: there the allocator would start its thread
/// inside the first allocation of all, wherever that is, and its manual warns of deadlocks.
[[maybe_unused]] const bool gives_back_by_itself = [] {
  bool on = true;
  const bool is_on = ::mallctl("background_thread", nullptr, nullptr, &on, sizeof on) == 0;
  if (!is_on) std::fputs("warning: freed memory goes back to the system late\n", stderr);
  return is_on;
}();

}  // namespace
