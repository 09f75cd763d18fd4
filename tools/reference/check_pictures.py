"""Compares pictures.py with the goldens of transformers' image processors, bit for bit.

    /usr/bin/python3 tools/reference/check_pictures.py
"""

import hashlib
import json

import numpy as np

import pictures
import tensors


def main():
    goldens = json.loads(tensors.oracle_file("pictures", "pictures.json"))
    equal = different = 0
    for each in goldens["pictures"]:
        folder = "suites/demo" if each["file"].startswith("photographs/") else "tests/data"
        rgb = pictures.load_rgb(tensors.ROOT / folder / each["file"])
        for name, output in each["outputs"].items():
            settings = goldens["settings"][name]
            if "error" in output or "merge_size" not in settings:
                continue
            values, grid = pictures.qwen_patches(rgb, settings)
            digest = hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
            same = digest == output["f32_sha256"] and [1, *grid] == output["grid_thw"]
            equal, different = equal + same, different + (not same)
            if not same:
                print("different:", each["file"], name)
    print(f"{equal} pictures equal, {different} different")
    if different or not equal:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
