import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))


@pytest.fixture
def none():
    """none(faults): fails with all of them, in full."""
    def check(faults):
        if faults:
            pytest.fail("\n".join(faults), pytrace=False)
    return check
