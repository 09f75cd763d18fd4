"""The classic comparison as it is shipped, asked of the demo models: two lines differ."""
import json
import pathlib
import re
import tempfile
import unittest

from program import LLAVA, QWEN, SOURCE, read_jsonl, visavis

EXPERIMENT = SOURCE / "experiments" / "qwen3-vl-8b-vs-llava-1.5-7b.yaml"
LIMIT = 4


class Classic(unittest.TestCase):
    def test_two_lines_make_it_a_comparison_of_other_models(self):
        shipped = EXPERIMENT.read_text(encoding="utf-8")
        text = shipped
        for name, other in (("qwen3-vl-8b", QWEN), ("llava-1.5-7b", LLAVA)):
            text, count = re.subn(rf"(?m)^(  - id: ){re.escape(name)}$", rf"\1{other}", text)
            self.assertEqual(count, 1, name)
        differing = [a for a, b in zip(shipped.splitlines(), text.splitlines()) if a != b]
        self.assertEqual(len(differing), 2)
        with tempfile.TemporaryDirectory() as folder:
            experiment = pathlib.Path(folder) / "demo.yaml"
            experiment.write_text(text, encoding="utf-8")
            out = pathlib.Path(folder) / "run"
            done = visavis("compare", experiment, "--limit", LIMIT, "--warmup", 0, "--revisits", 0, "--max-tokens", 24, "--out", out)
            self.assertEqual(done.returncode, 3, done.stderr)  # stopped at the limit
            answers = read_jsonl(out / "answers.jsonl")
            self.assertEqual({row["model"] for row in answers}, {QWEN, LLAVA})
            self.assertEqual(len(answers), 2 * LIMIT)
            self.assertEqual([row for row in answers if row.get("failure")], [])
            self.assertTrue(json.loads((out / "summary.json").read_text(encoding="utf-8")))

    def test_the_suite_can_be_used(self):
        done = visavis("suites", SOURCE / "suites" / "classic")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("74 questions", done.stdout)

    def test_a_model_that_is_not_there_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            done = visavis("compare", EXPERIMENT, "--out", pathlib.Path(folder) / "run", "--limit", 1)
            if done.returncode != 3:  # whoever has both models gets an answer
                self.assertIn("qwen3-vl-8b", done.stderr)


if __name__ == "__main__":
    unittest.main()
