#!/usr/bin/env python3
"""visavis compare as a user meets it: the demo models on three questions, stopped by ctrl-C, killed,
resumed, and compared with a run that was left alone.

Usage: compare_test.py PROGRAM REPOSITORY
"""
import json
import pathlib
import signal
import sqlite3
import subprocess
import sys
import tempfile

QUESTIONS = 3
MODELS = ["qwen3-vl", "llava"]


def write_suite(repository, folder):
    """The first questions of the demo suite's first scenarios as a JSONL file; returns its path."""
    lines = (repository / "suites/demo/items.jsonl").read_text(encoding="utf-8").splitlines()
    chosen = {}
    for item in map(json.loads, lines):
        chosen.setdefault(item["scenario"], item)
    path = folder / "three.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for item in list(chosen.values())[:QUESTIONS]:
            item["images"] = [str(repository / "suites/demo" / image) for image in item["images"]]
            file.write(json.dumps(item) + "\n")
    return path


class Compare:
    def __init__(self, program, repository, suite):
        models = [str(repository / "models/demo" / name) for name in MODELS]
        self.command = [program, "compare", *models, "--suite", str(suite), "--max-tokens", "8",
                        "--warmup", "0", "--resume", "--out"]

    def finish(self, out):
        done = subprocess.run([*self.command, str(out)], capture_output=True, text=True,
                              timeout=250)
        assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr}"
        assert "qwen3-vl" in done.stdout and "llava" in done.stdout, done.stdout

    def stop_after_an_answer(self, out, how):
        """Sends the signal when the next answer has been reported; returns the exit code."""
        with subprocess.Popen([*self.command, str(out)], stderr=subprocess.PIPE,
                              stdout=subprocess.DEVNULL, text=True) as process:
            for line in process.stderr:
                if "answers" in line:
                    process.send_signal(how)
                    break
            process.stderr.read()
            return process.wait(timeout=250)


def answers(out):
    lines = (out / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    kept = []
    for answer in map(json.loads, lines):
        for measured in ("timing", "token_times_s", "memory"):
            del answer[measured]
        kept.append(answer)
    return kept


def findings(out):
    """What the report says apart from times and what follows from them."""
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    kept = []
    for group in summary["groups"]:
        cells = [{key: cell[key] for key in ("items", "answered", "graded", "full", "partial", "wrong",
                                             "unparsed", "failed", "accuracy", "low", "high",
                                             "mean_score", "macro_accuracy")}
                 for cell in group["cells"]]
        pairs = [{key: pair[key] for key in ("a", "b", "both", "a_only", "b_only", "clusters",
                                             "difference", "p", "decision", "sentence")}
                 for pair in group["pairs"]]
        kept.append((group["key"], group["items"], cells, pairs))
    return kept


def stored(out):
    with sqlite3.connect(out / "results.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return database.execute("SELECT count(*) FROM answers").fetchone()[0]


def main():
    program, repository = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        compare = Compare(program, repository, write_suite(repository, folder))
        whole, broken = folder / "whole", folder / "broken"
        compare.finish(whole)
        for model in json.loads((whole / "summary.json").read_text(encoding="utf-8"))["models"]:
            seen = model["seen_before"]
            assert seen["asked"] == seen["same_answer"] == QUESTIONS and not seen["failed"], seen
            assert seen["cached_image_tokens"] == seen["image_tokens"] > 0, seen
            assert seen["vision_p50"] == 0 < seen["first_vision_p50"], seen
        for output in ("summary.json", "answers.csv", "report.md", "report.html"):
            assert (whole / output).stat().st_size > 0, output

        assert compare.stop_after_an_answer(broken, signal.SIGINT) == 3
        assert 1 <= stored(broken) < 2 * QUESTIONS, stored(broken)
        assert (broken / "report.html").exists(), "a partial run has a report, too"
        assert json.loads((broken / "summary.json").read_text(encoding="utf-8"))
        before = stored(broken)
        assert compare.stop_after_an_answer(broken, signal.SIGKILL) == -signal.SIGKILL
        assert stored(broken) > before
        compare.finish(broken)
        assert stored(broken) == 2 * QUESTIONS
        assert answers(broken) == answers(whole), "the resumed run differs from the other one"
        assert findings(broken) == findings(whole), "the resumed report differs from the other one"


main()
