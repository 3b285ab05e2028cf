import shutil
import subprocess

import pytest

import text
from sources import ROOT, plant


def tracked():
    if shutil.which("git") and (ROOT / ".git").exists():
        command = ["git", "-C", ROOT, "-c", f"safe.directory={ROOT}", "ls-files"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    names = (str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file())
    return [name for name in names if not name.startswith(("build/", ".git/", ".run"))]


def test_no_banned_function_is_called(none):
    none(text.banned_functions(ROOT))


def test_no_file_is_too_long(none):
    none(text.long_files(ROOT))


def test_no_forbidden_word_stands_in_the_repository(none):
    none(text.forbidden_words(ROOT, tracked()))


def test_no_migration_makes_and_drops_indexes(none):
    none(text.mixed_migrations(ROOT))


def test_every_header_has_its_guard(none):
    none(text.header_guards(ROOT))


@pytest.mark.parametrize("path, line", [
    ("rules/a.c", "strcpy(a, b);"),
    ("server/a.c", "x = atoi(y);"),
    ("proto/a.c", "return sprintf(a, \"%d\", 1);"),
    ("tests/unit/test_a.c", "system(\"ls\");"),
    ("storage/a.c", "PGresult *r = PQexec(c, sql);"),
    ("server/a.c", "usleep(10);"),
])
def test_a_banned_function_is_found(tmp_path, path, line):
    plant(tmp_path, {path: f"int f(void)\n{{\n{line}\n}}\n"})
    found = text.banned_functions(tmp_path)
    assert len(found) == 1 and found[0].startswith(f"{path}:3:")


def test_a_migration_that_makes_and_drops_indexes_is_found(tmp_path):
    plant(tmp_path, {"storage/migrations/0020_a.sql": "CREATE INDEX a ON t (b);\nDROP INDEX c;\n", "storage/migrations/0021_b.sql": "DROP INDEX a;\n",
                     "storage/migrations/0022_c.sql": "-- DROP INDEX b\nCREATE UNIQUE INDEX b ON t (b);\n"})
    assert [fault.split(":")[0] for fault in text.mixed_migrations(tmp_path)] == ["storage/migrations/0020_a.sql"]


def test_a_banned_name_that_is_no_call_is_not_found(tmp_path):
    plant(tmp_path, {"rules/a.c": '/* strcpy(a) */\nconst char *a = "atoi(x)";\nx->system(1);\nint my_rand(void);\n'})
    assert text.banned_functions(tmp_path) == []


def test_a_long_file_is_found_and_a_reason_counts_below_the_limit(tmp_path):
    plant(tmp_path, {"rules/a.c": "int a;\n" * 801, "rules/b.c": "int b;\n" * 501, "rules/c.c": "int c;\n" * 501,
                     "tests/lint/long_files.txt": "# file reason\nrules/a.c generated\nrules/c.c a table of cases\n"})
    assert [fault.split(":")[0] for fault in text.long_files(tmp_path)] == ["rules/a.c", "rules/b.c"]


def test_a_reason_for_a_file_that_is_gone_is_found(tmp_path):
    plant(tmp_path, {"rules/a.c": "", "tests/lint/long_files.txt": "rules/b.c a table\n"})
    assert len(text.long_files(tmp_path)) == 1


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX"])
def test_a_forbidden_word_is_found(tmp_path, word):
    plant(tmp_path, {"docs/a.md": f"fine\n{word}: later\n"})
    assert text.forbidden_words(tmp_path, ["docs/a.md"]) == [f"docs/a.md:2: {word}"]


@pytest.mark.parametrize("body", [
    "int f(void);\n",
    "#ifndef A_H\n#define A_H\n#endif\n",
    "#ifndef RULES_A_H\n#define RULES_A_H\n#endif\nint f(void);\n",
])
def test_a_wrong_guard_is_found(tmp_path, body):
    plant(tmp_path, {"rules/a.h": "/* A header. */\n" + body})
    assert len(text.header_guards(tmp_path)) == 1
