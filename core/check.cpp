#include "core/check.hpp"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace atlas::core {
namespace {

check_witness witness = nullptr;

}  // namespace

check_witness set_check_witness(check_witness next) {
  return std::exchange(witness, next);
}

void check_failed(const char* expression, const char* file, int line, const char* detail) {
  if (witness) witness(expression, file, line, detail);
  std::fprintf(stderr, "ATLAS_CHECK failed: %s (%s) at %s:%d\n", detail, expression, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace atlas::core
