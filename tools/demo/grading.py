"""The graders of the demo suite, as `suites/demo/README.md` defines them, for use in evaluation here.

Each gives a score from 0 to 1; 1 is fully right.  The strings of a key are looked for in the normalised
answer: compatibility forms folded, lower case, runs of white space as one space.
"""

import unicodedata

FACTS_FULL, FACTS_PARTIAL = 0.8, 0.3


def normalise(text):
    """Compatibility forms folded, lower case, white space collapsed."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def bare(text):
    """The normalised text without punctuation and spaces."""
    return "".join(
        c
        for c in normalise(text)
        if not c.isspace() and not unicodedata.category(c).startswith("P")
    )


def says(answer, wordings):
    """Whether the normalised answer holds one of the wordings."""
    return any(normalise(wording) in answer for wording in wordings)


def grade_exact(reply, key):
    """1 when the bare reply equals one of the accepted answers."""
    return float(bare(reply) in {bare(accepted) for accepted in key["answer"]})


def grade_facts(reply, key):
    """1 for at least 0.8 of the facts and no contradiction; 0.5 for 0.3 of the facts; else 0."""
    answer = normalise(reply)
    recall = sum(says(answer, fact["any"]) for fact in key["facts"]) / len(key["facts"])
    if recall >= FACTS_FULL and not says(answer, key["contradictions"]):
        return 1.0
    return 0.5 if recall >= FACTS_PARTIAL else 0.0


def grade_changes(reply, key):
    """F1 over the changes; a distractor that is mentioned is a false positive."""
    answer = normalise(reply)
    hits = sum(says(answer, change["any"]) for change in key["changes"])
    false = sum(says(answer, change["any"]) for change in key["distractors"])
    total = hits + false + len(key["changes"])
    return 2 * hits / total if total else 1.0


GRADERS = {"exact": grade_exact, "facts": grade_facts, "changes": grade_changes}


def grade(reply, key):
    """The score of `reply` under `key` (a dictionary with "grader" and what that grader needs)."""
    return GRADERS[key["grader"]](reply, key)
