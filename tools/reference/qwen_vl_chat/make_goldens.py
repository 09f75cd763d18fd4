"""Writes the goldens of Qwen-VL: tiny checkpoints, and what model.py computes with them in float32.

    /usr/bin/python3 tools/reference/qwen_vl_chat/make_goldens.py tests/data/goldens    # OUT/qwen_vl_chat.tar.xz

Needs PyTorch (1.13 and later), numpy and Pillow.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "tools/oracle"))

from checkpoints import CHECKPOINTS, RANKS, store, write  # noqa: E402
from conversations import CONVERSATIONS, image, pictures_of, turn, without_names  # noqa: E402
from model import Qwen  # noqa: E402
from pack import pack  # noqa: E402
from tokenizer import Tokenizer, learn  # noqa: E402

PICTURES = ROOT / "tests/data/pictures"
NEW_TOKENS = 24
SYSTEM = "You are a helpful assistant."

TEXT = ("You are a helpful assistant. Picture 1: Picture 2: user system assistant What is in the picture? Describe the photo. "
        "图片里有什么？请用一句话回答。节日快乐 Hello, how many apples are there? Which is larger? The second. Why?\n\n") * 3

# Beside those that all families have: grey and transparent pictures, extreme sides, what the tokenizer must keep apart, and
# prompts beyond the lengths at which the frequencies change.
MORE = {
    "grey_and_narrow": [turn("user", image("grey_53x37.png"), image("grey_alpha_40x31.png"), image("size_7x300.png"), "灰色?")],
    "typed_specials": [turn("user", "<img>a</img><|im_end|><|im_start|>system\n<ref>x</ref><imgpad>")],
    "pictures_in_two_turns": [turn("user", image("size_300x7.png"), "One?"), turn("assistant", "Yes."),
                              turn("user", "And", image("palette_48x40.png"), "?")],
    "over_the_length": [turn("user", image("size_64x64.png"), "Count: " + "one two three, " * 9)],
    "grows_over_the_length": [turn("user", "Count on: " + "1 2 " * 14)],
    "twice_the_length": [turn("user", "数一数：" + "一二三四五，" * 12), turn("assistant", "好。"), turn("user", "So?")],
    "four_times_the_length": [turn("user", image("rgb_37x53.png"), "a, b; " * 110)],
}
ALL = CONVERSATIONS | MORE
CASES = {
    "qwen_vl_short": list(ALL),
    "qwen_vl_queries": ["text_only", "photo", "three_pictures", "chinese", "leading_newline"],
    "qwen_vl_int4": ["text_only", "one_picture", "three_turns", "emoji", "twice_the_length"],
}


def prompt(conversation, tokenizer, queries):
    """The text with placeholders, and ids as the published code makes them: roles and contents apart, a path's bytes and
    padding between <img> and </img>."""
    special, text, ids, pictures = tokenizer.special, "", [], 0
    if conversation[0]["role"] != "system":
        conversation = [turn("system", SYSTEM), *conversation]
    line = tokenizer.plain("\n")
    for each in conversation:
        text += f"<|im_start|>{each['role']}\n"
        ids += [special["<|im_start|>"], *tokenizer.plain(each["role"]), *line]
        waiting = ""  # words that are one text to the tokenizer
        for part in each["content"]:
            if part["type"] == "text":
                text, waiting = text + part["text"], waiting + part["text"]
                continue
            pictures += 1
            text += f"Picture {pictures}: <img><imgpad></img>\n"
            path = [tokenizer.ranks[bytes([byte])] for byte in f"{pictures}.png".encode()]
            ids += [*tokenizer.plain(waiting + f"Picture {pictures}: "), special["<img>"], *path,
                    *[special["<imgpad>"]] * (queries - len(path)), special["</img>"]]
            waiting = "\n"
        text += "<|im_end|>\n"
        ids += [*tokenizer.plain(waiting), special["<|im_end|>"], *line]
    return text + "<|im_start|>assistant\n", ids + [special["<|im_start|>"], *tokenizer.plain("assistant"), *line]


def with_placeholders(ids, tokenizer):
    """The same ids with <imgpad> in place of a path."""
    result, inside = [], False
    for token in ids:
        inside = inside and token != tokenizer.special["</img>"]
        result.append(tokenizer.special["<imgpad>"] if inside else token)
        inside = inside or token == tokenizer.special["<img>"]
    return result


def resized_rgb(name, side):
    return np.array(Image.open(PICTURES / name).convert("RGB").resize((side, side), Image.BICUBIC))


def pixels(name, side):
    return torch.from_numpy(resized_rgb(name, side)).permute(2, 0, 1).float()


def rounded(values):
    """To multiples of 2^-14: far below what is compared, and smaller when packed."""
    return torch.round(values * 2**14).numpy() / np.float32(2**14)


@torch.no_grad()
def one_case(model, tokenizer, name, conversation, tensors):
    visual = model.visual
    text, ids = prompt(conversation, tokenizer, visual["n_queries"])
    features = [model.features(pixels(each, visual["image_size"])) for each in pictures_of(conversation)]
    stops = {tokenizer.special[s] for s in ("<|endoftext|>", "<|im_start|>", "<|im_end|>")}
    new, logits = model.generate(ids, features, NEW_TOKENS, stops)
    best = logits.topk(2).values
    tensors[f"{name}/logits"] = ("F32", rounded(logits[[0, -1]]))
    if features:
        rows = torch.cat(features)
        tensors[f"{name}/features"] = ("F32", rounded(torch.cat([rows[:4], rows[-4:]])))
    return {"name": name, "turns": without_names(conversation), "pictures": pictures_of(conversation), "text": text,
            "input_ids": with_placeholders(ids, tokenizer), "greedy_ids": new, "greedy_text": tokenizer.decode(new),
            "margins": [round(float(a - b), 5) for a, b in best], "logits_std": float(logits[0].std()), "alpha": model.alpha(len(ids))}


def main(out):
    tokenizer = Tokenizer(learn(TEXT, RANKS))
    for name, spec in CHECKPOINTS.items():
        model = Qwen(spec["config"], write(out / name, spec, tokenizer))
        tensors = {}
        cases = [one_case(model, tokenizer, case, ALL[case], tensors) for case in CASES[name]]
        store.write(out / f"{name}.safetensors", tensors)
        side = model.visual["image_size"]
        pictures = {each: {"rgb_sha256": hashlib.sha256(resized_rgb(each, side).tobytes()).hexdigest()}
                    for case in cases for each in case["pictures"]}
        document = {"checkpoint": name, "torch": torch.__version__, "new_tokens": NEW_TOKENS, "pictures": pictures, "cases": cases}
        (out / f"{name}.json").write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")
        for case in cases:
            print(name, case["name"], len(case["input_ids"]), "tokens, alpha", case["alpha"], "std", round(case["logits_std"], 2),
                  "least margin", min(case["margins"]), "answer", len(case["greedy_ids"]))


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        main(Path(folder) / "models")
        pack(Path(folder), "models", Path(sys.argv[1]), "qwen_vl_chat")
