"""Lints by other programs: clang-format, clang-tidy, the compiler (headers that stand alone) and shellcheck."""
import concurrent.futures
import json
import os
import subprocess

from sources import FOLDERS, c_files


# On top of .clang-tidy. Conversions and diagnostics are gcc's to judge (-Wconversion, warnings are errors); the rest are
# matters of taste that a reader settles better (padding, alike branches, products of small counts) or wrong about C
# (sizeof of an element that is a pointer, memcpy of bytes that are no string).
TIDY_CHECKS = ",".join("-" + check for check in (
    "clang-diagnostic-*", "bugprone-narrowing-conversions", "bugprone-branch-clone", "clang-analyzer-optin.performance.Padding",
    "bugprone-implicit-widening-of-multiplication-result", "bugprone-sizeof-expression",
    "bugprone-not-null-terminated-result"))


def run_all(commands, cwd=None):
    """Runs [(name, command)] on all cores; a fault is the output of one that failed."""
    def one(item):
        name, command = item
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
        return f"{name}:\n{done.stdout}{done.stderr}".strip() if done.returncode else None

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [fault for fault in pool.map(one, commands) if fault]


def format_faults(root, style):
    files = [path for path in c_files(root) if "corpus" not in path.parts]
    command = ["clang-format", f"--style=file:{style}", "--dry-run", "-Werror", "--ferror-limit=3"]
    return run_all([(str(path), command + [str(root / path)]) for path in files])


def header_faults(root):
    flags = ["-std=c17", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", f"-I{root}",
             "-I/usr/include/postgresql", "-x", "c"]
    headers = [path for path in c_files(root, FOLDERS) if path.suffix == ".h"]
    # Through a file of one line, so that the header is not the main file.
    return run_all([(str(path), ["sh", "-c", f"echo '#include \"{path}\"' | gcc {' '.join(flags)} -"]) for path in headers])


def tidy_faults(build, root, files=None):
    """clang-tidy over the C files of a build folder's compile_commands.json that lie in our folders."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as listed:
        known = {os.path.realpath(os.path.join(entry["directory"], entry["file"])) for entry in json.load(listed)}
    ours = files or [str(root / path) for path in c_files(root, FOLDERS) if path.suffix == ".c"]
    command = ["clang-tidy", "--quiet", f"--checks={TIDY_CHECKS}", "-p", str(build), "--extra-arg=-Wno-unknown-warning-option"]
    return run_all([(name, command + [name]) for name in ours if os.path.realpath(name) in known], cwd=root)


def shell_faults(root, files):
    command = ["shellcheck", "-x", "-e", "SC1091,SC2015,SC2086,SC2153,SC2174", "-P", "SCRIPTDIR"]
    return run_all([(name, command + [str(root / name)]) for name in files])
