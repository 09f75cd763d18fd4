"""Byte-level BPE as the small Qwen tokenizers of the goldens have it, for prompts whose ids no golden holds. The pattern is
written for Python's own expressions: the same for Latin and Chinese text."""

import json
import re
import unicodedata

PATTERN = re.compile(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|(?:[^\w\r\n]|_)?[^\W\d_]+|\d| ?(?:[^\w\s]|_)+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def byte_characters():
    """Printable bytes stand for themselves, others from U+0100 on."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    shifted = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(shifted)}


class Tokenizer:
    def __init__(self, source):
        described = json.loads(source)
        self.vocabulary = described["model"]["vocab"]
        merges = [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in described["model"]["merges"]]
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        self.special = {t["content"]: t["id"] for t in described["added_tokens"]}
        self.marks = re.compile("(" + "|".join(map(re.escape, self.special)) + ")")
        self.characters = byte_characters()

    def _merge(self, pieces):
        while len(pieces) > 1:
            rank, i = min((self.ranks.get(pair, len(self.ranks)), i) for i, pair in enumerate(zip(pieces, pieces[1:])))
            if rank == len(self.ranks):
                break
            pieces = [*pieces[:i], pieces[i] + pieces[i + 1], *pieces[i + 2:]]
        return [self.vocabulary[p] for p in pieces]

    def encode(self, text):
        ids = []
        for part in self.marks.split(text):
            if part in self.special:
                ids.append(self.special[part])
                continue
            for word in PATTERN.findall(unicodedata.normalize("NFC", part)):
                ids += self._merge([self.characters[b] for b in word.encode()])
        return ids
