"""plan says what does not fit; fidelity and its batch test run on the demo models."""
import json
import os
import unittest
import xml.etree.ElementTree

from program import LLAVA, QWEN, SUITE, own_folder, visavis, visavis_json

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
        self.assertIn("not the same checkpoint", refused.stderr)

    def test_answers_do_not_depend_on_the_batch(self):
        for model in (QWEN, LLAVA):
            found = visavis_json("fidelity", model, "--batch", "3", "--suite", SUITE, "--items", "6")
            self.assertEqual((found["asked"], found["same"], found["failed"]), (6, 6, 0))


if __name__ == "__main__":
    unittest.main(verbosity=2)
