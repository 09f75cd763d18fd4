"""A living room before and after its renovation: states, what differs between them, and the questions' keys."""

import labels
from picture import colour, label_file, vector

COLOURS = {  # name: (wordings in Chinese, wordings in English)
    "white": (["白色", "白", "米白"], ["white"]),
    "blue": (["蓝色", "蓝"], ["blue"]),
    "green": (["绿色", "绿"], ["green"]),
    "yellow": (["黄色", "黄"], ["yellow"]),
    "red": (["红色", "红"], ["red"]),
    "gray": (["灰色", "灰"], ["gray", "grey"]),
    "pink": (["粉色", "粉红", "粉"], ["pink"]),
    "orange": (["橙色", "橘色", "橘红", "橙红"], ["orange"]),
}
WALL = {"white": "#f1eee6", "blue": "#9dbfd8", "green": "#a9c9a0", "yellow": "#ecd898", "pink": "#e8bfc0"}
SOFA = {"gray": "#7d8288", "blue": "#2f5688", "red": "#a83030", "green": "#3f7350", "yellow": "#d9a92e"}
CURTAIN = {"white": "#ece9e2", "blue": "#4f7ab0", "red": "#b03a3a", "green": "#5a8f5f", "orange": "#d9803a"}
RUG = {"red": ("#9a2f2f", "#e3c58a"), "blue": ("#35587f", "#d8dde3"), "gray": ("#8f9296", "#e8e8e6")}
FLOORS = ("plank", "dark", "tile")
PARTS = {  # what may change: nouns that name it
    "floor": {"zh": ["地板", "地面", "地砖", "瓷砖", "木地板"], "en": ["floor", "flooring", "tile"]},
    "wall": {"zh": ["墙面", "墙壁", "墙的颜色", "墙体", "墙纸", "墙漆", "墙色", "墙从", "墙由"], "en": ["wall color", "wall colour", "walls", "wall was", "wall is", "wall has", "wall changed", "wall paint", "color of the wall", "colour of the wall"]},
    "curtain": {"zh": ["窗帘"], "en": ["curtain", "curtains", "drapes"]},
    "sofa": {"zh": ["沙发"], "en": ["sofa", "couch"]},
    "rug": {"zh": ["地毯", "毯子"], "en": ["rug", "carpet"]},
    "lamp": {"zh": ["吊灯", "顶灯", "灯具", "灯饰", "灯"], "en": ["pendant", "chandelier", "ceiling light", "ceiling lamp", "light fixture", "hanging light", "hanging lamp", "lamp", "lighting"]},
    "painting": {"zh": ["挂画", "装饰画", "油画", "幅画", "画作", "画框", "墙画", "墙上"], "en": ["painting", "picture frame", "framed picture", "artwork", "wall art", "picture on the wall", "picture above"]},
    "plant": {"zh": ["绿植", "植物", "盆栽", "盆景"], "en": ["plant"]},
    "bookcase": {"zh": ["书架", "书柜", "书橱"], "en": ["bookcase", "bookshelf", "book shelf", "bookshelves"]},
    "table": {"zh": ["茶几", "桌子", "咖啡桌", "圆桌"], "en": ["coffee table", "table"]},
}
# How an answer claims that a thing changed; a thing that only serves to say where something is claims nothing.
CLAIMS = {
    "zh": ("{}的颜色", "{}颜色", "{}换", "{}变", "{}由", "{}从", "新{}", "更换{}", "更换了{}", "{}被", "增加了{}", "新增了{}"),
    "en": ("{} color", "{} colour", "{} changed", "{} has changed", "new {}", "{} was", "{} has been", "{} is now", "different {}", "added a {}", "replaced the {}"),
}
RECOLOURED = ("wall", "curtain", "sofa")


def _first_state(rng):
    return {"floor": rng.choice(FLOORS), "wall": rng.choice(sorted(WALL)), "curtain": rng.choice(sorted(CURTAIN)), "sofa": rng.choice(sorted(SOFA)),
            "rug": rng.choice((None, *sorted(RUG))), "lamp": rng.choice(("globe", "shades")), "painting": rng.choice((None, "sea", "mountains", "flower")),
            "plant": rng.random() < 0.5, "bookcase": rng.random() < 0.4, "table": rng.choice(("wood", "round"))}


