import pytest

import scenarios
from sources import ROOT, plant

HEAD = "# Scenarios\n\n| scenario | on the core | over the wire |\n|---|---|---|\n"
GOOD = "| a | `test_a.c: it_does` | `test_a.py: test_it` |\n"
FILES = {
    "tests/unit/test_a.c": "static void it_does(void **state)\n{\n}\ncmocka_unit_test(it_does),\n"
                           "static void never_run(void **state)\n{\n}\n",
    "tests/integration/test_a.py": "def test_it(router):\n    pass\n\n\ndef helper():\n    pass\n",
}


def test_every_test_that_the_scenarios_name_exists(none):
    none(scenarios.missing_scenarios(ROOT))


def test_what_exists_is_not_missing(tmp_path):
    plant(tmp_path, {**FILES, "docs/scenarios.md": HEAD + GOOD + "| b | `test_a.c: it_does` | |\n"})
    assert scenarios.missing_scenarios(tmp_path) == []


@pytest.mark.parametrize("row", [
    "| b | `test_a.c: it_does_not` | |",
    "| b | `test_a.c: never_run` | |",
    "| b | `test_b.c: it_does` | |",
    "| b | `test_a.c: it_does` | `test_a.py: test_other` |",
    "| b | `test_a.c: it_does` | `test_a.py: helper` |",
    "| b | `test_a.c: it_does` | by hand |",
    "| b | | `test_a.py: test_it` |",
    "| b | `test_a.c: it_does` |",
])
def test_what_does_not_exist_is_found(tmp_path, row):
    plant(tmp_path, {**FILES, "docs/scenarios.md": HEAD + GOOD + row + "\n"})
    found = scenarios.missing_scenarios(tmp_path)
    assert len(found) == 1 and found[0].startswith("docs/scenarios.md:6: "), found


def test_a_page_without_scenarios_is_found(tmp_path):
    plant(tmp_path, {"docs/scenarios.md": HEAD})
    assert len(scenarios.missing_scenarios(tmp_path)) == 1
