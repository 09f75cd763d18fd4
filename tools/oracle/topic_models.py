"""Goldens of whole models: tiny checkpoints, and what transformers answers with them in float32."""

import traceback

import numpy as np
import torch

from checkpoints import CHECKPOINTS, write_checkpoint
from common import PICTURES, save_tensors, sha256, write_rows
from conversations import CONVERSATIONS, pictures_of, without_names
from topic_pictures import to_levels, to_planes

NEW_TOKENS = 24
KEPT_ROWS = 4


class PrefillTap:
    """Records what the decoder receives in its first call: embeddings, positions, deepstack features."""

    def __init__(self, model):
        self.seen = None
        model.model.language_model.register_forward_pre_hook(self._record, with_kwargs=True)

    def _record(self, module, args, kwargs):
        if self.seen is None:
            self.seen = {k: v for k, v in kwargs.items() if v is not None}


def load(folder, state=None):
    """The model in float32 as from_pretrained gives it, checked against the weights that were stored, or, without them,
    that none but a tied head is missing."""
    from transformers import AutoModelForImageTextToText

    model, info = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    for key in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        wrong = [k for k in info.get(key, ()) if key != "missing_keys" or (k in state if state is not None else k != "lm_head.weight")]
        if wrong:
            raise RuntimeError(f"{folder.name}: {key} {sorted(map(str, wrong))[:6]}")
    found = dict(model.named_parameters())
    for name, tensor in (state or {}).items():
        if not torch.equal(found[name], tensor.float()):
            raise RuntimeError(f"{folder.name}: {name} was not loaded as stored")
    return model.eval()


def head_and_tail(rows):
    """The first and last rows of a feature matrix."""
    return np.concatenate([rows[:KEPT_ROWS], rows[-KEPT_ROWS:]])


def spread(rows):
    return {"rows": len(rows), "mean": float(rows.mean(dtype=np.float64)), "std": float(rows.std(dtype=np.float64))}


def picture_levels(processor, name, tensors):
    """Stores the grey levels of one picture as the processor makes them; returns its description."""
    from transformers.image_utils import load_image

    image_processor = processor.image_processor
    output = image_processor(images=[load_image(str(PICTURES / name))], return_tensors="pt")
    planes, grid = to_planes(output, image_processor)
    levels, worst = to_levels(planes, image_processor.image_mean, image_processor.image_std)
    tensors[f"picture/{name}"] = levels
    entry = {"height": levels.shape[1], "width": levels.shape[2], "formula_error": worst,
             "f32_sha256": sha256(output["pixel_values"].numpy())}
    return entry | ({"grid_thw": grid} if grid else {})


def one_case(model, processor, tap, name, conversation, tensors):
    from transformers.image_utils import load_image

    text = processor.apply_chat_template(without_names(conversation), tokenize=False, add_generation_prompt=True)
    pictures = [load_image(str(PICTURES / p)) for p in pictures_of(conversation)]
    inputs = processor(text=[text], images=pictures or None, return_tensors="pt")
    ids = inputs["input_ids"][0]
    tap.seen = None
    output = model.generate(**inputs, do_sample=False, max_new_tokens=NEW_TOKENS, output_logits=True, return_dict_in_generate=True)
    new = output.sequences[0, len(ids):].tolist()
    logits = torch.stack([step[0] for step in output.logits]).numpy()
    best = np.sort(logits, axis=1)[:, -2:]
    case = {"name": name, "pictures": pictures_of(conversation), "text": text, "input_ids": ids.tolist(), "greedy_ids": new,
            "margins": [float(b - a) for a, b in best],
            "greedy_text": processor.tokenizer.decode(new, skip_special_tokens=True, clean_up_tokenization_spaces=False),
            "logits_std": float(logits[0].std())}
    tensors[f"{name}/logits"] = logits[[0, -1]]
    at_image = ids == model.config.image_token_id
    seen = tap.seen
    if "qwen" in model.config.model_type:
        positions = seen["position_ids"]
        case["position_ids_shape"] = list(positions.shape)
        tensors[f"{name}/position_ids"] = positions[-3:, 0].numpy().astype(np.int32)
        delta = model.model.rope_deltas
        case["rope_delta"] = int(delta.reshape(-1)[0]) if delta is not None else 0
    if pictures:
        features = seen["inputs_embeds"][0][at_image].numpy()
        tensors[f"{name}/features"] = head_and_tail(features)
        case["features"] = spread(features)
        deepstack = [value for key, value in seen.items() if "deepstack" in key]
        if deepstack:
            rows = [d.numpy() for d in deepstack[0]]
            case["deepstack"] = [spread(r) for r in rows]
            for i, r in enumerate(rows):
                tensors[f"{name}/deepstack{i}"] = head_and_tail(r)
    return case


def one_checkpoint(out, name, seed):
    from transformers import AutoProcessor

    folder = out / name
    state = write_checkpoint(folder, name, seed)
    processor = AutoProcessor.from_pretrained(folder)
    model = load(folder, state)
    tap, tensors, cases, pictures = PrefillTap(model), {}, [], {}
    for conversation in CONVERSATIONS.values():
        for picture in pictures_of(conversation):
            if picture not in pictures:
                pictures[picture] = picture_levels(processor, picture, tensors)
    for case, conversation in CONVERSATIONS.items():
        cases.append(one_case(model, processor, tap, case, conversation, tensors))
    image_processor = processor.image_processor
    write_rows(out / f"{name}.json", {
        "checkpoint": name, "family": CHECKPOINTS[name]["family"], "parameters": sum(p.numel() for p in state.values()),
        "classes": {"model": type(model).__name__, "processor": type(processor).__name__,
                    "tokenizer": type(processor.tokenizer).__name__,
                    "image_processor": type(image_processor).__module__ + "." + type(image_processor).__name__},
        "attention": model.config._attn_implementation, "new_tokens": NEW_TOKENS, "pictures": pictures, "cases": cases})
    save_tensors(out / f"{name}.safetensors", tensors)
    print(name, sum(p.numel() for p in state.values()), "logits std", [round(c["logits_std"], 2) for c in cases],
          "smallest margin", min(min(c["margins"]) for c in cases), "new tokens", [len(c["greedy_ids"]) for c in cases],
          "distinct", [len(set(c["greedy_ids"])) for c in cases], flush=True)


def write(out):
    failed = []
    for seed, name in enumerate(CHECKPOINTS, start=100):
        try:
            one_checkpoint(out / "models", name, seed)
        except Exception:
            traceback.print_exc()
            failed.append(name)
    if failed:
        raise RuntimeError("checkpoints that failed: " + ", ".join(failed))
