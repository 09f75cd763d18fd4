"""An office desk and the wall behind it: what is there comes from a seed, and so do the keys."""

import labels
from picture import colour, label_file, vector

COLOURS = {  # name: (value, wordings in Chinese, wordings in English)
    "white": ("#f3f2ee", ["白色", "白"], ["white"]),
    "red": ("#c8262c", ["红色", "红"], ["red"]),
    "blue": ("#2560b8", ["蓝色", "蓝"], ["blue"]),
    "green": ("#2f8a4a", ["绿色", "绿"], ["green"]),
    "yellow": ("#efc22e", ["黄色", "黄"], ["yellow"]),
    "orange": ("#e8812a", ["橙色", "橙", "橘色", "橘"], ["orange"]),
    "black": ("#1c1c1e", ["黑色", "黑"], ["black"]),
}


class Thing:
    """A kind of thing: how an answer may call it, and the wordings that claim it where it is not."""

    def __init__(self, macro, zh, en, zh_claims=None, en_claims=None, colours=()):
        self.macro, self.says = macro, {"zh": zh, "en": en}
        self.claims = {"zh": zh_claims or zh[:1], "en": en_claims or en[:1]}
        self.colours = colours


THINGS = {
    "laptop": Thing("Laptop({c}, {f}, 14)", ["笔记本电脑", "手提电脑", "笔记型电脑", "笔电", "电脑"], ["laptop", "notebook computer", "computer"]),
    "monitor": Thing("Monitor({f})", ["显示器", "显示屏", "电脑屏幕", "屏幕", "电脑"], ["monitor", "computer screen", "screen", "computer", "desktop display"]),
    "keyboard": Thing("Keyboard({c})", ["键盘"], ["keyboard"], ["无线键盘"], ["wireless keyboard"]),
    "mouse": Thing("Mouse({c})", ["鼠标"], ["mouse"]),
    "cup": Thing("CoffeeCup({c})", ["咖啡", "杯子", "茶杯", "马克杯"], ["coffee", "cup", "mug"], ["咖啡杯"], ["coffee cup"], ("white", "red", "blue", "green", "yellow", "orange")),
    "lamp": Thing("DeskLamp({c})", ["台灯", "灯"], ["lamp", "desk light"], ["台灯"], ["desk lamp"], ("white", "red", "green", "black", "orange")),
    "plant": Thing("Plant({c})", ["绿植", "盆栽", "植物", "盆景", "绿萝"], ["plant"], ["盆栽"], ["potted plant"]),
    "vase": Thing("Vase({c})", ["花瓶", "鲜花", "花束", "插花", "小花", "红花", "粉色的花", "红色的花", "粉红色的花"], ["vase", "flowers"], ["花瓶"], ["vase"]),
    "books": Thing(None, ["书本", "书籍", "本书", "摞书", "叠书", "堆书", "些书", "厚书"], ["books", "book"], ["一摞书", "书籍"], ["stack of books"]),
    "notebook": Thing("union { object { Notebook({c}) } object { Pen(S(0.1, 0.1, 0.12)) rotate y * 58 translate <2, 1.4, -2> } }", ["记事本", "笔记簿", "线圈本", "活页本", "本子", "线圈笔记本"], ["notebook", "notepad", "planner", "journal"], ["记事本"], ["notepad"], ("red", "blue", "green", "yellow")),
    "penholder": Thing("PenHolder({c})", ["笔筒", "铅笔", "彩笔", "彩色笔", "画笔"], ["pencil holder", "pen holder", "pencils", "pens", "pencil cup", "pen cup"], ["笔筒"], ["pencil holder"]),
    "phone": Thing("Phone()", ["手机", "智能手机"], ["phone", "smartphone", "cellphone"], ["手机"], ["smartphone"]),
    "glasses": Thing("Glasses()", ["眼镜"], ["glasses", "eyeglasses", "spectacles"]),
    "calculator": Thing("Calculator()", ["计算器"], ["calculator"]),
    "headphones": Thing("Headphones({c})", ["耳机"], ["headphones", "headset", "headphone"]),
    "clock": Thing(None, ["挂钟", "时钟", "钟表", "圆钟", "一个钟", "钟"], ["clock"], ["挂钟"], ["wall clock"]),
    "calendar": Thing(None, ["日历", "挂历"], ["calendar"]),
    "painting": Thing(None, ["挂画", "装饰画", "油画", "幅画", "画作", "相框", "画框", "风景画"], ["painting", "framed", "artwork", "picture frame", "wall art", "picture of", "artwork"], ["挂画"], ["painting"]),
    "window": Thing(None, ["窗户", "窗"], ["window"]),
}
NEVER = {"zh": ["打印机", "电风扇", "猫", "沙发"], "en": ["printer", "electric fan", "a cat", "sofa"]}

