"""Checkpoints in published quantised formats load and answer as the values that they stand for.

tools/formats/ makes small checkpoints of both families in every format, and dequantises them by readers
of its own. For each of them: every tensor's values are equal to the bit (tests/formats/compare_tensors),
the model in f32 gives the same logits, and as it is loaded by default (its own codes kept, inputs not
rounded) nearly the same.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from program import PICTURE, SOURCE, visavis_json

try:
    import numpy  # noqa: F401
except ModuleNotFoundError:
    # Debian's package is for Debian's own Python.
    if sys.executable == "/usr/bin/python3":
        sys.exit("this test needs Debian's package python3-numpy (./dev test installs it)")
    os.execv("/usr/bin/python3", ["/usr/bin/python3", "-B", *sys.argv])

sys.path.insert(0, str(SOURCE / "tools" / "formats"))
import make_checkpoints  # noqa: E402

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
]


def logits(folder, *options):
    # Only GGUF changes the tower.
    picture = ["-i", PICTURE] if "mmproj-demo.gguf" in os.listdir(folder.parent / "packed") else []
    scored = visavis_json(
        "score", folder, *picture, "-p", "What is this?", "--top", "20", "--device", "cpu",
        "--no-cache", *options,
    )  # fmt: skip
    return {entry["id"]: entry["logit"] for entry in scored["top"]}, scored["top"]


class FormatsStandForTheirValues(unittest.TestCase):
    pass


def make_test(format_name, family, layout):
    def test(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder)
            make_checkpoints.make(MODELS[family], format_name, out)
            compared = subprocess.run(
                [COMPARE, out / "packed", out / "plain"], capture_output=True, text=True, check=False
            )
            self.assertEqual(compared.returncode, 0, compared.stdout + compared.stderr)

            wanted, _ = logits(out / "plain", "--weights", "f32")
            found, _ = logits(out / "packed", "--weights", "f32")
            self.assertEqual(found, wanted)

            inspected = visavis_json("inspect", out / "packed", "--tensors", "--device", "cpu")
            linears = [t for t in inspected["tensors"] if "_proj.weight" in t["name"] and t["part"] == "text"]
            self.assertEqual(" ".join(sorted({t["layout"] for t in linears})), layout)
            kept = all(t["kept"] for t in linears)
            self.assertEqual(kept, "fp8" not in format_name and format_name != "gguf-f16")
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
