"""New Year pictures in the manner of woodblock prints. Each print is a table row: what is drawn and how often, what it
wishes for, and what is asked; the drawing and the key read the same row."""

import math

from ink import (BLUE, GOLD, GREEN, LINE, PINK, RED, SKIN, WHITE, at, bat, blossom, carp, child, child_arms, cloud, coin, ingot, leaf, lotus,
                 lotus_leaf, magpie, oval, path, pomegranate, print_sheet, sheep, warrior)


def _waves(y, rows, tint=BLUE):
    out = ""
    for row in range(rows):
        for k in range(-1, 9):
            x = 80 + k * 130 + (65 if row % 2 else 0)
            out += path(f"M{x} {y + 70 * row}q65 -96 130 0v90h-130z", tint if row % 2 else "#5b9bd0", 5) + path(f"M{x + 22} {y + 70 * row + 4}q43 -62 86 0M{x + 44} {y + 70 * row + 8}q21 -32 42 0", "none", 4).replace(LINE, WHITE)
    return f'<clipPath id="sheet"><rect x="76" y="76" width="928" height="1288"/></clipPath><g clip-path="url(#sheet)">{out}</g>'


def _fish_and_child(row):
    ground = at(lotus_leaf(), 285, 1230, 1.2) + at(lotus_leaf(), 795, 1240, 1.2) + at(lotus_leaf(), 540, 1290, 1.1)
    flowers = at(lotus(), 190, 720, 0.9, -10) + at(lotus(), 890, 700, 0.9, 12) + at(lotus("#e96a88"), 880, 330, 0.8, 14) + at(lotus("#e96a88"), 205, 350, 0.8, -14)
    return print_sheet(flowers + ground + at(child(), 540, 600, 1.45) + at(child_arms(1), 540, 640, 1.45) + at(carp(), 570, 905, 1.3, -6) + at(child_arms(-1), 540, 640, 1.45) + oval(700, 1010, 62, 50, SKIN, 7, -20), "#fdeecb")


def _door_gods(row):
    tints = (("#f0b9a0", "#c8262c", GOLD, "#2b1510"), ("#fbe6d2", "#2f6f9f", RED, "#4a3428"))
    figures = "".join(at(warrior(*tint, weapon), 300 + 480 * k, 760, 0.92, 0, k == 0) for k, (tint, weapon) in enumerate(zip(tints, row["weapons"])))
    leaves = '<rect x="76" y="76" width="462" height="1288" fill="#f3c65c"/><rect x="542" y="76" width="462" height="1288" fill="#f3c65c"/><rect x="536" y="76" width="8" height="1288" fill="#7a2a14"/>'
    sky = at(cloud("#f8dc9a"), 240, 150, 0.8) + at(cloud("#f8dc9a"), 840, 150, 0.8)
    floor = f'<rect x="76" y="1270" width="928" height="94" fill="{GREEN}" stroke="{LINE}" stroke-width="5"/>'
    return print_sheet(leaves + sky + floor + figures)