_BACK = ("lamp", "plant", "vase", "books", "penholder")
_FRONT = ("notebook", "phone", "glasses", "calculator", "headphones")
_WALL = ("clock", "calendar", "painting", "window")
_WALLS = ("#e8e0d0", "#cfdde6", "#dfe6d6", "#e9d8d0", "#d8d6e4", "#f0ecdf")
_DESKS = (("#b98550", "#8f5f34"), ("#7a4e2e", "#57341c"), ("#d9b98a", "#b8935f"))
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_SCREENS = ("chart", "code", "text", "photo")


class Office:
    """things: name -> (x, z, turn) on the desk or (x, y) on the wall."""

    def __init__(self, rng, number):
        self.number = number
        self.laptop = number % 3 != 2
        self.screen = _SCREENS[number % len(_SCREENS)]
        self.books = rng.randint(3, 6)
        self.hour, self.minute = rng.randint(1, 12), rng.choice((0, 10, 15, 20, 25, 35, 40, 45, 50))
        self.month, self.day = rng.randint(1, 12), rng.randint(10, 28)
        self.tints = {name: rng.choice(thing.colours) for name, thing in THINGS.items() if thing.colours}
        self.book_tints = [rng.choice(("#a83232", "#2f5f9a", "#2f7a4f", "#d0a03a", "#6a4a8a", "#3a3f4a")) for _ in range(self.books)]
        self.art = rng.choice(("mountains", "sea", "flower"))
        self.desk = {}
        shift = rng.uniform(-6, 6)
        if self.laptop:
            self.desk["laptop"] = (shift, 2, rng.uniform(-10, 10))
        else:
            self.desk["monitor"] = (shift, 20, rng.uniform(-5, 5))
            self.desk["keyboard"] = (shift, -12, 0)
        back = rng.sample(_BACK, 3 if self.laptop else 2)
        for (x, z), name in zip(((-55, 20), (54, 19), (33, 26)), back):
            self.desk[name] = (x + rng.uniform(-3, 3), z + rng.uniform(-2, 2), rng.uniform(-25, 25) if name != "lamp" else (0 if x < 0 else 180))
        side = rng.choice((-1, 1))
        if "books" in self.desk:  # all of the stack shall be seen
            side = -1 if self.desk["books"][0] > 0 else 1
        self.desk["cup"] = (shift + side * rng.uniform(30, 34), -8 + rng.uniform(-3, 3), rng.uniform(-20, 30))
        front = rng.sample(_FRONT, 2)
        self.desk[front[0]] = (shift - side * rng.uniform(34, 37), -12 + rng.uniform(-3, 2), rng.uniform(-18, 18))
        self.desk[front[1]] = (shift + side * rng.uniform(51, 54), -13 + rng.uniform(-3, 2), rng.uniform(-18, 18))
        if rng.random() < 0.6 or not self.laptop:
            self.desk["mouse"] = (shift + 25 * -side if self.laptop else shift + 26 * -side, -13, rng.uniform(-8, 8))
            if self.laptop:  # beside the laptop, before what stands there
                x, z, turn = self.desk[front[0]]
                self.desk[front[0]] = (x - side * 11, z, turn)
        self.wall = {}
        places = [-50, 50] if not self.laptop else [-46, 0, 46]
        rng.shuffle(places)
        for x, name in zip(places, rng.sample(_WALL, 2)):
            self.wall[name] = (x + rng.uniform(-4, 4), 56 + rng.uniform(-2, 2))
        self.papers = [(side * rng.uniform(36, 44), 6, rng.uniform(-25, 25)), (-side * rng.uniform(40, 58), -4, rng.uniform(-35, 35))]
        self.camera = (rng.uniform(-26, 26), rng.uniform(54, 68), rng.uniform(-128, -118))
        self.sun = (rng.choice((-1, 1)) * rng.uniform(90, 150), rng.uniform(150, 190), -120)

    def _macro(self, name, folder):
        thing = THINGS[name]
        tint = colour(COLOURS[self.tints[name]][0]) if name in self.tints else {
            "laptop": "S(0.78, 0.79, 0.81)", "keyboard": "S(0.75, 0.76, 0.78)", "mouse": "S(0.93, 0.93, 0.93)", "plant": "S(0.85, 0.45, 0.3)",
            "vase": "S(0.3, 0.5, 0.7)", "penholder": "S(0.25, 0.3, 0.38)", "headphones": "S(0.13, 0.13, 0.15)"}.get(name, "")
        if name == "books":
            stack, y = [], 0.0
            for k, code in enumerate(self.book_tints):
                height, turn = 2.6 + (k * 7 % 5) * 0.45, (k * 53 % 25) - 12
                stack.append(f"object {{ Book({24 - k % 3}, {height}, {17 - k % 2}, {colour(code)}) rotate y * {turn} translate y * {y:.2f} }}")
                y += height
            return "union { " + " ".join(stack) + " }"
        screen = f'"{label_file(labels.screen(self.screen), folder, 800)}"' if "{f}" in thing.macro else ""
        return thing.macro.replace("{c}", tint).replace("{f}", screen)

    def _wall_macro(self, name, folder):
        if name == "clock":
            return f'WallClock("{label_file(labels.wall_clock(self.hour, self.minute), folder, 500)}", S(0.12, 0.2, 0.3))'
        if name == "calendar":
            return f'Calendar("{label_file(labels.calendar_page(self.month, self.day), folder, 400)}")'
        if name == "painting":
            return f'Framed("{label_file(labels.landscape(self.art), folder, 640)}", 40, 28, S(0.45, 0.28, 0.15))'
        return "Window(52, 44)"

    def scene(self, folder):
        light, dark = _DESKS[self.number % len(_DESKS)]
        parts = [
            '#include "common.inc"\n#include "office.inc"\n',
            f"camera {{ location {vector(*self.camera)} up y right x * image_width / image_height look_at <{self.camera[0] * 0.1:.2f}, 24, 4> angle 58 }}\n",
            f"light_source {{ {vector(*self.sun)} color rgb <1, 0.95, 0.86> * 0.95 area_light <60, 0, 0>, <0, 0, 60>, 4, 4 adaptive 1 jitter }}\n",
            "light_source { <0, 160, -260> color rgb 0.22 shadowless }\n",
            "sky_sphere { pigment { color rgb 0.6 } }\n",
            f"plane {{ z, 40 texture {{ pigment {{ color rgb {colour(_WALLS[self.number % len(_WALLS)])} }} normal {{ granite 0.02 scale 3 }} finish {{ diffuse 0.82 }} }} }}\n",
            f"box {{ <-78, -3.4, -36>, <78, 0, 38> Wood({colour(light)}, {colour(dark)}) }}\n",
            f"plane {{ y, -74 Matte({colour('#8d8578')}) }}\n",
        ]
        for x, z, turn in self.papers:
            parts.append(f"object {{ Paper(S(0.96, 0.96, 0.94)) rotate y * {turn:.1f} translate <{x:.2f}, 0, {z:.2f}> }}\n")
        for name, (x, z, turn) in self.desk.items():
            parts.append(f"object {{ {self._macro(name, folder)} rotate y * {turn:.1f} translate <{x:.2f}, 0, {z:.2f}> }}\n")
        for name, (x, y) in self.wall.items():
            parts.append(f"object {{ {self._wall_macro(name, folder)} translate <{x:.2f}, {y:.2f}, 37> }}\n")
        return "".join(parts)

    def things(self):
        return [*self.desk, *self.wall]


