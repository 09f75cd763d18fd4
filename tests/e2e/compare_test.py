"""`visavis compare` on the demo models: complete, resumable after any end, honest about its files."""
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from program import LLAVA, PROGRAM, QWEN, SUITE, read_jsonl, visavis

LIMIT = 24  # questions in these runs
MEASURED = ("timing", "memory", "token_times", "sequence", "session")  # differ from run to run


def compare_arguments(out, *more):
    return [
        "compare", QWEN, LLAVA, "--suite", SUITE, "--limit", LIMIT, "--seed", 5, "--warmup", 1,
        "--price", 2, "--out", out, "--lang", "en", *more,
    ]  # fmt: skip


def answers_without_times(out):
    rows = read_jsonl(pathlib.Path(out) / "answers.jsonl")
    for row in rows:
        for key in MEASURED:
            row.pop(key, None)
    return sorted(rows, key=lambda row: (row["item"], row["model"]) if "item" in row else str(row))


class Compare(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp())
        cls.whole = cls.root / "whole"
        cls.done = visavis(*compare_arguments(cls.whole))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    def test_writes_every_output(self):
        self.assertIn(self.done.returncode, (0, 3), self.done.stderr)
        for name in (
            "results.sqlite", "summary.json", "answers.jsonl", "answers.csv", "report.md", "report.html",
        ):  # fmt: skip
            self.assertGreater((self.whole / name).stat().st_size, 0, name)
        summary = json.loads((self.whole / "summary.json").read_text(encoding="utf-8"))
        self.assertEqual([m["label"] for m in summary["models"]], [QWEN, LLAVA])
        self.assertEqual(summary["run"]["answers"], 2 * LIMIT)
        self.assertIn("accuracy", self.done.stdout)

    def test_pictures_are_inside_the_report(self):
        html = (self.whole / "report.html").read_text(encoding="utf-8")
        self.assertIn("data:image/webp;base64,", html)
        self.assertNotIn("src=\"http", html)

    def test_kill_at_random_moments_loses_and_doubles_nothing(self):
        out = self.root / "killed"
        rng = random.Random(11)
        started = time.monotonic()
        whole_seconds = max(2.0, self.seconds_of_whole_run())
        for attempt in range(20):
            process = subprocess.Popen(
                [PROGRAM, *map(str, compare_arguments(out, "--resume"))],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                process.wait(timeout=rng.uniform(0.05, 0.4) * whole_seconds)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
        del started, attempt
        done = visavis(*compare_arguments(out, "--resume"))
        self.assertIn(done.returncode, (0, 3), done.stderr)
        self.assertEqual(answers_without_times(out), answers_without_times(self.whole))

    def seconds_of_whole_run(self):
        summary = json.loads((self.whole / "summary.json").read_text(encoding="utf-8"))
        return summary["run"]["wall_seconds"]

    def test_ctrl_c_leaves_a_valid_partial_run_that_resumes(self):
        out = self.root / "interrupted"
        process = subprocess.Popen(
            [PROGRAM, *map(str, compare_arguments(out))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(0.6 * max(1.0, self.seconds_of_whole_run()))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
        self.assertIn(process.returncode, (0, 3), errors)
        self.assertTrue((out / "report.html").exists(), errors)
        done = visavis(*compare_arguments(out, "--resume"))
        self.assertIn(done.returncode, (0, 3), done.stderr)
        self.assertEqual(answers_without_times(out), answers_without_times(self.whole))

    def test_a_finished_run_is_not_overwritten(self):
        done = visavis(*compare_arguments(self.whole))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("--resume", done.stderr)

    def test_resume_of_another_experiment_is_refused(self):
        arguments = [str(a) for a in compare_arguments(self.whole, "--resume")]
        arguments[arguments.index("--seed") + 1] = "6"
        done = visavis(*arguments)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("seed", done.stderr)

    @unittest.skipIf(os.geteuid() == 0 and not os.path.ismount("/proc"), "needs a read-only folder")
    def test_read_only_output(self):
        done = visavis(*compare_arguments("/proc/visavis-results"))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(len([l for l in done.stderr.splitlines() if l.startswith("visavis: ")]), 1)


if __name__ == "__main__":
    unittest.main()
