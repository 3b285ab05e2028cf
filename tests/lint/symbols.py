"""What the rules library asks of the outside, and that it keeps no state of its own, read from its object code."""
import pathlib
import re
import subprocess

LIST = pathlib.Path(__file__).with_name("rules_symbols.txt")
# Sections whose contents can change after the program was loaded.
MUTABLE = re.compile(r"^(\.data(?!\.rel\.ro)|\.bss|\.tdata|\.tbss|COMMON|\*COM\*)")


def allowed():
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return {line.split()[0] for line in lines if line.strip() and not line.startswith("#")}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def foreign_symbols(archive):
    """Symbols that the archive needs and does not define, that are not on the list."""
    defined, needed = set(), {}
    member = ""
    for line in run("nm", "--format=posix", str(archive)).splitlines():
        if line.endswith(":"):
            member = line[:-1]
            continue
        name, kind = line.split()[:2]
        if kind == "U":
            needed.setdefault(name, member)
        elif kind.isupper():
            defined.add(name)
    good = allowed()
    return [f"{member}: {name} is not on the list of pure functions" for name, member in sorted(needed.items())
            if name not in defined and name not in good]


def mutable_objects(archive):
    """Variables of the archive that can change: state that a pure function may not have."""
    found, member = [], ""
    for line in run("objdump", "-t", str(archive)).splitlines():
        if "file format" in line:
            member = line.split(":")[0]
        match = re.match(r"[0-9a-f]+ .{7} (\S+)\s+([0-9a-f]+) (?:\.hidden )?(\S+)$", line)
        if match and MUTABLE.match(match.group(1)) and int(match.group(2), 16) > 0:
            found.append(f"{member}: {match.group(3)} is a variable in {match.group(1)}")
    return found
