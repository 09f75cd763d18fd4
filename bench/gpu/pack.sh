#!/bin/sh
# Packs programs of a CUDA build for a machine that has a card, but none of the libraries that the
# programs were built with.
#
#   bench/gpu/pack.sh OUT.sh [PRESET [PROGRAM...]]
#
# writes OUT.sh: one file that unpacks itself to /tmp (once) and runs what it is given from the
# current folder, with the packed libraries:
#
#   sh OUT.sh visavis run models/demo/llava --device cuda -i desk.jpg -p "What is this?"
#   UNDER="compute-sanitizer --tool racecheck" sh OUT.sh engine_ops_test --gtest_filter='Linear.*'
#
# PRESET: cuda-90 unless given. PROGRAM: visavis, engine_ops_test and engine_generate_test unless
# given; names below src, bench or tests of build/PRESET. They are stripped. Not packed are the C
# and C++ libraries (the other machine's must be as new as this one's) and cuBLAS (it is large): found
# in /usr/local/cuda/lib64 or beside python3's torch. Run OUT.sh at the root of a source tree: where
# the tree that the programs were built from is missing, a link with its path is made to the current
# folder, since tests read models and pictures below it; the demo models' weights and the goldens are
# unpacked to where the build unpacks them (cmake/archives.cmake).
set -eu
[ $# -ge 1 ] || { sed -n '2,/^set/p' "$0" | grep '^#' >&2; exit 2; }
out=$1
preset=${2:-cuda-90}
shift "$(($# < 2 ? $# : 2))"
root=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -gt 0 ] || set -- visavis engine_ops_test engine_generate_test

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir "$stage/bin" "$stage/lib"
for name in "$@"; do
  program=
  for folder in src bench tests; do
    [ ! -x "$root/build/$preset/$folder/$name" ] || program=$root/build/$preset/$folder/$name
  done
  [ -n "$program" ] || { echo "pack: build/$preset has no program '$name'" >&2; exit 1; }
  strip -o "$stage/bin/$name" "$program"
  ldd "$program" | awk '/=> \// { print $3 }' |
    grep -Ev '/(libc|libm|libdl|librt|libpthread|libstdc\+\+|libgcc_s|libcuda|libcublas[A-Za-z]*)\.so' |
    while read -r library; do cp -Lu "$library" "$stage/lib/"; done
done

mkdir -p "$(dirname "$out")"
key=$(cd "$stage" && find . -type f | LC_ALL=C sort | xargs cat | cksum | cut -d' ' -f1)
cat >"$out" <<SCRIPT
#!/bin/sh
# Made by bench/gpu/pack.sh of visavis: sh $(basename "$out") PROGRAM [ARGUMENT...]
set -eu
home=/tmp/visavis-$preset-$key
if [ ! -d "\$home" ]; then
  mkdir -p "\$home.\$\$"
  sed '1,/^__ARCHIVE__\$/d' "\$0" | tar -xJ -C "\$home.\$\$"
  mv "\$home.\$\$" "\$home"
fi
[ -e "$root" ] || { mkdir -p "$(dirname "$root")" && ln -s "\$PWD" "$root"; }
export LD_LIBRARY_PATH="\$home/lib:/usr/local/cuda/lib64:\${LD_LIBRARY_PATH:-}"
unpack() {
  wanted=\$(cd "\$1" && LC_ALL=C sha256sum *.tar.xz)
  [ "\$wanted" != "\$(cat "\$3" 2>/dev/null)" ] || return 0
  mkdir -p "\$2"
  for archive in "\$1"/*.tar.xz; do tar -xJf "\$archive" -C "\$2"; done
  echo "\$wanted" >"\$3"
}
demo="$root/models/demo"
goldens="$root/build/$preset/goldens"
unpack "\$demo" "\$demo" "\$demo/unpacked"
case "\$1" in
  *_test) unpack "$root/tests/data/goldens" "\$goldens" "\$goldens/stamp" ;;
esac
for folder in /opt/torch/.venv/lib/python3*/site-packages/nvidia/cu13/lib; do
  [ ! -d "\$folder" ] || LD_LIBRARY_PATH=\$LD_LIBRARY_PATH:\$folder
done
program=\$1
shift
exec \${UNDER:-} "\$home/bin/\$program" "\$@"
__ARCHIVE__
SCRIPT
tar -C "$stage" -cJf - bin lib >>"$out"
chmod +x "$out"
ls -l "$out" >&2
