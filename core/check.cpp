#include "core/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace atlas::core {

void check_failed(const char* expression, const char* file, int line, const char* detail) {
  std::fprintf(stderr, "ATLAS_CHECK failed: %s (%s) at %s:%d\n", detail, expression, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace atlas::core
