"""Shelf scenes: rows of products with coloured price tags; the model answers one short question.

Level 1: two or three rows of three or four. Level 2: three or four rows of four or five. Level 3:
four or five rows of up to seven lookalikes, small, turned and pale, sometimes across the whole
width. Level 4: five full rows, products of very different sizes.
"""

import vocabulary
from scene import HEIGHT, Scene, jitter, stage
from wording import EN_DIGITS, EN_ORDINALS, ZH_DIGITS, capital, en_list, en_plural, fill, zh_list

KINDS = {"look": 4, "tag": 2.5, "count": 3, "row_length": 2, "rows": 0.4, "list": 2.5, "next": 1.5}
GRADED = ("look", "tag", "count", "row_length", "next")
BACK_RGB = (
    (238, 232, 220),
    (250, 250, 248),
    (222, 228, 232),
    (205, 190, 170),
    (232, 220, 235),
    (200, 215, 205),
)
BOARD_RGB = ((150, 105, 65), (110, 75, 45), (180, 180, 182), (205, 165, 120), (90, 95, 105))
PRODUCT_OF = {product.emoji: product for product in vocabulary.PRODUCTS}


def choose_pool(rng, difficulty):
    """The products that this shelf sells."""
    if difficulty < 3 and rng.random() < 0.8:
        return rng.sample(vocabulary.PRODUCTS, rng.randint(3, 8))
    groups = rng.sample(vocabulary.LOOKALIKES, rng.choice((1, 2)))
    return [
        product
        for product in vocabulary.PRODUCTS
        if any(product.emoji in group for group in groups)
    ]


def make(rng, difficulty, may_be_wide):
    """One shelf: (scenes, truth). truth: rows of (product, tag colour)."""
    hard = difficulty - 1
    scene = Scene(rng, difficulty)
    scene.background = jitter(rng, rng.choice(BACK_RGB), 8)
    left, right = stage(rng, difficulty, may_be_wide)
    top, bottom = rng.uniform(4, 14), rng.uniform(240, 252)
    board = rng.choice(BOARD_RGB)
    scene.rect(left - 2, top, right + 2, bottom, jitter(rng, rng.choice(BACK_RGB), 8))
    scene.rect(left - 4, top - 2, left, bottom, board)
    scene.rect(right, top - 2, right + 4, bottom, board)

    row_count = rng.choice(((2, 3), (3, 3, 4), (4, 5), (5,))[hard])
    most = (4, 5, 7 if right - left > 300 else 6, 7)[hard]
    fewest = (2, 3, 4, 5)[hard]
    equal_rows = rng.random() < 0.35
    length = rng.randint(fewest, most)
    pool = choose_pool(rng, difficulty)
    row_height = (bottom - top) / row_count
    rows = []
    for row_index in range(row_count):
        if not equal_rows:
            length = rng.randint(fewest, most)
        base = top + row_height * (row_index + 1)
        scene.rect(left, base - 9, right, base, jitter(rng, board, 6))
        step = (right - left) / length
        row = []
        for column in range(length):
            product = rng.choice(pool)
            tag = rng.choice(vocabulary.TAG_COLOURS)
            width = min((row_height - 11) * 1.02, step * 0.96, 60) * rng.uniform(
                (0.9, 0.8, 0.7, 0.55)[hard], 1
            )
            x = left + step * (column + 0.5) + rng.uniform(-0.4, 0.4) * (step - width)
            scene.put(
                product.emoji,
                x,
                base - 10 - width * 0.47 + rng.uniform(-1, 1),
                width,
                angle=rng.uniform(-1, 1) * (0, 0.12, 0.3, 0.6)[hard],
                opacity=rng.uniform((1, 0.9, 0.7, 0.5)[hard], 1),
                row=row_index + 1,
                column=column + 1,
            )
            half = min(11, step * 0.22)
            scene.rect(x - half, base - 8, x + half, base - 1, jitter(rng, tag.rgb, 8))
            row.append((product, tag))
        rows.append(row)
    return [scene], {"rows": rows}


def visible(truth, view):
    """Shelves are made inside the view or not at all, so the whole truth holds."""
    del view
    return truth


def row_name(rng, index, count, lang):
    """ "第二排" or "row 2"; the first and the last row have a second name."""
    special = rng.random() < 0.35
    if lang == "zh":
        if special and index in (0, count - 1):
            return fill("最上面一排" if index == 0 else "最下面一排")
        return fill("第{k}排", k=ZH_DIGITS[index + 1])
    if special and index in (0, count - 1):
        return fill("the top row" if index == 0 else "the bottom row")
    return fill("row {k}", k=index + 1)


