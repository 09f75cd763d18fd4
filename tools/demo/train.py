"""Train one demo model on one GPU; `train_both.sh` shows how it is called.

The learning rate follows the clock, so training ends after `--seconds` of wall time (from the start of
the process) whatever the speed.  Afterwards the model is exported, loaded again, measured on fresh scenes and
on the suite, in float32 and with 4-bit text weights; `report.json` holds all figures.
"""

import argparse
import contextlib
import json
import math
import os
import time

import torch

import evaluate
import export
import models
import scene
import seeds
from batches import collate, loader, make_samples, split
from chat import Chat
from forward import Forward, parity
from grounding import GroundingHead, token_targets
from render import Renderer

START = time.time()
LEARNING_RATE, FLOOR, WARM_STEPS = 1e-3, 0.01, 300
WEIGHT_DECAY, BETAS, CLIP = 0.05, (0.9, 0.98), 1.0
GROUNDING_EARLY, GROUNDING_LATE = (
    0.5,
    0.2,
)  # weight of the auxiliary loss in the first and second half
CLOCK_STEP = 30  # steps before which compilation is still going on; the schedule starts here
CHECKPOINT_AT = 0.6  # share of the training time after which a first model is exported


def log(*parts):
    print(f"[{time.time() - START:6.1f}]", *parts, flush=True)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("family", choices=("qwen3-vl", "llava"))
    parser.add_argument("--atlas", required=True)
    parser.add_argument("--tokenizers", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--suite", help="suite folder to measure at the end")
    parser.add_argument(
        "--seconds",
        type=float,
        required=True,
        help="wall time from the start at which training ends",
    )
    parser.add_argument("--singles", type=int, default=192)
    parser.add_argument("--pairs", type=int, default=48)
    parser.add_argument("--workers", type=int, default=7)
    parser.add_argument(
        "--fresh", type=int, default=96, help="fresh samples of each scenario and level to measure"
    )
    return parser.parse_args()


def optimizer_for(model, head):
    """AdamW; weight decay on matrices other than embeddings."""
    decayed, plain = [], list(head.parameters())
    for name, parameter in model.named_parameters():
        (decayed if parameter.ndim >= 2 and "embed" not in name else plain).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": WEIGHT_DECAY},
        {"params": plain, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=BETAS, fused=True)


def learning_rate(step, progress):
    """Warm-up by steps, then a cosine over the share of time that has passed."""
    return (
        LEARNING_RATE
        * min(1.0, (step + 1) / WARM_STEPS)
        * (0.5 * (1 + math.cos(math.pi * progress)) * (1 - FLOOR) + FLOOR)
    )


def check_parity(forward, renderer):
    """Compare both forwards on a small batch in full float32."""
    chat = forward.chat
    samples = make_samples(seeds.stream(seeds.PARITY), chat, 3, 2, (1, 1, 1))
    _, rows = split(collate(chat, samples, 3))
    batch = {name: tensor.to(forward.device) for name, tensor in rows.items()}
    pictures = renderer(scene.pack([picture for sample in samples for picture in sample.scenes]))
    forward.model.eval()
    distances = parity(forward, pictures, batch)
    forward.model.train()
    return distances


def set_precision(exact):
    """Full float32 products, or tf32."""
    torch.set_float32_matmul_precision("highest" if exact else "high")
    torch.backends.cudnn.allow_tf32 = not exact


def train(options, model, chat, tokenizer_path, renderer):
    """The training loop; returns the loss curve and how much was seen."""
    device = next(model.parameters()).device
    forward = Forward(model, chat, compiled=True)
    head = GroundingHead(models.TEXT_WIDTH).to(device)
    optimizer = optimizer_for(model, head)
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    batches = loader(
        chat.family.name, tokenizer_path, options.singles, options.pairs, options.workers
    )
    curve, step, clock, waited, checkpointed = [], 0, None, 0.0, False
    while True:
        if step == CLOCK_STEP:
            torch.cuda.synchronize()
            clock, waited = time.time(), 0.0
        progress = (
            0.0
            if clock is None
            else (time.time() - clock) / max(1.0, options.seconds - (clock - START))
        )
        if progress >= 1 or time.time() - START > options.seconds:
            break
        if progress > CHECKPOINT_AT and not checkpointed:
            export.export(model, chat, tokenizer_path, os.path.join(options.out, "model"))
            checkpointed = True
            log("checkpoint")
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, progress)
        before = time.time()
        batch = next(batches)
        waited += time.time() - before
        packed, rows = split(batch)
        rows = {name: tensor.to(device, non_blocking=True) for name, tensor in rows.items()}
        pictures = renderer(packed)
        targets = token_targets(packed["named"].to(device, non_blocking=True), chat.family)
        with torch.autocast("cuda", torch.bfloat16):
            loss, features = forward.loss(pictures, rows)
            grounding, right = head(features, targets)
        (loss + (GROUNDING_EARLY if progress < 0.5 else GROUNDING_LATE) * grounding).backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        if step in (1, 5, 30, 60, 120) or step % 250 == 0:
            rate = (
                (step - CLOCK_STEP) / (time.time() - clock) if clock and step > CLOCK_STEP else 0.0
            )
            point = [
                step,
                round(progress, 3),
                *(round(v.item(), 4) for v in (loss, grounding, right, norm)),
            ]
            curve.append(point)
            log(
                "step %d progress %.3f loss %.4f grounding %.3f named %.3f norm %.2f"
                % tuple(point),
                f"| {rate:.2f} steps/s, waited {waited:.1f} s for data,",
                f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB",
            )
    torch.cuda.synchronize()
    pictures_seen = step * (options.singles + 2 * options.pairs)
    log("training ends:", step, "steps,", pictures_seen, "pictures")
    return {"curve": curve, "steps": step, "pictures": pictures_seen}