def _by_colour(office, name, lang):
    """A notebook is 笔记本 as a laptop is; its colour tells which is meant."""
    if name != "notebook" or lang != "zh":
        return []
    return [f"{tint}{between}笔记本" for tint in COLOURS[office.tints[name]][1][:1] for between in ("", "的", "封面的", "线圈")]


def _description(office, lang):
    present = office.things()
    question = {
        "zh": "请描述这个办公场景，说出桌上和墙上有哪些物品。",
        "en": "Describe this office scene: name the things on the desk and on the wall.",
    }[lang]
    said = [wording for name in present for wording in THINGS[name].says[lang]]
    claims = [wording for name, thing in THINGS.items() if name not in present for wording in thing.claims[lang]]
    claims = [claim for claim in claims + NEVER[lang] if not any(claim in wording or wording in claim for wording in said)]
    facts = [{"any": [*THINGS[name].says[lang], *_by_colour(office, name, lang)]} for name in present]
    return question, {"grader": "facts", "facts": facts, "contradictions": claims}


def _options(rng, right, wrong):
    options = [right, *wrong]
    rng.shuffle(options)
    return {"grader": "choice", "options": options, "answer": "ABCDEFGH"[options.index(right)]}


def _time(office, rng, lang):
    def written(hour, minute):
        return f"{hour}:{minute:02d}"

    hour, minute = office.hour, office.minute
    wrong = {written(hour % 12 + 1, minute), written((hour + 5) % 12 + 1, minute), written(hour, (minute + 30) % 60), written(max(1, round(minute / 5)), (hour * 5) % 60)}
    wrong = sorted(wrong - {written(hour, minute)})[:3]
    return {"zh": "墙上的钟显示的是几点？", "en": "What time does the clock on the wall show?"}[lang], _options(rng, written(hour, minute), wrong)


