"""Every test that docs/scenarios.md names exists, and is run."""
import re

PAGE = "docs/scenarios.md"
NAMED = re.compile(r"`(test_\w+\.(?:c|py)): (\w+)`")


def has_test(root, column, file, name):
    path = root / "tests" / ("unit", "integration")[column] / file
    if not path.is_file():
        return False
    text = path.read_text(encoding="utf-8")
    if column == 0:
        is_defined = re.search(rf"^static void {name}\(", text, re.M)
        return bool(is_defined and re.search(rf"^\s*\w+\({name}\b.*\),$", text, re.M))  # in the list, by whatever macro
    return name.startswith("test_") and re.search(rf"^def {name}\(", text, re.M) is not None


def missing_scenarios(root):
    found, rows = [], 0
    for number, line in enumerate((root / PAGE).read_text(encoding="utf-8").splitlines(), 1):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or cells[0] in ("scenario", "---"):
            continue
        rows += 1
        if len(cells) != 3 or not NAMED.search(cells[1]):
            found.append(f"{PAGE}:{number}: a scenario, its test on the core, its test over the wire or nothing")
            continue
        for column, cell in enumerate(cells[1:]):
            if re.sub(r"[,\s]", "", NAMED.sub("", cell)):
                found.append(f"{PAGE}:{number}: names are written `test_file: name`")
            found += [f"{PAGE}:{number}: {file} has no test {name}" for file, name in NAMED.findall(cell)
                      if not has_test(root, column, file, name)]
    return found if rows else [f"{PAGE}: no scenario"]
