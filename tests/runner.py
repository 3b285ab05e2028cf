"""Builds and runs every kind of test and sums them up. Called by tests/run: runner.py FILTER [STAGE...]"""
import concurrent.futures
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parents[1]
STAGES = ("lint", "unit", "simulate", "fuzz", "integration")
CORES = os.cpu_count() or 1
FUZZ_S = 20 if os.environ.get("CI") == "true" else 5
LIMIT_S = {"build": 1800, "lint": 900, "unit": 900, "simulate": 600, "integration": 2700, "test": 600}

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("PATCHBAY_") or name == "PATCHBAY_SHARED"},
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "CCACHE_BASEDIR": str(ROOT),
}


class Results:
    def __init__(self, declared):
        self.declared = declared
        self.passed, self.skipped, self.failed = 0, 0, []

    def add_passed(self, count=1):
        self.passed += count

    def add_failed(self, name, why):
        self.failed.append(name)
        print(f"\nFAILED {name}\n{indent(why)}", flush=True)

    def add_skipped(self, name, why):
        if name in self.declared:
            self.skipped += 1
            print(f"skipped {name}: {self.declared[name]}", flush=True)
        else:
            self.add_failed(name, f"skipped, which tests/declared_skips.txt does not allow: {why}")


def indent(text, most=120):
    lines = (text or "").strip().splitlines()
    if len(lines) > most:
        lines = lines[:20] + [f"... {len(lines) - most} lines left out ..."] + lines[20 - most:]
    return "\n".join("    " + line for line in lines)


def declared_skips():
    lines = (ROOT / "tests/declared_skips.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ", 1) for line in lines if line.strip() and not line.startswith("#"))


def run(command, limit, **more):
    """Output and exit status; a command that takes too long is ended with all that it started, with status None."""
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(command, cwd=ROOT, env=more.pop("env", ENVIRONMENT), stdin=subprocess.DEVNULL, stdout=output,
                                 stderr=subprocess.STDOUT, start_new_session=True, **more)
        try:
            status, late = child.wait(timeout=limit), ""
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            status, late = None, f"\nended: not done after {limit} s"
        output.seek(0)
        return status, output.read().decode("utf-8", "replace") + late


def build(results, preset, *targets):
    """Configures and builds; False (and one failure) if that does not work."""
    print(f"building {preset}", flush=True)
    configure = ["cmake", "--preset", preset]
    if shutil.which("ccache"):
        configure += ["-DCMAKE_C_COMPILER_LAUNCHER=ccache", "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"]
    if preset == "fuzz":
        configure.append("-DPATCHBAY_WERROR=OFF")  # gcc's warnings are the ones that count
    for command in (configure, ["ninja", "-C", f"build/{preset}", "-k", "0", *targets]):
        status, output = run(command, LIMIT_S["build"])
        if status != 0:
            faults = [line for line in output.splitlines() if re.search(r"error|FAILED|Error", line)]
            results.add_failed(f"build/{preset}", "\n".join(faults[:40]) or output)
            return False
    return True


