"""Every seed of the demo, in one place: what is trained on, what is measured on and what is shipped differ.

The streams are told apart by strings, which `random.Random` hashes, so no two of them can meet.
"""

import random

TRAINING = "visavis-demo/training/1"  # scenes seen in training, one stream per worker process
EVALUATION = "visavis-demo/evaluation/1"  # fresh scenes on which the model card's larger figures are measured
SUITE = "visavis-demo/suite/1"  # the scenes of suites/demo
TOKENIZER = "visavis-demo/tokenizer/1"  # texts on which the tokenizers are trained
PARITY = "visavis-demo/parity/1"  # the batch on which two forward passes are compared
NOISE = 20261122  # torch seed: initial weights and picture noise


def stream(name, *parts):
    """A random stream of its own for `name` and any further parts."""
    return random.Random("/".join([name, *map(str, parts)]))
