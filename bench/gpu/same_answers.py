"""How many answers of two runs over the same questions are equal.

    python3 bench/gpu/same_answers.py ONE/answers.jsonl OTHER/answers.jsonl [LEAST_SHARE]

Exits with 1 if fewer than LEAST_SHARE (0.95) are: where two logits are nearly equal, another order of sums may choose
the other one.
"""

import json
import sys
from pathlib import Path


def answers(path):
    rows = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    return {(row["model"], row["suite"], row["id"]): row["answer"] for row in rows}


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    one, other = answers(sys.argv[1]), answers(sys.argv[2])
    least = float(sys.argv[3]) if len(sys.argv) == 4 else 0.95
    shared = sorted(one.keys() & other.keys())
    different = [key for key in shared if one[key] != other[key]]
    for key in different[:5]:
        print(f"{key}: {one[key]!r} / {other[key]!r}")
    print(f"{len(shared) - len(different)} of {len(shared)} answers are equal")
    if not shared or len(different) > (1 - least) * len(shared):
        sys.exit(1)


if __name__ == "__main__":
    main()
