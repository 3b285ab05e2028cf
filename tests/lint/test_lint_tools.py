import json
import os
import shutil
import subprocess

import pytest
import tools
from sources import ROOT, plant

BUILD = os.environ.get("PATCHBAY_DEV_BUILD", str(ROOT / "build/dev"))
SCRIPTS = ["deploy/run", "deploy/lib.sh", "deploy/router.sh", "deploy/packages.sh", "tests/run", "tests/coverage/run",
           ".ci/run"]


def test_all_c_is_formatted(none):
    none(tools.format_faults(ROOT, ROOT / ".clang-format"))


def test_every_header_compiles_alone(none):
    none(tools.header_faults(ROOT))


@pytest.mark.timeout(1800)  # five minutes on two cores that do nothing else
def test_clang_tidy_is_content(none):
    none(tools.tidy_faults(BUILD, ROOT))


def test_shell_scripts_are_sound(none):
    none(tools.shell_faults(ROOT, SCRIPTS))


def test_a_release_asks_for_no_package_of_the_tests(tmp_path):
    """deploy/run installs deploy/packages.txt alone before it builds."""
    command = ["cmake", "-S", str(ROOT), "-B", str(tmp_path), "--preset", "release"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "CMOCKA" not in (tmp_path / "CMakeCache.txt").read_text(encoding="utf-8")


def test_a_badly_formatted_file_is_found(tmp_path):
    plant(tmp_path, {"rules/a.c": "int   f( void ){return 1;}\n", "rules/b.c": "int g;\n"})
    assert len(tools.format_faults(tmp_path, ROOT / ".clang-format")) == 1


def test_a_header_that_needs_another_is_found(tmp_path):
    plant(tmp_path, {"rules/a.h": "#ifndef RULES_A_H\n#define RULES_A_H\nuint32_t f(void);\n#endif\n",
                     "rules/b.h": "#ifndef RULES_B_H\n#define RULES_B_H\nint g(void);\n#endif\n"})
    found = tools.header_faults(tmp_path)
    assert len(found) == 1 and found[0].startswith("rules/a.h")


def test_a_null_dereference_is_found(tmp_path):
    plant(tmp_path, {"rules/a.c": "int f(int a);\nint f(int a)\n{\n    int *p = 0;\n    return a ? *p : 0;\n}\n"})
    shutil.copy(ROOT / ".clang-tidy", tmp_path)
    entry = {"directory": str(tmp_path), "file": "rules/a.c", "command": "gcc -std=c17 -c rules/a.c"}
    (tmp_path / "compile_commands.json").write_text(json.dumps([entry]), encoding="utf-8")
    found = tools.tidy_faults(tmp_path, tmp_path)
    assert len(found) == 1 and "NullDereference" in found[0]


def test_an_unsound_script_is_found(tmp_path):
    plant(tmp_path, {"a.sh": "#!/bin/bash\ncd $1\nrm -rf $undefined_folder/*\n"})
    assert len(tools.shell_faults(tmp_path, ["a.sh"])) == 1