def ask(rng, truth, kind, lang):
    """(question, answer, detail); detail is the thing, colour or number that is right."""
    zh = lang == "zh"
    rows = truth["rows"]
    index = rng.randrange(len(rows))
    row = rows[index]
    where = row_name(rng, index, len(rows), lang)
    if kind == "next":
        unique = [i for i in range(len(row) - 1) if [p for p, _ in row].count(row[i][0]) == 1]
        if not unique:
            kind = "look"
        else:
            place = rng.choice(unique)
            product, right = row[place][0], row[place + 1][0]
            if zh:
                return (
                    fill("{r}里，{n}右边的商品是什么?", r=where, n=product.zh),
                    fill("{n}。", n=right.zh),
                    right,
                )
            question = fill(
                "Which product is to the right of the {n} in {r}?", n=product.en_noun, r=where
            )
            return question, fill("{n}.", n=capital(right.en)), right
    if kind in ("look", "tag"):
        place = rng.randrange(len(row))
        from_right = rng.random() < 0.3
        number = len(row) - place if from_right else place + 1
        product, tag = row[place]
        if zh:
            side = "右" if from_right else "左"
            if kind == "look":
                question = fill("{r}从{s}数第{k}个商品是什么?", r=where, s=side, k=ZH_DIGITS[number])
                return question, fill("{n}。", n=product.zh), product
            question = fill("{r}从{s}数第{k}个商品的价签是什么颜色?", r=where, s=side, k=ZH_DIGITS[number])
            return question, fill("{n}。", n=tag.zh), tag
        side = "right" if from_right else "left"
        if kind == "look":
            question = fill(
                "What is the {k} item from the {s} in {r}?", k=EN_ORDINALS[number], s=side, r=where
            )
            return question, fill("{n}.", n=capital(product.en)), product
        question = fill(
            "What color is the price tag of the {k} item from the {s} in {r}?",
            k=EN_ORDINALS[number],
            s=side,
            r=where,
        )
        return question, fill("{n}.", n=capital(tag.en)), tag
    if kind == "count":
        product = rng.choice(rng.choice(rows))[0]
        total = sum(p == product for r in rows for p, _ in r)
        if total >= len(ZH_DIGITS):
            return ask(rng, truth, "row_length", lang)
        if zh:
            return fill("货架上一共有几个{n}?", n=product.zh), fill("{k}个。", k=total), total
        return (
            fill("How many {n} are on the shelf?", n=en_plural(product.en_noun)),
            fill("{k}.", k=total),
            total,
        )
    if kind == "row_length":
        if zh:
            return fill("{r}有几个商品?", r=where), fill("{k}个。", k=len(row)), len(row)
        return fill("How many items are in {r}?", r=where), fill("{k}.", k=len(row)), len(row)
    if kind == "list":
        if zh:
            return (
                fill("{r}从左到右有哪些商品?", r=where),
                fill("{a}。", a=zh_list([p.zh for p, _ in row])),
                None,
            )
        question = fill("List the items in {r} from left to right.", r=where)
        return question, fill("{a}.", a=capital(en_list([p.en_noun for p, _ in row]))), None
    if zh:
        return fill("货架有几排?"), fill("{k}排。", k=len(rows)), len(rows)
    return fill("How many rows does the shelf have?"), fill("{k}.", k=len(rows)), len(rows)


def key(truth, kind, lang, detail):
    """The grader's key: the accepted short answers."""
    del truth
    if kind in ("count", "row_length"):
        if lang == "zh":
            accepted = [f"{detail}个", str(detail), ZH_DIGITS[detail], f"{ZH_DIGITS[detail]}个"]
            if detail == 2:
                accepted += ["两个", "两"]
        else:
            accepted = [str(detail), EN_DIGITS[detail]]
    elif kind == "tag":
        accepted = [detail.zh, detail.zh[:-1]] if lang == "zh" else [capital(detail.en), detail.en]
    elif lang == "zh":
        accepted = [detail.zh, detail.zh_unit + detail.zh]
    else:
        accepted = [capital(detail.en), detail.en_noun, f"the {detail.en_noun}"]
    return {"grader": "exact", "answer": accepted}
