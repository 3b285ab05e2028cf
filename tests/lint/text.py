"""Lints that only read: banned functions, length of files, words that may not stay, header guards."""
import re

from sources import FOLDERS, c_files, code_lines

# Each with what to use instead.
BANNED = {
    "alloca": "an arena", "asctime": "strftime", "atof": "strtod with checks", "atoi": "strtol with checks",
    "atol": "strtol with checks", "atoll": "strtoll with checks", "ctime": "strftime", "gets": "fgets", "gmtime": "gmtime_r",
    "localtime": "gmtime_r", "mktemp": "mkstemp", "popen": "nothing: patchbay starts no programs",
    "rand": "getrandom, or a seed that is handed in", "random": "getrandom", "scanf": "a parser", "setlocale": "nothing",
    "sprintf": "snprintf", "sscanf": "a parser", "srand": "getrandom", "strcat": "a buffer with a length",
    "strcpy": "memcpy with a length", "strncat": "memcpy with a length", "strncpy": "memcpy with a length",
    "strtok": "a loop over slices", "strtok_r": "a loop over slices", "system": "nothing: patchbay starts no programs",
    "tmpnam": "mkstemp", "vsprintf": "vsnprintf",
}
BANNED_CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
# Blocking calls of libraries that are otherwise used without blocking.
BLOCKING_CALL = re.compile(r"(?<![\w.>])(PQexec\w*|PQconnectdb\w*|PQreset|PQcancel|redisCommand|redisConnect\w*|sleep|usleep)\s*\(")
# The commands of an administrator run without a loop: they may wait.
MAY_BLOCK = re.compile(r"storage/(pg_blocking|pg_open|migrate)\.c$|tests/")
# Who may call what, with the reason.
EXCEPTIONS = {("server/process_info.c", "sscanf")}  # of /proc: the kernel's own text
# Tests read what they wrote themselves; there only what writes past an end is banned.
BANNED_IN_TESTS = {"gets", "sprintf", "vsprintf", "alloca", "mktemp", "tmpnam", "system", "popen"}

LENGTH_MAX, LENGTH_ASK = 800, 500
WORDS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
TEXT_SUFFIXES = {".c", ".h", ".cc", ".py", ".sh", ".sql", ".md", ".yaml", ".yml", ".json", ".txt", ".cmake", ".service", ""}
# These name the words that they look for.
WORD_FILES = {"tests/lint/text.py", "tests/lint/test_lint_text.py"}


# From here on; what was applied to customers before stays as it is.
MIGRATION_FIRST = "0020"


def mixed_migrations(root):
    """Building an index takes long, and dropping one keeps readers away until its transaction ends: each is a migration of its own."""
    return [f"{path.relative_to(root)}: makes an index of a table and drops one of a table" for path in sorted(root.glob("storage/migrations/*.sql"))
            if path.name >= MIGRATION_FIRST
            and all(re.search(rf"^\s*{word} (UNIQUE )?INDEX\b", path.read_text(), re.MULTILINE) for word in ("CREATE", "DROP"))]


def banned_functions(root):
    found = []
    for path in c_files(root):
        for number, line in code_lines(root / path):
            for match in BANNED_CALL.finditer(line):
                in_tests = path.parts[0] == "tests" and match.group(1) not in BANNED_IN_TESTS
                if in_tests or (str(path), match.group(1)) in EXCEPTIONS:
                    continue
                found.append(f"{path}:{number}: {match.group(1)} is banned; use {BANNED[match.group(1)]}")
            for match in BLOCKING_CALL.finditer(line):
                if not MAY_BLOCK.search(str(path)):
                    found.append(f"{path}:{number}: {match.group(1)} blocks the loop")
    return found


def long_files(root):
    reasons = {}
    listed = root / "tests/lint/long_files.txt"
    if listed.exists():
        for line in listed.read_text(encoding="utf-8").splitlines():
            name, _, reason = line.partition(" ")
            if name and not name.startswith("#"):
                reasons[name] = reason.strip()
    found = []
    for path in c_files(root):
        length = len((root / path).read_text(encoding="utf-8").splitlines())
        if length > LENGTH_MAX:
            found.append(f"{path}: {length} lines; over {LENGTH_MAX} it must be split")
        elif length > LENGTH_ASK and not reasons.get(str(path)):
            found.append(f"{path}: {length} lines; over {LENGTH_ASK} needs a reason in tests/lint/long_files.txt")
    found += [f"tests/lint/long_files.txt: {name} is gone" for name in reasons if not (root / name).exists()]
    return found


def forbidden_words(root, files):
    """`files`: names relative to root, as the repository lists them."""
    found = []
    for name in files:
        path = root / name
        if path.suffix not in TEXT_SUFFIXES or name in WORD_FILES or "/corpus/" in name or not path.is_file():
            continue
        for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").splitlines(), 1):
            match = WORDS.search(line)
            if match:
                found.append(f"{name}:{number}: {match.group(1)}")
    return found


def header_guards(root):
    found = []
    for path in c_files(root, FOLDERS):
        if path.suffix != ".h":
            continue
        guard = re.sub(r"\W", "_", str(path)).upper()
        lines = [line.strip() for _, line in code_lines(root / path) if line.strip()]
        if lines[:2] != [f"#ifndef {guard}", f"#define {guard}"] or lines[-1] != "#endif":
            found.append(f"{path}: the guard must be {guard}, around all of it")
    return found
