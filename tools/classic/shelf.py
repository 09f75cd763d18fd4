"""A shop's shelf: what stands where comes from a seed, and so do the keys of its questions."""

import labels
from picture import colour, label_file, vector

WIDTH, ROWS, ROW_HEIGHT, DEPTH = 160, 4, 31, 32
SIZE = 1.08  # of goods: they fill their shelf
ROW_WORDS = ("一", "二", "三", "四", "五", "六", "七", "八", "九")
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


class Good:
    """A kind of goods: names in both languages (the first is the usual one), its macro, its label."""

    def __init__(self, zh, en, macro, label=None, aspect=0.0, round_label=False, half_width=9.0):
        self.zh, self.en, self.macro, self.half_width = zh, en, macro, half_width
        self.label, self.aspect, self.round_label = label, aspect, round_label

    def place(self, folder):
        if self.label is None:
            return self.macro
        draw = labels.round_label if self.round_label else labels.box_label
        path = label_file(draw(*self.label, self.aspect), folder, 640 if self.round_label else 384)
        return self.macro.replace("FILE", f'"{path}"')


def _c(code):
    return colour(code)


GOODS = [
    Good(["牛奶", "鲜奶", "纯牛奶"], ["milk"], f"Carton(10, 19, 10, {_c('#f4f7fb')}, FILE)", ("鲜牛奶", "MILK", "milk", "#f4f7fb", "#1c4fa0", "#8fbdf0"), 10 / 19),
    Good(["橙汁", "橘子汁", "橙子汁"], ["orange juice"], f"Carton(10, 19, 10, {_c('#ffb347')}, FILE)", ("橙汁", "ORANGE JUICE", "orange", "#ffd9a0", "#c24a00", "#ff9a1f"), 10 / 19),
    Good(["可乐", "汽水"], ["cola", "coke"], "Can(4.6, 15, FILE)", ("可乐", "COLA", "bubbles", "#c4161c", "#ffffff", "#8a0c12"), 1.93, True, 6),
    Good(["矿泉水", "饮用水", "瓶装水", "纯净水"], ["mineral water", "bottled water", "water"], f"Bottle(25, 4.2, S(0.62, 0.82, 0.95), {_c('#2a6fd0')}, FILE)", ("矿泉水", "WATER", "drop", "#e8f5ff", "#12509a", "#5ab0ee"), 3.1, True, 6),
    Good(["饼干", "曲奇"], ["cookies", "biscuits"], f"Packet(15, 20, 6, {_c('#8a4a1c')}, FILE)", ("曲奇饼干", "COOKIES", "cookie", "#fbe6bd", "#7a3a10", "#c98a3c"), 15 / 20),
    Good(["纸巾", "抽纸", "面巾纸"], ["tissues", "tissue", "facial tissue", "tissue box"], f"Tissues(20, 9, 11, {_c('#7cc3e0')}, FILE)", ("抽纸", "TISSUES", "flower", "#7cc3e0", "#ffffff", "#3f95bd"), 20 / 9, half_width=11),
    Good(["方便面", "泡面", "杯面"], ["instant noodles", "cup noodles", "noodles"], f"CupNoodles(6.2, 13, {_c('#e8e2d0')}, FILE)", ("方便面", "NOODLES", "noodles", "#ffe9b8", "#b01810", "#d8342a"), 2.6, True, 8),
    Good(["蜂蜜"], ["honey"], f"Jar(5.4, 13, {_c('#e09a1c')}, {_c('#d8b040')}, FILE)", ("蜂蜜", "HONEY", "bee", "#fff4c8", "#7a4a00", "#f0b820"), 4.6, True, 7),
    Good(["草莓酱", "果酱"], ["strawberry jam", "jam"], f"Jar(5.2, 12, {_c('#a8142a')}, {_c('#d83a3a')}, FILE)", ("草莓酱", "JAM", "strawberry", "#fff0f0", "#a8142a", "#ee6a7a"), 4.8, True, 7),
    Good(["咖啡豆", "咖啡"], ["coffee beans", "coffee"], f"Bag(14, 23, {_c('#4a2c18')}, FILE)", ("咖啡豆", "COFFEE", "bean", "#e9d5b5", "#3a1e0c", "#a8743c"), 0.71),
    Good(["绿茶", "茶叶", "茶"], ["green tea", "tea"], "Can(5.4, 17, FILE)", ("绿茶", "GREEN TEA", "leaf", "#e5f2d3", "#1f6b2a", "#5fae4a"), 2.0, True, 7),
    Good(["牙膏"], ["toothpaste"], f"Packet(21, 6.5, 5, {_c('#2f8fe0')}, FILE)", ("牙膏", "TOOTHPASTE", "brush", "#d9f0ff", "#0f4f9a", "#56b4f0"), 21 / 6.5, half_width=11.5),
    Good(["洗发水", "洗发露", "洗发液"], ["shampoo"], f"PumpBottle(10, 25, {_c('#7a4fb0')}, FILE)", ("洗发水", "SHAMPOO", "wave", "#8a5fc0", "#ffffff", "#5a349a"), 7.2 / 13, half_width=8),
    Good(["洗衣液", "洗衣剂"], ["laundry detergent", "detergent"], f"Jug(16, 23, {_c('#2c74d8')}, {_c('#f08a1c')}, FILE)", ("洗衣液", "DETERGENT", "shirt", "#f2f8ff", "#0f4fb0", "#7fb6f4"), 13.1 / 7.8, half_width=10),
    Good(["大米", "米"], ["rice"], f"Bag(16, 24, {_c('#f2ead2')}, FILE)", ("大米", "RICE", "rice", "#fbf6e4", "#7a1c12", "#e3c060"), 0.78, half_width=10),
    Good(["酱油"], ["soy sauce"], f"Bottle(24, 4.3, S(0.14, 0.06, 0.04), {_c('#c01c1c')}, FILE)", ("酱油", "SOY SAUCE", "soy", "#fff3d0", "#7a1008", "#d8a020"), 3.1, True, 6),
    Good(["薯片"], ["potato chips", "chips", "crisps"], f"Bag(16, 22, {_c('#d8222a')}, FILE)", ("薯片", "CHIPS", "chips", "#ffe45a", "#b0101c", "#e8a818"), 0.85, half_width=10),
    Good(["巧克力"], ["chocolate"], f"Packet(12, 18, 2.5, {_c('#3a1e10')}, FILE)", ("巧克力", "CHOCOLATE", "chocolate", "#f3d9a4", "#4a2010", "#b07a3a"), 12 / 18),
    Good(["玉米罐头", "玉米"], ["canned corn", "corn"], "Can(5.4, 12, FILE)", ("甜玉米", "SWEET CORN", "corn", "#fff2b0", "#2a6a1c", "#6fb04a"), 2.83, True, 7),
    Good(["鱼罐头", "金枪鱼", "吞拿鱼"], ["canned tuna", "canned fish", "tuna"], "Can(6.2, 8.5, FILE)", ("金枪鱼", "TUNA", "fish", "#cfe6f6", "#0f3f74", "#3f86bd"), 4.6, True, 8),
    Good(["泰迪熊", "玩具熊", "毛绒熊", "小熊", "熊"], ["teddy bear", "stuffed bear", "toy bear", "bear"], f"Bear({_c('#a8703c')}, 0.98)", half_width=10),
    Good(["篮球"], ["basketball"], f"Ball(11, {_c('#d9702a')}, {_c('#1c1410')})", half_width=11.5),
    Good(["闹钟", "时钟", "钟"], ["alarm clock", "clock"], f"AlarmClock({_c('#cc3333')})", half_width=8.5),
    Good(["仙人掌"], ["cactus"], f"Cactus({_c('#c9683c')})", half_width=8),
    Good(["马克杯", "杯子", "水杯"], ["mug", "cup"], f"object {{ Mug({_c('#2f8a7a')}) rotate y * -20 scale 1.25 }}", half_width=8),
    Good(["苹果"], ["apples", "apple"], "Apples()", half_width=10),
    Good(["灯泡", "电灯泡"], ["light bulb", "bulb"], "Bulb()", half_width=6),
    Good(["卫生纸", "卷纸", "厕纸"], ["toilet paper", "toilet rolls", "toilet roll"], "Rolls()", half_width=12),
]

