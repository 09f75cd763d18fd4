"""What can go wrong with a card, on a machine that has one: each ends with one clear line or does not matter.

    python3 bench/gpu/bad_input.py PACKED.sh OUT [PACKED_FOR_OTHER_CARDS.sh]

PACKED.sh comes from pack.sh; the other one from the preset cuda-ptx75: with the translation of PTX switched off it
stands for a build without code for this card. torch takes the card's memory, before and while visavis runs.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
SUITE = "suites/demo"
PICTURE = "suites/demo/photographs/rocket.jpg"
failed = []


def start(packed, *arguments, **environment):
    return subprocess.Popen(["sh", packed, "visavis", *map(str, arguments)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env={**os.environ, **environment})


def finish(process):
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def expect(name, condition, shown):
    print(("passed  " if condition else "FAILED  ") + name + ": " + shown.strip().splitlines()[-1][:200])
    if not condition:
        failed.append(name)


def run(packed, *more, device="cuda", **environment):
    return finish(start(packed, "run", "demo-llava", "-i", PICTURE, "-p", "What is this?", "--max-tokens", "4",
                        "--device", device, *more, **environment))


def refuses(name, result, *wanted):
    code, _, err = result
    lines = [line for line in err.splitlines() if line.startswith("visavis: ")]
    expect(name, code == 1 and len(lines) == 1 and all(word in lines[0] for word in wanted), lines[-1] if lines else err)


def take_all_but(left):
    """The card's memory but `left` bytes, as a tensor."""
    free, _ = torch.cuda.mem_get_info()
    return torch.empty(max(0, free - left), dtype=torch.uint8, device="cuda")


def compare_arguments(out):
    return ("compare", "demo-qwen3-vl", "demo-llava", "--suite", SUITE, "--device", "cuda", "--out", out)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    packed, out = sys.argv[1], Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)

    refuses("a card that is not there", run(packed, device="cuda:9"), "wanted device 9")
    refuses("no card to be seen", run(packed, CUDA_VISIBLE_DEVICES=""), "no device")
    code, text, err = run(packed, device="auto", CUDA_VISIBLE_DEVICES="")
    expect("auto takes the CPU", code == 0 and text.strip() != "" and "takes the CPU" in err, err)
    if len(sys.argv) == 4:
        refuses("a build without code for this card", run(sys.argv[3], CUDA_DISABLE_PTX_JIT="1"),
                "for which this build has no code")
    refuses("a budget below CUDA's own memory", run(packed, "--vram-budget", "100MB"), "100.0 MB")

    torch.cuda.init()
    taken = take_all_but(640 << 20)
    refuses("a card that is full before loading", run(packed), "memory", "MB")
    del taken
    torch.cuda.empty_cache()

    code, _, err = finish(start(packed, *compare_arguments(out / "alone")))
    expect("the demo comparison alone", code == 0, err or "answered")
    process = start(packed, *compare_arguments(out / "crowded"))
    answers = out / "crowded" / "results.sqlite"
    while process.poll() is None and not answers.exists():
        time.sleep(0.05)
    time.sleep(1)  # models are being loaded, or the first answers come
    running = process.poll() is None
    taken = take_all_but(64 << 20)
    code, _, err = finish(process)
    expect("memory taken by somebody else while it runs", running and code == 0,
           f"{taken.numel() / 1e9:.1f} GB taken, exit code {code}; " + err.strip()[-120:])
    del taken
    torch.cuda.empty_cache()
    same = subprocess.run([sys.executable, HERE / "same_answers.py", out / "alone/answers.jsonl",
                           out / "crowded/answers.jsonl", "0.99"], capture_output=True, text=True, check=False)
    expect("its answers are the same", same.returncode == 0, same.stdout or same.stderr)

    before = torch.cuda.mem_get_info()[0]
    process = start(packed, *compare_arguments(out / "killed"))
    time.sleep(4)
    process.kill()
    process.communicate()
    subprocess.run(["pkill", "-9", "-f", "visavis compare"], check=False)
    time.sleep(1)
    after = torch.cuda.mem_get_info()[0]
    expect("a killed run leaves no memory behind", before - after < 64 << 20, f"{(before - after) >> 20} MiB less")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
