"""Fixtures: one PostgreSQL and one Redis a session, a database a test, routers that are stopped and whose logs are read."""
import os
import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from harness.desk import Desk  # noqa: E402
from harness.postgres import Postgres  # noqa: E402
from harness.projects import project  # noqa: E402
from harness.proxy import Proxy  # noqa: E402
from harness.redis_server import RedisServer  # noqa: E402
from harness.router import Router, admin  # noqa: E402
from harness.tables import Tables  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: not beside other tests (tests/runner.py): what it times would be about them")


@pytest.fixture(scope="session")
def scratch():
    """A folder that the servers' user can reach, whatever the umask."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="patchbay-test-", dir="/var/tmp"))
    os.chmod(folder, 0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def bare_postgres(scratch):
    """PostgreSQL without patchbay's template."""
    server = Postgres(scratch / "postgres")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def session_postgres(bare_postgres):
    bare_postgres.make_template(lambda url: admin(url, "migrate"))
    return bare_postgres


@pytest.fixture
def postgres(session_postgres):
    """Running at the start of each test, whatever the one before did to it."""
    if session_postgres.process.poll() is not None:
        session_postgres.start()
    yield session_postgres
    if session_postgres.process.poll() is None:
        session_postgres.resume()


@pytest.fixture(scope="session")
def session_redis(scratch):
    server = RedisServer(scratch / "redis")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis(session_redis):
    """Running and empty at the start of each test."""
    if session_redis.process.poll() is not None:
        session_redis.start()
    session_redis.flush()
    yield session_redis
    if session_redis.process.poll() is None:
        session_redis.resume()


@pytest.fixture
def database(postgres):
    made = postgres.make_database()
    yield made
    made.drop()


@pytest.fixture
def tables(database):
    """What the database holds, whatever the server says."""
    made = Tables(database)
    yield made
    made.close()


@pytest.fixture
def project_file(tmp_path):
    path = tmp_path / "project.yaml"
    path.write_text(project())
    return path


@pytest.fixture
def make_proxy():
    made = []

    def make(port):
        made.append(Proxy(port))
        return made[-1]

    yield make
    for proxy in made:
        proxy.close()


@pytest.fixture
def make_router(tmp_path, database, redis):
    """make_router(project text, **Router's arguments): applied, not started. What its log says is judged at the end."""
    made = []

    def make(text=None, **more):
        number = len(made)
        path = tmp_path / f"project-{number}.yaml"
        path.write_text(text or project())
        router = Router(tmp_path, database, redis, path, **{"name": f"router-{number}", **more})
        made.append(router)
        router.apply()
        return router

    yield make
    faults = []
    for router in made:
        try:
            router.stop()
        except AssertionError as fault:
            faults.append(str(fault))
        faults += router.log_faults()
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


@pytest.fixture
def router(make_router):
    """A router with the usual project, ready."""
    return make_router().start()


@pytest.fixture
def make_desk(make_router, redis):
    """make_desk(more of the file, text=None or the whole file, **project()'s arguments): a router that is ready, and what it tells."""
    made = []

    def make(extra="", text=None, **more):
        made.append(Desk(make_router((text or project(**more)) + extra).start(), redis))
        return made[-1]

    yield make
    for desk in made:
        desk.told.close()


@pytest.fixture
def subscriber(router, redis):
    """Receives all decisions of the router's project."""
    made = redis.subscribe(router.channel("all"))
    yield made
    made.close()
