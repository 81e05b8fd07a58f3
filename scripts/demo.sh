#!/usr/bin/env bash
# Three zones on one machine, as far apart as Virginia, Ireland and Mumbai: configs/three-zones delays
# every message between the nodes. Shows who pays which round trip, kills the owner of a table with
# SIGKILL, goes on without it, and lets it come back. Cleans up behind itself.
# Usage: scripts/demo.sh
#   ATLAS_BIN   where the programs are (default build/release/bin, made by scripts/build.sh)
#   ATLAS_PORT  first of three free ports (default 4461)
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
bin=${ATLAS_BIN:-$PWD/build/release/bin}
port=${ATLAS_PORT:-4461}
for program in atlas-node atlas-console; do
  [ -x "$bin/$program" ] && continue
  echo "$bin/$program is missing; run scripts/build.sh first" >&2
  exit 1
done

zones=(us eu ap)
declare -A ports=([us]=$port [eu]=$((port + 1)) [ap]=$((port + 2)))
declare -A pids=()
dir=$(mktemp -d "${TMPDIR:-/tmp}/atlas-demo.XXXXXX")

cleanup() {
  for zone in "${!pids[@]}"; do kill "${pids[$zone]}" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

give_up() {
  tail -n 5 "$dir"/*.log >&2
  echo "$1; the ends of the nodes' logs are above" >&2
  exit 1
}

# The example configurations, moved to this run's own directory and ports.
start() {
  local zone=$1 settings=()
  settings=(--set "db_path=$dir/$zone" --set "socket=$dir/$zone.socket"
            --set "advertise=localhost:${ports[$zone]}" --set "listen=127.0.0.1:${ports[$zone]}")
  [ "$zone" = us ] || settings+=(--set "connect=[localhost:${ports[us]}]")
  rm -f "$dir/$zone.socket"  # a killed node leaves it behind, and it must not pass for a live one
  "$bin/atlas-node" --config "configs/three-zones/$zone.yaml" "${settings[@]}" \
    >>"$dir/$zone.log" 2>&1 &
  pids[$zone]=$!
  for _ in $(seq 300); do
    [ -S "$dir/$zone.socket" ] && return 0
    kill -0 "${pids[$zone]}" 2>/dev/null || break
    sleep 0.1
  done
  give_up "node $zone did not start"
}

console() { "$bin/atlas-console" "$dir/$1.socket" -c "$2"; }

# Asks one zone and shows the answer with the time it took, start of the console included.
ask() {
  local zone=$1 command=$2 begin=$EPOCHREALTIME reply
  reply=$(console "$zone" "$command" | paste -sd' ')
  local us=$((${EPOCHREALTIME/./} - ${begin/./}))
  printf '  %s> %-32s %-22s %6d ms\n' "$zone" "$command" "$reply" $((us / 1000))
}

# Waits until a question to a zone has an answer that matches.
until_says() {
  local zone=$1 command=$2 pattern=$3
  for _ in $(seq 300); do
    if console "$zone" "$command" 2>/dev/null | grep -qE "$pattern"; then return 0; fi
    sleep 0.1
  done
  give_up "zone $zone did not answer $command with $pattern"
}

echo "== three nodes, one zone each"
for zone in "${zones[@]}"; do start "$zone"; done
# Each node that joins gets its vote by a logged change of configuration.
for zone in "${zones[@]}"; do
  until_says "$zone" "TABLE INFO atlas.nodes" 'owner=[1-3] .*acceptors=.*,.*,'
  for node in 1 2 3; do until_says "$zone" "NODE INFO $node" 'status=ACTIVE'; done
done
console eu "NODE LIST" | sed 's/^/  eu> /'

echo "== the first write makes the table where it happens: eu owns it"
ask eu "KEY PUT users.alice hello"
until_says us "TABLE INFO users" 'owner=2 '
console eu "TABLE INFO users" | sed -n 's/^/  eu> /; 1p'

echo "== a write needs two of three zones: the owner and the zone nearest to it"
for zone in eu us ap; do
  ask "$zone" "KEY PUT users.$zone written-in-$zone"
  ask "$zone" "KEY GET users.alice"
done

echo "== kill -9 the owner; the next request waits until another zone has taken the table over"
{ kill -9 "${pids[eu]}" && wait "${pids[eu]}"; } 2>/dev/null || true  # without the shell's own "Killed"
unset 'pids[eu]'
ask us "KEY PUT users.alice still-here"
console us "TABLE INFO users" | sed -n 's/^/  us> /; 1p'
for zone in us ap; do
  ask "$zone" "KEY GET users.alice"
  ask "$zone" "KEY GET users.eu"
done

echo "== the killed node comes back from its own disk and catches up"
start eu
until_says us "NODE INFO 2" 'status=ACTIVE'
ask eu "KEY GET users.alice"
console eu "SCAN users." | sed 's/^/  eu> /'
echo "== done"