_BACKS = ("#e9e4d8", "#dfe7ea", "#e6dccb", "#d9e2d6")
_BOARDS = (("#c99a62", "#a87a44"), ("#e6e1d6", "#cfc8ba"), ("#8a5a34", "#6b4322"), ("#d8b483", "#b78f5c"))


class Shelf:
    """rows[r][k] is the index in GOODS of what stands k-th from the left in row r from the top."""

    def __init__(self, rng, number):
        self.number = number
        chosen = rng.sample(range(len(GOODS)), len(GOODS))
        self.rows, self.prices, self.places = [], [], []
        for _ in range(ROWS):
            row, width = [], 0.0
            count = rng.choice((5, 5, 6))
            for index in list(chosen):
                need = 2 * GOODS[index].half_width + 5
                if len(row) < count and width + need <= WIDTH - 8:
                    row.append(index)
                    width += need
                    chosen.remove(index)
            self.rows.append(row)
            gap = (WIDTH - 6 - sum(2 * GOODS[i].half_width for i in row)) / len(row)
            x, places = -WIDTH / 2 + 3, []
            for index in row:
                half = GOODS[index].half_width
                places.append((x + gap / 2 + half + rng.uniform(-0.12, 0.12) * gap, rng.uniform(-5, 2), rng.uniform(-7, 7)))
                x += gap + 2 * half
            self.places.append(places)
            self.prices.append([f"{rng.randint(3, 49)}.{rng.choice((0, 5, 8, 9))}" for _ in row])
        self.camera = (rng.uniform(-34, 34), rng.uniform(66, 88), -226)
        self.light = (rng.uniform(-120, 120), 250, -230)

    def scene(self, folder):
        """The POV-Ray text; label pictures are written to `folder`."""
        light, dark = _BOARDS[self.number % len(_BOARDS)]
        height = ROWS * ROW_HEIGHT
        parts = [
            '#include "common.inc"\n#include "goods.inc"\n',
            f"camera {{ location {vector(*self.camera)} up y right x * image_width / image_height look_at <{self.camera[0] * 0.12:.2f}, {height / 2 - 2}, 0> angle 46 }}\n",
            f"light_source {{ {vector(*self.light)} color rgb 0.85 area_light <70, 0, 0>, <0, 0, 70>, 4, 4 adaptive 1 jitter }}\n",
            "light_source { <0, 120, -420> color rgb 0.30 shadowless }\n",
            "sky_sphere { pigment { color rgb 0.55 } }\n",
            f"plane {{ y, -12 pigment {{ checker color rgb {_c('#cfcac0')} color rgb {_c('#bdb7ac')} scale 40 }} finish {{ diffuse 0.7 reflection 0.05 }} }}\n",
            f"plane {{ z, {DEPTH / 2 + 4} Matte({_c(_BACKS[self.number % len(_BACKS)])}) }}\n",
            f"#declare Board = texture {{ pigment {{ wood turbulence 0.07 scale <2.5, 2.5, 50> rotate <1, 87, 0> color_map {{ [0 color rgb {_c(light)}] [1 color rgb {_c(dark)}] }} }} finish {{ diffuse 0.72 specular 0.1 }} }}\n",
            f"box {{ <{-WIDTH / 2 - 3}, -12, {-DEPTH / 2}>, <{-WIDTH / 2}, {height + 3}, {DEPTH / 2}> texture {{ Board }} }}\n",
            f"box {{ <{WIDTH / 2}, -12, {-DEPTH / 2}>, <{WIDTH / 2 + 3}, {height + 3}, {DEPTH / 2}> texture {{ Board }} }}\n",
            f"box {{ <{-WIDTH / 2}, -12, {DEPTH / 2}>, <{WIDTH / 2}, {height + 3}, {DEPTH / 2 + 1}> Matte({_c(_BACKS[(self.number + 1) % len(_BACKS)])}) }}\n",
        ]
        for level in range(ROWS + 1):
            y = level * ROW_HEIGHT
            parts.append(f"box {{ <{-WIDTH / 2}, {y - 2.4}, {-DEPTH / 2}>, <{WIDTH / 2}, {y}, {DEPTH / 2}> texture {{ Board }} }}\n")
        for row, (goods, places, prices) in enumerate(zip(self.rows, self.places, self.prices)):
            y = (ROWS - 1 - row) * ROW_HEIGHT
            for index, (x, z, turn), price in zip(goods, places, prices):
                parts.append(f"object {{ {GOODS[index].place(folder)} scale {SIZE} rotate y * {turn:.1f} translate <{x:.2f}, {y}, {z - 4:.2f}> }}\n")
                if GOODS[index].label is not None:  # a second one behind it
                    parts.append(f"object {{ {GOODS[index].place(folder)} scale {SIZE} rotate y * {-turn:.1f} translate <{x + 0.6:.2f}, {y}, {z + 9:.2f}> }}\n")
                tag = label_file(labels.price_tag(f"¥{price}"), folder, 240)
                parts.append(f'object {{ Panel("{tag}", 9.6, 3.6, 0) translate <{x:.2f}, {y - 3.0}, {-DEPTH / 2 - 0.1}> }}\n')
        return "".join(parts)

    def names(self):
        return [[GOODS[index].zh[0] for index in row] for row in self.rows]


