#!/bin/sh
# run.sh BUILD_DIR: compiles the engine's operations for ARM and runs their tests in an emulator.
# Exits with 77 (skipped) where the cross compiler, the emulator or GoogleTest's sources are missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$1
compiler=aarch64-linux-gnu-g++
emulator=qemu-aarch64

skip() {
  echo "SKIPPED: the NEON kernels were not tested: $*"
  exit 77
}
command -v $compiler >/dev/null || skip "no $compiler (Debian package g++-aarch64-linux-gnu)"
command -v $emulator >/dev/null || skip "no $emulator (Debian package qemu-user)"
test -d /usr/src/googletest || skip "no /usr/src/googletest (Debian package googletest)"

launcher=$(command -v ccache || true)
cmake -S "$here" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_CXX_COMPILER=$compiler \
  -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher" -DCMAKE_CXX_FLAGS_RELEASE="-O2" -DVISAVIS_WERROR=ON
cmake --build "$build" -j2 --target engine_ops_test

# on CPU [TEST ARGUMENTS]
on() {
  cpu=$1
  shift
  $emulator -cpu "$cpu" -L /usr/aarch64-linux-gnu "$build/engine_ops_test" "$@"
}

# VISAVIS_KERNEL makes the tests fail, not pass without it, where the kernel cannot run.
VISAVIS_KERNEL=neon_dot on max --gtest_filter='InterleavedLinear.*'
on max --gtest_filter='KernelTables.*'

# A CPU without the dot products chooses the plain reference and refuses the other.
on cortex-a53 --gtest_filter='KernelTables.*'
refusal=$(VISAVIS_KERNEL=neon_dot on cortex-a53 --gtest_filter='InterleavedLinear.*' 2>&1) && {
  echo "a CPU without dot products ran the neon_dot kernel"
  exit 1
}
echo "$refusal" | grep -q "this CPU cannot run the 'neon_dot' kernels"
