"""Two pictures of one room, before and after a renovation; the model lists what changed.

Level 1: one change. Level 2: two. Level 3: three, among more and smaller furniture, with the camera
and the light a little different, sometimes near the margins. Level 4: three, tiny and pale.
"""

import vocabulary
from scene import WIDTH, HEIGHT, Scene, jitter, seen, stage
from wording import capital, en_list, fill, zh_list

KINDS = {"changes": 6, "list": 2, "wall": 1, "floor": 1}
GRADED = ("changes",)
CHANGES = ("wall", "floor", "added", "removed", "moved")


def changes_of(difficulty):
    """How many changes a pair of this level has (a few pairs of training have none)."""
    return min(difficulty, 3)


def make(rng, difficulty, may_be_wide):
    """One pair of pictures: (scenes, truth).

    truth: rooms = ([(thing, x)] before, [(thing, x)] after) from left to right, walls and floors = (before,
    after), and added, removed, moved: (thing, x's that matter) or None.
    """
    hard = difficulty - 1
    left, right = stage(rng, difficulty, may_be_wide)
    slots = (5, 6, 8 if right - left > 300 else 7, 8)[hard]
    step = (right - left) / slots
    edge = rng.uniform(140, 172)
    present = rng.randint(*((2, 3), (3, 4), (4, 5), (5, 6))[hard])
    things = rng.sample(vocabulary.FURNITURE, present + 1)
    places = rng.sample(range(slots), present + 2)
    before = dict(zip(places, things[:present]))
    new_thing, free_place, other_place = things[-1], places[-1], places[-2]

    changes = rng.sample(CHANGES, changes_of(difficulty)) if rng.random() > 0.04 else []
    walls, floors = [rng.choice(vocabulary.WALL_COLOURS)] * 2, [
        rng.choice(vocabulary.FLOOR_COLOURS)
    ] * 2
    if "wall" in changes:
        walls[1] = rng.choice([c for c in vocabulary.WALL_COLOURS if c != walls[0]])
    if "floor" in changes:
        floors[1] = rng.choice([c for c in vocabulary.FLOOR_COLOURS if c != floors[0]])
    after = dict(before)
    picked = rng.sample(places[:present], 2)
    if "removed" in changes:
        del after[picked[0]]
    if "moved" in changes:
        after[other_place] = after.pop(picked[1])
    if "added" in changes:
        after[free_place] = new_thing

    looks = {}
    for thing in things:
        width = min(rng.uniform(*((44, 52), (36, 46), (28, 38), (22, 30))[hard]), step * 1.05)
        hangs = thing.emoji in vocabulary.HANGING
        y = (
            edge - width * 0.47 - rng.uniform(44, 76)
            if hangs
            else edge + rng.uniform(-6, 60) - width * 0.2
        )
        looks[thing] = (
            width,
            y,
            rng.uniform(-1, 1) * (0, 0.08, 0.2, 0.45)[hard],
            rng.uniform((1, 0.9, 0.75, 0.5)[hard], 1),
        )

    def x_of(place):
        return left + step * (place + 0.5)

    scenes = []
    for index, room in enumerate((before, after)):
        scene = Scene(rng, difficulty)
        scene.background = jitter(rng, walls[index].rgb, 5)
        scene.rect(0, edge, WIDTH, HEIGHT, jitter(rng, floors[index].rgb, 5))
        scene.rect(0, edge - 4, WIDTH, edge, (150, 140, 130))
        shake = (2, 4, 6, 9)[hard]
        dx, dy = rng.uniform(-shake, shake), rng.uniform(-shake, shake)
        for order, place in enumerate(sorted(room)):
            width, y, angle, opacity = looks[room[place]]
            scene.put(
                room[place].emoji,
                x_of(place) + dx,
                y + dy,
                width,
                angle,
                opacity,
                layer=order % 2,
                column=order + 1,
            )
        scenes.append(scene)
    truth = {
        "rooms": tuple(
            [(room[place], x_of(place)) for place in sorted(room)] for room in (before, after)
        ),
        "walls": walls,
        "floors": floors,
        "added": (new_thing, x_of(free_place)) if "added" in changes else None,
        "removed": (before[picked[0]], x_of(picked[0])) if "removed" in changes else None,
        "moved": (before[picked[1]], x_of(picked[1]), x_of(other_place))
        if "moved" in changes
        else None,
    }
    return scenes, truth


def visible(truth, view):
    """The truth of what lies inside the view; a thing that leaves the view counts as removed, for example."""
    result = dict(truth)
    result["rooms"] = tuple(
        [(thing, x) for thing, x in room if seen(x, view)] for room in truth["rooms"]
    )
    for change in ("added", "removed"):
        if truth[change] and not seen(truth[change][1], view):
            result[change] = None
    if truth["moved"]:
        thing, source, target = truth["moved"]
        if not (seen(source, view) and seen(target, view)):
            result["moved"] = None
            if seen(target, view):
                result["added"] = result["added"] or (thing, target)
            elif seen(source, view):
                result["removed"] = result["removed"] or (thing, source)
    return result if all(result["rooms"]) else None


