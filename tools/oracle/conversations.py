"""Conversations used by the templates topic and by the models topic.

A conversation is a list of turns {"role", "content"}; content is a string or a list of parts
{"type": "text", "text"} and {"type": "image", "picture": NAME}; NAME is a file in tests/data/pictures.
"""


def text(value):
    return {"type": "text", "text": value}


def image(name):
    return {"type": "image", "picture": name}


def turn(role, *parts):
    return {"role": role, "content": [text(p) if isinstance(p, str) else p for p in parts]}


SQUARE, TALL, WIDE, ODD, PHOTO = (
    "size_64x64.png", "rgb_37x53.png", "baseline420_83x59.jpg", "rgba_61x47.png", "photo_320x240.jpg")

CONVERSATIONS = {
    "text_only": [turn("user", "Hello, how many apples are there?")],
    "one_picture": [turn("user", image(SQUARE), "What is in the picture?")],
    "photo": [turn("user", image(PHOTO), "Describe the photo.")],
    "three_pictures": [turn("user", image(TALL), image(WIDE), image(ODD), "What changed between them?")],
    "text_before_picture": [turn("user", "Look at this:", image(WIDE), "and tell me more.")],
    "chinese": [turn("user", image(ODD), "图片里有什么？请用一句话回答。")],
    "emoji": [turn("user", "🏮👨‍👩‍👧 节日快乐 🧧!")],
    "system_turn": [turn("system", "You are brief."), turn("user", image(SQUARE), "What colour?")],
    "three_turns": [turn("user", "Hi"), turn("assistant", "Hello!"),
                    turn("user", image(TALL), image(SQUARE), "Which is larger?"), turn("assistant", "The second."),
                    turn("user", "Why?")],
    "leading_newline": [turn("user", image(SQUARE), "\nHi")],
    "leading_space": [turn("user", "  two spaces ")],
    "combining_mark": [turn("user", "\u0301e\u0301 caf\u0065\u0301")],
}


def as_strings(conversation):
    """The same turns with plain string contents; None if there is a picture."""
    if any(part["type"] == "image" for t in conversation for part in t["content"]):
        return None
    return [{"role": t["role"], "content": "".join(p["text"] for p in t["content"])} for t in conversation]


def pictures_of(conversation):
    return [p["picture"] for t in conversation for p in t["content"] if p["type"] == "image"]


def without_names(conversation):
    """The turns as a chat template sees them: image parts carry their type alone."""
    return [{"role": t["role"],
             "content": [{"type": "image"} if p["type"] == "image" else dict(p) for p in t["content"]]}
            for t in conversation]
