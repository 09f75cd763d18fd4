"""Training batches made by worker processes: scenes packed for the renderer, and token rows.

A batch has `singles` conversations about one picture and `pairs` about two, always in the same numbers.
"""

import numpy as np
import torch

import scenarios
import scene
import seeds
from chat import Chat

SINGLE_MIX = (("office", 0.28), ("shelf", 0.47), ("festival", 0.25))
EASY_START = (0.6, 0.3, 0.1)  # shares of the three difficulties in the first batches
EASY_BATCHES = 120  # of each worker, until the shares are equal


def difficulty_shares(batch_index):
    """Shares of the difficulties: easy scenes first, because small things are found only after large ones."""
    easy = max(0.0, 1.0 - batch_index / EASY_BATCHES)
    return [easy * start + (1 - easy) / 3 for start in EASY_START]


def make_samples(rng, chat, singles, pairs, shares):
    """The samples of one batch: single pictures in the order of SINGLE_MIX, then pairs."""
    wanted = []
    for scenario, share in SINGLE_MIX:
        wanted += [scenario] * round(share * singles)
    wanted = (wanted + ["shelf"] * singles)[:singles] + ["before_after"] * pairs
    return [
        scenarios.sample(
            rng, scenario, rng.choices(scene.TRAINED_LEVELS, shares)[0], view=chat.family.view
        )
        for scenario in wanted
    ]


def collate(chat, samples, singles):
    """Tensors of a batch: the renderer's arrays and, for one and two pictures, ids, labels, weights."""
    batch = {
        name: torch.from_numpy(array)
        for name, array in scene.pack(
            [picture for sample in samples for picture in sample.scenes]
        ).items()
    }
    for pictures, part in ((1, samples[:singles]), (2, samples[singles:])):
        rows = [chat.training_row(pictures, sample.turns) for sample in part]
        ids, labels, weights = (np.array(column) for column in zip(*rows))
        batch[f"ids{pictures}"] = torch.from_numpy(ids.astype(np.int64))
        batch[f"labels{pictures}"] = torch.from_numpy(labels.astype(np.int64))
        batch[f"weights{pictures}"] = torch.from_numpy(weights.astype(np.float32))
    return batch


def split(batch):
    """A batch as (arrays for the renderer, token rows)."""
    rows = {f"{name}{count}" for name in ("ids", "labels", "weights") for count in (1, 2)}
    return (
        {name: tensor for name, tensor in batch.items() if name not in rows},
        {name: tensor for name, tensor in batch.items() if name in rows},
    )


class Batches(torch.utils.data.IterableDataset):
    """An endless stream of batches; each worker has a random stream of its own."""

    def __init__(self, family, tokenizer_path, singles, pairs):
        self.arguments = (family, tokenizer_path, singles, pairs)

    def __iter__(self):
        family, tokenizer_path, singles, pairs = self.arguments
        torch.set_num_threads(1)
        worker = torch.utils.data.get_worker_info()
        rng = seeds.stream(seeds.TRAINING, family, worker.id if worker else 0)
        chat = Chat(family, tokenizer_path)
        index = 0
        while True:
            samples = make_samples(rng, chat, singles, pairs, difficulty_shares(index))
            yield collate(chat, samples, singles)
            index += 1


def loader(family, tokenizer_path, singles, pairs, workers):
    """An iterator over batches in pinned memory, made ahead by `workers` processes."""
    return iter(
        torch.utils.data.DataLoader(
            Batches(family, tokenizer_path, singles, pairs),
            batch_size=None,
            num_workers=workers,
            prefetch_factor=4,
            pin_memory=True,
        )
    )
