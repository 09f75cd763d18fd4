"""Office scenes: a desk with things on it and a wall with things on it; the model describes them.

Level 1: two or three large things. Level 2: up to five, smaller, one on the wall. Level 3: up to seven,
small, turned, overlapping, pale, among litter, often near the margins. Level 4: smaller and paler still.
"""

import vocabulary
from scene import HEIGHT, WIDTH, Scene, jitter, seen, stage
from wording import capital, en_list, fill, zh_list

KINDS = {"describe": 6, "wall": 1, "exists": 1, "edge": 1.5, "count": 0.7, "neighbour": 1}
GRADED = ("describe",)
DESK_RGB = (
    (196, 150, 104),
    (160, 110, 70),
    (224, 196, 160),
    (120, 84, 56),
    (210, 210, 205),
    (150, 120, 95),
)


def make(rng, difficulty, may_be_wide):
    """One office: (scenes, truth). truth: desk and wall [(thing, x)] from left to right, colour."""
    hard = difficulty - 1
    scene = Scene(rng, difficulty)
    colour = rng.choice(vocabulary.WALL_COLOURS)
    scene.background = jitter(rng, colour.rgb)
    edge = rng.uniform(128, 160)
    desk_rgb = rng.choice(DESK_RGB)
    scene.rect(0, edge, WIDTH, HEIGHT, jitter(rng, desk_rgb, 10))
    scene.rect(
        0, edge, WIDTH, edge + rng.uniform(3, 8), jitter(rng, tuple(v * 0.8 for v in desk_rgb), 8)
    )
    left, right = stage(rng, difficulty, may_be_wide)

    on_desk = rng.sample(
        vocabulary.DESK_THINGS, rng.choice(((2, 3), (3, 4, 4), (4, 5, 6), (5, 6))[hard])
    )
    step = (right - left) / len(on_desk)
    desk = []
    for index, thing in enumerate(on_desk):
        largest = (88, 66, 54, 42)[hard]
        width = min(largest, step * (0.95, 0.97, 1.2, 1.2)[hard]) * rng.uniform(0.75, 1)
        slack = max(0.0, step - width)
        x = left + step * (index + 0.5) + rng.uniform(-0.5, 0.5) * slack
        x = min(max(x, left + width / 2), right - width / 2)
        foot = edge + rng.uniform(8, HEIGHT - edge - 8)
        y = min(max(foot - width * 0.47, edge - width * 0.3), HEIGHT - width * 0.5)
        scene.put(
            thing.emoji,
            x,
            y,
            width,
            angle=rng.uniform(-1, 1) * (0, 0.2, 0.45, 0.8)[hard],
            opacity=rng.uniform((1, 0.9, 0.65, 0.5)[hard], 1),
            layer=1 + index % 2,
            column=index + 1,
        )
        desk.append((thing, x))

    on_wall = rng.sample(
        vocabulary.WALL_THINGS, rng.choice(((0,), (0, 1), (0, 1, 2), (1, 2))[hard])
    )
    wall = []
    for index, thing in enumerate(on_wall):
        step = (right - left) / len(on_wall)
        width = rng.uniform(*(28, 36) if difficulty == 4 else (34, 46))
        slack = max(0.0, step - width)
        x = left + step * (index + 0.5) + rng.uniform(-0.5, 0.5) * slack
        y = rng.uniform(width / 2 + 2, edge - 66 if edge > 100 else 30)
        scene.put(
            thing.emoji,
            x,
            y,
            width,
            opacity=rng.uniform((1, 0.9, 0.7, 0.5)[hard], 1),
            layer=1,
            column=index + 1,
        )
        wall.append((thing, x))
    if difficulty > 1:
        add_litter(rng, scene, edge, 3 * hard)
    return [scene], {"desk": desk, "wall": wall, "colour": colour}


def add_litter(rng, scene, edge, most):
    """Pins, clips and slips of paper that nobody asks for."""
    for _ in range(rng.randint(0, most)):
        x, y = rng.uniform(10, WIDTH - 10), rng.uniform(edge + 12, HEIGHT - 8)
        if rng.random() < 0.5:
            scene.put(rng.choice(vocabulary.LITTER), x, y, rng.uniform(9, 14), named=False)
        else:
            width, height = rng.uniform(8, 26), rng.uniform(4, 12)
            scene.rect(x, y, x + width, y + height, jitter(rng, rng.choice(DESK_RGB), 25))