def sentences(truth, lang):
    """One clause for each change, in the order of CHANGES."""
    zh = lang == "zh"
    clauses = []
    for what, zh_name in (("wall", "墙面"), ("floor", "地板")):
        old, new = truth[what + "s"]
        if old != new:
            clauses.append(
                fill("{w}从{a}变成了{b}", w=zh_name, a=old.zh, b=new.zh)
                if zh
                else fill("the {w} changed from {a} to {b}", w=what, a=old.en, b=new.en)
            )
    if truth["added"]:
        thing = truth["added"][0]
        clauses.append(
            fill("新增了{u}{n}", u=thing.zh_unit, n=thing.zh)
            if zh
            else fill("{n} was added", n=thing.en)
        )
    if truth["removed"]:
        thing = truth["removed"][0]
        clauses.append(
            fill("移走了{u}{n}", u=thing.zh_unit, n=thing.zh)
            if zh
            else fill("{n} was removed", n=thing.en)
        )
    if truth["moved"]:
        thing = truth["moved"][0]
        clauses.append(
            fill("{n}换了位置", n=thing.zh) if zh else fill("the {n} was moved", n=thing.en_noun)
        )
    return clauses


def ask(rng, truth, kind, lang):
    """(question, answer, detail) of one question about the two pictures."""
    zh = lang == "zh"
    if kind == "changes":
        clauses = sentences(truth, lang)
        if zh:
            question = fill(
                rng.choice(("主要改变了哪些地方?", "这两张装修前后的图片,主要改变了哪些地方?", "装修前后有什么变化?", "对比两张图片,列出所有变化。"))
            )
            return question, "，".join(clauses or [fill("没有明显变化")]) + "。", None
        question = fill(
            rng.choice(
                (
                    "What are the main changes?",
                    "What changed after the renovation?",
                    "List all the changes between the two pictures.",
                )
            )
        )
        return (
            question,
            capital(", ".join(clauses or [fill("there is no obvious change")])) + ".",
            None,
        )
    index = rng.randrange(2)
    zh_which, en_which = ("第一张", "第二张")[index], ("first", "second")[index]
    if kind == "list":
        room = [thing for thing, _ in truth["rooms"][index]]
        if zh:
            return (
                fill("{k}图片里有哪些物品?", k=zh_which),
                fill("{a}。", a=zh_list([t.zh for t in room])),
                None,
            )
        return (
            fill("What things are in the {k} picture?", k=en_which),
            fill("{a}.", a=capital(en_list([t.en for t in room]))),
            None,
        )
    colour = truth[kind + "s"][index]
    if zh:
        return (
            fill("{k}图片的{w}是什么颜色?", k=zh_which, w="墙面" if kind == "wall" else "地板"),
            fill("{c}。", c=colour.zh),
            None,
        )
    return (
        fill("What color is the {w} in the {k} picture?", w=kind, k=en_which),
        fill("{c}.", c=capital(colour.en)),
        None,
    )


def wordings(change, what, lang):
    """Accepted wordings of one change. `what` is a thing, or a pair (old, new) of colours."""
    if change in ("wall", "floor"):
        old, new = what
        if lang == "zh":
            nouns = ("墙面", "墙壁", "墙") if change == "wall" else ("地板", "地面")
            forms = (
                "{n}从{a}变成了{b}",
                "{n}从{a}变成{b}",
                "{n}从{a}变为{b}",
                "{n}由{a}变为{b}",
                "{n}由{a}变成{b}",
                "{n}由{a}变成了{b}",
                "{n}变成了{b}",
                "{n}变为{b}",
                "{n}颜色从{a}变为{b}",
                "{n}颜色从{a}变成了{b}",
            )
            return [form.format(n=noun, a=old.zh, b=new.zh) for noun in nouns for form in forms]
        forms = (
            "{n} changed from {a} to {b}",
            "{n} changed to {b}",
            "{n} is now {b}",
            "{n} color changed from {a} to {b}",
        )
        return [form.format(n=change, a=old.en, b=new.en) for form in forms]
    if lang == "zh":
        verbs = {
            "added": ("新增了", "新增", "增加了", "添加了", "多了"),
            "removed": ("移走了", "移除了", "拿走了", "去掉了", "少了"),
        }
        if change == "moved":
            return [what.zh + ending for ending in ("换了位置", "移动了位置", "的位置变了", "位置改变", "被移动")]
        return [verb + unit + what.zh for verb in verbs[change] for unit in (what.zh_unit, "")]
    if change == "moved":
        return [
            f"{what.en_noun} was moved",
            f"{what.en_noun} has been moved",
            f"{what.en_noun} moved",
        ]
    return [
        f"{what.en_noun} was {change}",
        f"{what.en_noun} has been {change}",
        f"{change} {what.en}",
    ]


def key(truth, kind, lang, detail):
    """The grader's key: the changes, and all other changes of the same kinds as distractors."""
    del kind, detail
    gold, distractors = [], []
    for what, colours in (("wall", vocabulary.WALL_COLOURS), ("floor", vocabulary.FLOOR_COLOURS)):
        old, new = truth[what + "s"]
        for colour in colours:
            if colour == new and old != new:
                gold.append({"any": wordings(what, (old, new), lang)})
            else:
                short = wordings(what, (old, colour), lang)
                distractors.append(
                    {
                        "any": short[:1]
                        + (
                            [f"墙面变成了{colour.zh}" if what == "wall" else f"地板变成了{colour.zh}"]
                            if lang == "zh"
                            else short[1:2]
                        )
                    }
                )
    for change in ("added", "removed", "moved"):
        right = truth[change][0] if truth[change] else None
        for thing in vocabulary.FURNITURE:
            if thing == right:
                gold.append({"any": wordings(change, thing, lang)})
            else:
                distractors.append({"any": wordings(change, thing, lang)[:2]})
    return {"grader": "changes", "changes": gold, "distractors": distractors}
