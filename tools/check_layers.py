#!/usr/bin/env python3
"""Fails on an include of src/ that the layer table of ARCHITECTURE.md does not allow.

Usage: check_layers.py REPOSITORY
"""
import pathlib
import re
import sys

ROW = re.compile(r"^\| ([a-z/]+) \| [^|]* \| ([a-z/* ]*)\|$")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def read_table(text):
    """{folder: [folders it may include]} of the table whose first column is headed "folder"."""
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith("| folder |")), len(lines))
    table = {}
    for line in lines[start + 2 :]:
        row = ROW.match(line)
        if not row:
            break
        table[row.group(1)] = row.group(2).split()
    return table


def layer_of(path, table):
    """The longest table row that is a parent of the path, or None."""
    parents = [layer for layer in table if path.startswith(layer + "/")]
    return max(parents, key=len, default=None)


def main():
    root = pathlib.Path(sys.argv[1])
    table = read_table((root / "ARCHITECTURE.md").read_text(encoding="utf-8"))
    if not table:
        sys.exit("ARCHITECTURE.md: found no layer table")
    problems = []
    files = 0
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in {".h", ".cpp", ".cu", ".cuh"}:
            continue
        files += 1
        name = path.relative_to(root / "src").as_posix()
        layer = layer_of(name, table)
        if layer is None:
            problems.append(f"src/{name}: its folder has no row in ARCHITECTURE.md's layer table")
            continue
        for include in INCLUDE.findall(path.read_text(encoding="utf-8")):
            target = layer_of(include, table)
            if target is None:
                problems.append(f'src/{name}: "{include}" is in no layer')
            elif target != layer and "*" not in table[layer] and target not in table[layer]:
                problems.append(f"src/{name}: {layer} may not include {target} ({include})")
    for unknown in {t for row in table.values() for t in row} - set(table) - {"*"}:
        problems.append(f"ARCHITECTURE.md: the table names '{unknown}', which has no row")
    print("\n".join(problems) if problems else f"{files} files follow the layer table")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
