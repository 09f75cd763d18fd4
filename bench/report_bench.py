"""How large the report over thousands of answers is and how fast a browser opens it.

    bench/report_bench.py PROGRAM RUN [QUESTIONS]

RUN is a finished comparison of two models. Its answers are taken again and again for QUESTIONS
(2,500) questions with a picture of their own each, cut at random out of the demo suite's
photographs; then `visavis report` writes the page, and Debian's chromium opens it without a
window. Opening is the browser's time for the page less its time for an empty one, best of three.
Needs python3-pil.
"""
import hashlib
import json
import pathlib
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

from PIL import Image

SUITE = pathlib.Path(__file__).resolve().parent.parent / "suites" / "demo" / "photographs"
SIDE = 400


def write_pictures(folder, count):
    sources = [Image.open(path).convert("RGB") for path in sorted(SUITE.glob("*.png"))]
    rng = random.Random(7)
    for index in range(count):
        source = sources[index % len(sources)]
        side = min(SIDE, *source.size)
        x = rng.randrange(source.width - side + 1)
        y = rng.randrange(source.height - side + 1)
        cut = source.crop((x, y, x + side, y + side)).resize((2 * SIDE, 2 * SIDE))
        cut.save(folder / f"{index}.jpg", quality=90)


def multiply(store, pictures, count):
    """The store's questions and answers again and again, `count` questions in all."""
    items = store.execute("SELECT * FROM items ORDER BY id").fetchall()
    names = [column[1] for column in store.execute("PRAGMA table_info(items)")]
    answers = store.execute("SELECT * FROM answers").fetchall()
    grades = store.execute("SELECT * FROM grades").fetchall()
    answered = sorted({row[1] for row in answers})
    for table in ("grades", "answers", "revisits", "fixed_length", "warmups", "items"):
        store.execute(f"DELETE FROM {table}")
    sequence = 0
    for index in range(count):
        old = answered[index % len(answered)]
        row = dict(zip(names, items[old]))
        path = pictures / f"{index}.jpg"
        row["id"] = index
        row["question_id"] = f"{row['question_id']}-{index}"
        row["cluster"] = ""
        row["images"] = json.dumps([{"name": path.name, "path": str(path), "offset": 0, "length": 0}])
        row["picture_sha256"] = json.dumps([hashlib.sha256(path.read_bytes()).hexdigest()])
        store.execute(f"INSERT INTO items VALUES ({','.join('?' * len(names))})", list(row.values()))
        for answer in answers:
            if answer[1] == old:
                again = list(answer)
                again[1], again[3] = index, sequence
                sequence += 1
                store.execute(f"INSERT INTO answers VALUES ({','.join('?' * len(again))})", again)
        for grade in grades:
            if grade[1] == old:
                store.execute(f"INSERT INTO grades VALUES ({','.join('?' * len(grade))})",
                              [grade[0], index, *grade[2:]])
    return sequence


def seconds_to_open(page, profile):
    """Wall and processor seconds of a browser that shows the page and ends."""
    begin = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
                    f"--user-data-dir={profile}", "--dump-dom", page.as_uri()],
                   check=True, capture_output=True, timeout=300)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - begin, spent


def main():
    program, run = sys.argv[1], pathlib.Path(sys.argv[2])
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 2500
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "pictures").mkdir()
        write_pictures(folder / "pictures", count)
        (folder / "run").mkdir()
        shutil.copy(run / "results.sqlite", folder / "run")
        with sqlite3.connect(folder / "run" / "results.sqlite") as store:
            store.execute("PRAGMA foreign_keys = OFF")
            answers = multiply(store, folder / "pictures", count)
        begin = time.monotonic()
        subprocess.run([program, "report", folder / "run"], check=True, capture_output=True)
        writing = time.monotonic() - begin
        page = folder / "run" / "report.html"
        size = page.stat().st_size / 1e6
        print(f"{answers} answers, {count} pictures: {size:.1f} MB, written in {writing:.1f} s")
        if shutil.which("chromium"):
            empty = folder / "empty.html"
            empty.write_text("<!doctype html><title>empty</title>")
            seconds_to_open(empty, folder / "profile")  # the first start makes the profile
            nothing = min(seconds_to_open(empty, folder / "profile") for _ in range(3))
            opened = min(seconds_to_open(page, folder / "profile") for _ in range(3))
            print(f"chromium opens it in {opened[0] - nothing[0]:.2f} s "
                  f"({opened[0]:.2f} s, {nothing[0]:.2f} s of it for an empty page; "
                  f"{opened[1] - nothing[1]:.2f} s of processors)")


if __name__ == "__main__":
    main()
