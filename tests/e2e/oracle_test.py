"""On the demo suite, visavis in f32 gives the answers that transformers gives, item for item.

The oracle's answers were written by tools/oracle/answers.py. "The same" means equal tokens up to the
first position where the oracle's two best logits lie within 2e-3 of each other; no answer of these
models comes that close, so the texts must be equal. VISAVIS_QUESTIONS says how many questions are asked
(all of them unless it is set).
"""
import os
import pathlib
import tempfile
import unittest

from program import LLAVA, QWEN, SOURCE, SUITE, read_jsonl, visavis

NEAR_TIE = 2e-3


class DemoAnswersEqualTheOracle(unittest.TestCase):
    def test_every_answer(self):
        goldens = {
            model: {row["id"]: row for row in read_jsonl(SOURCE / f"tests/data/goldens/demo/{model}.jsonl")}
            for model in (QWEN, LLAVA)
        }
        for rows in goldens.values():
            self.assertGreater(min(row["min_margin"] for row in rows.values()), NEAR_TIE)
        questions = int(os.environ.get("VISAVIS_QUESTIONS", len(goldens[QWEN])))
        with tempfile.TemporaryDirectory() as folder:
            done = visavis(
                "compare", QWEN, LLAVA, "--suite", SUITE, "--weights", "f32", "--limit", questions,
                "--out", folder, timeout=580,
            )  # fmt: skip
            self.assertIn(done.returncode, (0, 3), done.stderr)
            answers = read_jsonl(pathlib.Path(folder) / "answers.jsonl")
        self.assertEqual(len(answers), 2 * questions)
        different = [
            (row["model"], row["id"], row["answer"], goldens[row["model"]][row["id"]]["text"])
            for row in answers
            if row["answer"] != goldens[row["model"]][row["id"]]["text"]
        ]
        self.assertEqual(different, [])


if __name__ == "__main__":
    unittest.main()
