"""plan says beforehand what compare then takes; fidelity and its batch test run on the demo models."""
import json
import os
import pathlib
import sqlite3
import tempfile
import unittest
import xml.etree.ElementTree

from program import LLAVA, QWEN, SOURCE, SUITE, visavis, visavis_json

QUESTIONS = os.environ["VISAVIS_QUESTIONS"]
PROMISE = 0.2


class Plan(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        before = os.environ.get("XDG_CACHE_HOME")
        os.environ["XDG_CACHE_HOME"] = str(self.path / "cache")
        self.addCleanup(lambda: os.environ.pop("XDG_CACHE_HOME") if before is None
                        else os.environ.update(XDG_CACHE_HOME=before))

    def experiment(self):
        return ["--suite", SUITE, "--limit", QUESTIONS, "--price", "3.6"]

    def compare(self, name):
        out = self.path / name
        done = visavis("compare", QWEN, LLAVA, *self.experiment(), "--out", out,
                       "--junit", self.path / f"{name}.xml")
        self.assertIn(done.returncode, (0, 3), done.stderr)
        with sqlite3.connect(out / "results.sqlite") as store:
            return store.execute("SELECT sum(wall_seconds) FROM sessions").fetchone()[0]

    def assert_kept(self, planned, happened):
        """Within the promise, or a range that says that it is one."""
        print(f"planned {planned['seconds']['value']:.1f} s, took {happened:.1f} s, "
              f"off by {100 * (planned['seconds']['value'] / happened - 1):+.1f} %, "
              f"estimate: {planned['estimate']}")
        if os.getloadavg()[0] > os.cpu_count() + 1:
            return  # others work here, too: what a minute ago took says little
        if planned["estimate"]:
            self.assertGreater(planned["seconds"]["high"], planned["seconds"]["value"])
        else:
            self.assertLess(abs(planned["seconds"]["value"] / happened - 1), PROMISE)

    def test_calibrated_and_remembered_plans_hold(self):
        calibrated = visavis_json("plan", QWEN, LLAVA, *self.experiment(), "--calibrate")
        self.assertTrue(calibrated["fits"])
        self.assertAlmostEqual(calibrated["cost"]["value"],
                               calibrated["seconds"]["value"] / 1000, places=9)
        self.assertLess(calibrated["memory_bytes"], calibrated["available_bytes"])
        self.assertEqual(calibrated["detectable"][0]["name"], "all")
        happened = self.compare("first")
        remembered = visavis_json("plan", QWEN, LLAVA, *self.experiment())
        # A machine that others use, too, may be much faster or slower a minute later: the one of
        # the two plans that was made nearer to the run has to hold.
        if abs(calibrated["seconds"]["value"] / happened - 1) >= PROMISE:
            happened = self.compare("second")
            self.assert_kept(remembered, happened)
        else:
            self.assert_kept(calibrated, happened)
        root = xml.etree.ElementTree.parse(self.path / "first.xml").getroot()
        self.assertEqual([suite.get("name") for suite in root], [QWEN, LLAVA])
        for suite in root:
            self.assertEqual(len(suite), int(suite.get("tests")))

    def test_says_what_does_not_fit(self):
        self.compare("run")
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
