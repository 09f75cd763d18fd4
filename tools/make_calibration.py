#!/usr/bin/env python3
"""Writes suites/calibration/items.jsonl: what `visavis quantize --method awq` lets a model answer.

    python3 tools/make_calibration.py

A question of every scenario and difficulty of the demo suite, its photographs, and passages of
texts whose authors died long ago: Lewis Carroll, "Alice's Adventures in Wonderland" (1865); Charles Darwin,
"On the Origin of Species" (1859); Abraham Lincoln at Gettysburg (1863); the Analects; Tao Yuanming, "The
Peach Blossom Spring"; Wu Cheng'en, "Journey to the West". All of them are in the public domain. The
licences of the pictures are named in suites/demo/README.md.
"""
import json
import pathlib

SUITES = pathlib.Path(__file__).resolve().parent.parent / "suites"

ENGLISH = [
    "Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing to do: once or "
    "twice she had peeped into the book her sister was reading, but it had no pictures or conversations in it, “and "
    "what is the use of a book,” thought Alice “without pictures or conversations?” So she was considering in her own "
    "mind (as well as she could, for the hot day made her feel very sleepy and stupid), whether the pleasure of making "
    "a daisy-chain would be worth the trouble of getting up and picking the daisies, when suddenly a White Rabbit with "
    "pink eyes ran close by her.",
    "It is interesting to contemplate an entangled bank, clothed with many plants of many kinds, with birds singing on "
    "the bushes, with various insects flitting about, and with worms crawling through the damp earth, and to reflect "
    "that these elaborately constructed forms, so different from each other, and dependent on each other in so complex "
    "a manner, have all been produced by laws acting around us.",
    "Four score and seven years ago our fathers brought forth on this continent, a new nation, conceived in Liberty, "
    "and dedicated to the proposition that all men are created equal. Now we are engaged in a great civil war, testing "
    "whether that nation, or any nation so conceived and so dedicated, can long endure.",
]  # fmt: skip
CHINESE = [
    "子曰：“学而时习之，不亦说乎？有朋自远方来，不亦乐乎？人不知而不愠，不亦君子乎？”曾子曰：“吾日三省吾身：为人谋而不忠乎？"
    "与朋友交而不信乎？传不习乎？”子曰：“温故而知新，可以为师矣。”子曰：“学而不思则罔，思而不学则殆。”",
    "晋太元中，武陵人捕鱼为业。缘溪行，忘路之远近。忽逢桃花林，夹岸数百步，中无杂树，芳草鲜美，落英缤纷。渔人甚异之，复前行，"
    "欲穷其林。林尽水源，便得一山，山有小口，仿佛若有光。便舍船，从口入。初极狭，才通人。复行数十步，豁然开朗。土地平旷，"
    "屋舍俨然，有良田、美池、桑竹之属。阡陌交通，鸡犬相闻。",
    "那座山正当顶上，有一块仙石。其石有三丈六尺五寸高，有二丈四尺围圆。四面更无树木遮阴，左右倒有芝兰相衬。盖自开辟以来，"
    "每受天真地秀，日精月华，感之既久，遂有灵通之意。内育仙胞，一日迸裂，产一石卵，似圆球样大。因见风，化作一个石猴，五官俱备，四肢皆全。",
]  # fmt: skip


def demo_items():
    items = [json.loads(line) for line in (SUITES / "demo/items.jsonl").read_text(encoding="utf-8").splitlines()]
    last = {}
    for item in items:
        photograph = item["scenario"] == "photographs"
        last[item["id"] if photograph else (item["scenario"], item["difficulty"])] = item
    for item in last.values():
        pictures = [f"../demo/{picture}" for picture in item["images"]]
        yield {"id": item["id"], "scenario": "pictures", "lang": item["lang"], "images": pictures,
               "question": item["question"]}  # fmt: skip


def texts():
    for lang, ask, passages in (("en", "Continue this text.\n\n", ENGLISH), ("zh", "续写下文。\n\n", CHINESE)):
        for number, passage in enumerate(passages, 1):
            yield {"id": f"text-{lang}-{number}", "scenario": "texts", "lang": lang, "question": ask + passage}


if __name__ == "__main__":
    with open(SUITES / "calibration/items.jsonl", "w", encoding="utf-8") as file:
        for item in [*demo_items(), *texts()]:
            file.write(json.dumps(item, ensure_ascii=False) + "\n")
