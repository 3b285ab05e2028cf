"""C programs that test a link against the real servers: tests/integration/c, built beside the unit tests."""
import os
import pathlib
import subprocess

import pytest

BUILD = pathlib.Path(os.environ.get("PATCHBAY_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build/asan"))
SOURCES = sorted(path.stem for path in pathlib.Path(__file__).with_name("c").glob("*.c"))


# None is no skip: there is nothing to run.
@pytest.mark.parametrize("name", SOURCES or [None])
def test_program(name, request):
    if name is None:
        return
    database, redis = request.getfixturevalue("database"), request.getfixturevalue("redis")
    environment = {**os.environ, "PATCHBAY_TEST_DATABASE": database.url, "PATCHBAY_TEST_REDIS": redis.url}
    found = [path for path in BUILD.rglob(name) if path.is_file() and os.access(path, os.X_OK)]
    assert found, f"{name} is not built below {BUILD}"
    done = subprocess.run([str(found[0])], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=300, text=True)
    assert done.returncode == 0, done.stdout[-8000:]
