"""Small tokenizers in the published forms, trained on a few sentences: byte-level BPE with Qwen's pattern, and
byte-fallback BPE in LLaMA's old form (Prepend and Replace) and new forms (Metaspace first, Metaspace always)."""

import json

QWEN_SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
QWEN_PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA_FORMS = ("old", "metaspace_first", "metaspace_always")
SPACE = "\u2581"

SENTENCES = [
    "Hello, how many apples are there on the shelf?", "What is in the picture?", "Describe the photo.", "What changed between them?",
    "The wall is white and the floor is light wood.", "Look at this and tell me more.", "Which is larger, the left or the right one?",
    "There are three red lanterns above the table.", "You are brief.", "It is a donut.", "don't it's we're the answer is yes", "user assistant system",
    "图片里有什么？", "请用一句话回答。", "桌上有一台笔记本电脑和一本书。", "墙面是白色。", "货架上有几个苹果？", "春节快乐，恭喜发财！", "年年有余。", "节日快乐",
]


def qwen(vocabulary=372):
    """tokenizer.json of a byte-level BPE tokenizer, as a dict."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(QWEN_PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    trainer = trainers.BpeTrainer(vocab_size=vocabulary - len(QWEN_SPECIALS), min_frequency=1, show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.add_special_tokens(QWEN_SPECIALS)
    return json.loads(tokenizer.to_str())


def qwen_other_pattern():
    """The same vocabulary with numbers split in threes and no normaliser: shows who obeys tokenizer.json."""
    out = qwen()
    out["normalizer"] = None
    out["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = QWEN_PATTERN.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
    return out


def llama(form, vocabulary=440):
    """tokenizer.json of a byte-fallback BPE tokenizer in one of LLAMA_FORMS, as a dict. The forms share their vocabulary."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", SPACE)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(SPACE, "merged_with_next")
    specials = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, min_frequency=1, special_tokens=specials, show_progress=False)
    lines = [" " + s for s in SENTENCES] + [" USER:", " ASSISTANT:", " a", " b"] * 3
    tokenizer.train_from_iterator(lines, trainer)
    strip = [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(strip)
    if form == "old":
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)])
    else:
        tokenizer.normalizer = normalizers.Sequence([])
        scheme = form.removeprefix("metaspace_")
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme=scheme, split=False)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    out = json.loads(tokenizer.to_str())
    if form == "old":
        out["pre_tokenizer"] = None
    else:
        out["normalizer"] = None
    out["added_tokens"] = [t for t in out["added_tokens"] if t["content"] in ("<unk>", "<s>", "</s>")]
    for content in ("<image>", "<pad>"):
        out["added_tokens"].append({"id": len(out["model"]["vocab"]) + len(out["added_tokens"]) - 3, "content": content,
                                    "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True})
    return out


QWEN_CONFIG = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "bos_token": None, "unk_token": None,
               "add_bos_token": False, "add_prefix_space": False, "clean_up_tokenization_spaces": False, "errors": "replace",
               "model_max_length": 262144, "split_special_tokens": False}
LLAMA_CONFIG = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>", "add_bos_token": True,
                "add_eos_token": False, "clean_up_tokenization_spaces": False, "model_max_length": 4096,
                "sp_model_kwargs": {}, "use_default_system_prompt": False}
