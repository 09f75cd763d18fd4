#!/usr/bin/python3
"""What visavis quantize and GGUF's types change about the demo models, at what bits per weight.

    bench/quantize_models.py build/release/src/visavis [ITEMS]

Each form holds the decoder's linear layers in codes and everything else as it was; `visavis fidelity`, in f32
throughout, compares it with the checkpoint on the demo suite (ITEMS questions, all 174 by default, of which 18 are in
the calibration set, too) over the tokens of the checkpoint's own answers. GGUF's K-quants search for their scales
(tools/formats/gguf_search.py). Needs Debian's python3-numpy.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SOURCE / "tools/formats"))
import gguf_search  # noqa: E402
import make_checkpoints  # noqa: E402
import make_gguf  # noqa: E402
import store  # noqa: E402

FORMS = {
    "nearest g128": "--method nearest",
    "nearest g32": "--method nearest --group 32",
    "nearest g32, feedback": "--method nearest --group 32 --feedback",
    "hqq g64": "--method hqq --group 64",
    "hqq g64, feedback": "--method hqq --group 64 --feedback",
    "hqq g32": "--method hqq --group 32",
    "hqq g32, feedback": "--method hqq --group 32 --feedback",
    "awq g128": "--method awq",
    "awq g32": "--method awq --group 32",
    "awq-hqq g64, mixed": "--method awq-hqq --group 64 --mixed 4.5",
}


def whole(model):
    return json.loads((model / "config.json").read_text()), store.read_folder(model)


def forms_of(model, folder, run):
    """(bits per weight, label, folder, relative error of the weights or None) of every form."""
    for label, options in FORMS.items():
        out = folder / label.replace(" ", "-")
        report = run("quantize", model, "-o", out, "--json", *options.split())
        scaled = bool(report["scaled"])  # the error is that of the scaled weights
        yield report["bits_per_weight"], label, out, None if scaled else report["relative_error"]
    for kind, bits in gguf_search.BITS.items():
        out = folder / kind
        make_gguf.make(model, f"gguf-{kind.lower()}-linears", out, whole, make_checkpoints.copy_side_files,
                       gguf_search.encode)  # fmt: skip
        exact, values = store.read_folder(model), store.read_folder(out / "plain")
        squares = differences = 0.0
        for name, tensor in exact.items():
            if name.endswith("_proj.weight") and "language_model" in name:
                wanted = store.floats(tensor).astype(float)
                squares += (wanted**2).sum()
                differences += ((store.floats(values[make_gguf.hub_name(name)]) - wanted) ** 2).sum()
        yield bits, f"GGUF {kind}", out / "packed", (differences / squares) ** 0.5


def main(program, items):
    def run(*arguments):
        done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(done.stderr)
        return json.loads(done.stdout)

    print("| model | bits per weight | form | weights | last layer | KL (1e-3 nats) | same likeliest token | perplexity ratio |")
    print("|---|---|---|---|---|---|---|---|")
    exact = ["--activations", "f32", "--weights", "f32", "--against-weights", "f32", "--device", "cpu"]
    for name in ("qwen3-vl", "llava"):
        model = SOURCE / "models/demo" / name
        with tempfile.TemporaryDirectory() as folder:
            for bits, label, out, error in sorted(forms_of(model, pathlib.Path(folder), run), key=lambda form: form[:2]):
                found = run("fidelity", out, "--against", model, "--items", items, "--layers", 8, "--json", *exact)
                kl, ratio = found["divergence_nats"], found["perplexity_ratio"]
                print(f"| {name} | {bits:.3f} | {label} | {'' if error is None else f'{100 * error:.2f} %'} | "
                      f"{100 * found['layers'][-1]['relative_error']:.2f} % | "
                      f"{1e3 * kl['value']:.2f} [{1e3 * kl['low']:.2f}, {1e3 * kl['high']:.2f}] | "
                      f"{100 * found['top1_agreement']['value']:.2f} % | "
                      f"{ratio['value']:.4f} [{ratio['low']:.4f}, {ratio['high']:.4f}] |", flush=True)  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 174)
