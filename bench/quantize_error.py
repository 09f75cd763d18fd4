#!/usr/bin/python3
"""What visavis quantize and GGUF's types lose on matrices of full size, at what bits per weight.

    cmake --build build/release --target quantize_error
    bench/quantize_error.py build/release/bench/quantize_error

The matrices are random with the statistics that those of real models show: heavy tails (Student's t with five
degrees of freedom), rows and columns of different size (log-normal, sigma 0.3), inputs with channels of very
different size (log-normal, sigma 0.6; one in 200 of them 10 to 40 times larger), correlated through 64 directions.
Calibration (512 rows) and test inputs (256) are drawn apart. Errors are root mean squares in parts of the exact
values': of the weights, and of the outputs for the test inputs. Needs Debian's python3-numpy.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools/formats"))
import gguf_search  # noqa: E402
import store  # noqa: E402

# Name: outputs, inputs. Rows are quantised one by one, so that a part of them tells as much as all.
LAYERS = {"1024 rows of 4096 x 4096": (1024, 4096), "512 rows of 4096 x 12288": (512, 12288)}


def layer(rng, rows, cols):
    weight = rng.standard_t(5, (rows, cols)) * np.exp(0.3 * rng.standard_normal((rows, 1)))
    return (weight * np.exp(0.3 * rng.standard_normal(cols)) * 0.02).astype(np.float32)


def inputs(rng, cols, counts):
    size = np.exp(0.6 * rng.standard_normal(cols))
    outliers = rng.choice(cols, cols // 200, replace=False)
    size[outliers] *= rng.uniform(10, 40, len(outliers))
    directions = rng.standard_normal((64, cols)) / 8
    for count in counts:
        common = rng.standard_normal((count, 64)) @ directions
        yield ((0.7 * rng.standard_normal((count, cols)) + 0.7 * common) * size).astype(np.float32)


def of_gguf(weight, test):
    exact = np.linalg.norm(test @ weight.T)
    for kind, bits in gguf_search.BITS.items():
        off = gguf_search.back(weight, kind) - weight
        yield {"method": f"GGUF {kind}", "bits": bits,
               "weight_error": float(np.linalg.norm(off) / np.linalg.norm(weight)),
               "output_error": float(np.linalg.norm(test @ off.T) / exact)}  # fmt: skip


def main(program):
    table = {}
    for number, (name, (rows, cols)) in enumerate(LAYERS.items()):
        rng = np.random.default_rng(number)
        weight = layer(rng, rows, cols)
        calibration, test = inputs(rng, cols, (512, 256))
        with tempfile.TemporaryDirectory() as folder:
            tensors = {"norm.weight": np.ones(cols, np.float32), "layer.weight": weight,
                       "calibration": calibration, "test": test}  # fmt: skip
            store.write(f"{folder}/model.safetensors", {key: ("F32", value) for key, value in tensors.items()})
            ours = json.loads(subprocess.run([program, folder], capture_output=True, check=True).stdout)
        for row in [*ours, *of_gguf(weight, test)]:
            table.setdefault((row["bits"], row["method"]), []).extend([row["weight_error"], row["output_error"]])
    columns = [f"{name}: {error}" for name in LAYERS for error in ("weights", "outputs")]
    print("| bits per weight | method | " + " | ".join(columns) + " |\n|---|---|" + "---|" * len(columns))
    for (bits, method), errors in sorted(table.items()):
        print(f"| {bits:.3f} | {method} | " + " | ".join(f"{100 * error:.2f} %" for error in errors) + " |")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
