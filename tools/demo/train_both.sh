#!/bin/bash
# Train both demo models side by side on one GPU and collect what must be kept.
#
#   train_both.sh ATLAS SUITE OUT SECONDS [FRESH]
#
# Training of each model ends SECONDS after its start; measuring takes about a minute more. OUT receives
# each model's weights (safetensors) and one archive with its other files, report and log.
set -u
here=$(cd "$(dirname "$0")" && pwd)
atlas=$(realpath "$1") suite=$(realpath "$2") out=$3 seconds=$4 fresh=${5:-96}
work=$(mktemp -d)
export PYTHONUNBUFFERED=1 TOKENIZERS_PARALLELISM=false PYTHONDONTWRITEBYTECODE=1
cd "$here" || exit 1
python3 tokenizer_training.py "$work/tokenizers" || exit 1

collect() {
  [ -d "$work/$1/model" ] || return 0
  mkdir -p "$out/$1"
  cp "$work/$1"/model/*.safetensors "$out/$1/"
  tar -C "$work/$1" --exclude='*.safetensors' -czf "$out/$1/rest.tgz" .
}

train_one() {
  mkdir -p "$work/$1"
  python3 train.py "$1" --atlas "$atlas" --tokenizers "$work/tokenizers" --out "$work/$1" --suite "$suite" \
    --seconds "$seconds" --fresh "$fresh" --singles "$2" --pairs "$3" >"$work/$1/log" 2>&1
}

train_one qwen3-vl 192 48 &
train_one llava 144 40 &
while [ -n "$(jobs -r)" ]; do  # what is on disk survives if the time runs out
  sleep 10
  collect qwen3-vl
  collect llava
  jobs >/dev/null
done
collect qwen3-vl
collect llava
for family in qwen3-vl llava; do
  echo "== $family"
  cut -c1-1500 "$work/$family/log" | grep -v -i warn
done
