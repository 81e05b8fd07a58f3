// Always-on checks of what must be true. A failed check is broken code, never bad input: the
// process prints what it knows and stops, because nothing it says afterwards could be trusted.
#pragma once

namespace atlas::core {

/// Prints `expression`, place and `detail` to standard error and aborts. Never returns.
[[noreturn]] void check_failed(const char* expression, const char* file, int line,
                               const char* detail);

/// Sees a failed check before the process ends; it may throw instead, if whoever installed it can
/// throw the broken world away and go on (the simulator does).
using check_witness = void (*)(const char* expression, const char* file, int line,
                               const char* detail);
/// Installs a witness and returns the one before; null (the default) is none. Not for several
/// threads.
check_witness set_check_witness(check_witness next);

}  // namespace atlas::core

/// Stops the process if `cond` is false; on in release builds too. `detail` is a string literal
/// that says which rule is broken.
#define ATLAS_CHECK(cond, detail) \
  ((cond) ? static_cast<void>(0) : ::atlas::core::check_failed(#cond, __FILE__, __LINE__, (detail)))
