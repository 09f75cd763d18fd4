"""plan says what does not fit; fidelity and its batch test run on the demo models."""
import json
import os
import unittest
import xml.etree.ElementTree

from program import LLAVA, QWEN, SOURCE, SUITE, own_folder, visavis, visavis_json

QUESTIONS = os.environ["VISAVIS_QUESTIONS"]


class Plan(unittest.TestCase):
    def setUp(self):
        self.path = own_folder(self)

    def experiment(self):
        return ["--suite", SUITE, "--limit", QUESTIONS, "--price", "3.6"]

    def compare(self, name):
        done = visavis("compare", QWEN, LLAVA, *self.experiment(), "--out", self.path / name,
                       "--junit", self.path / f"{name}.xml")
        self.assertIn(done.returncode, (0, 3), done.stderr)

    def test_says_what_does_not_fit(self):
        self.compare("run")
        root = xml.etree.ElementTree.parse(self.path / "run.xml").getroot()
        self.assertEqual([suite.get("name") for suite in root], [QWEN, LLAVA])
        for suite in root:
            self.assertEqual(len(suite), int(suite.get("tests")))
        done = visavis("plan", QWEN, LLAVA, "--suite", SUITE, "--max-time", "2s", "--price", "1000",
                       "--budget", "0.5")
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertIn("the limit is 2 s", done.stdout)
        self.assertIn("CNY, the limit is 0.5", done.stdout)
        self.assertIn("questions fit", done.stdout)
        bad = visavis("plan", "nowhere.yaml")
        self.assertEqual(bad.returncode, 2)

    def test_knows_nothing_of_models_that_never_ran(self):
        plan = visavis_json("plan", QWEN, LLAVA, "--suite", SUITE)
        self.assertIsNone(plan["seconds"])
        self.assertTrue(plan["detectable"])

    def test_fidelity_is_measured_and_kept_with_a_run(self):
        self.compare("run")
        found = visavis_json("fidelity", QWEN, "--weights", "int4", "--against-weights", "int8",
                             "--suite", SUITE, "--items", "4", "--into", self.path / "run")
        self.assertEqual((found["weights"], found["against"]), ("int4", "int8"))
        self.assertGreater(found["divergence_nats"]["value"], 0)
        self.assertGreater(found["top1_agreement"]["value"], 0.9)
        self.assertEqual(visavis("report", self.path / "run").returncode, 0)
        summary = json.loads((self.path / "run" / "summary.json").read_text(encoding="utf-8"))
        self.assertEqual(summary["fidelity"][0]["model"], QWEN)
        self.assertIn("What quantising changed", (self.path / "run" / "report.md").read_text())
        refused = visavis("fidelity", QWEN, "--against", LLAVA, "--suite", SUITE, "--items", "1")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("not one model at two precisions: architecture: Qwen3VL", refused.stderr)

    def test_fidelity_of_a_quantised_folder_is_that_of_its_model(self):
        layers = [f"vision_tower.encoder.layers.{i}" for i in range(5)] + [
            "multi_modal_projector.linear_2"] + [f"language_model.model.layers.{i}" for i in range(4)]
        coded = self.path / "coded"
        visavis_json("quantize", LLAVA, "-o", coded, "--group", "32")
        common = ["--suite", SUITE, "--items", "3", "--activations", "f32", "--device", "cpu"]
        found = visavis_json("fidelity", coded, "--against", LLAVA, *common)
        self.assertEqual((found["model"], found["reference"]), (str(coded), LLAVA))
        self.assertEqual(found["tokens_of"], "answers")
        self.assertGreater(found["divergence_nats"]["value"], 0)
        self.assertGreater(found["perplexity"], 1)
        self.assertAlmostEqual(found["perplexity_ratio"]["value"],
                               found["perplexity"] / found["reference_perplexity"], places=9)
        errors = {layer["name"]: layer["relative_error"] for layer in found["layers"]}
        self.assertEqual(list(errors), layers)
        # The tower is not in codes, and every decoder layer is.
        for name, error in errors.items():
            self.assertEqual(error > 1e-3, name.startswith("language_model"), (name, error))
        self.assertLess(errors[layers[-1]], 0.3)
        # The same checkpoint at one precision twice: nothing is lost anywhere.
        none = visavis_json("fidelity", coded, "--against", coded, "--weights", "bf16", *common)
        self.assertEqual(none["divergence_nats"]["value"], 0)
        self.assertEqual(none["perplexity_ratio"]["value"], 1)
        self.assertEqual({layer["relative_error"] for layer in none["layers"]}, {0})
        shown = visavis("fidelity", coded, "--against", LLAVA, *common, "--lang", "zh")
        self.assertIn("困惑度，本模型 : 参考", shown.stdout)
        self.assertRegex(shown.stdout, r"language_model.model.layers.3 +\d+\.\d{3}  █")
        # A text instead of questions.
        text = visavis_json("fidelity", coded, "--against", LLAVA, "--text", SOURCE / "README.md",
                            "--items", "2", "--tokens", "16", "--layers", "0", "--device", "cpu")
        self.assertEqual((text["tokens_of"], text["items"], text["tokens"]), ("text", 2, 32))
        self.assertEqual(text["layers"], [])
        # What changes the comparison is refused before anything is loaded.
        settings = coded / "processor_config.json"
        processor = json.loads(settings.read_text())
        processor["image_processor"]["image_mean"] = [0.5, 0.5, 0.5]
        settings.write_text(json.dumps(processor))
        refused = visavis("fidelity", coded, "--against", LLAVA, *common)
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        self.assertIn("pictures are normalised to other values", refused.stderr)
        self.assertEqual(refused.stderr.count("\n"), 1)

    def test_answers_do_not_depend_on_the_batch(self):
        for model in (QWEN, LLAVA):
            found = visavis_json("fidelity", model, "--batch", "3", "--suite", SUITE, "--items", "6")
            self.assertEqual((found["asked"], found["same"], found["failed"]), (6, 6, 0))


if __name__ == "__main__":
    unittest.main(verbosity=2)
