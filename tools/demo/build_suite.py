"""Write suites/demo again: `python3 build_suite.py --atlas ATLAS.npz --out ../../suites/demo`.

168 items in four scenarios, 14 of each difficulty in each, about 70 % Chinese, from seeds that training
never sees; and the items of the photographs, which are shown and not graded.  Needs torch, numpy, Pillow.
"""

import argparse
import json
import os

import numpy as np
import torch
from PIL import Image

import check_suite
import scenarios
import scene
import seeds
from photographs import PHOTOGRAPH_ITEMS
from render import Renderer

PER_DIFFICULTY = 14
# The levels of the scenes (scene.LEVELS) from which each difficulty is drawn, in turn.
LEVELS = {1: (1,), 2: (2, 3), 3: (4,)}
TURNS = {"office": 1, "shelf": 2, "before_after": 1, "festival": 1}
QUALITY = 85
# Which kinds of shelf questions are asked, in turn; the graded kinds of the others are single.
SHELF_KINDS = (
    "look",
    "row_length",
    "next",
    "look",
    "tag",
    "row_length",
    "look",
    "count",
    "look",
    "next",
    "row_length",
    "look",
)


def language(number):
    """Seven of ten items are Chinese, spread evenly."""
    return "en" if number % 10 in (2, 5, 8) else "zh"


def asked_kinds(scenario, first):
    """The kinds of question for the picture whose first item has number `first` in its scenario."""
    if scenario != "shelf":
        return scenarios.MODULES[scenario].GRADED
    return [SHELF_KINDS[(first + turn) % len(SHELF_KINDS)] for turn in range(TURNS["shelf"])]


def usable(sample):
    """Whether the sample has exactly what its level promises."""
    if sample.scenario != "before_after":
        return True
    module = scenarios.MODULES["before_after"]
    return len(module.sentences(sample.truth, "en")) == module.changes_of(sample.difficulty)


def draw_sample(scenario, difficulty, picture, first):
    """The picture group number `picture` of this scenario and difficulty, and its questions."""
    rng = seeds.stream(seeds.SUITE, scenario, difficulty, picture)
    level = LEVELS[difficulty][picture % len(LEVELS[difficulty])]
    while True:
        sample = scenarios.sample(rng, scenario, level, turns=0)
        if usable(sample):
            break
    module = scenarios.MODULES[scenario]
    for turn, kind in enumerate(asked_kinds(scenario, first)):
        lang = language(first + turn)
        while True:
            question, answer, detail = module.ask(rng, sample.truth, kind, lang)
            if question not in [turn.question for turn in sample.turns]:
                break
        if lang == "zh":
            question = question.replace("?", "？").replace(",", "，")
        sample.turns.append(scenarios.Turn(question, answer, kind, lang, detail))
    return sample


def suite_items(out, renderer):
    """All graded items; their pictures are written on the way."""
    items = []
    for scenario in scenarios.MODULES:
        number = 0
        group = 0
        for difficulty in (1, 2, 3):
            for picture in range(PER_DIFFICULTY // TURNS[scenario]):
                group += 1
                sample = draw_sample(scenario, difficulty, picture, number)
                cluster = f"{scenario.replace('_', '-')}-p{group:02d}"
                paths = write_pictures(out, renderer, sample, cluster)
                for turn in sample.turns:
                    number += 1
                    item = {
                        "id": f"{scenario.replace('_', '-')}-{number:03d}",
                        "scenario": scenario,
                        "lang": turn.lang,
                        "difficulty": difficulty,
                        "cluster": cluster,
                        "images": paths,
                        "question": turn.question,
                        "answer": turn.answer,
                    }
                    item.update(
                        scenarios.MODULES[scenario].key(
                            sample.truth, turn.kind, turn.lang, turn.detail
                        )
                    )
                    items.append(item)
    return items


def write_pictures(out, renderer, sample, cluster):
    """Render and save the pictures of one group; their paths inside the suite."""
    noise_seed = seeds.stream(seeds.SUITE, "noise", cluster).randrange(2**31)
    generator = torch.Generator().manual_seed(noise_seed)
    shape = (len(sample.scenes), scene.HEIGHT, scene.WIDTH, 3)
    pictures = renderer(scene.pack(sample.scenes), torch.randn(shape, generator=generator))
    suffixes = ("",) if len(sample.scenes) == 1 else ("-before", "-after")
    paths = []
    for picture, suffix in zip(pictures, suffixes):
        path = f"pictures/{cluster}{suffix}.webp"
        Image.fromarray(picture.numpy().astype(np.uint8)).save(
            os.path.join(out, path), quality=QUALITY, method=6
        )
        paths.append(path)
    return paths


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--atlas", required=True)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    os.makedirs(os.path.join(options.out, "pictures"), exist_ok=True)
    items = suite_items(options.out, Renderer(options.atlas, "cpu")) + PHOTOGRAPH_ITEMS
    with open(os.path.join(options.out, "items.jsonl"), "w", encoding="utf-8") as file:
        for item in items:
            file.write(json.dumps(item, ensure_ascii=False, separators=(",", ":")) + "\n")
    found = check_suite.problems(options.out)
    if found:
        raise SystemExit("\n".join(found))
    print(
        f"{len(items)} items, {sum(item['lang'] == 'zh' for item in items)} Chinese -> {options.out}"
    )


if __name__ == "__main__":
    main()
