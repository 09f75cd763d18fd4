"""Bad input ends with one clear line and a non-zero exit, whatever command meets it."""
import json
import pathlib
import shutil
import struct
import tempfile
import unittest
import zlib

from program import LLAVA, PICTURE, QWEN, SOURCE, visavis


def png_of_size(width, height):
    """A PNG header that claims this size, with hardly any data behind it."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )


class BadInput(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def assert_refused(self, done, *wanted, code=1):
        """One line on stderr that holds the wanted words; nothing on stdout."""
        self.assertEqual(done.returncode, code, done.stderr)
        lines = [line for line in done.stderr.splitlines() if line.startswith("visavis: ")]
        self.assertEqual(len(lines), 1, done.stderr)
        for word in wanted:
            self.assertIn(word, lines[0])
        self.assertNotIn("Sanitizer", done.stderr)

    def copy_model(self, name="qwen3-vl"):
        target = self.folder / name
        shutil.copytree(SOURCE / "models" / "demo" / name, target)
        return target

    def edit_json(self, path, change):
        value = json.loads(path.read_text(encoding="utf-8"))
        change(value)
        path.write_text(json.dumps(value), encoding="utf-8")

    def run_model(self, model, *more):
        return visavis("run", model, "-p", "你好", "--max-tokens", "2", *more)

    def test_missing_model(self):
        self.assert_refused(self.run_model("no-such-model"), "no-such-model", QWEN)

    def test_truncated_safetensors(self):
        model = self.copy_model("llava")
        weights = model / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-1000])
        self.assert_refused(self.run_model(model), "model.safetensors")

    def test_safetensors_header_longer_than_the_file(self):
        model = self.copy_model("llava")
        weights = model / "model.safetensors"
        data = bytearray(weights.read_bytes())
        data[:8] = struct.pack("<Q", 1 << 60)
        weights.write_bytes(data)
        self.assert_refused(self.run_model(model), "model.safetensors")

    def test_missing_tensor(self):
        model = self.copy_model("qwen3-vl")
        name = "model.language_model.norm.weight"
        for path in [*model.glob("*.safetensors"), model / "model.safetensors.index.json"]:
            path.write_bytes(path.read_bytes().replace(name.encode(), name.replace("norm", "nrom").encode()))
        self.assert_refused(self.run_model(model), name)

    def test_unknown_architecture(self):
        model = self.copy_model()
        self.edit_json(model / "config.json", lambda j: j.update(architectures=["GrandVLModel"]))
        self.assert_refused(self.run_model(model), "GrandVLModel", "Qwen3VLForConditionalGeneration")

    def test_unknown_activation(self):
        model = self.copy_model()
        self.edit_json(model / "config.json", lambda j: j["text_config"].update(hidden_act="relu2"))
        self.assert_refused(self.run_model(model), "relu2")

    def test_shape_that_the_configuration_denies(self):
        model = self.copy_model()
        self.edit_json(
            model / "config.json", lambda j: j["text_config"].update(intermediate_size=640)
        )
        self.assert_refused(self.run_model(model), "768", "640")

    def test_tokenizer_of_another_model(self):
        model = self.copy_model("qwen3-vl")
        shutil.copy(SOURCE / "models/demo/llava/tokenizer.json", model / "tokenizer.json")
        self.assert_refused(self.run_model(model, "-i", PICTURE), "tokenizer")

    def test_pictures(self):
        cases = {
            "empty.png": (b"", "empty"),
            "text.jpg": (b"this is not a picture at all", "text.jpg"),
            "truncated.png": (PICTURE.read_bytes()[:5000], "truncated.png"),
            "nothing.png": (png_of_size(0, 10), "0"),
            "huge.png": (png_of_size(30000, 30000), "30000"),
            "long.png": (None, "200"),
        }
        for name, (data, wanted) in cases.items():
            with self.subTest(name):
                path = self.folder / name
                if data is None:
                    rows = b"".join(b"\0" + b"\x80" * 3 * 2 for _ in range(500))
                    data = png_of_size(2, 500).replace(
                        png_of_size(2, 500)[33:-12], self.idat(rows)
                    )
                path.write_bytes(data)
                self.assert_refused(self.run_model(QWEN, "-i", path), wanted)

    @staticmethod
    def idat(rows):
        body = b"IDAT" + zlib.compress(rows)
        return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))

    def test_missing_picture(self):
        self.assert_refused(self.run_model(LLAVA, "-i", self.folder / "gone.jpg"), "gone.jpg")

    def test_prompt_longer_than_the_context(self):
        done = visavis("run", LLAVA, "--ctx", "64", "-p", "桌上有什么？" * 100)
        self.assert_refused(done, "64")

    def test_experiment_with_an_unknown_key(self):
        path = self.folder / "experiment.yaml"
        path.write_text(f"providers:\n  - id: {QWEN}\nsuites: [{SOURCE}/suites/demo]\nbugdet: {{}}\n")
        done = visavis("compare", path, "--out", self.folder / "out")
        self.assert_refused(done, "bugdet", "budget", "experiment.yaml:4", code=2)

    def test_suite_with_a_missing_picture(self):
        suite = self.folder / "suite"
        suite.mkdir()
        shutil.copy(SOURCE / "suites/demo/suite.yaml", suite)
        first = (SOURCE / "suites/demo/items.jsonl").read_text(encoding="utf-8").splitlines()[0]
        (suite / "items.jsonl").write_text(first + "\n", encoding="utf-8")
        done = visavis("compare", QWEN, "--suite", suite, "--out", self.folder / "out")
        self.assert_refused(done, json.loads(first)["images"][0], code=2)

    def test_wrong_usage(self):
        done = visavis("compare", "--nonsense")
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main()
