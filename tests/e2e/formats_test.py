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

from program import PICTURE, SOURCE, own_folder, visavis, visavis_json

try:
    import numpy as np
except ModuleNotFoundError:
    # Debian's package is for Debian's own Python.
    if sys.executable == "/usr/bin/python3":
        sys.exit("this test needs Debian's package python3-numpy (./dev test installs it)")
    os.execv("/usr/bin/python3", ["/usr/bin/python3", "-B", *sys.argv])

sys.path.insert(0, str(SOURCE / "tools" / "formats"))
import authors_llava  # noqa: E402
import compressed_config  # noqa: E402
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
    ("gguf-q5_0", "qwen", "int8 g32 q5_1"),
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

    def check(self, model, *options, symmetric=True, group=128, error=0.12, mixed=None, folded=False):
        """mixed: the bits per weight that are asked for; folded: inputs are scaled."""
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "packed"
            plain = pathlib.Path(folder) / "plain"
            report = visavis_json("quantize", model, "-o", out, *options)
            self.assertEqual(len(report["tensors"]), 4 * 7)
            self.assertEqual(report["kept"], [])
            config = json.loads((out / "config.json").read_text())["quantization_config"]
            self.assertEqual(compressed_config.problems(config), [])

            # Of every matrix with codes, the settings say what the codes are; all others are ignored.
            names = store.read_folder(out)
            modules = {}
            bits = weights = 0
            for name, (_, array) in names.items():
                module, _, ending = name.rpartition(".")
                scheme = compressed_config.scheme_of(config, module)
                if ending == "weight" and array.ndim == 2:
                    self.assertIsNone(scheme, name)
                if ending != "weight_packed":
                    continue
                modules[module] = scheme["num_bits"]
                rows, columns = names[f"{module}.weight_shape"][1]
                self.assertEqual(array.shape, (rows, columns * scheme["num_bits"] // 32), name)
                self.assertEqual(names[f"{module}.weight_scale"][1].shape, (rows, columns // group), name)
                self.assertEqual(scheme["group_size"], group)
                self.assertEqual(scheme["symmetric"], symmetric or scheme["num_bits"] == 8)
                zeros = f"{module}.weight_zero_point"
                self.assertEqual(zeros not in names, scheme["symmetric"])
                for part in (name, f"{module}.weight_scale", zeros):
                    bits += names[part][1].nbytes * 8 if part in names else 0
                weights += rows * columns
            self.assertEqual(modules, {t["name"].removesuffix(".weight"): t["bits"] for t in report["tensors"]})
            self.assertAlmostEqual(report["bits_per_weight"], bits / weights)
            wide = {module for module, each in modules.items() if each == 8}
            self.assertEqual(wide == set(), mixed is None)
            if mixed:
                self.assertLessEqual(report["bits_per_weight"], mixed)
                # What other engines hold as one is coded alike, wherever their modules stand.
                for parts in (["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
                              ["mlp.gate_proj", "mlp.up_proj"]):  # fmt: skip
                    for layer in range(4):
                        names = [f"elsewhere.layers.{layer}.{part}" for part in parts]
                        schemes = [compressed_config.scheme_of(config, name) for name in names]
                        self.assertEqual(schemes, [schemes[0]] * len(parts))

            make_checkpoints.dequantised(out, plain)
            compared = subprocess.run([COMPARE, out, plain], capture_output=True, text=True, check=False)
            self.assertEqual(compared.returncode, 0, compared.stdout + compared.stderr)
            self.assertIn("28 tensors in codes, 0 differ", compared.stdout)
            wanted, _ = logits(plain, "--weights", "f32")
            found, _ = logits(out, "--weights", "f32")
            self.assertEqual(found, wanted)
            inspected = visavis_json("inspect", out, "--tensors", "--device", "cpu")
            linears = [t for t in inspected["tensors"] if "_proj.weight" in t["name"] and t["part"] == "text"]
            self.assertTrue(all(t["kept"] for t in linears))

            source = store.read_folder(model)
            values = store.read_folder(plain)
            if folded:
                self.check_folded(source, values, report)
                return
            # The error that is printed is the error.
            squares = differences = 0.0
            for tensor in report["tensors"]:
                exact = store.floats(source[tensor["name"]]).astype(np.float64)
                off = store.floats(values[tensor["name"]]).astype(np.float64) - exact
                squares += (exact**2).sum()
                differences += (off**2).sum()
            self.assertAlmostEqual(report["relative_error"], (differences / squares) ** 0.5, places=9)
            self.assertLess(report["relative_error"], error)

            again = visavis("quantize", model, "-o", out)
            self.assertEqual(again.returncode, 1)
            self.assertIn("not an empty folder", again.stderr)

    def check_folded(self, source, values, report):
        """What norms were divided by stands in the matrices behind them."""
        for place in report["scaled"]:
            self.assertLessEqual(place["output_error"], place["unscaled_output_error"])
        changed = 0
        for name in values:
            layer, _, last = name.rpartition("input_layernorm.weight")
            if not layer or last:
                continue
            before, after = store.floats(source[name]), store.floats(values[name])
            changed += not np.array_equal(before, after)
            for norm, linear in (("input_layernorm", "self_attn.q_proj"), ("input_layernorm", "self_attn.k_proj"),
                                 ("post_attention_layernorm", "mlp.gate_proj")):  # fmt: skip
                scale = store.floats(values[f"{layer}{norm}.weight"]) / store.floats(source[f"{layer}{norm}.weight"])
                exact = store.floats(source[f"{layer}{linear}.weight"])
                found = store.floats(values[f"{layer}{linear}.weight"]) * scale
                self.assertLess(np.square(found - exact).sum() / np.square(exact).sum(), 0.12**2, layer + linear)
        self.assertGreater(changed, 0)

    def test_qwen(self):
        self.check(MODELS["qwen"])

    def test_qwen_scaled(self):
        self.check(MODELS["qwen"], "--method", "awq", folded=True)

    def test_llava_scaled_zero_points_and_mixed(self):
        options = ("--method", "awq-hqq", "--feedback", "--group", "64", "--mixed", "5.2")
        self.check(MODELS["llava"], *options, symmetric=False, group=64, mixed=5.2, folded=True)

    def test_llava(self):
        self.check(MODELS["llava"])

    # Errors that were measured: nearest 9.66 % and 9.72 %.
    def test_qwen_zero_points(self):
        self.check(MODELS["qwen"], "--method", "hqq", symmetric=False, error=0.0957)

    def test_llava_mixed_zero_points(self):
        options = ("--method", "hqq", "--group", "64", "--mixed", "5.2")
        self.check(MODELS["llava"], *options, symmetric=False, group=64, mixed=5.2, error=0.083)

    def test_a_budget_out_of_reach_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            refused = visavis("quantize", MODELS["qwen"], "-o", f"{folder}/out", "--mixed", "4.1")
            self.assertEqual(refused.returncode, 1)
            self.assertIn("--mixed: found 4.1 bits per weight, wanted 4.125 to 8.125", refused.stderr)
            self.assertFalse(pathlib.Path(folder, "out").exists())


class GgufFilesNeedNothingBesideThem(unittest.TestCase):
    """As llama.cpp's users have them: two files, their metadata instead of the hub's small files."""

    QUESTIONS = ["What is this?", "桌上有什么？", "It's  12 \u0301 cafés, \n\n  \U0001f600 end ", "<image> <|im_end|> </s>"]

    def check(self, family, format_name):
        with tempfile.TemporaryDirectory() as folder:
            out = own_folder(self)
            make_checkpoints.make(MODELS[family], format_name, pathlib.Path(folder))
            packed = pathlib.Path(folder) / "packed"
            alone = out / "alone"
            alone.mkdir()
            for file in packed.glob("*.gguf"):
                file.rename(alone / file.name)
                (packed / file.name).symlink_to(alone / file.name)
            [text] = alone.glob("demo-*.gguf")
            for question in self.QUESTIONS:
                ask = ["-i", PICTURE, "-p", question, "--top", "5", "--device", "cpu", "--no-cache"]
                wanted = visavis_json("score", packed, *ask)
                found = visavis_json("score", alone, *ask)
                self.assertEqual(found["top"], wanted["top"], question)
            ask = ["-i", PICTURE, "-p", self.QUESTIONS[1], "--device", "cpu"]
            wanted = visavis_json("run", packed, *ask)
            found = visavis_json("run", text, *ask)
            self.assertEqual(found["text"], wanted["text"])
            self.assertEqual(found["usage"], wanted["usage"])
            # What was derived is kept, in one folder for both names of the pair.
            self.assertEqual(len(list((out / "cache" / "visavis" / "adopted").iterdir())), 1)

            # Two towers beside one text model: which one?
            (alone / "mmproj-other.gguf").symlink_to(alone / "mmproj-demo.gguf")
            refused = visavis("run", text, "-p", "Hi")
            self.assertEqual(refused.returncode, 1)
            self.assertIn("found 2 vision towers", refused.stderr)
            for tower in alone.glob("mmproj*"):
                tower.unlink()
            refused = visavis("run", alone, "-p", "Hi")
            self.assertEqual(refused.returncode, 1)
            self.assertIn("found no vision tower", refused.stderr)

    def test_qwen(self):
        self.check("qwen", "gguf-q8_0")

    def test_llava(self):
        self.check("llava", "gguf-f16")

    def test_llava_without_a_token_for_pictures(self):
        self.check("llava", "gguf-q4_0")


class AuthorsLlavaNeedsOnlyItsTower(unittest.TestCase):
    """LLaVA as its authors publish it: their names, tokenizer.model, a CLIP model beside."""

    SYSTEM = ("A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, "
              "detailed, and polite answers to the user's questions. ")  # fmt: skip

    def test_answers_as_the_hubs_form(self):
        out = own_folder(self)
        model = out / "liuhaotian" / "llava-v1.5-7b"
        tower = out / "openai" / authors_llava.TOWER
        authors_llava.make(MODELS["llava"], model, tower)
        # The same prompt, and pictures padded to squares as config.json says.
        template = MODELS["llava"].joinpath("chat_template.jinja").read_text()
        hub = out / "hub"
        hub.mkdir()
        for path in MODELS["llava"].iterdir():
            (hub / path.name).symlink_to(path)
        (hub / "chat_template.jinja").unlink()
        (hub / "chat_template.jinja").write_text(f"{{{{ {json.dumps(self.SYSTEM)} }}}}" + template)
        for question in GgufFilesNeedNothingBesideThem.QUESTIONS:
            ask = ["-p", question, "--top", "5", "--device", "cpu", "--no-cache"]
            wanted = visavis_json("score", hub, "-i", PICTURE, "--image-mode", "pad", *ask)
            found = visavis_json("score", model, "-i", PICTURE, *ask)
            # The rows of other tokens than <image> are zeros here, which moves probabilities a little.
            for one, other in zip(found["top"], wanted["top"], strict=True):
                self.assertEqual((one["id"], one["logit"]), (other["id"], other["logit"]), question)
                self.assertAlmostEqual(one["logprob"], other["logprob"], places=4)
        inspected = [visavis_json("inspect", folder, "--device", "cpu") for folder in (hub, model)]
        # CLIP's positions are kept as five numbers more.
        self.assertEqual(inspected[1]["parameters"] - inspected[0]["parameters"], 5)

        moved = tower.with_name("elsewhere")
        tower.rename(moved)
        refused = visavis("run", model, "-p", "Hi", "--device", "cpu")
        self.assertEqual(refused.returncode, 1)
        self.assertIn(f"config.json: its vision tower 'openai/{authors_llava.TOWER}' (mm_vision_tower)", refused.stderr)
        self.assertIn(f"visavis pull openai/{authors_llava.TOWER}", refused.stderr)


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