def pytest(results, folder, keyword, limit, workers=0, marks="", **variables):
    """One pytest run, counted from its JUnit file; each worker has servers of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        report = pathlib.Path(scratch) / "report.xml"
        command = ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", f"--timeout={min(limit, LIMIT_S['test'])}",
                   f"--junitxml={report}", "-o", "junit_family=xunit1", "-n", str(workers), "-m", marks, folder,
                   *(["-k", keyword] if keyword else [])]
        status, output = run(command, limit, env={**ENVIRONMENT, **variables})
        try:
            cases = list(xml.parse(report).iter("testcase"))
        except (OSError, xml.ParseError):
            results.add_failed(folder, output)
            return
    tests = {}  # a test that fails and whose fixtures fail afterwards stands in the file twice
    for case in cases:
        tests.setdefault(f"{case.get('file') or folder}::{case.get('name')}", []).extend(case)
    for name, children in tests.items():
        bad = [child for child in children if child.tag in ("failure", "error")]
        skipped = [child for child in children if child.tag == "skipped"]
        if bad:
            results.add_failed(name, "\n".join(child.text or child.get("message") or "" for child in bad))
        elif skipped:
            results.add_skipped(name, skipped[0].get("message") or "")
        else:
            results.add_passed()
    slowest = sorted(cases, key=lambda case: -float(case.get("time") or 0))[:8]
    print("slowest:", ", ".join(f"{case.get('name')} {float(case.get('time') or 0):.0f} s" for case in slowest), flush=True)
    if status is None or status > 1 and not (status == 5 and keyword):
        results.add_failed(folder, output)


def stage_lint(results, keyword):
    if build(results, "dev", "patchbay_rules"):
        pytest(results, "tests/lint", keyword, LIMIT_S["lint"])


def stage_unit(results, keyword):
    """Counts what cmocka counts: a program of twenty tests is twenty tests."""
    if not build(results, "asan"):
        return
    with tempfile.TemporaryDirectory() as scratch:
        report = pathlib.Path(scratch) / "report.xml"
        command = ["ctest", "--test-dir", "build/asan", "-L", "unit", "-j", str(CORES), "--output-junit", str(report),
                   "--test-output-size-passed", "4000000", "--test-output-size-failed", "4000000"]
        _, output = run(command + (["-R", keyword] if keyword else []), LIMIT_S["unit"])
        try:
            cases = list(xml.parse(report).iter("testcase"))
        except (OSError, xml.ParseError):
            results.add_failed("unit", output)
            return
    for case in cases:
        name, said = case.get("name"), case.findtext("system-out") or ""
        results.add_passed(len(re.findall(r"^\[       OK \] ", said, re.M)))
        failed = re.findall(r"^\[  FAILED  \] (?!\d+ test)(?:\w+: )?(\w+)$", said, re.M)
        for skipped in sorted(set(re.findall(r"^\[  SKIPPED \] (?!\d+ test)(\w+)$", said, re.M))):
            results.add_skipped(f"{name}::{skipped}", "cmocka skip()")
        if case.get("status") == "run":
            continue
        for test in sorted(set(failed)) or ["(ended before it was done)"]:
            results.add_failed(f"{name}::{test}", said)


def simulate_one(name, binary, seeds, steps):
    """Fresh seeds in every run; what is broken is printed with its seed and its shortest story."""
    seed = random.randrange(1 << 40)
    return name, *run([binary, str(seed), str(seeds), str(steps)], LIMIT_S["simulate"])


def stage_simulate(results, keyword):
    """Two million inputs without sanitizers, some with them, and two faults in a copy of the core that must be found."""
    if not build(results, "release", "simulator") or not build(results, "asan", "simulator"):
        return
    release, asan = "build/release/tests/simulator", "build/asan/tests/simulator"
    plays = [("first", release, 500, 2000), ("second", release, 500, 2000), ("sanitized", asan, 20, 2000)]
    plays = [play for play in plays if not keyword or re.search(keyword, f"simulate/{play[0]}")]
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        for name, status, output in pool.map(lambda play: simulate_one(*play), plays):
            if status == 0:
                results.add_passed()
                print(f"simulate/{name}: {output.strip()}", flush=True)
            else:
                results.add_failed(f"simulate/{name}", output)
    if keyword and not re.search(keyword, "simulate/mutations"):
        return
    status, output = run(["tests/mutation/run", "--sample", "2"], LIMIT_S["simulate"])
    if status == 0:
        results.add_passed()
    else:
        results.add_failed("simulate/mutations", output)


def fuzz_one(target, seconds):
    """A short run from the target's corpus; what it finds stays in build/fuzz/found."""
    codec = target[len("fuzz_"):]
    corpus, found = ROOT / "tests/fuzz/corpus" / codec, ROOT / "build/fuzz/found"
    found.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as fresh:
        command = [f"build/fuzz/tests/{target}", f"-max_total_time={seconds}", "-rss_limit_mb=2048", "-timeout=10",
                   "-print_final_stats=0", f"-artifact_prefix={found}/{codec}-", fresh]
        return target, *run(command + ([str(corpus)] if corpus.is_dir() else []), seconds + 120)


def stage_fuzz(results, keyword):
    targets = sorted(path.stem for path in (ROOT / "tests/fuzz").glob("fuzz_*.c"))
    targets = [target for target in targets if not keyword or re.search(keyword, target)]
    if not targets or not build(results, "fuzz", *targets):
        return
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        for target, status, output in pool.map(lambda target: fuzz_one(target, FUZZ_S), targets):
            if status == 0:
                results.add_passed()
            else:
                results.add_failed(f"fuzz/{target}", output)


def stage_integration(results, keyword):
    """On all cores, then one by one what looks at the clock."""
    if build(results, "asan") and build(results, "release", "patchbay"):
        for workers, marks in ((CORES, "not alone"), (0, "alone")):
            pytest(results, "tests/integration", keyword, LIMIT_S["integration"], workers, marks,
                   PATCHBAY_BINARY=str(ROOT / "build/asan/patchbay"), PATCHBAY_BUILD=str(ROOT / "build/asan"),
                   PATCHBAY_RELEASE=str(ROOT / "build/release/patchbay"))


def main():
    keyword, wanted = sys.argv[1], sys.argv[2:] or ["all"]
    results = Results(declared_skips())
    for stage in STAGES:
        if stage in wanted or "all" in wanted:
            began = time.monotonic()
            print(f"== {stage}", flush=True)
            globals()[f"stage_{stage}"](results, keyword)
            print(f"== {stage}: {time.monotonic() - began:.0f} s", flush=True)
    if results.failed:
        print("\nfailed:")
        for name in results.failed:
            print(f"  {name}")
    print(f"{results.passed} passed, {len(results.failed)} failed, {results.skipped} skipped", flush=True)
    return 1 if results.failed or results.passed == 0 else 0


sys.exit(main())
