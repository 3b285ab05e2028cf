"""C programs that test the links to PostgreSQL and Redis against real servers: tests/integration/c."""
import os
import pathlib
import subprocess

import pytest

from harness.redis_server import RedisServer

BUILD = pathlib.Path(os.environ.get("PATCHBAY_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build/asan"))


@pytest.fixture
def open_redis(scratch):
    server = RedisServer(scratch / "open-redis", password=None)
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("name", ["link_test"])
def test_program(name, bare_postgres, open_redis):
    """It gets an empty database of its own, a Redis without a password, and brings the rest."""
    bare_postgres.execute(f"CREATE DATABASE program_{name}")
    environment = {**os.environ, "PATCHBAY_TEST_DATABASE": bare_postgres.url(f"program_{name}"),
                   "PATCHBAY_TEST_REDIS": open_redis.url}
    found = [path for path in BUILD.rglob(name) if path.is_file() and os.access(path, os.X_OK)]
    assert found, f"{name} is not built below {BUILD}"
    done = subprocess.run([str(found[0])], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=300, text=True)
    assert done.returncode == 0, done.stdout[-8000:]