def _wordings(good, lang):
    return good.zh if lang == "zh" else good.en


def _position(shelf, rng, lang):
    row = rng.randrange(ROWS)
    at = rng.randrange(len(shelf.rows[row]))
    from_right = rng.random() < 0.35
    nth = len(shelf.rows[row]) - 1 - at if from_right else at
    if lang == "zh":
        question = f"第{ROW_WORDS[row]}排（从上往下数）从{'右' if from_right else '左'}数第{ROW_WORDS[nth]}个商品是什么？"
    else:
        question = f"Counting rows from the top, what is the {ORDINALS[nth]} product from the {'right' if from_right else 'left'} in the {ORDINALS[row]} row?"
    return question, {"grader": "contains", "answer": _wordings(GOODS[shelf.rows[row][at]], lang)}


def _neighbour(shelf, rng, lang):
    row = rng.randrange(ROWS)
    at = rng.randrange(len(shelf.rows[row]) - 1)
    right = rng.random() < 0.5
    asked, answer = (at, at + 1) if right else (at + 1, at)
    name = _wordings(GOODS[shelf.rows[row][asked]], lang)[0]
    if lang == "zh":
        question = f"紧挨着{name}{'右' if right else '左'}边的商品是什么？"
    else:
        question = f"Which product stands immediately to the {'right' if right else 'left'} of the {name}?"
    return question, {"grader": "contains", "answer": _wordings(GOODS[shelf.rows[row][answer]], lang)}


