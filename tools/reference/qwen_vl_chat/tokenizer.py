"""qwen.tiktoken without tiktoken: written, read, and text to ids, by the format's description and the published pattern."""

import base64
import unicodedata

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *(f"<|extra_{i}|>" for i in range(205))]
OF_PICTURES = ["<ref>", "</ref>", "<box>", "</box>", "<quad>", "</quad>", "<img>", "</img>", "<imgpad>"]
SHOWN = OF_PICTURES[:6]  # in an answer's text
SPACES = {chr(c) for c in (*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)}
ENDINGS = ("'re", "'ve", "'ll", "'s", "'t", "'m", "'d")


def letter(c):
    return unicodedata.category(c)[0] == "L"


def number(c):
    return unicodedata.category(c)[0] == "N"


def other(c):
    return c not in SPACES and not letter(c) and not number(c)


def run(text, at, fits):
    """The end of the run of characters from `at` on that fit."""
    while at < len(text) and fits(text[at]):
        at += 1
    return at


def piece_end(text, at):
    """Where the piece that begins at `at` ends: the first of the pattern's alternatives that fits."""
    for ending in ENDINGS:
        if len(text) >= at + len(ending) and text[at:at + len(ending)].casefold() == ending:
            return at + len(ending)
    c = text[at]
    first = at + 1 if c not in "\r\n" and not letter(c) and not number(c) else at
    if run(text, first, letter) > first:
        return run(text, first, letter)
    if number(c):
        return at + 1
    first = at + 1 if c == " " else at
    if run(text, first, other) > first:
        return run(text, run(text, first, other), lambda x: x in "\r\n")
    end = run(text, at, lambda x: x in SPACES)
    breaks = [i for i in range(at, end) if text[i] in "\r\n"]
    if breaks:
        return breaks[-1] + 1
    return end - 1 if end < len(text) and end - at > 1 else end


def pieces(text):
    at = 0
    while at < len(text):
        end = piece_end(text, at)
        yield text[at:end]
        at = end


def merge(parts, ranks):
    """Neighbours whose joined bytes have the lowest rank become one, the leftmost first."""
    while len(parts) > 1:
        joined = [ranks.get(a + b, len(ranks)) for a, b in zip(parts, parts[1:])]
        best = min(joined)
        if best == len(ranks):
            break
        at = joined.index(best)
        parts[at:at + 2] = [parts[at] + parts[at + 1]]
    return parts


def learn(text, size):
    """Ranks of `size` tokens: all bytes in a shuffled order, then the most frequent joins of neighbours in the text."""
    ranks = {bytes([i * 167 % 256]): i for i in range(256)}
    words = [[bytes([b]) for b in piece.encode()] for piece in pieces(text)]
    while len(ranks) < size:
        counts = {}
        for word in words:
            for pair in zip(word, word[1:]):
                counts[pair] = counts.get(pair, 0) + 1
        left, right = max(counts, key=lambda pair: (counts[pair], pair))
        ranks[left + right] = len(ranks)
        words = [merge(word, ranks) for word in words]
    return ranks


class Tokenizer:
    def __init__(self, ranks):
        self.ranks = ranks
        self.special = {content: len(ranks) + i for i, content in enumerate(SPECIAL + OF_PICTURES)}
        self.bytes = {i: token for token, i in ranks.items()} | {i: content.encode() for content, i in self.special.items()}

    def write(self, path):
        lines = (base64.b64encode(token).decode() + f" {rank}\n" for token, rank in self.ranks.items())
        path.write_text("".join(lines), encoding="ascii")

    def plain(self, text):
        """Ids of a text in which nothing is special."""
        ids = []
        for piece in pieces(unicodedata.normalize("NFC", text)):
            whole = self.ranks.get(piece.encode())
            parts = [piece.encode()] if whole is not None else merge([bytes([b]) for b in piece.encode()], self.ranks)
            ids += [self.ranks[part] for part in parts]
        return ids

    def decode(self, ids):
        """An answer's text."""
        hidden = {i for content, i in self.special.items() if content not in SHOWN}
        return b"".join(self.bytes.get(i, b"") for i in ids if i not in hidden).decode("utf-8", errors="replace")
