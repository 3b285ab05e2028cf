"""Which files the lints look at, and how their C is read."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("rules", "proto", "storage", "server")
SUFFIXES = (".c", ".h", ".cc")


def c_files(root, folders=FOLDERS + ("tests",)):
    """Our C files, relative to root, in a stable order."""
    return sorted(path.relative_to(root) for folder in folders for path in (root / folder).rglob("*")
                  if path.suffix in SUFFIXES)


def code_lines(path):
    """(number, line) with comments and the contents of literals blanked; #include lines are kept whole."""
    text = path.read_text(encoding="utf-8")

    def blank(match):
        found = match.group(0)
        if found.lstrip().startswith("#"):
            return found
        if found.startswith("/"):
            return re.sub(r"[^\n]", " ", found)
        return found[0] + " " * (len(found) - 2) + found[-1]

    pattern = r'^[ \t]*#[ \t]*include[^\n]*|/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    clean = re.sub(pattern, blank, text, flags=re.S | re.M)
    return list(enumerate(clean.split("\n"), 1))


def plant(root, files):
    """Writes a small tree for a lint to find its violation in."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root
