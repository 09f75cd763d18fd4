"""Checkpoints in published quantised formats load and answer as the values that they stand for.

tools/formats/ makes small checkpoints of both families in every format, and dequantises them by readers
of its own. For each of them: every tensor's values are equal to the bit (tests/formats/compare_tensors),
the model in f32 gives the same logits, and as it is loaded by default (its own codes kept, inputs not
rounded) nearly the same.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from program import PICTURE, SOURCE, visavis, visavis_json

try:
    import numpy as np
except ModuleNotFoundError:
    # Debian's package is for Debian's own Python.
    if sys.executable == "/usr/bin/python3":
        sys.exit("this test needs Debian's package python3-numpy (./dev test installs it)")
    os.execv("/usr/bin/python3", ["/usr/bin/python3", "-B", *sys.argv])

sys.path.insert(0, str(SOURCE / "tools" / "formats"))
import make_checkpoints  # noqa: E402
import store  # noqa: E402

COMPARE = os.environ["VISAVIS_COMPARE_TENSORS"]
MODELS = {"qwen": SOURCE / "models/demo/qwen3-vl", "llava": SOURCE / "models/demo/llava"}

# Format, family, the layout of the decoder's linears as loaded by default.
CASES = [
    ("ct-symmetric", "qwen", "int4 g128 sym"),
    ("ct-symmetric", "llava", "int4 g128 sym"),
    ("ct-zero-points", "qwen", "int4 g32 zero u4"),
    ("ct-act-order", "llava", "int4 g128 sym permuted"),
    ("ct-w8a16", "qwen", "int8 per row"),
    ("ct-int8", "llava", "int8 per row"),
    ("ct-fp8", "qwen", "int4 g128 sym"),
    ("fp8-tensor", "llava", "int4 g128 sym"),
    ("fp8-block", "qwen", "int4 g128 sym"),
    ("awq", "qwen", "int4 g64 zero u4"),
    ("awq", "llava", "int4 g64 zero u4"),
    ("gptq", "llava", "int4 g128 sym"),
    ("gptq-zero-points", "qwen", "int4 g32 zero u4"),
    ("gptq-act-order", "qwen", "int4 g128 zero u4 permuted"),
    ("gptq-act-order", "llava", "int4 g128 zero u4 permuted"),
    ("gptq-v2", "llava", "int4 g64 zero u4"),
    ("gptq-int8", "qwen", "int8 g128"),
    ("nf4", "qwen", "int4 g64 lookup"),
    ("nf4-double", "llava", "int4 g64 lookup"),
    ("gguf-q4_0", "qwen", "int4 g32 sym"),
    ("gguf-q4_0", "llava", "int4 g32 sym"),
    ("gguf-q4_k", "qwen", "q4_k q6_k"),
    ("gguf-q4_k", "llava", "q4_k q6_k"),
    ("gguf-q5_k", "llava", "q4_1 q5_k"),
    ("gguf-q8_0", "qwen", "int8 g32"),
    ("gguf-f16", "llava", "int4 g128 sym"),
    ("pytorch", "qwen", "int4 g128 sym"),
    ("pytorch", "llava", "int4 g128 sym"),
]
PLAIN = ("gguf-f16", "pytorch")


def logits(folder, *options):
    # Only GGUF changes the tower.
    picture = ["-i", PICTURE] if list((folder.parent / "packed").glob("mmproj*")) else []
    scored = visavis_json(
        "score", folder, *picture, "-p", "What is this?", "--top", "20", "--device", "cpu",
        "--no-cache", *options,
    )  # fmt: skip
    return {entry["id"]: entry["logit"] for entry in scored["top"]}, scored["top"]


class FormatsStandForTheirValues(unittest.TestCase):
    pass


class QuantizeWritesWhatOthersRead(unittest.TestCase):
    """visavis quantize, read back by the engine and by the Python reader of the format."""

    def check(self, model):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "packed"
            plain = pathlib.Path(folder) / "plain"
            report = visavis_json("quantize", model, "-o", out)
            self.assertEqual(len(report["tensors"]), 4 * 7)
            self.assertEqual(report["kept"], [])
            config = json.loads((out / "config.json").read_text())["quantization_config"]
            group = config["config_groups"]["group_0"]
            self.assertEqual((config["quant_method"], config["format"]), ("compressed-tensors", "pack-quantized"))
            self.assertEqual(group["targets"], ["Linear"])
            wanted = {"num_bits": 4, "type": "int", "symmetric": True, "strategy": "group", "group_size": 128}
            self.assertEqual(group["weights"], group["weights"] | wanted)

            make_checkpoints.dequantised(out, plain)
            compared = subprocess.run([COMPARE, out, plain], capture_output=True, text=True, check=False)
            self.assertEqual(compared.returncode, 0, compared.stdout + compared.stderr)
            self.assertIn("28 tensors in codes, 0 differ", compared.stdout)
            wanted, _ = logits(plain, "--weights", "f32")
            found, _ = logits(out, "--weights", "f32")
            self.assertEqual(found, wanted)

            # Every module that keeps its weight is ignored, no other is.
            names = store.read_folder(out)
            for name, (_, array) in names.items():
                module, _, ending = name.rpartition(".")
                ignored = module in config["ignore"]
                if ending == "weight_packed" or (ending == "weight" and array.ndim == 2):
                    self.assertEqual(ignored, ending == "weight", name)

            # The error that is printed is the error.
            source = store.read_folder(model)
            values = store.read_folder(plain)
            squares = differences = 0.0
            for tensor in report["tensors"]:
                exact = store.floats(source[tensor["name"]]).astype(np.float64)
                off = store.floats(values[tensor["name"]]).astype(np.float64) - exact
                squares += (exact**2).sum()
                differences += (off**2).sum()
            self.assertAlmostEqual(report["relative_error"], (differences / squares) ** 0.5, places=9)
            self.assertLess(report["relative_error"], 0.12)

            again = visavis("quantize", model, "-o", out)
            self.assertEqual(again.returncode, 1)
            self.assertIn("not an empty folder", again.stderr)

    def test_qwen(self):
        self.check(MODELS["qwen"])

    def test_llava(self):
        self.check(MODELS["llava"])


def make_test(format_name, family, layout):
    def test(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder)
            make_checkpoints.make(MODELS[family], format_name, out)
            compared = subprocess.run(
                [COMPARE, out / "packed", out / "plain"], capture_output=True, text=True, check=False
            )
            self.assertEqual(compared.returncode, 0, compared.stdout + compared.stderr)
            if format_name not in PLAIN:
                self.assertNotIn("0 tensors in codes", compared.stdout.split(", "))

            wanted, _ = logits(out / "plain", "--weights", "f32")
            found, _ = logits(out / "packed", "--weights", "f32")
            self.assertEqual(found, wanted)

            inspected = visavis_json("inspect", out / "packed", "--tensors", "--loss", "--device", "cpu")
            linears = [t for t in inspected["tensors"] if "_proj.weight" in t["name"] and t["part"] == "text"]
            self.assertEqual(" ".join(sorted({t["layout"] for t in linears})), layout)
            kept = all(t["kept"] for t in linears)
            self.assertEqual(kept, "fp8" not in format_name and format_name not in PLAIN)
            # Scales rounded to f16 move by at most half a step; new codes lose what 4 bits lose.
            losses = [t["relative_error"] for t in linears]
            self.assertLessEqual(max(losses), 2**-12 if kept else 0.12)
            self.assertGreaterEqual(min(losses), 0 if kept else 0.05)
            if kept:
                # The head is int8 by default and the tower bf16, in both.
                wanted, _ = logits(out / "plain", "--weights", "f32", "--vision-weights", "bf16")
                found, top = logits(out / "packed", "--activations", "f32")
                worst = max(abs(logit - wanted[token]) for token, logit in found.items() if token in wanted)
                self.assertLess(worst, 0.04, top)

    return test


for case in CASES:
    name = "test_" + "_".join(case[:2]).replace("-", "_")
    setattr(FormatsStandForTheirValues, name, make_test(*case))


if __name__ == "__main__":
    unittest.main()
