"""Each fault of tests/mutation still finds its line: a change of the core that moves one is told at once, not by chance."""
import sys

import pytest

from sources import ROOT

sys.path.insert(0, str(ROOT / "tests/mutation"))
from mutations import MUTATIONS, Mutation, mutated  # noqa: E402


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_fault_finds_its_line(mutation):
    text = (ROOT / "rules" / mutation.file).read_text(encoding="utf-8")
    assert mutated(text, mutation) != text


def test_there_are_at_least_25_and_no_two_of_a_name():
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS) >= 25


def test_a_line_that_is_not_there_or_not_alone_is_refused():
    for old in ("no such line", "same"):
        with pytest.raises(ValueError):
            mutated("same same", Mutation("planted", "core.c", old, "new"))
