"""One table out of `visavis bench --json` files, and of ratios to transformers_speed.py's file.

    python3 bench/gpu/table.py VISAVIS.json... [--beside TRANSFORMERS.json]
"""

import argparse
import json
from pathlib import Path


def shape_name(report):
    return report["model"].split(" ")[0]


def case(report, part, **wanted):
    """The measured case of a part, or None."""
    for row in report["cases"]:
        if row["part"] == part and "left_out" not in row and all(row.get(k) == v for k, v in wanted.items()):
            return row
    return None


def first_token_seconds(report):
    vision = next((row for row in report["cases"] if row["part"] == "vision" and "left_out" not in row), None)
    prompt = case(report, "prompt", batch=1, context=0)
    return vision["s"]["median"] + prompt["s"]["median"] if vision and prompt else None


def generation(report, batch):
    rows = [row for row in report["cases"] if row["part"] == "generation" and row["batch"] == batch]
    rows = [row for row in rows if "left_out" not in row]
    return max(rows, key=lambda row: row["context"]) if rows else None


def line(what, unit, ours, theirs, more_is_better):
    if ours is None:
        return f"| {what} | not measured | | |"
    if theirs is None:
        return f"| {what} | {ours:.4g} {unit} | | |"
    ratio = ours / theirs if more_is_better else theirs / ours
    return f"| {what} | {ours:.4g} {unit} | {theirs:.4g} {unit} | {ratio:.1f} x |"


def rows_of(report, other):
    theirs = other or {}
    yield f"| **{shape_name(report)}**, {report['device']} | | | |"
    seconds = first_token_seconds(report)
    their_seconds = theirs.get("first_token_s")
    yield line("picture and prompt to the first token", "ms", seconds and seconds * 1e3,
               their_seconds and their_seconds * 1e3, False)
    one = generation(report, 1)
    if one is not None:
        yield line(f"generation, {one['context']} positions, {100 * one['share_of_read']:.0f} % of reading", "tok/s",
                   one["tok_per_s"], theirs.get("tok_per_s"), True)
    four = generation(report, 4)
    if one is not None and four is not None:
        yield line("4 sequences together against 1", "x", four["tok_per_s"] / one["tok_per_s"], None, True)
    memory = report["memory"]
    peak = memory.get("device_peak_bytes") or memory["planned_bytes"]
    yield line("device memory" + ("" if memory.get("device_peak_bytes") else " (planned)"), "GB", peak / 1e9,
               theirs.get("peak_bytes") and theirs["peak_bytes"] / 1e9, False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("visavis", nargs="+")
    parser.add_argument("--beside")
    arguments = parser.parse_args()
    theirs = {"engine": "", "device": "", "models": []}
    if arguments.beside:
        theirs = json.loads(Path(arguments.beside).read_text(encoding="utf-8"))
    by_name = {model["model"]: model for model in theirs["models"]}
    print(f"| {theirs['device']} | visavis | {theirs['engine']} | ratio |")
    print("|---|---|---|---|")
    for path in arguments.visavis:
        report = json.loads(Path(path).read_text(encoding="utf-8"))
        for row in rows_of(report, by_name.get(shape_name(report))):
            print(row)


if __name__ == "__main__":
    main()
