#!/usr/bin/env bash
# Installs what is missing and builds one preset. Usage: scripts/build.sh [release|debug|clang|asan|tsan]
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
scripts/packages.sh
[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset"
