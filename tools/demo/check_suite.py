"""Check a suite folder: `python3 check_suite.py ../../suites/demo`. Needs Python alone.

Every picture is there and no other, ids are unique, each reference answer is fully right under its
own key, no wording of one fact hides in another's, an empty reply scores nothing, and scenarios and
languages are balanced.
"""

import collections
import json
import os
import sys

import grading

GRADED_ITEMS = 160
ZH_SHARE = (0.65, 0.75)


def key_problem(item):
    """What is wrong with an item's key, or None."""
    if item["grader"] == "shown":
        return None
    reference = item["answer"] if isinstance(item["answer"], str) else item["answer"][0]
    if grading.grade(reference, item) != 1.0:
        return f"the reference answer {reference!r} is not fully right under its own key"
    if grading.grade("", item) != 0.0:
        return "an empty reply scores"
    facts = item.get("facts", []) + item.get("changes", [])
    for fact in facts:
        for other in facts:
            if other is not fact and any(
                grading.says(grading.normalise(w), fact["any"]) for w in other["any"]
            ):
                return f"{fact['any']} lies inside {other['any']}"
    return None


def problems(folder):
    """All problems of a suite folder, one line each."""
    with open(os.path.join(folder, "items.jsonl"), encoding="utf-8") as file:
        items = [json.loads(line) for line in file]
    found = [f"{item['id']}: {problem}" for item in items if (problem := key_problem(item))]
    repeated = [
        name
        for name, count in collections.Counter(item["id"] for item in items).items()
        if count > 1
    ]
    found += [f"the id {name} occurs twice" for name in repeated]
    named = {path for item in items for path in item["images"]}
    found += [
        f"{path} is missing"
        for path in sorted(named)
        if not os.path.exists(os.path.join(folder, path))
    ]
    stored = {f"pictures/{name}" for name in os.listdir(os.path.join(folder, "pictures"))}
    found += [f"{path} belongs to no item" for path in sorted(stored - named)]
    graded = [item for item in items if item["grader"] != "shown"]
    if len(graded) < GRADED_ITEMS:
        found.append(f"{len(graded)} graded items, wanted at least {GRADED_ITEMS}")
    cells = collections.Counter((item["scenario"], item["difficulty"]) for item in graded)
    if len(set(cells.values())) != 1:
        found.append(f"scenarios and difficulties are not balanced: {dict(cells)}")
    share = sum(item["lang"] == "zh" for item in graded) / len(graded)
    if not ZH_SHARE[0] <= share <= ZH_SHARE[1]:
        found.append(
            f"{share:.0%} of the items are Chinese, wanted {ZH_SHARE[0]:.0%} to {ZH_SHARE[1]:.0%}"
        )
    return found


def main():
    found = problems(sys.argv[1])
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