def _changed(state, part, rng):
    """The state after one change that nobody overlooks."""
    old = state[part]
    choices = {
        "floor": [floor for floor in FLOORS if floor != old],
        "wall": [name for name in sorted(WALL) if name != old], "curtain": [name for name in sorted(CURTAIN) if name != old],
        "sofa": [name for name in sorted(SOFA) if name != old], "rug": sorted(RUG) if old is None else [None],
        "lamp": ["shades" if old == "globe" else "globe"], "painting": ["sea", "mountains", "flower"] if old is None else [None],
        "plant": [not old], "bookcase": [not old], "table": ["round" if old == "wood" else "wood"],
    }[part]
    return {**state, part: rng.choice(choices)}


class Renovation:
    """stages: the room's state in each picture; steps: the parts that change from one to the next."""

    def __init__(self, rng, number, pictures):
        self.number = number
        counts = {2: (rng.randint(4, 5),), 3: (2, 3), 5: (1, 1, 2, 1)}[pictures]
        names = rng.sample(sorted(PARTS), sum(counts))
        if not set(names) & set(RECOLOURED):
            names[0] = rng.choice(RECOLOURED)
        self.stages, self.steps = [_first_state(rng)], []
        for count in counts:
            step, names = names[:count], names[count:]
            state = self.stages[-1]
            for part in step:
                state = _changed(state, part, rng)
            self.steps.append(step)
            self.stages.append(state)
        self.armchair = rng.choice(("#c9b79a", "#8a6f58", "#566573"))
        self.cameras = [(rng.uniform(-70, 70), rng.uniform(140, 165), rng.uniform(-285, -265)) for _ in range(1)] * pictures
        self.cameras = [(x + rng.uniform(-14, 14), y, z) for x, y, z in self.cameras]

    def scene(self, folder, at):
        state, camera = self.stages[at], self.cameras[at]
        floors = {
            "plank": f"PlankFloor({colour('#c99a62')}, {colour('#a5763f')})", "dark": f"PlankFloor({colour('#6b4426')}, {colour('#4a2c17')})",
            "tile": f"TileFloor({colour('#dcdad4')}, {colour('#8d8a84')})"}
        side = 1 if self.number % 2 == 0 else -1  # every other room is its own mirror image
        parts = [
            '#include "common.inc"\n#include "goods.inc"\n#include "office.inc"\n#include "room.inc"\n',
            f"camera {{ location {vector(*camera)} up y right x * {side} * image_width / image_height look_at <{camera[0] * 0.15:.1f}, 98, 120> angle 68 }}\n",
            "light_source { <30, 255, -40> color rgb <1, 0.96, 0.9> * 0.62 area_light <90, 0, 0>, <0, 0, 90>, 4, 4 adaptive 1 jitter }\n",
            "light_source { <-150, 170, -260> color rgb <0.9, 0.95, 1> * 0.42 area_light <60, 0, 0>, <0, 60, 0>, 4, 4 adaptive 1 jitter }\n",
            "light_source { <0, 150, -340> color rgb 0.16 shadowless }\n",
            "sky_sphere { pigment { color rgb 0.6 } }\n",
            floors[state["floor"]] + "\n", f"Shell({colour(WALL[state['wall']])})\n",
            f"object {{ CurtainedWindow(110, 112, {colour(CURTAIN[state['curtain']])}) translate <-112, 158, 208> }}\n",
            f"object {{ Sofa({colour(SOFA[state['sofa']])}, S(0.92, 0.88, 0.78)) translate <62, 0, 155> }}\n",
            f"object {{ Armchair({colour(self.armchair)}) rotate y * -62 translate <-140, 0, 62> }}\n",
            f"object {{ Cabinet(S(0.55, 0.36, 0.2)) translate <-104, 0, 186> }}\n",
            "object { Vase(S(0.3, 0.5, 0.7)) scale 1.25 translate <-112, 66, 184> }\n",
            "object { Book(24, 4, 17, S(0.6, 0.2, 0.2)) translate <-86, 66, 182> }\n",
            (f"object {{ WoodTable(S(0.5, 0.32, 0.18)) translate <50, 0, 50> }}\n" if state["table"] == "wood" else "object { RoundTable(S(0.95, 0.95, 0.94)) translate <50, 0, 50> }\n"),
            "object { CoffeeCup(S(0.95, 0.95, 0.93)) scale 1.3 translate <38, 41, 44> }\n",
            "object { Book(24, 3, 17, S(0.2, 0.35, 0.6)) rotate y * 20 translate <68, 41, 52> }\n",
            ("object { GlobeLamp() translate <30, 0, 40> }\n" if state["lamp"] == "globe" else "object { ShadeLamp(S(0.1, 0.1, 0.11)) translate <30, 0, 40> }\n"),
        ]
        if state["rug"]:
            ground, line = RUG[state["rug"]]
            parts.append(f"object {{ Rug({colour(ground)}, {colour(line)}) translate <40, 0, 55> }}\n")
        if state["painting"]:
            art = label_file(labels.landscape(state["painting"]), folder, 640)
            parts.append(f'object {{ Framed("{art}", 92, 64, S(0.42, 0.26, 0.14)) translate <62, 158, 207> }}\n')
        if state["plant"]:
            parts.append("object { BigPlant(S(0.85, 0.85, 0.83)) translate <-172, 0, 120> }\n")
        if state["bookcase"]:
            parts.append("object { Bookcase(S(0.55, 0.36, 0.2)) rotate y * 90 translate <192, 0, 70> }\n")
        return "".join(parts)

    def changes(self):
        return [part for step in self.steps for part in step]


