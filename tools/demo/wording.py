"""Small helpers that turn names into Chinese and English sentences.

`fill` also feeds the tokenizers: while a recorder is set, each literal part of a Chinese template, each
value put into it and each English sentence is noted, so that no token ever spans two slots.
"""

import re

ZH_DIGITS = "零一二三四五六七八九十"
EN_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
EN_ORDINALS = ("", "1st", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th")

_recorder = None


class Recording:
    """`with Recording() as pieces:` collects the text pieces of everything that is filled meanwhile."""

    def __enter__(self):
        global _recorder
        _recorder = []
        return _recorder

    def __exit__(self, *_):
        global _recorder
        _recorder = None


def fill(template, **slots):
    """`template` with its {slots} filled."""
    text = template.format(**slots)
    if _recorder is not None:
        if any("\u4e00" <= character <= "\u9fff" for character in template):
            _recorder.extend(part for part in re.split(r"\{\w+\}", template) if part)
            _recorder.extend(str(value) for value in slots.values())
        else:
            _recorder.append(text)
    return text


def zh_list(names):
    """甲、乙和丙"""
    if _recorder is not None:
        _recorder.extend(names)
        _recorder.extend("、和")
    return names[0] if len(names) == 1 else "、".join(names[:-1]) + "和" + names[-1]


def en_list(names):
    """a, b and c"""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def capital(text):
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def en_plural(noun):
    """The plural of one of our English nouns ("loaf of bread" becomes "loaves of bread")."""
    head, space, tail = noun.partition(" of ")
    if head == "loaf":
        head = "loaves"
    elif head == "broccoli":
        head = "broccoli heads"
    elif head == "cherry":
        head = "cherries"
    elif head == "candy":
        head = "candies"
    elif head.endswith(("ch", "x", "ss")) or head in ("tomato", "potato", "mango"):
        head += "es"
    else:
        head += "s"
    return head + space + tail
