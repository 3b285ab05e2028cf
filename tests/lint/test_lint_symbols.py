import os
import subprocess

import pytest

import symbols
from sources import ROOT

ARCHIVE = os.environ.get("PATCHBAY_RULES_ARCHIVE", str(ROOT / "build/dev/rules/libpatchbay_rules.a"))


def built(tmp_path, body):
    """An archive made of one file."""
    source, archive = tmp_path / "a.c", tmp_path / "a.a"
    source.write_text(body, encoding="utf-8")
    subprocess.run(["gcc", "-std=c17", "-fPIC", "-O0", "-c", source, "-o", tmp_path / "a.o"], check=True)
    subprocess.run(["ar", "rcs", archive, tmp_path / "a.o"], check=True)
    return archive


def test_rules_ask_only_for_pure_functions(none):
    none(symbols.foreign_symbols(ARCHIVE))


def test_rules_keep_no_state(none):
    none(symbols.mutable_objects(ARCHIVE))


@pytest.mark.parametrize("body, name", [
    ("#include <time.h>\nlong f(void) { return time(0); }", "time"),
    ("#include <stdlib.h>\nint f(void) { return rand(); }", "rand"),
    ("#include <stdlib.h>\nchar *f(void) { return getenv(\"A\"); }", "getenv"),
    ("#include <stdio.h>\nvoid f(void) { puts(\"a\"); }", "puts"),
    ("extern int PQstatus(void *);\nint f(void) { return PQstatus(0); }", "PQstatus"),
])
def test_an_impure_function_is_found(tmp_path, body, name):
    found = symbols.foreign_symbols(built(tmp_path, body))
    assert len(found) == 1 and f" {name} " in found[0]


@pytest.mark.parametrize("body", [
    "static int count;\nint f(void) { return ++count; }",
    "int f(void) { static int count = 7; return ++count; }",
    "int shared;",
    "static _Thread_local int count;\nint f(void) { return ++count; }",
])
def test_a_variable_is_found(tmp_path, body):
    assert len(symbols.mutable_objects(built(tmp_path, body))) == 1


def test_a_constant_is_not(tmp_path):
    body = 'static const char *const names[] = {"a", "b"};\nconst char *f(int i) { return names[i]; }\nconst int g = 3;'
    archive = built(tmp_path, body)
    assert symbols.mutable_objects(archive) == []
    assert symbols.foreign_symbols(archive) == []
