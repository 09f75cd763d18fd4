"""Videos from the command line and from suites: folders of frames and files, what they are told, what is refused."""
import json
import pathlib
import tarfile
import tempfile
import unittest

from program import LLAVA, QWEN, SOURCE, visavis

VIDEOS = SOURCE / "tests/data/videos"


class Video(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kept = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.kept.name)
        with tarfile.open(SOURCE / "tests/data/goldens/video.tar.xz") as packed:
            packed.extractall(cls.folder)
        cls.model = cls.folder / "models/video_saved"
        golden = json.loads((cls.folder / "models/video_saved.json").read_text(encoding="utf-8"))
        cls.case = next(case for case in golden["cases"] if case["name"] == "one_video")
        cls.no_videos = "reads no video files" in visavis(
            "run", cls.model, "--video", VIDEOS / "h264.mp4", "-p", "?", "--max-tokens", "1").stderr

    @classmethod
    def tearDownClass(cls):
        cls.kept.cleanup()

    def answer(self, *more):
        done = visavis("run", self.model, "-p", "What is in the video?", "--weights", "f32", "--max-tokens", "24", "--json", *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def assert_refused(self, wanted, *arguments):
        done = visavis(*arguments)
        self.assertEqual(done.returncode, 1, done.stderr)
        lines = [line for line in done.stderr.splitlines() if line.startswith("visavis: ")]
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertIn(wanted, lines[0])

    def test_a_folder_is_answered_as_the_reference_answers(self):
        found = self.answer("--video", VIDEOS / "walk", "--frame-rate", "4")
        self.assertEqual(found["token_ids"], self.case["greedy_ids"])
        self.assertEqual(found["usage"]["prompt_tokens"], len(self.case["input_ids"]))
        self.assertIn("10 of 20 frames, 0.0 to 4.8 s of 5.0 s", found["notes"][0])

    def test_a_file_without_loss_is_answered_like_its_frames(self):
        if self.no_videos:
            self.skipTest("built without FFmpeg")
        found = self.answer("--video", VIDEOS / "lossless.mp4")
        self.assertEqual(found["token_ids"], self.case["greedy_ids"])
        self.assertEqual(found["usage"]["prompt_tokens"], len(self.case["input_ids"]))
        self.assertIn("h264, 10 of 20 frames", found["notes"][0])

    def test_files_of_every_kind_are_answered(self):
        if self.no_videos:
            self.skipTest("built without FFmpeg")
        for path in sorted(p for p in VIDEOS.iterdir() if p.is_file() and p.suffix != ".md"):
            with self.subTest(path.name):
                self.assertGreater(self.answer("--video", path)["usage"]["image_tokens"], 0)

    def test_a_limit_makes_a_video_smaller(self):
        whole = self.answer("--video", VIDEOS / "walk")["usage"]["image_tokens"]
        less = self.answer("--video", VIDEOS / "walk", "--max-video-pixels", "4096")["usage"]["image_tokens"]
        self.assertLess(less, whole)

    def test_refusals(self):
        walk = VIDEOS / "walk"
        self.assert_refused("this model takes pictures only", "run", LLAVA, "--video", walk, "-p", "?")
        self.assert_refused("template was not made for videos", "run", QWEN, "--video", walk, "-p", "?")
        self.assert_refused("gone.mp4", "run", self.model, "--video", "gone.mp4", "-p", "?")
        self.assert_refused("found no frames in the folder", "run", self.model, "--video", self.folder, "-p", "?")
        self.assert_refused("--max-video-pixels", "run", self.model, "--video", walk, "-p", "?", "--ctx", "64")
        broken = self.folder / "broken.mp4"
        broken.write_bytes(b"\0" * 1000)
        self.assert_refused("broken.mp4", "run", self.model, "--video", broken, "-p", "?")

    def test_a_suite_may_ask_about_videos(self):
        suite = self.folder / "films.jsonl"
        lines = [{"id": "film-1", "question": "What moves?", "video": str(VIDEOS / "walk"), "frame_rate": 4, "answer": "disc"},
                 {"id": "film-2", "question": "什么在动？", "lang": "zh", "video": str(VIDEOS / "odd"), "answer": "圆"}]
        suite.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        out = self.folder / "run"
        done = visavis("compare", self.model, self.model, "--suite", suite, "--out", out)
        self.assertIn(done.returncode, (0, 100), done.stderr)
        answers = [json.loads(line) for line in (out / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
        self.assertEqual(len(answers), 4)
        for answer in answers:
            self.assertFalse(answer.get("failure"), answer)
        self.assertTrue((out / "report.html").exists())


if __name__ == "__main__":
    unittest.main()
