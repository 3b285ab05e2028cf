"""A PostgreSQL cluster of our own. Each test gets a database copied from a migrated template."""
import itertools
import os
import pathlib
import re
import secrets
import signal
import subprocess

import psycopg2

from .process import free_port, give_to_service, run, spawn, wait_for

BIN = pathlib.Path("/usr/lib/postgresql/15/bin")


class Postgres:
    ADMIN, PASSWORD = "patchbay_admin", "admin"
    SERVER_PASSWORD = "server"

    def __init__(self, folder, durable=False):
        """durable: commits wait for the disk, for measuring."""
        self.folder, self.durable = pathlib.Path(folder), durable
        self.data = self.folder / "data"
        self.log_path = self.folder / "postgres.log"
        self.process = None
        self.port = None
        self.names = itertools.count(1)
        self.folder.mkdir(parents=True)
        give_to_service(self.folder)
        password = self.folder / "password"
        password.write_text(self.PASSWORD)
        give_to_service(password)
        run([BIN / "initdb", "-D", self.data, "-U", self.ADMIN, "--auth=scram-sha-256", f"--pwfile={password}",
             "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"], as_service=True, cwd="/")

    def start(self):
        """Starts it, on the port that it had. The machine does not crash in these tests, so fsync may be off."""
        for _ in range(20):
            port = self.port or free_port()
            with open(self.log_path, "ab") as log:
                self.process = spawn([BIN / "postgres", "-D", self.data, "-p", port, "-c", "listen_addresses=127.0.0.1",
                                      "-c", "unix_socket_directories=", "-c", "max_connections=200",
                                      "-c", f"fsync={'on' if self.durable else 'off'}",
                                      "-c", f"full_page_writes={'on' if self.durable else 'off'}", "-c", "log_min_messages=warning"],
                                     as_service=True, stdout=log, stderr=log, cwd="/")
            try:
                wait_for(lambda: self.process.poll() is not None or self._answers(port), "PostgreSQL accepts connections", 60)
            except AssertionError:
                self.kill()
                raise
            if self.process.poll() is None:
                self.port = port
                return
            # Killed before, its old children need a moment to notice; or somebody took the port.
        raise AssertionError(f"PostgreSQL does not start: {self.log_path.read_text()[-2000:]}")

    def _answers(self, port):
        try:
            psycopg2.connect(host="127.0.0.1", port=port, user=self.ADMIN, password=self.PASSWORD, dbname="postgres",
                             connect_timeout=5).close()
            return True
        except psycopg2.OperationalError:
            return False

    def kill(self):
        """kill -9 of the postmaster; its children end by themselves."""
        self._end(signal.SIGKILL)

    def crash(self):
        """kill -9 of the postmaster and all its children at once: what is not in a file yet is lost."""
        self._signal_all(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self._end(signal.SIGINT)

    def _end(self, how):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def pause(self):
        """Stops every process of the cluster: connections stay open and nothing answers."""
        self._signal_all(signal.SIGSTOP)

    def resume(self):
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, how):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in [self.process.pid, *map(int, children)]:
            try:
                os.kill(pid, how)
            except ProcessLookupError:
                pass

    def url(self, database, user=None, password=None, port=None):
        user, password = user or self.ADMIN, password or self.PASSWORD
        return f"postgresql://{user}:{password}@127.0.0.1:{port or self.port}/{database}"

    def connect(self, database, **more):
        connection = psycopg2.connect(self.url(database), **more)
        connection.autocommit = True
        return connection

    def execute(self, sql, database="postgres"):
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    def make_template(self, migrate):
        """`migrate(url)` brings the template up to date; its role gets a password here, as an administrator would do it."""
        self.execute("CREATE DATABASE template_patchbay")
        migrate(self.url("template_patchbay"))
        self.execute(f"ALTER ROLE patchbay_server LOGIN PASSWORD '{self.SERVER_PASSWORD}'")

    def make_database(self):
        return Database(self, f"test_{next(self.names)}_{secrets.token_hex(3)}")

    def make_sorted_database(self, locale):
        """One that sorts text as that locale of ICU does unless it is told otherwise; empty, to be migrated."""
        return Database(self, f"test_{next(self.names)}_{secrets.token_hex(3)}",
                        f"TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE '{locale}'")


class Database:
    """One test's database. `server_url` is what the router gets: its restricted role."""

    def __init__(self, cluster, name, options="TEMPLATE template_patchbay"):
        self.cluster, self.name = cluster, name
        assert re.fullmatch(r"\w+", name)
        cluster.execute(f"CREATE DATABASE {name} {options}")

    @property
    def url(self):
        return self.cluster.url(self.name)

    @property
    def server_url(self):
        return self.server_url_at(self.cluster.port)

    def server_url_at(self, port):
        return self.cluster.url(self.name, "patchbay_server", self.cluster.SERVER_PASSWORD, port)

    def query(self, sql, *values):
        """Rows as tuples, by an administrator."""
        connection = self.cluster.connect(self.name)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, values or None)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    def drop(self):
        if self.cluster.process and self.cluster.process.poll() is None:
            self.cluster.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")