def _price(shelf, rng, lang):
    row = rng.randrange(ROWS)
    at = rng.randrange(len(shelf.rows[row]))
    name = _wordings(GOODS[shelf.rows[row][at]], lang)[0]
    question = f"{name}下面的价签写的是多少元？" if lang == "zh" else f"What price, in yuan, is on the tag below the {name}?"
    return question, {"grader": "contains", "answer": sorted({f"{float(shelf.prices[row][at]):g}", shelf.prices[row][at]})}


def _which_row(shelf, rng, lang):
    row = rng.randrange(ROWS)
    name = _wordings(GOODS[rng.choice(shelf.rows[row])], lang)[0]
    if lang == "zh":
        return f"{name}在从上往下数的第几排？请只回答数字。", {"grader": "number", "answer": [str(row + 1)]}
    return f"In which row, counted from the top, do you find this product: {name}? Answer with a number.", {"grader": "number", "answer": [str(row + 1)]}


def _count(shelf, rng, lang):
    row = rng.randrange(ROWS)
    count = len(shelf.rows[row])
    if lang == "zh":
        return f"第{ROW_WORDS[row]}排（从上往下数）一共有几种商品？请只回答数字。", {"grader": "number", "answer": [str(count)]}
    return f"Counting from the top, how many different products stand in row {row + 1}? Answer with a number.", {"grader": "number", "answer": [str(count)]}


_ASKED = ((_position, "zh"), (_position, "zh"), (_position, "en"), (_neighbour, "zh"), (None, "en"))
_FIFTH = (_price, _which_row, _neighbour, _count)


def questions(shelf, rng):
    """(language, difficulty, question, key) of every question about the shelf."""
    asked, out = set(), []
    for ask, lang in _ASKED:
        ask = ask or _FIFTH[shelf.number % len(_FIFTH)]
        while True:
            question, key = ask(shelf, rng, lang)
            answer = (question if ask in (_count, _which_row) else key["answer"][0], lang)
            if answer not in asked:
                break
        asked.add(answer)
        out.append((lang, 3 if ask in (_neighbour, _price) else 2, question, key))
    return out