def measure(options, model, chat, renderer, report):
    """Fresh scenes and the suite, in float32 and with 4-bit text weights, into the report."""
    forward = Forward(model, chat)
    fresh = evaluate.fresh_questions(options.fresh)
    report["figures"] = {}
    for weights, context in (
        ("f32", contextlib.nullcontext()),
        ("int4", evaluate.int4_text(model)),
    ):
        with context:
            report["figures"][weights] = evaluate.measure(forward, renderer, options.suite, fresh)
        for name, result in report["figures"][weights].items():
            log(weights, name, evaluate.shares(result["summary"]))
        write_report(options, report)


def reload_check(options, model, chat, renderer):
    """Answer a few fresh questions through transformers' own processor and generate."""
    forward = Forward(model, chat)
    results = []
    for scenario in ("shelf", "before_after"):
        samples = [sample for sample in evaluate.fresh_questions(2) if sample.scenario == scenario]
        pictures = renderer(
            scene.pack([picture for sample in samples for picture in sample.scenes])
        )
        questions = [sample.turns[0].question for sample in samples]
        per_row = len(samples[0].scenes)
        replies = forward.answer(per_row, pictures, questions)
        results.append(
            export.check_reload(
                os.path.join(options.out, "model"), forward, pictures, per_row, questions, replies
            )
        )
    return results


def write_report(options, report):
    with open(os.path.join(options.out, "report.json"), "w", encoding="utf-8") as file:
        json.dump(report, file, ensure_ascii=False, indent=1)


def main():
    options = parse_options()
    os.makedirs(options.out, exist_ok=True)
    torch.manual_seed(seeds.NOISE)
    device = "cuda"
    tokenizer_path = os.path.join(options.tokenizers, options.family, "tokenizer.json")
    chat = Chat(options.family, tokenizer_path)
    model = models.build(chat).to(device)
    size = sum(parameter.numel() for parameter in model.parameters())
    parts = {
        name: round(sum(p.numel() for p in child.parameters()) / 1e6, 2)
        for name, child in model.model.named_children()
    }
    log(options.family, f"{size / 1e6:.2f} M parameters", parts, "vocabulary", chat.vocabulary)
    plain_renderer = Renderer(options.atlas, device)
    set_precision(exact=True)
    distances = check_parity(Forward(model, chat), plain_renderer)
    log("relative distance from transformers' forward (one picture, two):", distances)
    set_precision(exact=False)

    report = {
        "family": options.family,
        "parameters": size,
        "parity": distances,
        "options": vars(options),
    }
    report.update(
        train(options, model, chat, tokenizer_path, Renderer(options.atlas, device, compiled=True))
    )

    model.eval()
    for parameter in model.parameters():  # what is stored is what is measured
        parameter.data.copy_(parameter.data.bfloat16().float())
    export.export(model, chat, tokenizer_path, os.path.join(options.out, "model"))
    log("exported")
    write_report(options, report)
    set_precision(exact=True)
    measure(options, model, chat, plain_renderer, report)
    report["reload"] = reload_check(options, model, chat, plain_renderer)
    log("loaded again:", report["reload"])
    write_report(options, report)
    log("done")


if __name__ == "__main__":
    main()
    os._exit(0)  # do not wait for the batch workers
