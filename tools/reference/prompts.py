"""Prompts and answers as text. Tokenizers, templates and the ids of every conversation are those of the goldens that
transformers wrote for the same small tokenizers, so that nothing here has to tokenise."""

import json
import re

import tensors

# model_type -> the golden checkpoint whose tokenizer and template a family takes, its placeholder's id
SOURCES = {"qwen2_5_vl": ("qwen_old_spelling", 370), "llava_next": ("llava_hub", 440)}
STOPS = {"qwen2_5_vl": (367, 365), "llava_next": (2,)}
PROCESSORS = {"qwen2_5_vl": "Qwen2_5_VLProcessor", "llava_next": "LlavaNextProcessor"}


def _byte_characters():
    """Byte-level BPE's characters: printable bytes stand for themselves, others from U+0100 on."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    shifted = [b for b in range(256) if b not in plain]
    return {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(shifted)}


def _byte_level(pieces):
    table = _byte_characters()
    return bytes(table[c] for piece in pieces for c in piece).decode("utf-8", "replace")


def _byte_fallback(pieces):
    """U+2581 is a space; runs of <0xAB> are UTF-8, or one replacement character a byte; one leading space goes."""
    out, run = "", b""
    for piece in [*pieces, None]:
        byte = re.fullmatch(r"<0x([0-9A-F]{2})>", piece or "")
        if byte:
            run += bytes([int(byte[1], 16)])
            continue
        try:
            out += run.decode()
        except UnicodeDecodeError:
            out += "\ufffd" * len(run)
        run = b""
        out += (piece or "").replace("\u2581", " ")
    return out[1:] if out.startswith(" ") else out


class Prompts:
    def __init__(self, model_type):
        self.source, self.placeholder = SOURCES[model_type]
        golden = json.loads(tensors.oracle_file("models", f"models/{self.source}.json"))
        self.cases = {case["name"]: case for case in golden["cases"]}
        tokenizer = json.loads(self.file("tokenizer.json"))
        self.pieces = {i: piece for piece, i in tokenizer["model"]["vocab"].items()}
        self.special = {t["id"] for t in tokenizer["added_tokens"]}
        self.join = _byte_fallback if tokenizer["model"]["byte_fallback"] else _byte_level
        for case in golden["cases"]:
            assert self.decode(case["greedy_ids"]) == case["greedy_text"], case["name"]

    def file(self, name):
        return tensors.oracle_file("models", f"models/{self.source}/{name}")

    def template(self):
        return json.loads(self.file("chat_template.json"))["chat_template"]

    def text(self, conversation):
        return self.cases[conversation]["text"]

    def ids(self, conversation, tokens):
        """The prompt with so many placeholders for each picture."""
        out, left, before = [], list(tokens), None
        for i in self.cases[conversation]["input_ids"]:
            if i != self.placeholder:
                out.append(i)
            elif before != self.placeholder:
                out += [i] * left.pop(0)
            before = i
        assert not left
        return out

    def decode(self, ids):
        return self.join([self.pieces[i] for i in ids if i in self.pieces and i not in self.special])
