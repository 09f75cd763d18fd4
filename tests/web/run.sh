#!/bin/sh
# The page's tests: `run.sh build` checks types and that web/dist is what its sources give; any other
# name runs NAME_test.mjs in Chromium. Exit code 77 and a line if this machine lacks what it needs
# (./dev test installs it).
set -eu
cd "$(dirname "$0")"
skip() {
  echo "skipped: $*"
  exit 77
}
command -v node >/dev/null 2>&1 || skip "found no node"
if [ "$1" = build ]; then
  [ -d ../../web/node_modules ] || skip "found no web/node_modules (npm ci --prefix web)"
  cd ../../web
  node build.mjs --check
  exec npx --no-install svelte-check --tsconfig ./tsconfig.json --fail-on-warnings
fi
[ -d node_modules ] || skip "found no tests/web/node_modules (npm ci --prefix tests/web)"
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || skip "found no /usr/bin/chromium"
exec node --test "$1_test.mjs"
