#!/usr/bin/env bash
# Installs what is missing, builds and passes the tests. Usage: scripts/test.sh [preset]
# Formatting is checked first; then everything runs through ctest, in parallel.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
scripts/packages.sh --test
git ls-files -z '*.cpp' '*.hpp' | xargs -0 clang-format-14 --dry-run --Werror
scripts/build.sh "$preset"
# System tests mostly wait for nodes: one more than there are cores keeps these busy.
ctest --test-dir "build/$preset" --output-on-failure --timeout 600 -j "$(($(nproc) + 1))"