def _dragon_gate(row):
    def roof(x, y, width):
        tiles = "".join(path(f"M{x - width / 2 + 20 + 34 * k} {y - 56}q-6 30 -4 56", "none", 4) for k in range(int(width // 34)))
        return path(f"M{x - width / 2 - 40} {y - 20}Q{x - width / 2} {y - 10} {x - width / 2 + 20} {y - 60}H{x + width / 2 - 20}Q{x + width / 2} {y - 10} {x + width / 2 + 40} {y - 20}Q{x + width / 2} {y + 24} {x} {y + 16}Q{x - width / 2} {y + 24} {x - width / 2 - 40} {y - 20}z", GREEN, 6) + tiles + path(f"M{x - width / 2 + 14} {y - 64}h{width - 28}v-18h{28 - width}z", GOLD)

    pillars = "".join(path(f"M{x} 330h46v640h-46z", RED, 6) + path(f"M{x - 16} 930h78v50h-78z", "#c9c2b4", 5) + path(f"M{x - 4} 370h54M{x - 4} 900h54", "none", 9).replace(LINE, GOLD) for x in (180, 390, 650, 860))
    beams = path("M170 400h760v54h-760z", BLUE, 6) + path("M380 260h330v150h-330z", RED, 6) + path("M404 280h282v110h-282z", GOLD, 5) + "".join(at(blossom(24, PINK, 6), x, 427) for x in (250, 320, 790, 860))
    plaque = f'<text x="545" y="366" font-size="92" font-weight="bold" text-anchor="middle" fill="{LINE}">龙门</text>'
    gate = pillars + beams + plaque + roof(545, 250, 440) + roof(265, 390, 280) + roof(825, 390, 280)
    sun = f'<circle cx="850" cy="190" r="72" fill="{RED}" stroke="{LINE}" stroke-width="6"/>'
    splash = "".join(path(f"M{x} 1010q{dx} -120 {2 * dx} -150q-10 60 {-dx} 150z", "#bfe0f2", 4) for x, dx in ((360, -30), (460, -12), (560, 16), (660, 34))) + "".join(f'<circle cx="{x}" cy="{y}" r="13" fill="#bfe0f2" stroke="{LINE}" stroke-width="4"/>' for x, y in ((300, 830), (410, 780), (720, 820), (690, 760), (350, 730)))
    fish = at(carp(), 540, 720, 1.15, -58)
    return print_sheet(sun + at(cloud(), 230, 180, 0.9) + gate + splash + fish + _waves(1060, 6) + at(carp("#e07b2e", clip="second"), 250, 1190, 0.5, -28) + at(carp("#e07b2e", clip="third"), 830, 1200, 0.5, -24), "#fdf3dc")


def _magpies(row):
    trunk = path("M76 1240Q260 1120 330 900Q380 760 560 720Q760 680 1004 520V590Q780 740 600 770Q470 800 430 930Q370 1160 76 1364z", "#6b4327", 6)
    twigs = path("M350 880Q300 720 350 560Q370 480 340 380", "none", 26) + path("M350 880Q300 720 350 560Q370 480 340 380", "none", 16).replace(LINE, "#6b4327")
    twigs += path("M620 760Q700 900 860 960Q900 980 930 1050", "none", 24) + path("M620 760Q700 900 860 960Q900 980 930 1050", "none", 14).replace(LINE, "#6b4327")
    twigs += path("M720 690Q740 560 830 450Q860 400 850 330", "none", 22) + path("M720 690Q740 560 830 450Q860 400 850 330", "none", 13).replace(LINE, "#6b4327")
    spots = ((340, 380), (300, 520), (390, 480), (340, 640), (850, 330), (790, 420), (900, 440), (760, 560), (880, 960), (930, 1050), (760, 900), (700, 830), (980, 540), (470, 880), (260, 1060), (180, 1200), (820, 1040), (330, 780))
    flowers = "".join(at(blossom(46 + 8 * (k % 3), ("#f5798c", "#f9a8b4", "#e8506a")[k % 3]), x, y, 1, k * 25) for k, (x, y) in enumerate(spots))
    birds = "".join(at(magpie(), *place) for place, _ in zip(((450, 650, 1.05, -4, False), (745, 545, 0.95, 8, True)), range(row["figures"]["喜鹊"])))
    sun = f'<circle cx="220" cy="230" r="84" fill="{RED}" stroke="{LINE}" stroke-width="6"/>' + at(cloud("#f4d6a0"), 320, 270, 0.8)
    return print_sheet(sun + trunk + twigs + flowers + birds + at(cloud("#f4d6a0"), 760, 1260, 0.9), "#fdf0d4")


def _five_bats(row):
    count = row["figures"]["蝙蝠"]
    bats = "".join(at(bat(), round(540 + 355 * math.sin(2 * math.pi * k / count), 1), round(720 - 400 * math.cos(2 * math.pi * k / count), 1), 0.86, round(360 * k / count, 1)) for k in range(count))
    middle = f'<circle cx="540" cy="720" r="215" fill="{RED}" stroke="{LINE}" stroke-width="8"/><circle cx="540" cy="720" r="188" fill="none" stroke="{GOLD}" stroke-width="9"/><text x="540" y="826" font-size="290" font-weight="bold" text-anchor="middle" fill="{GOLD}" stroke="{LINE}" stroke-width="3">寿</text>'
    corners = "".join(at(cloud("#f2c98a"), x, y, 0.85) for x, y in ((230, 170), (850, 170), (230, 1290), (850, 1290)))
    ring = f'<circle cx="540" cy="720" r="575" fill="#fdf0cf" stroke="{LINE}" stroke-width="6"/>'
    return print_sheet(f'<clipPath id="ring"><rect x="76" y="76" width="928" height="1288"/></clipPath><g clip-path="url(#ring)">{ring}</g>' + corners + bats + middle, "#f3c65c")


def _treasure(row):
    rays = "".join(path(f"M540 760L{540 + 700 * math.cos(a):.0f} {760 + 700 * math.sin(a):.0f}L{540 + 700 * math.cos(a + 0.1):.0f} {760 + 700 * math.sin(a + 0.1):.0f}z", "#fbd98a", 0) for a in [math.pi + 0.2 * k for k in range(16)])
    bowl = path("M190 800Q200 1150 400 1220H680Q880 1150 890 800z", RED, 8) + path("M160 770h760v66h-760z", GOLD, 7) + path("M380 1220h320v60h-320z", GOLD, 6)
    ornament = at(blossom(110, PINK, 8), 540, 1030) + "".join(path(f"M{540 + s * 160} 960q{s * 60} -40 {s * 110} 0q{s * 30} 60 {s * -30} 90q{s * -50} 10 {s * -50} -34", "none", 10).replace(LINE, GOLD) for s in (-1, 1))
    count = row["figures"]["元宝"]
    places = [(300, 740), (460, 740), (620, 740), (780, 740), (380, 640), (540, 640), (700, 640), (460, 545), (620, 545)][:count]
    heap = "".join(at(ingot(), x, y, 1.05) for x, y in reversed(places))
    coins = "".join(at(coin(), x, y, 0.8, t) for x, y, t in ((220, 720, 10), (860, 720, -12), (300, 620, 20), (780, 620, -25), (540, 440, 0)))
    fallen = "".join(at(coin(), x, y, 0.9, t) for x, y, t in ((200, 1290, 8), (300, 1320, -14), (800, 1310, 12), (900, 1280, -6)))
    coral = path("M760 600Q780 470 730 380M764 520Q840 470 830 390M752 450Q700 430 690 370", "none", 24) + path("M760 600Q780 470 730 380M764 520Q840 470 830 390M752 450Q700 430 690 370", "none", 14).replace(LINE, "#e85a4a")
    return print_sheet(f'<clipPath id="sheet"><rect x="76" y="76" width="928" height="1288"/></clipPath><g clip-path="url(#sheet)">{rays}</g>' + coral + coins + heap + bowl + ornament + fallen + at(cloud("#f7dca6"), 230, 220, 0.9) + at(cloud("#f7dca6"), 850, 220, 0.9), "#fdf0cf")


def _three_sheep(row):
    sun = f'<circle cx="540" cy="330" r="130" fill="{RED}" stroke="{LINE}" stroke-width="7"/>' + "".join(path(f"M0 -160L14 -210L-14 -210z", GOLD, 4, f'transform="translate(540 330) rotate({k * 22.5})"') for k in range(16))
    hills = path("M76 800Q220 560 380 720Q520 520 700 700Q850 560 1004 760V1364H76z", "#8fc0a0", 6) + path("M76 960Q400 840 1004 980V1364H76z", "#5fa468", 6)
    grass = "".join(path(f"M{x} {y}q-6 -30 -18 -40m18 40q0 -36 4 -48m-4 48q8 -28 20 -36", "none", 5).replace(LINE, "#2c6b3c") for x, y in ((150, 1080), (330, 1330), (560, 1010), (760, 1330), (940, 1090), (900, 1290), (200, 1310), (500, 1340)))
    places = ((330, 960, 0.95, False), (760, 1000, 0.95, True), (540, 1190, 1.15, False), (220, 1230, 0.8, False), (860, 1230, 0.8, True))
    flock = "".join(at(sheep(), x, y, size, 0, flip) for (x, y, size, flip), _ in zip(places, range(row["figures"]["羊"])))
    flowers = "".join(at(blossom(30, ("#f5798c", GOLD)[k % 2], 5, RED), x, y) for k, (x, y) in enumerate(((140, 1180), (960, 1200), (420, 1300), (700, 1080), (930, 1330))))
    return print_sheet(sun + at(cloud(), 240, 470, 0.8) + at(cloud(), 850, 440, 0.85) + hills + grass + flowers + flock, "#fdf0d4")


def _pomegranates(row):
    branch = path("M120 220Q360 260 560 330Q760 400 960 320", "none", 30) + path("M120 220Q360 260 560 330Q760 400 960 320", "none", 19).replace(LINE, "#6b4327") + path("M400 280Q380 420 392 580M720 376Q740 470 728 640", "none", 20)
    leaves = "".join(at(leaf(("#2f8a4f", "#56a860")[k % 2]), x, y, s, t, f) for k, (x, y, s, t, f) in enumerate(((240, 240, 1.1, -40, False), (330, 270, 1.0, 40, True), (470, 300, 1.2, -30, False), (600, 350, 1.1, 30, False), (820, 380, 1.1, -50, False), (880, 360, 1.0, 20, False), (430, 440, 1.1, 10, True), (700, 520, 1.1, 10, False), (180, 230, 1.0, 30, True), (520, 320, 1.0, 60, True))))
    fruit = "".join(at(pomegranate(), x, y, s, t) for (x, y, s, t), _ in zip(((390, 800, 1.12, 182), (730, 830, 0.98, 172), (540, 1170, 0.82, 12)), range(row["figures"]["石榴"])))
    plate = path("M180 1280Q540 1420 900 1280Q860 1360 540 1364Q220 1360 180 1280z", BLUE, 6)
    butterflies = "".join(at(path("M0 0Q-70 -90 -90 -10Q-80 40 0 10zM0 0Q70 -90 90 -10Q80 40 0 10z", "#f0b040") + path("M0 -30V40M0 -30q-20 -30 -30 -34M0 -30q20 -30 30 -34", "none", 6), x, y, 0.9, t) for x, y, t in ((200, 480, -20), (900, 620, 24)))
    return print_sheet(branch + leaves + plate + fruit + butterflies, "#fdf0d4")


# figures: what is drawn how often. facts: what the answer to "what does it wish for" should say, per language.
PRINTS = [
    {"name": "fish-and-child", "draw": _fish_and_child, "figures": {"鱼": 1, "娃娃": 1},
     "facts": {"zh": [["鱼", "鲤鱼"], ["年年有余", "连年有余", "有余", "富余", "富足", "富裕", "盈余", "余粮", "丰收"]],
               "en": [["fish", "carp"], ["abundance", "surplus", "plenty", "prosperity", "年年有余"]]},
     "asked": ("en", "What is the child in the picture holding in its arms?", {"grader": "contains", "answer": ["fish", "carp"]}, 1)},
    {"name": "door-gods", "draw": _door_gods, "figures": {"门神": 2}, "weapons": ("halberd", "maces"),
     "facts": {"zh": [["门神", "武将", "神荼", "秦琼", "尉迟"], ["驱邪", "辟邪", "避邪", "镇宅", "驱鬼", "镇邪", "挡煞", "驱魔", "祛邪"], ["平安", "安宁", "保佑", "守护", "护佑", "安康"]],
               "en": [["door god", "gate god", "door guardian", "guardian", "general", "warrior"], ["evil", "bad luck", "ghosts", "demons"], ["protect", "protection", "peace", "safety", "guard"]]},
     "asked": ("zh", "图中右边的人物手里拿的兵器，下列哪一种最符合？", {"grader": "choice", "weapon": 1}, 3)},
    {"name": "dragon-gate", "draw": _dragon_gate, "figures": {"跃起的鲤鱼": 1},
     "facts": {"zh": [["鲤鱼跳龙门", "鲤鱼跃龙门", "鱼跃龙门", "跳龙门", "跃龙门"], ["金榜题名", "功成名就", "高升", "升官", "飞黄腾达", "事业有成", "学业有成", "考试", "科举", "仕途", "成功", "出人头地", "前程", "步步高升"]],
               "en": [["dragon gate", "dragon's gate", "longmen", "龙门"], ["success", "exam", "examination", "promotion", "career", "achievement", "rise", "advancement", "perseverance"]]},
     "asked": ("en", "What is the biggest fish in the picture doing?", {"grader": "contains", "answer": ["jump", "jumping", "leap", "leaping", "leaps", "jumps"]}, 1)},
    {"name": "magpies", "draw": _magpies, "figures": {"喜鹊": 2},
     "facts": {"zh": [["喜鹊"], ["梅花", "梅枝", "梅树", "梅"], ["喜上眉梢", "喜事", "报喜", "喜气", "喜庆", "双喜"]],
               "en": [["magpie"], ["plum"], ["joy", "happiness", "good news", "happy"]]},
     "asked": ("zh", "图中一共有几只鸟？请只回答数字。", {"grader": "number", "count": "喜鹊"}, 1)},
    {"name": "five-bats", "draw": _five_bats, "figures": {"蝙蝠": 5},
     "facts": {"zh": [["蝙蝠"], ["五福", "福气", "福寿", "福运", "福如东海", "多福", "有福", "福星", "福分", "谐音福", "福谐音", "福同音", "象征福", "寓意福", "代表福", "祝福"], ["长寿", "寿", "高寿", "延年"]],
               "en": [["bat"], ["blessing", "fortune", "luck", "happiness", "福"], ["longevity", "long life", "寿"]]},
     "asked": ("en", "How many bats are in the picture? Answer with a number.", {"grader": "number", "count": "蝙蝠"}, 2)},
    {"name": "treasure-bowl", "draw": _treasure, "figures": {"元宝": 9},
     "facts": {"zh": [["元宝", "聚宝盆", "金银", "铜钱", "财宝"], ["招财进宝", "财源", "发财", "财富", "富贵", "财运", "聚财", "招财", "恭喜发财"]],
               "en": [["ingot", "treasure", "gold", "coin", "coins"], ["wealth", "prosperity", "riches", "rich", "fortune", "money"]]},
     "asked": ("en", "How many gold ingots lie in the bowl? Answer with a number.", {"grader": "number", "count": "元宝"}, 3)},
    {"name": "three-sheep", "draw": _three_sheep, "figures": {"羊": 3},
     "facts": {"zh": [["羊"], ["三阳开泰", "三羊开泰", "开泰"], ["吉祥", "好运", "吉利", "新春", "春天", "冬去春来", "万象更新", "否极泰来", "新的开始", "兴旺"]],
               "en": [["sheep", "ram", "goat", "三阳开泰"], ["good fortune", "fortune", "auspicious", "good luck", "luck", "prosperity"], ["spring", "new year", "new beginning", "beginning", "renewal", "sun"]]},
     "asked": ("zh", "图中有几只羊？请只回答数字。", {"grader": "number", "count": "羊"}, 1)},
    {"name": "pomegranates", "draw": _pomegranates, "figures": {"石榴": 3},
     "facts": {"zh": [["石榴"], ["多子", "子孙", "儿孙", "百子", "人丁兴旺", "子嗣", "多福"]],
               "en": [["pomegranate"], ["children", "descendants", "offspring", "fertility", "sons", "posterity"]]},
     "asked": ("en", "Which fruit is drawn in the picture?", {"grader": "contains", "answer": ["pomegranate"]}, 2)},
]


WEAPONS = {"bow": "弓箭", "maces": "双锏", "axe": "大斧", "halberd": "长戟"}


def _meaning(row, lang):
    said = [wording for fact in row["facts"][lang] for wording in fact]
    others = [other["facts"][lang][0][0] for other in PRINTS if other is not row]
    question = {"zh": "图片中的年画有什么吉祥寓意？请说明画的是什么、寓意是什么。", "en": "What does this Chinese New Year picture show, and what does it wish for?"}[lang]
    claims = [other for other in others if len(other) > 1 and not any(other in wording or wording in other for wording in said)]
    return question, {"grader": "facts", "facts": [{"any": fact} for fact in row["facts"][lang]], "contradictions": claims}


def questions(number):
    """(language, difficulty, question, key) of every question about a print."""
    row = PRINTS[number]
    lang, question, key, difficulty = row["asked"]
    if "count" in key:
        key = {"grader": "number", "answer": [str(row["figures"][key["count"]])]}
    if "weapon" in key:
        names = list(WEAPONS)
        key = {"grader": "choice", "options": [WEAPONS[name] for name in names], "answer": "ABCD"[names.index(row["weapons"][key["weapon"]])]}
    meaning = "zh" if number not in (3, 6) else "en"
    return [(meaning, 3, *_meaning(row, meaning)), (lang, difficulty, question, key)]
