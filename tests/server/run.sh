#!/bin/sh
# Runs the tests of this folder with Node (18 or later); the clients come with
# `npm ci --prefix tests/server`, as ./dev test does it.
set -eu
cd "$(dirname "$0")"
command -v node >/dev/null 2>&1 || { echo "skipped: there is no node"; exit 77; }
[ -d node_modules/openai ] || { echo "skipped: npm ci --prefix tests/server is missing"; exit 77; }
exec node --test .
