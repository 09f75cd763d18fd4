"""The table of scenarios, and `sample`: one scene with several questions and answers."""

from dataclasses import dataclass, field

import before_after
import festival
import office
import scene as scenes_module
import shelf

MODULES = {"office": office, "shelf": shelf, "before_after": before_after, "festival": festival}
ZH_SHARE = 0.7
ASKED_ONCE = ("describe", "changes", "meaning", "wall", "floor", "rows", "what")


@dataclass
class Turn:
    """One question and its right answer; detail is what `key` of the scenario needs besides the truth."""

    question: str
    answer: str
    kind: str
    lang: str
    detail: object = None


@dataclass
class Sample:
    """One or two pictures and the questions about them."""

    scenario: str
    difficulty: int
    scenes: list
    truth: dict
    turns: list = field(default_factory=list)


def vary_question_mark(rng, text):
    """Chinese questions end in a full-width or an ASCII question mark."""
    return text.replace("?", "？").replace(",", "，") if rng.random() < 0.6 else text


def sample(rng, scenario, difficulty, view=scenes_module.WHOLE, turns=6, kinds=None, lang=None):
    """A fresh sample.

    view: the columns that the model can see; answers speak of those alone. turns: how many questions at
    most. kinds: ask exactly these kinds (one each) instead of drawing. lang: fix the language.
    """
    module = MODULES[scenario]
    truth = None
    while truth is None:
        may_be_wide = view == scenes_module.WHOLE or scenario != "shelf"
        pictures, whole_truth = module.make(rng, difficulty, may_be_wide)
        truth = whole_truth if view == scenes_module.WHOLE else module.visible(whole_truth, view)
    result = Sample(scenario, difficulty, pictures, truth)
    weights = module.KINDS
    asked = set()
    for index in range(len(kinds) if kinds else turns):
        kind = kinds[index] if kinds else rng.choices(list(weights), list(weights.values()))[0]
        language = lang or ("zh" if rng.random() < ZH_SHARE else "en")
        if kind in ASKED_ONCE and (kind, language) in asked:
            continue
        asked.add((kind, language))
        question, answer, detail = module.ask(rng, truth, kind, language)
        if language == "zh":
            question = vary_question_mark(rng, question)
        result.turns.append(Turn(question, answer, kind, language, detail))
    return result
