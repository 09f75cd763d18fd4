#!/bin/sh
# A random checkpoint of a small shape must load and answer like any other.
# usage: random_checkpoint.sh RANDOM_CHECKPOINT VISAVIS SHAPE PICTURE
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$1" "$folder" --shape "$3"
"$2" inspect "$folder" --json >/dev/null
"$2" run "$folder" --weights int4 -i "$4" -p "What is this?" --max-tokens 3 --json |
  grep -q '"finish"'
