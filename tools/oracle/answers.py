"""Answers every item of a suite with transformers in float32, greedily, one item at a time.

    python3 tools/oracle/answers.py MODEL_DIR SUITE_DIR OUT.jsonl [--max-tokens 128] [--device cuda]

SUITE_DIR/items.jsonl holds one JSON object a line with "id", "question" and "images" (paths relative to SUITE_DIR).
OUT.jsonl gets {"id", "text", "token_ids", "min_margin"} a line: min_margin is the smallest gap between the two best
logits over the answer's steps, so that a comparison knows where a tie may break either way.
"""

import argparse
import json
from pathlib import Path

import torch
from transformers import AutoModelForImageTextToText, AutoProcessor
from transformers.image_utils import load_image


def answer(model, processor, suite, item, max_tokens):
    images = [load_image(str(suite / path)) for path in item.get("images", [])]
    content = [{"type": "image"} for _ in images] + [{"type": "text", "text": item["question"]}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True)
    inputs = processor(text=[text], images=images or None, return_tensors="pt").to(model.device)
    output = model.generate(**inputs, do_sample=False, max_new_tokens=max_tokens, output_logits=True,
                            return_dict_in_generate=True)
    ids = output.sequences[0, inputs["input_ids"].shape[1]:].tolist()
    best = torch.cat(output.logits).topk(2, dim=-1).values
    return {"id": item["id"], "token_ids": ids, "min_margin": float((best[:, 0] - best[:, 1]).min()),
            "text": processor.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("suite", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()

    torch.set_grad_enabled(False)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    processor = AutoProcessor.from_pretrained(arguments.model)
    model = AutoModelForImageTextToText.from_pretrained(arguments.model, dtype=torch.float32).to(arguments.device).eval()
    lines = (arguments.suite / "items.jsonl").read_text(encoding="utf-8").splitlines()
    with open(arguments.out, "w", encoding="utf-8") as out:
        for line in filter(str.strip, lines):
            result = answer(model, processor, arguments.suite, json.loads(line), arguments.max_tokens)
            out.write(json.dumps(result, ensure_ascii=False) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
