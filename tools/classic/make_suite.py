"""Makes the suite "classic" again: python3 tools/classic/make_suite.py suites/classic [--only office] [--draft]

Scenes, drawings and keys come from the seeds below; --draft renders small and rough, to look at; --check draws nothing
and fails if the folder does not hold what these scripts make.
"""

import argparse
import json
import random
import re
import sys
import tempfile
from pathlib import Path

import office
import photographs
import picture
import prints
import room
import shelf

SEED = 20260501
OFFICES, SHELVES = 6, 4
ROOM_PICTURES = (2, 2, 2, 2, 3, 5)  # of each renovation
MOST_BYTES = 3_500_000


def _rng(*names):
    return random.Random("/".join(map(str, (SEED, *names))))


def _scenes():
    """(scenario, stem, the pictures as (stem, draw(folder, path, quality, scale)), questions) of everything."""

    def rendered(scene, size):
        return lambda folder, path, quality, scale: picture.render(scene(folder), path, size, quality, scale)

    for number in range(OFFICES):
        desk = office.Office(_rng("office", number), number)
        stem = f"office-{number + 1}"
        yield "office", stem, [(stem, rendered(desk.scene, (1280, 960)))], office.questions(desk, _rng("office", number, "ask"))
    for number in range(SHELVES):
        goods = shelf.Shelf(_rng("shelf", number), number)
        stem = f"shelf-{number + 1}"
        yield "shelf", stem, [(stem, rendered(goods.scene, (1280, 1024)))], shelf.questions(goods, _rng("shelf", number, "ask"))
    for number, count in enumerate(ROOM_PICTURES):
        home = room.Renovation(_rng("room", number), number, count)
        stem = f"room-{number + 1}"
        drawn = [(f"{stem}-{at + 1}", rendered(lambda folder, home=home, at=at: home.scene(folder, at), (1024, 768))) for at in range(count)]
        yield "before_after", stem, drawn, room.questions(home, _rng("room", number, "ask"))
    for number, row in enumerate(prints.PRINTS):
        stem = f"print-{row['name']}"

        def draw(folder, path, quality, scale, row=row):
            png = Path(folder) / f"{row['name']}.png"
            picture.rasterise(row["draw"](row), png, round(1080 * scale))
            picture.to_webp(png, path, 70)

        yield "new_year", stem, [(stem, draw)], prints.questions(number)


def _reference(key, lang):
    """What a fully right answer would say: the first wording of everything that the key wants."""
    things = key.get("facts") or key.get("changes")
    if things is None:
        return {}
    said = [thing["any"][0] for thing in things]
    return {"answer": "、".join(said) + "。" if lang == "zh" else ", ".join(said) + "."}


def _item(scenario, stem, number, images, asked):
    lang, difficulty, question, key = asked
    item = {"id": f"{stem}-{number}", "scenario": scenario, "lang": lang, "difficulty": difficulty, "cluster": stem, "images": images, "question": question}
    return {**item, **_reference(key, lang), **key}


def _webp_size(path):
    """Width and height of a lossy WebP file."""
    head = path.read_bytes()[:30]
    assert head[8:16] == b"WEBPVP8 ", f"{path} is no lossy WebP"
    return tuple(int.from_bytes(head[at : at + 2], "little") & 0x3FFF for at in (26, 28))


def problems(folder, items):
    """What is wrong with a suite folder, a line each."""
    stored = (folder / "items.jsonl").read_text(encoding="utf-8").splitlines()
    found = [f"items.jsonl line {line + 1} is not what its scene says" for line, (one, other) in enumerate(zip(stored, map(_line, items))) if one != other]
    if len(stored) != len(items):
        found.append(f"items.jsonl has {len(stored)} lines, wanted {len(items)}")
    graded = [item for item in items if item["grader"] != "shown"]
    if len(graded) < 60:
        found.append(f"{len(graded)} graded items, wanted at least 60")
    for path in sorted({path for item in graded for path in item["images"]}):
        if max(_webp_size(folder / path)) < 1024:
            found.append(f"{path} is {_webp_size(folder / path)}, wanted 1024 pixels at least")
    named = {path for item in items for path in item["images"]}
    found += [f"{path.name} belongs to no item" for path in (folder / "pictures").iterdir() if f"pictures/{path.name}" not in named]
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return found if size <= MOST_BYTES else [*found, f"the suite has {size} bytes, wanted at most {MOST_BYTES}"]


def _line(item):
    return json.dumps(item, ensure_ascii=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", help="draw only the pictures whose name holds this (a regular expression)", default="")
    parser.add_argument("--draft", action="store_true")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    pictures = arguments.out / "pictures"
    quality, scale = ("draft", 0.5) if arguments.draft else ("final", 1.0)
    items, work = [], []
    for scenario, stem, drawn, asked in _scenes():
        images = [f"pictures/{name}.webp" for name, _ in drawn]
        work += [(name, draw) for name, draw in drawn if re.search(arguments.only, name)]
        items += [_item(scenario, stem, number + 1, images, each) for number, each in enumerate(asked)]
    items += photographs.items()
    if arguments.check:
        sys.exit("\n".join(problems(arguments.out, items)) or 0)
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:

        for name, draw in work:
            draw(folder, pictures / f"{name}.webp", quality, scale)
            print(name, flush=True)
        for name, source in photographs.SOURCES:
            if re.search(arguments.only, name):
                picture.to_webp(source, pictures / f"{name}.webp", 82)
    (arguments.out / "items.jsonl").write_text("".join(_line(item) + "\n" for item in items), encoding="utf-8")


if __name__ == "__main__":
    main()
