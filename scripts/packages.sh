#!/usr/bin/env bash
# Installs the Debian packages that Atlas needs and that are missing; says nothing when all are there.
# Usage: scripts/packages.sh [--test|--tidy]   (also what scripts/test.sh or scripts/tidy.sh needs)
set -euo pipefail

build=(g++ cmake ninja-build ccache pkg-config libcaf-dev librocksdb-dev libisal-dev libjemalloc-dev libssl-dev libyaml-cpp-dev
       libboost-program-options-dev libspdlog-dev libfmt-dev nlohmann-json3-dev libreadline-dev
       doctest-dev)
wanted=("${build[@]}")
[ "${1:-}" = "--test" ] && wanted+=(clang-format-14 python3 nodejs)
[ "${1:-}" = "--tidy" ] && wanted+=(clang-14 clang-tidy-14)

missing=()
for p in "${wanted[@]}"; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "install these packages as root: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "installing: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
if ! { "${as_root[@]}" apt-get update -qq &&
       "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1
then
  tail -20 "$log" >&2
  echo "could not install: ${missing[*]}" >&2
  exit 1
fi
