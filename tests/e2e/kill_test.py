"""kill -9 at twenty random moments and a disk that fills up: the resumed report is that of a run
that was left alone, but for times and what follows from them."""
import json
import random
import re
import resource
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from program import LLAVA, PROGRAM, QWEN, SUITE, read_jsonl

KILLS = 20
ITEMS = 40
# What times decide: themselves, and money, memory, ratios and recommendations made of them.
BY_TIME = re.compile(
    r"seconds|e2e|ttft|tpot|split|cost|elsewhere|joules|_per_second|memory/peak|/speeds/|"
    r"fixed_length|seen_before|^/recommendations|^/method|^/run/(started|build/command|sessions)")
LEAST_COMPARED = 500  # figures and texts of the report


def write_suite(path):
    """The first questions of the demo suite."""
    with path.open("w", encoding="utf-8") as file:
        for item in read_jsonl(SUITE / "items.jsonl")[:ITEMS]:
            item["images"] = [str(SUITE / image) for image in item["images"]]
            file.write(json.dumps(item) + "\n")


def command(out):
    return [PROGRAM, "compare", QWEN, LLAVA, "--suite", str(out.parent / "some.jsonl"),
            "--max-tokens", "8", "--warmup", "1", "--resume", "--out", str(out)]


def leaves(value, path=""):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from leaves(inner, f"{path}/{place}")
    else:
        yield path, value


def report(out):
    """The leaves of summary.json that no clock decides, and every answer with its grade."""
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    kept = {path: value for path, value in leaves(summary) if not BY_TIME.search(path)}
    answers = []
    for answer in read_jsonl(out / "answers.jsonl"):
        for key in ("timing", "token_times_s", "memory"):
            answer.pop(key)
        answers.append(answer)
    return kept, answers


def finish(out):
    done = subprocess.run(command(out), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr}"
    return report(out)


def check_database(out):
    path = out / "results.sqlite"
    if not path.exists():
        return 0
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        if "answers" not in tables:
            return 0
        return connection.execute("SELECT count(*) FROM answers").fetchone()[0]


def kill_at_random(out, whole_seconds):
    """Kills starts of the run at random moments; they get on by an answer or two each, since the
    moments lie around the time that a start takes to its first answer."""
    before = 0
    kills = 0
    for _ in range(KILLS):
        with subprocess.Popen(command(out), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              text=True) as process:
            if random.random() < 0.7:
                for line in process.stderr:
                    if "answers" in line:
                        break
            time.sleep(random.uniform(0, whole_seconds / KILLS))
            process.send_signal(signal.SIGKILL)
            process.stderr.read()
            if process.wait(timeout=300) == -signal.SIGKILL:
                kills += 1
        now = check_database(out)
        assert now >= before, f"{before} answers were stored, {now} are left"
        before = now
    return kills, before


def fill_disk(out):
    """A limit on file sizes stands in for a disk that is full after some answers."""
    def limit():
        size = 400 << 10
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    done = subprocess.run(command(out), capture_output=True, text=True, timeout=300,
                          preexec_fn=limit)
    assert done.returncode == 1, f"exit code {done.returncode}: {done.stderr}"
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("visavis: "), last
    return check_database(out)


class Interrupted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.path = Path(folder.name)
        write_suite(cls.path / "some.jsonl")
        begin = time.monotonic()
        cls.wanted = finish(cls.path / "whole")
        cls.seconds = time.monotonic() - begin

    def assert_same(self, out):
        kept, answers = finish(out)
        wanted, wanted_answers = self.wanted
        self.assertGreater(len(wanted), LEAST_COMPARED)
        self.assertEqual(len(wanted_answers), 2 * ITEMS)
        self.assertEqual(answers, wanted_answers)
        differing = [path for path in sorted(set(kept) | set(wanted))
                     if kept.get(path) != wanted.get(path)]
        self.assertEqual(differing, [])

    def test_twenty_kills(self):
        kills, safe = kill_at_random(self.path / "killed", self.seconds)
        self.assertGreater(kills, 0)
        self.assert_same(self.path / "killed")
        print(f"{kills} of {KILLS} starts were killed, {safe} answers stored before the last one; "
              f"{len(self.wanted[0])} leaves of the report are equal")

    def test_full_disk(self):
        stored = fill_disk(self.path / "full")
        self.assertGreater(stored, 0)
        self.assertLess(stored, 2 * ITEMS)
        self.assert_same(self.path / "full")


if __name__ == "__main__":
    unittest.main()
