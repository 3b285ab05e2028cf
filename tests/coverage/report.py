"""The table of tests/coverage/run, from what gcovr counted: report.py [--missing] [--least PERCENT] FILE.json"""
import argparse
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEAST = 95.0


def branches(line):
    """Whether each branch of a line was taken; a line without code, or left out, has none."""
    return [] if line["gcovr/noncode"] else [branch["count"] > 0 for branch in line["branches"]]


def count(document):
    """{file: [(line number, taken, all)]}, only lines with branches; a file without any has an empty list."""
    return {file["file"]: [(line["line_number"], sum(found), len(found))
                           for line in file["lines"] for found in [branches(line)] if found]
            for file in document["files"]}


def percent(taken, total):
    """One decimal, cut and not rounded: 94.96 is below 95."""
    return 100.0 if total == 0 else taken * 1000 // total / 10


def table(files, missing=False):
    """The report's lines and the share that its last one names."""
    lines = [f"{'file':<28}{'branches':>9}{'taken':>8}{'%':>8}"]
    taken_all = total_all = 0
    for name, counted in sorted(files.items()):
        taken, total = sum(row[1] for row in counted), sum(row[2] for row in counted)
        lines.append(f"{name:<28}{total:>9}{taken:>8}{percent(taken, total):>8.1f}")
        if missing:
            lines += [f"    {name}:{number}: {took} of {of}" for number, took, of in counted if took < of]
        taken_all, total_all = taken_all + taken, total_all + total
    share = percent(taken_all, total_all)
    lines.append(f"{'all':<28}{total_all:>9}{taken_all:>8}{share:>8.1f}")
    lines.append(f"branch coverage of rules/: {share:.1f} %")
    return lines, share


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--missing", action="store_true")
    parser.add_argument("--least", type=float, default=LEAST)
    parser.add_argument("file")
    wanted = parser.parse_args()
    files = count(json.loads(pathlib.Path(wanted.file).read_text(encoding="utf-8")))
    lines, share = table(files, wanted.missing)
    if share < wanted.least:
        lines.insert(-1, f"less than {wanted.least:g} %")
    print("\n".join(lines), flush=True)
    return 0 if share >= wanted.least else 1


if __name__ == "__main__":
    sys.exit(main())