_ALL = {
    2: {"zh": "图1是装修前，图2是装修后。主要改变了哪些地方？", "en": "Picture 1 was taken before a renovation, picture 2 after it. What are the main changes?"},
    3: {"zh": "三张图依次是装修前、装修中、装修后。从图1到图3，一共改变了哪些地方？", "en": "The three pictures show a room before, during and after its renovation. What changed between picture 1 and picture 3?"},
    5: {"zh": "五张图按时间顺序展示同一个房间的装修过程。请列出从图1到图5所有改变的地方。", "en": "The five pictures show the renovation of one room in order. List everything that changed between picture 1 and picture 5."},
}


def _claims(part, lang):
    return [claim.format(noun) for noun in PARTS[part][lang][:3] for claim in CLAIMS[lang]]


def _change_list(room, lang):
    changed = room.changes()
    said = [wording for part in changed for wording in PARTS[part][lang]]
    key = {"grader": "changes", "changes": [{"any": PARTS[part][lang]} for part in changed], "distractors": []}
    for part in PARTS:
        if part in changed :
            continue
        wordings = [claim for claim in _claims(part, lang) if not any(wording in claim for wording in said)]
        if wordings:
            key["distractors"].append({"any": wordings})
    return _ALL[len(room.stages)][lang], key


def _unchanged(room, rng, lang):
    """Which of four things stayed as it was."""
    changed = rng.sample(room.changes(), 3)
    still = rng.choice([part for part in PARTS if part not in room.changes() and room.stages[0][part]])
    options = [*changed, still]
    rng.shuffle(options)
    names = {"zh": {"wall": "墙面颜色", "lamp": "吊灯", "painting": "墙上的画", "table": "茶几"}, "en": {"wall": "the colour of the walls", "lamp": "the ceiling lamp", "painting": "the painting on the wall", "table": "the coffee table"}}[lang]
    texts = [names.get(part) or (PARTS[part]["zh"][0] if lang == "zh" else "the " + PARTS[part]["en"][0]) for part in options]
    question = {"zh": "比较图1和图2，下列哪一项没有变化？", "en": "Compare picture 1 with picture 2. Which of these did not change?"}[lang]
    return question, {"grader": "choice", "options": texts, "answer": "ABCD"[options.index(still)]}


def _new_colour(room, rng, lang):
    part = rng.choice([part for part in room.changes() if part in RECOLOURED])
    name = {"zh": {"wall": "墙面", "curtain": "窗帘", "sofa": "沙发"}, "en": {"wall": "the wall", "curtain": "the curtain", "sofa": "the sofa"}}[lang][part]
    zh, en = COLOURS[room.stages[-1][part]]
    last = len(room.stages)
    return {"zh": f"图{last}中{name}是什么颜色的？", "en": f"What colour is {name} in picture {last}?"}[lang], {"grader": "contains", "answer": {"zh": zh, "en": en}[lang]}


def _when(room, rng, lang):
    at = rng.randrange(len(room.steps))
    part = rng.choice(room.steps[at])
    name = PARTS[part]["zh"][0] if lang == "zh" else "the " + PARTS[part]["en"][0]
    if part == "wall":
        name = "墙面颜色" if lang == "zh" else "the colour of the walls"
    question = {"zh": f"{name}是从第几张图开始和图1不同的？请只回答数字。", "en": f"What is the number of the first picture in which {name} differs from picture 1? Answer with a number."}[lang]
    return question, {"grader": "number", "answer": [str(at + 2)]}


def questions(room, rng):
    """(language, difficulty, question, key) of every question about the room."""
    lang, other = ("zh", "en") if room.number % 3 != 1 else ("en", "zh")
    if len(room.stages) == 2:
        second = (_unchanged if room.number % 2 == 0 else _new_colour)(room, rng, other)
    else:
        second = _when(room, rng, other)
    return [(lang, len(room.stages) - 1 if len(room.stages) < 5 else 3, *_change_list(room, lang)), (other, 2, *second)]
