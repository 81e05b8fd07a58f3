#!/usr/bin/env bash
# The main job in one command: installs what is missing, builds, starts one node on a data directory of
# its own, plays a sample session on it, kills it, restarts it and shows that nothing is lost.
# Usage: scripts/run.sh [--keep]   (--keep: leave the node running and print how to talk to it)
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh release
bin=$PWD/build/release/bin
dir=$(mktemp -d /tmp/atlas-run.XXXXXX)
node=

cleanup() {
  [ -n "$node" ] && kill "$node" 2>/dev/null && wait "$node" 2>/dev/null
  rm -rf "$dir"
}
trap cleanup EXIT

start() {
  rm -f "$dir/socket"  # of a node that was killed
  "$bin/atlas-node" --config configs/single-node.yaml --set "db_path=$dir/data" \
    --set "socket=$dir/socket" --set "advertise=localhost:${ATLAS_PORT:-4460}" \
    >>"$dir/log" 2>&1 &
  node=$!
  for _ in $(seq 200); do
    [ -S "$dir/socket" ] && return 0
    kill -0 "$node" 2>/dev/null || break
    sleep 0.05
  done
  cat "$dir/log" >&2
  echo "the node did not start; its log is above" >&2
  exit 1
}
say() {
  echo "> $1"
  "$bin/atlas-console" "$dir/socket" -c "$1"
}

echo "== a node starts"
start
say "KEY PUT sample.row hello world"
say "KEY GET sample.row"
say "QUORUM INFO atlas.nodes"
say "TABLE LIST"
echo "== kill -9, and again from the same disk"
{ kill -9 "$node" && wait "$node"; } 2>/dev/null || true
start
say "KEY GET sample.row"
if [ "${1:-}" = "--keep" ]; then
  echo "== the node keeps running; talk to it with"
  echo "   $bin/atlas-console $dir/socket"
  echo "   (stop: ctrl-c; its data goes with it)"
  wait "$node"
fi
echo "== done"
