"""Runs the visavis program for the end-to-end tests.

The program's path comes from the environment variable VISAVIS, the repository's from VISAVIS_SOURCE
(ctest sets both).
"""
import json
import os
import pathlib
import subprocess
import tempfile

SOURCE = pathlib.Path(os.environ["VISAVIS_SOURCE"])
PROGRAM = os.environ["VISAVIS"]
QWEN = "demo-qwen3-vl"
LLAVA = "demo-llava"
SUITE = SOURCE / "suites" / "demo"
PICTURE = SUITE / "photographs" / "chelsea.png"


def visavis(*arguments, stdin=None, cwd=None, timeout=600):
    """Runs the program to its end; returns the finished process with text output."""
    return subprocess.run(
        [PROGRAM, *map(str, arguments)],
        input=stdin,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def visavis_json(*arguments, **options):
    """The program's --json output; fails the test when it does not end well."""
    done = visavis(*arguments, "--json", **options)
    if done.returncode != 0:
        raise AssertionError(f"{arguments}: exit {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def own_folder(test):
    """A folder of the test's own; the program remembers no runs but those made from here on."""
    folder = tempfile.TemporaryDirectory()
    test.addCleanup(folder.cleanup)
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(pathlib.Path(folder.name) / "cache")
    test.addCleanup(lambda: os.environ.pop("XDG_CACHE_HOME") if before is None
                    else os.environ.update(XDG_CACHE_HOME=before))
    return pathlib.Path(folder.name)


def read_jsonl(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines()]
