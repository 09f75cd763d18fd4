"""Train the two tokenizers on the demo world's own texts: `python3 tokenizer_training.py OUT`.

Qwen's form is byte-level BPE behind a splitting pattern; LLaMA's is BPE with byte fallback and spaces written
as U+2581.  Both cover any text, byte by byte if need be; 2048 entries suffice for these few words.
"""

import json
import os
import sys

from tokenizers import (
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

import scenarios
import scene
import seeds
import vocabulary
from wording import Recording

ENTRIES = 2048
SAMPLES = 1500  # per scenario
QWEN_SPECIAL = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
]
# Contractions; letters with one leading other character; single digits; punctuation; newlines; spaces.
QWEN_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LLAMA_SPECIAL = ["<unk>", "<s>", "</s>"]
SPACE = "\u2581"


def collect_pieces():
    """The texts to train on: template parts and slot values in Chinese, whole sentences in English."""
    rng = seeds.stream(seeds.TOKENIZER)
    with Recording() as pieces:
        for scenario in scenarios.MODULES:
            for index in range(SAMPLES):
                scenarios.sample(rng, scenario, scene.TRAINED_LEVELS[index % 3], turns=8)
    frame = ["user", "assistant", "\n", "。", "，", "、", "?", "？", ",", "和", *"一二三四五六七八九十0123456789"]
    pieces += frame * 500
    for thing in (
        vocabulary.DESK_THINGS + vocabulary.WALL_THINGS + vocabulary.PRODUCTS + vocabulary.FURNITURE
    ):
        pieces += [thing.zh, thing.zh_unit, thing.en] * 30
    return pieces


def is_english(piece):
    return piece.isascii() and len(piece) > 1


def train_qwen(pieces, path):
    """Byte-level BPE as Qwen's tokenizer.json spells it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN_PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(
        add_prefix_space=False, trim_offsets=False, use_regex=False
    )
    english = [piece for piece in pieces if is_english(piece)]
    trainer = trainers.BpeTrainer(
        vocab_size=ENTRIES,
        min_frequency=2,
        special_tokens=QWEN_SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(pieces + [" " + piece for piece in english[:4000]], trainer)
    tokenizer.save(path)


def train_llama(pieces, path):
    """BPE with byte fallback as LLaMA's tokenizer.json spells it, with <image> and <pad> added as LLaVA does."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", SPACE)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(SPACE, "merged_with_next")
    special = LLAMA_SPECIAL + [f"<0x{byte:02X}>" for byte in range(256)]
    texts = [" " + piece if is_english(piece) else piece for piece in pieces if piece != "\n"]
    texts += [" USER:", " ASSISTANT:", " "] * 200
    trainer = trainers.BpeTrainer(
        vocab_size=ENTRIES - 2, min_frequency=2, special_tokens=special, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace(SPACE, " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    # What the library's classes cannot express: no pre-tokenizer, byte tokens that are not special.
    description = json.loads(tokenizer.to_str())
    description["pre_tokenizer"] = None
    description["added_tokens"] = [
        t for t in description["added_tokens"] if t["content"] in LLAMA_SPECIAL
    ]
    first_free = len(description["model"]["vocab"])
    for offset, content in enumerate(("<image>", "<pad>")):
        description["added_tokens"].append(
            {
                "id": first_free + offset,
                "content": content,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
        )
    with open(path, "w", encoding="utf-8") as file:
        json.dump(description, file, ensure_ascii=False, indent=1)


def main(out):
    pieces = collect_pieces()
    for name, train in (("qwen3-vl", train_qwen), ("llava", train_llama)):
        os.makedirs(os.path.join(out, name), exist_ok=True)
        train(pieces, os.path.join(out, name, "tokenizer.json"))
    print(f"tokenizers trained on {len(pieces)} pieces -> {out}")


if __name__ == "__main__":
    main(sys.argv[1])
