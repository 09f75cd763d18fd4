"""plan says beforehand what compare then takes: within a fifth, or it calls its range an estimate.

Runs alone (tests/CMakeLists.txt). Machines that others use are fast one minute and slow the next, so
the promise gets several tries, and a plan that lies among what the tries took, give or take the
promise, is as good as one can be there.
"""
import os
import sqlite3
import unittest

from program import LLAVA, QWEN, SUITE, own_folder, visavis, visavis_json

QUESTIONS = os.environ["VISAVIS_QUESTIONS"]
PROMISE = 0.2
TRIES = 4
EXPERIMENT = [QWEN, LLAVA, "--suite", SUITE, "--limit", QUESTIONS, "--price", "3.6"]


def compare(out):
    """Seconds that the comparison took by its own store."""
    done = visavis("compare", *EXPERIMENT, "--out", out)
    if done.returncode not in (0, 3):
        raise AssertionError(done.stderr)
    with sqlite3.connect(out / "results.sqlite") as store:
        return store.execute("SELECT sum(wall_seconds) FROM sessions").fetchone()[0]


class Promise(unittest.TestCase):
    def test_calibrated_plans_hold(self):
        planned, taken = [], []
        for attempt in range(TRIES):
            folder = own_folder(self)
            plan = visavis_json("plan", *EXPERIMENT, "--calibrate")
            seconds = plan["seconds"]
            self.assertTrue(plan["fits"])
            self.assertAlmostEqual(plan["cost"]["value"], seconds["value"] / 1000, places=9)
            self.assertLess(plan["memory_bytes"], plan["available_bytes"])
            self.assertEqual(plan["detectable"][0]["name"], "all")
            self.assertLessEqual(seconds["low"], seconds["value"])
            self.assertLessEqual(seconds["value"], seconds["high"])
            taken.append(compare(folder / "run"))
            planned.append(seconds["value"])
            print(f"try {attempt + 1}: planned {planned[-1]:.1f} s, took {taken[-1]:.1f} s, "
                  f"off by {100 * (planned[-1] / taken[-1] - 1):+.1f} %, "
                  f"estimate: {plan['estimate']}", flush=True)
            if plan["estimate"]:
                self.assertGreater(seconds["high"], seconds["value"])
                return
            low, high = min(taken) * (1 - PROMISE), max(taken) * (1 + PROMISE)
            if any(low <= value <= high for value in planned):
                return
        self.fail(f"planned {planned}, took {taken}: none within {PROMISE:.0%}")

    def test_what_is_remembered_is_what_was_measured(self):
        folder = own_folder(self)
        taken = compare(folder / "run")
        plan = visavis_json("plan", *EXPERIMENT)
        print(f"planned {plan['seconds']['value']:.1f} s from a run that took {taken:.1f} s")
        self.assertLess(abs(plan["seconds"]["value"] / taken - 1), PROMISE)


if __name__ == "__main__":
    unittest.main(verbosity=2)
