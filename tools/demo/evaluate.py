"""Measure a demo model: greedy answers, graded as the suite grades them.

    python3 evaluate.py MODEL_FOLDER --family qwen3-vl --atlas ATLAS.npz --fresh 96 --int4 \\
        --suite ../../suites/demo --out FIGURES.json

Fresh scenes come from the EVALUATION seeds, which neither training nor the suite uses.
"""

import argparse
import contextlib
import json
import os

import numpy as np
import torch
from PIL import Image

import grading
import scenarios
import scene
import seeds

BATCH = 128
GROUP = 128  # weights that share one 4-bit scale


def fresh_questions(count):
    """`count` samples of each scenario and level, each with one question of a graded kind."""
    samples = []
    for scenario, module in scenarios.MODULES.items():
        for difficulty in scene.LEVELS:
            for index in range(count):
                rng = seeds.stream(seeds.EVALUATION, scenario, difficulty, index)
                kind = module.GRADED[index % len(module.GRADED)]
                samples.append(scenarios.sample(rng, scenario, difficulty, kinds=[kind]))
    return samples


def answer_fresh(forward, renderer, samples):
    """[(scenario, difficulty, kind, lang, score, question, right answer, reply)] of fresh samples."""
    torch.manual_seed(seeds.NOISE)
    rows = []
    for scenario, module in scenarios.MODULES.items():
        chosen = [sample for sample in samples if sample.scenario == scenario]
        for begin in range(0, len(chosen), BATCH):
            part = chosen[begin : begin + BATCH]
            pictures = renderer(
                scene.pack([picture for sample in part for picture in sample.scenes])
            )
            turns = [sample.turns[0] for sample in part]
            replies = forward.answer(
                len(part[0].scenes), pictures, [turn.question for turn in turns]
            )
            for sample, turn, reply in zip(part, turns, replies):
                key = module.key(sample.truth, turn.kind, turn.lang, turn.detail)
                text = forward.chat.decode(reply)
                rows.append(
                    (
                        scenario,
                        sample.difficulty,
                        turn.kind,
                        turn.lang,
                        grading.grade(text, key),
                        turn.question,
                        turn.answer,
                        text,
                    )
                )
    return rows


def answer_suite(forward, folder):
    """The same for the graded items of a suite folder; the item's id stands for the kind."""
    with open(os.path.join(folder, "items.jsonl"), encoding="utf-8") as file:
        items = [item for item in map(json.loads, file) if item["grader"] != "shown"]
    rows = []
    for count in (1, 2):
        chosen = [item for item in items if len(item["images"]) == count]
        for begin in range(0, len(chosen), BATCH):
            part = chosen[begin : begin + BATCH]
            pictures = np.stack(
                [
                    np.asarray(Image.open(os.path.join(folder, path)).convert("RGB"))
                    for item in part
                    for path in item["images"]
                ]
            )
            pictures = torch.from_numpy(pictures).to(forward.device).float()
            replies = forward.answer(count, pictures, [item["question"] for item in part])
            for item, reply in zip(part, replies):
                text = forward.chat.decode(reply)
                rows.append(
                    (
                        item["scenario"],
                        item["difficulty"],
                        item["id"],
                        item["lang"],
                        grading.grade(text, item),
                        item["question"],
                        item["answer"],
                        text,
                    )
                )
    return rows


def summarise(rows, with_kinds=False):
    """{group: [items, share fully right, mean score]} by scenario, difficulty, language and, if wanted, kind."""
    groups = {}
    for scenario, difficulty, kind, lang, score, *_ in rows:
        names = ["all", scenario, f"{scenario}/{difficulty}", f"{scenario}/{lang}"]
        if with_kinds:
            names += [f"{scenario}/{kind}", f"{scenario}/{kind}/{difficulty}"]
        for name in names:
            groups.setdefault(name, []).append(score)
    return {
        name: [
            len(scores),
            round(100 * sum(s >= 0.999 for s in scores) / len(scores), 1),
            round(100 * sum(scores) / len(scores), 1),
        ]
        for name, scores in sorted(groups.items())
    }


def shares(summary):
    """The shares of fully right answers as one line."""
    return " ".join(f"{group}={full:g}" for group, (_, full, _) in summary.items())


def rounded_to_int4(weight):
    """The weight after 4-bit rounding: groups of 128 along the input, scale in half precision, zero point."""
    outputs, inputs = weight.shape
    groups = weight.view(outputs, inputs // GROUP, GROUP)
    low, high = groups.amin(-1, keepdim=True).clamp(max=0), groups.amax(-1, keepdim=True).clamp(
        min=0
    )
    scale = ((high - low) / 15).clamp_min(1e-8).half().float()
    zero = (-low / scale).round().clamp(0, 15)
    return (((groups / scale).round() + zero).clamp(0, 15) - zero).mul(scale).view(outputs, inputs)


@contextlib.contextmanager
def int4_text(model):
    """Inside, the linear layers of the text model hold weights rounded to 4 bits (to nearest)."""
    linears = {
        name: p
        for name, p in model.model.language_model.named_parameters()
        if p.ndim == 2 and "proj" in name
    }
    originals = {name: parameter.data.clone() for name, parameter in linears.items()}
    for parameter in linears.values():
        parameter.data.copy_(rounded_to_int4(parameter.data))
    try:
        yield
    finally:
        for name, parameter in linears.items():
            parameter.data.copy_(originals[name])


def measure(forward, renderer, suite, fresh):
    """{"suite": {"summary", "rows"}, "fresh": {"summary", "misses"}} of whichever is wanted."""
    figures = {}
    if suite:
        rows = answer_suite(forward, suite)
        figures["suite"] = {"summary": summarise(rows), "rows": rows}
    if fresh:
        rows = answer_fresh(forward, renderer, fresh)
        figures["fresh"] = {
            "summary": summarise(rows, with_kinds=True),
            "misses": [row for row in rows if row[4] < 0.999],
        }
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--family", required=True)
    parser.add_argument("--atlas", help="sprites, for fresh scenes")
    parser.add_argument("--suite", help="suite folder")
    parser.add_argument(
        "--fresh", type=int, default=0, help="fresh samples of each scenario and level"
    )
    parser.add_argument("--int4", action="store_true", help="also with 4-bit text weights")
    parser.add_argument("--out", help="JSON file for all figures and answers")
    options = parser.parse_args()
    from transformers import AutoModelForImageTextToText

    from chat import Chat
    from forward import Forward
    from render import Renderer

    device = "cuda" if torch.cuda.is_available() else "cpu"
    chat = Chat(options.family, os.path.join(options.model, "tokenizer.json"))
    model = (
        AutoModelForImageTextToText.from_pretrained(options.model, dtype=torch.float32)
        .to(device)
        .eval()
    )
    renderer = Renderer(options.atlas, device) if options.fresh else None
    fresh = fresh_questions(options.fresh)
    figures = {"f32": measure(Forward(model, chat), renderer, options.suite, fresh)}
    if options.int4:
        with int4_text(model):
            figures["int4"] = measure(Forward(model, chat), renderer, options.suite, fresh)
    for weights, sets in figures.items():
        for name, result in sets.items():
            print(weights, name, shares(result["summary"]))
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump(figures, file, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    main()
