#!/usr/bin/env bash
# Installs what is missing and runs clang-tidy. Usage: scripts/tidy.sh [file.cpp ...]
# Without files: over all sources, which takes an hour on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/packages.sh --tidy
# Precompiled headers of one compiler are of no use to the other.
cmake --preset clang -B build/tidy -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DATLAS_UNITY=OFF >/dev/null
if [ $# -eq 0 ]; then
  mapfile -t files < <(git ls-files '*.cpp')
else
  files=("$@")
fi
printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$(nproc)" clang-tidy-14 -p build/tidy --quiet