def visible(truth, view):
    """The truth of what lies inside the view, or None when no thing on the desk does."""
    desk = [(thing, x) for thing, x in truth["desk"] if seen(x, view)]
    wall = [(thing, x) for thing, x in truth["wall"] if seen(x, view)]
    return dict(truth, desk=desk, wall=wall) if desk else None


def ask(rng, truth, kind, lang):
    """(question, answer, detail) of one question about the office."""
    zh = lang == "zh"
    desk = [thing for thing, _ in truth["desk"]]
    wall = [thing for thing, _ in truth["wall"]]
    colour = truth["colour"]
    if kind == "describe":
        if zh:
            question = fill(
                rng.choice(("描述这张图片。", "描述一下这张图片。", "请描述这张办公桌的图片。", "图片里有什么?", "请说说图中的办公室。"))
            )
            answer = fill("桌上有{a}。", a=zh_list([fill("{u}{n}", u=t.zh_unit, n=t.zh) for t in desk]))
            if wall:
                answer += fill(
                    "墙上有{a}。", a=zh_list([fill("{u}{n}", u=t.zh_unit, n=t.zh) for t in wall])
                )
            return question, answer + fill("墙面是{w}。", w=colour.zh), None
        question = fill(
            rng.choice(
                ("Describe this picture.", "Describe the image.", "Please describe the office.")
            )
        )
        answer = fill("There is {a} on the desk. ", a=en_list([t.en for t in desk]))
        if wall:
            answer += fill("There is {a} on the wall. ", a=en_list([t.en for t in wall]))
        return question, answer + fill("The wall is {w}.", w=colour.en), None
    if kind == "wall":
        if zh:
            return fill("墙面是什么颜色?"), fill("{w}。", w=colour.zh), None
        return fill("What color is the wall?"), fill("{w}.", w=capital(colour.en)), None
    if kind == "exists":
        thing = rng.choice(desk) if rng.random() < 0.5 else rng.choice(vocabulary.DESK_THINGS)
        if zh:
            return fill("桌上有{n}吗?", n=thing.zh), fill("有。" if thing in desk else "没有。"), None
        return (
            fill("Is there {n} on the desk?", n=thing.en),
            fill("Yes." if thing in desk else "No."),
            None,
        )
    if kind == "edge":
        at_left = rng.random() < 0.5
        thing = desk[0 if at_left else -1]
        if zh:
            return fill("桌上最{s}边的是什么?", s="左" if at_left else "右"), fill("{n}。", n=thing.zh), None
        question = fill("What is the {s}most thing on the desk?", s="left" if at_left else "right")
        return question, fill("{n}.", n=capital(thing.en)), None
    if kind == "neighbour" and len(desk) > 1:
        index = rng.randrange(len(desk) - 1)
        if zh:
            return fill("{n}右边的是什么?", n=desk[index].zh), fill("{n}。", n=desk[index + 1].zh), None
        question = fill("What is to the right of the {n}?", n=desk[index].en_noun)
        return question, fill("{n}.", n=capital(desk[index + 1].en)), None
    if zh:
        return fill("桌上有几件物品?"), fill("{n}件。", n=len(desk)), None
    return fill("How many things are on the desk?"), fill("{n}.", n=len(desk)), None


def names(thing, lang):
    """All accepted wordings of a thing."""
    if lang == "zh":
        return [thing.zh, *thing.zh_aliases]
    return [thing.en, *thing.en_aliases]


def colour_wordings(colour, lang):
    """Ways to say that the wall has this colour."""
    if lang == "zh":
        return [pattern.format(colour.zh) for pattern in ("墙面是{}", "墙是{}", "墙壁是{}", "{}的墙", "{}墙")]
    return [pattern.format(colour.en) for pattern in ("wall is {}", "walls are {}", "{} wall")]


def key(truth, kind, lang, detail):
    """The grader's key: every thing and the wall's colour are facts; all other things contradict."""
    del kind, detail
    present = [thing for thing, _ in truth["desk"] + truth["wall"]]
    facts = [{"any": names(thing, lang)} for thing in present]
    facts.append({"any": colour_wordings(truth["colour"], lang)})
    absent = [t for t in vocabulary.DESK_THINGS + vocabulary.WALL_THINGS if t not in present]
    contradictions = [names(thing, lang)[0] for thing in absent]
    for colour in vocabulary.WALL_COLOURS:
        if colour != truth["colour"]:
            contradictions += colour_wordings(colour, lang)[: 3 if lang == "zh" else 1]
    return {"grader": "facts", "facts": facts, "contradictions": contradictions}
