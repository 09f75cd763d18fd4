"""A chat on a pipe: pictures, several turns, a fresh start, saving, and what is used again."""
import json
import pathlib
import re
import tempfile
import unittest

from program import LLAVA, PICTURE, QWEN, SUITE, visavis, visavis_json

OTHER = SUITE / "photographs" / "coffee.png"


class Chat(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def chat(self, model, *lines, options=()):
        """Answers, the summaries of their prompts, and the lines that report errors."""
        done = visavis("run", model, "--max-tokens", "16", *options, stdin="\n".join(lines) + "\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        notes = done.stderr.splitlines()
        summaries = [line for line in notes if line.startswith("[prompt ")]
        return done.stdout.splitlines(), summaries, [n for n in notes if n.startswith("visavis: ")]

    def saved(self, path):
        return json.loads(path.read_text(encoding="utf-8"))

    def test_turns_pictures_reset_and_save(self):
        path = self.folder / "chat.json"
        after = self.folder / "after.json"
        answers, summaries, errors = self.chat(
            QWEN,
            f"/image {PICTURE}",
            "这是什么动物？",
            "",
            "它是什么颜色的？",
            f"/save {path}",
            "/reset",
            "What is this?",
            f"/save {after}",
            "/quit",
            "never asked",
            options=("--system", "Be brief."),
        )
        self.assertEqual(len(answers), 3, answers)
        self.assertEqual(errors, [])
        turns = self.saved(path)
        self.assertEqual([t["role"] for t in turns], ["system", "user", "assistant", "user", "assistant"])
        self.assertEqual(
            turns[1]["content"],
            [{"type": "image", "image": str(PICTURE)}, {"type": "text", "text": "这是什么动物？"}],
        )
        self.assertEqual(turns[3]["content"], [{"type": "text", "text": "它是什么颜色的？"}])
        self.assertEqual([turns[2]["content"][0]["text"], turns[4]["content"][0]["text"]], answers[:2])
        # The first turn's picture stays in the prompt of the second, and is gone after /reset.
        pictures = [int(re.search(r", (\d+) of pictures;", line)[1]) for line in summaries]
        self.assertGreater(pictures[0], 0)
        self.assertEqual(pictures, [pictures[0], pictures[0], 0])
        self.assertEqual([t["role"] for t in self.saved(after)], ["system", "user", "assistant"])

    def test_the_first_answer_is_that_of_a_single_question(self):
        for model in (QWEN, LLAVA):
            answers, _, _ = self.chat(model, f"/image {PICTURE}", "What is in the picture?")
            alone = visavis_json(
                "run", model, "-i", PICTURE, "-p", "What is in the picture?", "--max-tokens", "16"
            )
            self.assertEqual(answers, [alone["text"]])

    def test_what_is_used_again_changes_no_answer(self):
        lines = []
        for picture in (PICTURE, OTHER, PICTURE):
            lines += ["/reset", f"/image {picture}", "What is in the picture?", "Which colour is it?"]
        off = ("--no-vision-cache", "--no-prefix-cache")
        for model in (QWEN, LLAVA):
            cached, summaries, _ = self.chat(model, *lines)
            fresh, fresh_summaries, _ = self.chat(model, *lines, options=off)
            self.assertEqual(cached, fresh)
            seen = ["seen before" in line for line in summaries]
            self.assertEqual(seen, [False, True, False, True, True, True], summaries)
            self.assertFalse(any("again" in line or "before" in line for line in fresh_summaries))

    def test_a_bad_line_is_one_error_and_the_chat_goes_on(self):
        answers, _, errors = self.chat(
            QWEN,
            "/image /no/such/picture.png",
            "/picture x",
            f"/image {__file__}",
            "Is this a picture?",
            "/reset",
            "Hello",
            f"/save {self.folder}/no/such/folder/chat.json",
        )
        self.assertEqual(len(answers), 1, answers)
        self.assertEqual(len(errors), 4, errors)
        for word, line in zip(("/no/such/picture.png", "/picture x", "chat_test.py", "chat.json"), errors):
            self.assertIn(word, line)


if __name__ == "__main__":
    unittest.main()
