"""Goldens of the families that tools/reference computed first: the same checkpoints and cases, with transformers'
numbers in place of the reference's. Prints how far the two are apart."""

import json
import tarfile
import traceback

import numpy as np

from common import ROOT, save_tensors, sha256, write_rows
from conversations import CONVERSATIONS
from pack import FAMILIES
from topic_models import PrefillTap, load, one_case

ARCHIVES = ROOT / "tests/data/goldens"


def shown(case):
    """The case's conversation with the case's pictures."""
    left = list(case["pictures"])
    return [turn | {"content": [part | {"picture": left.pop(0)} if part["type"] == "image" else part for part in turn["content"]]}
            for turn in CONVERSATIONS[case["conversation"]]]


def apart(case, reference, name, tensors, before):
    """One line that says how far transformers and the reference are apart."""
    notes = [key for key in ("text", "input_ids", "greedy_ids", "greedy_text", "rope_delta") if case.get(key) != reference.get(key)]
    far = {}
    for key in ("logits", "features", "position_ids"):
        if f"{name}/{key}" not in tensors:
            continue
        new, old = tensors[f"{name}/{key}"], before[f"{name}/{key}"]
        far[key] = float(np.abs(new.astype(np.float64) - old).max()) if new.shape == old.shape else f"{new.shape} not {old.shape}"
    return f"  {name}: {far}" + (f", different: {', '.join(notes)}" if notes else "")


def one_checkpoint(folder, name):
    from transformers import AutoProcessor, __version__
    from transformers.image_utils import load_image

    from common import PICTURES
    from safetensors.numpy import load_file

    golden = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    before = load_file(str(folder / f"{name}.safetensors"))
    processor = AutoProcessor.from_pretrained(folder / name)
    model = load(folder / name)
    tap, tensors, cases = PrefillTap(model), {}, []
    print(name, type(model).__name__, type(processor.tokenizer).__name__, type(processor.image_processor).__name__, flush=True)
    for picture, entry in golden["pictures"].items():
        values = processor.image_processor(images=[load_image(str(PICTURES / picture))], return_tensors="pt")
        digest = sha256(values["pixel_values"].numpy())
        if digest != entry["f32_sha256"]:
            print(f"  {picture}: pixel values differ from the reference's")
        entry["f32_sha256"] = digest
    for reference in golden["cases"]:
        case = one_case(model, processor, tap, reference["name"], shown(reference), tensors)
        case["conversation"] = reference["conversation"]
        cases.append(case)
        print(apart(case, reference, reference["name"], tensors, before), flush=True)
    write_rows(folder / f"{name}.json", golden | {"computed_by": f"transformers {__version__}", "cases": cases})
    save_tensors(folder / f"{name}.safetensors", tensors)


def write(out):
    """Leaves OUT/<family>/models as unpacked, with transformers' numbers."""
    failed = []
    for family in FAMILIES:
        with tarfile.open(ARCHIVES / f"{family}.tar.xz") as packed:
            packed.extractall(out / family)
        folder = out / family / "models"
        for file in sorted(folder.glob("*.json")):
            try:
                one_checkpoint(folder, file.stem)
            except Exception:
                traceback.print_exc()
                failed.append(file.stem)
    if failed:
        raise RuntimeError("checkpoints that failed: " + ", ".join(failed))
