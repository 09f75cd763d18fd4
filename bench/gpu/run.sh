#!/bin/sh
# Checks and times the CUDA backend on a machine with a card, in one call:
#
#   bench/gpu/run.sh PACKED.sh OUT [STEP...]
#
# PACKED.sh comes from bench/gpu/pack.sh (programs visavis, engine_ops_test, engine_generate_test and
# random_checkpoint). What is printed also lands in OUT, a folder, with the JSON of every measurement.
#
#   tests         the operations against double, the goldens of the oracle, batches
#   sanitizer     compute-sanitizer's memcheck and racecheck over the operations (slow)
#   demo          the two demo models: the same answers on the card and on the CPU
#   both          both published shapes resident on one card under a budget; their peaks
#   speed         visavis bench of both published shapes
#   transformers  transformers on the same shapes, then the table of ratios
#
# Without steps: tests demo both speed transformers. A step that fails is named at the end; exit code 1.
set -u
[ $# -ge 2 ] || { sed -n '2,/^set/p' "$0" | grep '^#' >&2; exit 2; }
packed=$1
out=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"
failed=

run() { sh "$packed" "$@"; }

# Runs a step's commands with their output on the screen and in a file of their own.
step() {
  name=$1
  shift
  echo "== $name"
  { "$@" 2>&1; echo $? >"$out/.status"; } | tee "$out/$name.txt"
  [ "$(cat "$out/.status")" = 0 ] || failed="$failed $name"
}

tests() {
  run engine_ops_test --gtest_brief=1 &&
    VISAVIS_TEST_DEVICE=cuda run engine_generate_test --gtest_brief=1
}

sanitizer() {
  for tool in memcheck racecheck; do
    UNDER="compute-sanitizer --tool $tool --error-exitcode 9" run engine_ops_test --gtest_brief=1 ||
      return 1
  done
}

# The demo comparison on both devices.
demo() {
  for device in cpu cuda; do
    run visavis compare demo-qwen3-vl demo-llava --suite suites/demo --device "$device" \
      --out "$out/demo-$device" >/dev/null || return 1
  done
  python3 "$here/same_answers.py" "$out/demo-cpu/answers.jsonl" "$out/demo-cuda/answers.jsonl"
}

# Noise as answers; compare ends with 3, since it is told to stop after a few questions.
both() {
  for shape in qwen3-vl-8b llava-1.5-7b; do
    run random_checkpoint "$out/config/$shape" --shape "$shape" --light || return 1
  done
  run visavis compare "$out/config/qwen3-vl-8b" "$out/config/llava-1.5-7b" --suite suites/demo \
    --limit 3 --warmup 1 --max-tokens 8 --device cuda --vram-budget 15GB --ctx 2048 --out "$out/both"
  [ $? -eq 3 ] && grep 'measured peak' "$out/both/report.md"
}

# shape, prompt tokens, picture side, context of generation
speed_of() {
  run visavis bench --shape "$1" --device cuda --json --only prompt,generation,vision --prompt "$2" \
    --pictures "$3" --context "0,$4" --batch 1,4 --tokens 64 --repeat 5 >"$out/$1.json"
}

speed() {
  speed_of qwen3-vl-8b 1061 1024 1100 && speed_of llava-1.5-7b 611 336 700 &&
    python3 "$here/table.py" "$out/qwen3-vl-8b.json" "$out/llava-1.5-7b.json"
}

transformers() {
  for shape in qwen3-vl-8b llava-1.5-7b; do
    run random_checkpoint "$out/config/$shape" --shape "$shape" --light || return 1
  done
  python3 "$here/transformers_speed.py" "$out/config/qwen3-vl-8b" "$out/config/llava-1.5-7b" \
    --out "$out/transformers.json" &&
    python3 "$here/table.py" "$out/qwen3-vl-8b.json" "$out/llava-1.5-7b.json" \
      --beside "$out/transformers.json"
}

for name in ${*:-tests demo both speed transformers}; do
  case "$name" in
    tests | sanitizer | demo | both | speed | transformers) step "$name" "$name" ;;
    *)
      echo "run.sh: no step '$name'" >&2
      exit 2
      ;;
  esac
done
rm -f "$out/.status"
[ -z "$failed" ] || { echo "FAILED:$failed"; exit 1; }
echo "every step passed"
