#!/usr/bin/env python3
"""Published quantised formats at the layer sizes of real models, on the CPU or on a card.

    python3 bench/full_size_formats.py --program build/release/src/visavis \\
        --maker build/release/bench/random_checkpoint --compare build/release/tests/compare_tensors \\
        [--shape NAME ...] [--format NAME ...] [--device cpu|cuda] [--work FOLDER]

For each shape a checkpoint with random weights and three text layers of the true sizes is written, and from it one in
each format by tools/formats, beside the values that it stands for. Each line then says how many tensors are in codes
and whether all values are equal to the bit (compare_tensors), how far the engine's logits are from those of the plain
values, both in f32 (0 wanted), how far with the codes as they are held by default on the device, inputs not rounded
(a few hundredths of a standard deviation is the rounding of scales, tower and head), and how long loading took.
Distances are root mean squares over the 200 likeliest tokens, in standard deviations of those. Needs 12 GB of disk
and 16 GB of memory; without --format all formats are taken. Ends with 1 if something differs.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools" / "formats"))
import make_checkpoints  # noqa: E402
import make_gguf  # noqa: E402

SHAPES = ("qwen3-vl-8b", "llava-1.5-7b")
FORMATS = [*make_checkpoints.FORMATS, *make_gguf.RECIPES, "pytorch"]
CLOSE = 0.05
make_checkpoints.LAYERS = 3  # Qwen3-VL's towers tap into as many


def run(command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    if done.returncode not in (0, 1):
        sys.exit(f"{command[0]}: exit {done.returncode}: {done.stderr.strip()}")
    return done


def logits(arguments, folder, device, *options):
    begin = time.monotonic()
    done = run([arguments.program, "score", folder, "-p", "What is shown here, and what is beside it?", "--top", "200",
                "--device", device, "--ctx", "512", "--no-cache", "--json", *options])  # fmt: skip
    if done.returncode != 0:
        sys.exit(f"{folder}: {done.stderr.strip()}")
    top = json.loads(done.stdout)["top"]
    return {entry["id"]: entry["logit"] for entry in top}, time.monotonic() - begin


def distance(found, wanted):
    both = [token for token in wanted if token in found]
    exact = np.array([wanted[token] for token in both])
    off = np.array([found[token] for token in both]) - exact
    missing = len(wanted) - len(both)
    return (np.inf if len(both) < len(wanted) / 2 else np.sqrt(np.mean(off**2)) / exact.std()), missing


def check(arguments, model, format_name, out):
    """Prints the line of one format; whether all is well."""
    make_checkpoints.make(model, format_name, out)
    compared = run([arguments.compare, out / "packed", out / "plain"])
    wanted, _ = logits(arguments, out / "plain", "cpu", "--weights", "f32")
    exact, _ = logits(arguments, out / "packed", "cpu", "--weights", "f32")
    held, seconds = logits(arguments, out / "packed", arguments.device, "--activations", "f32")
    kept = format_name not in ("gguf-f16", "pytorch") and "fp8" not in format_name
    if arguments.device != "cpu" and format_name.startswith(("gguf-q4_k", "gguf-q5", "gguf-q6")):
        kept = False  # blocks that cards take in 8 bits
    in_f32, _ = distance(exact, wanted)
    by_default, missing = distance(held, wanted)
    verdict = compared.stdout.strip().splitlines()[-1]
    good = compared.returncode == 0 and in_f32 == 0 and (by_default <= CLOSE or not kept)
    print(f"{model.name:14} {format_name:16} {verdict}; f32 {in_f32:.4f}, {arguments.device} {by_default:.4f} "
          f"({missing} of 200 others){'' if kept else ', requantised'}, {seconds:.1f} s"
          f"{'' if good else '  DIFFERS'}", flush=True)  # fmt: skip
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, type=pathlib.Path)
    parser.add_argument("--maker", required=True, type=pathlib.Path)
    parser.add_argument("--compare", required=True, type=pathlib.Path)
    parser.add_argument("--shape", nargs="+", default=SHAPES)
    parser.add_argument("--format", nargs="+", default=FORMATS, choices=FORMATS)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--work", type=pathlib.Path, help="where the checkpoints are made (the temporary folder)")
    arguments = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
        for shape in arguments.shape:
            model = pathlib.Path(folder) / shape
            made = run([arguments.maker, model, "--shape", shape, "--layers", make_checkpoints.LAYERS])
            if made.returncode != 0:
                sys.exit(made.stderr.strip())
            for format_name in arguments.format:
                out = pathlib.Path(folder) / format_name
                good &= check(arguments, model, format_name, out)
                shutil.rmtree(out)
            shutil.rmtree(model)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
