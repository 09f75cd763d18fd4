"""The items of the real photographs: shown beside both answers, never graded.

The demo models have only ever seen drawn scenes, so nothing that they say about a photograph can be right
but by luck; with real models these items are a first look at the pictures path.
"""


def _item(number, lang, name, question, answer):
    return {
        "id": f"photographs-{number:03d}",
        "scenario": "photographs",
        "lang": lang,
        "difficulty": 3,
        "cluster": name.partition(".")[0],
        "images": [f"photographs/{name}"],
        "question": question,
        "grader": "shown",
        "answer": answer,
    }


PHOTOGRAPH_ITEMS = [
    _item(1, "zh", "coffee.png", "请描述这张图片。", "木桌上有一杯浓缩咖啡，杯子放在碟子上，旁边有一把小勺。"),
    _item(2, "zh", "chelsea.png", "图片里是什么动物？", "一只橘色的虎斑猫。"),
    _item(3, "zh", "astronaut.png", "请描述这张图片。", "一位穿橙色航天服的女宇航员在微笑，身后有美国国旗和航天飞机模型。"),
    _item(
        4, "en", "rocket.jpg", "Describe this picture.", "A rocket stands on a launch pad at night."
    ),
    _item(
        5, "en", "chelsea.png", "Describe this picture.", "A close-up of a ginger tabby cat's face."
    ),
    _item(6, "zh", "rocket.jpg", "图片里有什么？", "夜晚的发射台上竖立着一枚火箭。"),
]