def _date(office, rng, lang):
    month = _MONTHS[office.month - 1]
    if lang == "zh":
        return "墙上的日历显示的是几月几日？", {"grader": "contains", "answer": [f"{office.month}月{office.day}"]}
    day = office.day
    return "Which date does the calendar on the wall show?", {"grader": "contains", "answer": [f"{month} {day}", f"{month} {day}th", f"{day} {month}", f"{day}th of {month}", f"{office.month}月{day}", f"{office.month}/{day}"]}


def _side(office, rng, lang):
    anchor = "laptop" if office.laptop else "keyboard"
    left = office.desk["cup"][0] < office.desk[anchor][0]
    names = {"zh": THINGS[anchor].says["zh"][0], "en": anchor}[lang]
    sides = {"zh": ("左边", "右边"), "en": ("to the left", "to the right")}[lang]
    question = {"zh": f"咖啡杯在{names}的左边还是右边？", "en": f"Is the coffee cup to the left or to the right of the {names}?"}[lang]
    return question, {"grader": "choice", "options": list(sides), "answer": "A" if left else "B"}


def _tint(name, zh, en):
    def ask(office, rng, lang):
        _, chinese, english = COLOURS[office.tints[name]]
        return {"zh": f"{zh}是什么颜色的？", "en": f"What colour is {en}?"}[lang], {"grader": "contains", "answer": {"zh": chinese, "en": english}[lang]}

    return ask


def _books(office, rng, lang):
    count = office.books
    return {"zh": "桌上那摞书一共有几本？请只回答数字。", "en": "How many books are in the stack on the desk? Answer with a number."}[lang], {"grader": "number", "answer": [str(count)]}


_MORE = (("clock", _time), ("calendar", _date), ("books", _books), ("notebook", _tint("notebook", "桌上的记事本", "the spiral notebook")),
         ("lamp", _tint("lamp", "台灯的灯罩", "the shade of the desk lamp")), ("cup", _side), ("cup", _tint("cup", "咖啡杯", "the coffee cup")))


def questions(office, rng):
    """(language, difficulty, question, key) of every question about the office."""
    langs = ("zh", "en", "zh") if office.number % 2 == 0 else ("en", "zh", "zh")
    out = [(langs[0], 2, *_description(office, langs[0]))]
    possible = [ask for name, ask in _MORE if name in office.things()]
    picked = [possible[0], possible[1 + office.number % (len(possible) - 1)]]
    for lang, ask in zip(langs[1:], picked):
        out.append((lang, 1 if ask is _side else 2, *ask(office, rng, lang)))
    return out
