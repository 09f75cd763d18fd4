"""New Year pictures: motifs of the Spring Festival; the model names them and says what they wish.

Level 1: one or two large motifs. Level 2: two or three. Level 3: four or five, small, turned and pale, among
ornaments, sometimes near the margins. Level 4: five, tiny, at any angle.
"""

import vocabulary
from scene import HEIGHT, Scene, jitter, seen, stage
from wording import capital, en_list, fill, zh_list

KINDS = {"meaning": 6, "what": 1, "one": 0.7}
GRADED = ("meaning",)
PAPER_RGB = (
    (200, 30, 35),
    (180, 20, 30),
    (225, 180, 80),
    (250, 225, 170),
    (245, 190, 190),
    (220, 60, 40),
    (150, 20, 30),
)
INNER_RGB = (
    (252, 240, 215),
    (245, 215, 150),
    (215, 50, 45),
    (255, 250, 240),
    (240, 200, 110),
    (250, 225, 225),
)


def make(rng, difficulty, may_be_wide):
    """One New Year picture: (scenes, truth). truth: motifs [(motif, x)] from left to right."""
    hard = difficulty - 1
    scene = Scene(rng, difficulty)
    scene.background = jitter(rng, rng.choice(PAPER_RGB), 10)
    left, right = stage(rng, difficulty, may_be_wide)
    border = rng.uniform(8, 24)
    if rng.random() < 0.8:
        scene.rect(
            left - 4, border, right + 4, HEIGHT - border, jitter(rng, rng.choice(INNER_RGB), 10)
        )
        if rng.random() < 0.6:
            inset = rng.uniform(4, 8)
            scene.rect(
                left - 4 + inset,
                border + inset,
                right + 4 - inset,
                HEIGHT - border - inset,
                jitter(rng, rng.choice(INNER_RGB), 10),
            )
    motifs = rng.sample(vocabulary.MOTIFS, rng.choice(((1, 2), (2, 3, 3), (4, 4, 5), (5,))[hard]))
    step = (right - left) / len(motifs)
    placed = []
    for index, motif in enumerate(motifs):
        width = min(rng.uniform(*((74, 112), (50, 76), (32, 46), (23, 33))[hard]), step * 0.98)
        x = left + step * (index + 0.5) + rng.uniform(-0.5, 0.5) * max(0, step - width) * 0.9
        y = HEIGHT / 2 + rng.uniform(-1, 1) * (HEIGHT / 2 - width * 0.5 - border - 10) * 0.8
        scene.put(
            motif.emoji,
            x,
            y,
            width,
            angle=rng.uniform(-1, 1) * (0.05, 0.25, 0.5, 1.1)[hard],
            opacity=rng.uniform((1, 0.9, 0.65, 0.45)[hard], 1),
            layer=1,
            column=index + 1,
        )
        placed.append((motif, x))
    for _ in range(rng.randint(0, (2, 5, 9, 12)[hard])):
        scene.put(
            rng.choice(vocabulary.ORNAMENTS),
            rng.uniform(left + 10, right - 10),
            rng.choice((rng.uniform(20, 40), rng.uniform(216, 236))),
            rng.uniform(14, 24),
            named=False,
        )
    return [scene], {"motifs": placed}


def visible(truth, view):
    """The truth of what lies inside the view, or None when nothing does."""
    motifs = [(motif, x) for motif, x in truth["motifs"] if seen(x, view)]
    return {"motifs": motifs} if motifs else None


def ask(rng, truth, kind, lang):
    """(question, answer, detail) of one question about the picture."""
    zh = lang == "zh"
    motifs = [motif for motif, _ in truth["motifs"]]
    if kind == "one":
        motif = rng.choice(vocabulary.MOTIFS)
        if zh:
            return (
                fill("年画里的{n}有什么寓意?", n=motif.zh),
                fill("{n}寓意{m}。", n=motif.zh, m=motif.zh_meaning),
                None,
            )
        question = fill("What does {n} mean in a New Year picture?", n=motif.en)
        return question, fill("{n} means {m}.", n=capital(motif.en), m=motif.en_meaning), None
    if kind == "what":
        if zh:
            return fill("年画里画了什么?"), fill("画了{a}。", a=zh_list([m.zh for m in motifs])), None
        return (
            fill("What does the New Year picture show?"),
            fill("It shows {a}.", a=en_list([m.en for m in motifs])),
            None,
        )
    if zh:
        question = fill(
            rng.choice(("图片中的年画有什么吉祥寓意?", "这幅年画有什么寓意?", "年画里的图案代表什么?", "请解释这幅春节年画的含义。"))
        )
        wishes = [fill("{n}寓意{m}", n=m.zh, m=m.zh_meaning) for m in motifs]
        return question, "，".join(wishes) + "。", None
    question = fill(
        rng.choice(
            (
                "What does this New Year picture symbolize?",
                "What is the auspicious meaning of the picture?",
                "Explain the meaning of this Spring Festival picture.",
            )
        )
    )
    wishes = [fill("{n} means {m}", n=m.en, m=m.en_meaning) for m in motifs]
    return question, capital("; ".join(wishes)) + ".", None


def key(truth, kind, lang, detail):
    """The grader's key: each motif and each wish is a fact; the other motifs' wishes contradict."""
    del kind, detail
    motifs = [motif for motif, _ in truth["motifs"]]
    facts, contradictions = [], []
    for motif in vocabulary.MOTIFS:
        if lang == "zh":
            names, wish = [motif.zh, *motif.zh_aliases], motif.zh_meaning
        else:
            names, wish = [motif.en, *motif.en_aliases], motif.en_meaning
        if motif in motifs:
            facts += [{"any": names}, {"any": [wish]}]
        else:
            contradictions += [names[0], wish]
    return {"grader": "facts", "facts": facts, "contradictions": contradictions}
