"""The row that guards a project, held by a test; calls in threads; producers that repeat; what the journal must look like."""
import http.client
import threading
import time
import uuid

import psycopg2

from .process import wait_for

STRANGER = "198.51.100.7:8080"


def check_journal(tables):
    """One row an event, numbered without a gap, as far as the fence says."""
    assert tables.query("SELECT event_key FROM journal WHERE event_key IS NOT NULL GROUP BY 1 HAVING count(*) > 1") == []
    rows, last, fence = tables.query("SELECT count(*), coalesce(max(seq), 0), (SELECT journal_seq FROM fences) FROM journal")[0]
    assert rows == last == fence
    assert tables.query("SELECT agent FROM feed GROUP BY 1 HAVING count(*) <> max(agentsequence)") == []


class Later:
    """A call in a thread of its own."""

    def __init__(self, function, *arguments):
        self.value, self.fault = None, None
        self.thread = threading.Thread(target=self._run, args=(function, arguments), daemon=True)
        self.thread.start()

    def _run(self, function, arguments):
        try:
            self.value = function(*arguments)
        except Exception as fault:  # told to whoever waits
            self.fault = fault

    @property
    def is_done(self):
        return not self.thread.is_alive()

    def wait(self, timeout=30):
        self.thread.join(timeout)
        assert self.is_done, f"no answer within {timeout} s"
        if self.fault:
            raise self.fault
        return self.value


class Fence:
    """Holds the row that guards a project: a batch of its owner waits until commit() or rollback()."""

    def __init__(self, tables):
        self.tables = tables
        self.connection = tables.connect()
        self.connection.autocommit = False
        self.execute("SELECT FROM fences FOR UPDATE")

    def execute(self, sql, *values):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else None

    def wait_stuck(self):
        """Until the batch waits for the row."""
        wait_for(lambda: self.tables.one("SELECT count(*) FROM pg_stat_activity WHERE wait_event IN ('tuple', 'transactionid')"
                                         " AND application_name LIKE 'patchbay writer %' AND query LIKE '%One batch, one statement%'"),
                 "a batch waits for the fence")

    def give_to_stranger(self, lease="1 hour"):
        """To a router that nobody knows. Without a connection of its name it would count as gone: see Stranger."""
        stranger = uuid.uuid4()
        self.execute("UPDATE fences SET epoch = epoch + 1, owner = %s, address = %s, lease_until = now() + %s::interval",
                     str(stranger), STRANGER, lease)
        return stranger

    def commit(self):
        self.connection.commit()
        self.connection.close()

    def rollback(self):
        self.connection.rollback()
        self.connection.close()


class Gate:
    """Keeps batches from the table, though not a Fence from its row: who waits for a row that was updated may be let in before
    whoever waited longer, at a table the order is that of coming."""

    def __init__(self, tables):
        self.connection = tables.connect()
        self.connection.autocommit = False
        with self.connection.cursor() as cursor:
            cursor.execute("LOCK TABLE fences IN SHARE ROW EXCLUSIVE MODE")

    def open(self):
        self.connection.commit()
        self.connection.close()


class Stranger:
    """The connection by which a router is known to live."""

    def __init__(self, database, name):
        self.connection = psycopg2.connect(database.server_url, application_name=f"patchbay writer {name}")

    def leave(self):
        self.connection.close()


def publish(client, event):
    """The answer, or None when the connection was lost: was it taken? The same event again tells."""
    try:
        return client.event(event)
    except (OSError, http.client.HTTPException):
        client.local.connection = None
        return None


def publish_until_accepted(client, event, timeout=30):
    """What a producer does: the same event again until it is answered."""
    end = time.monotonic() + timeout
    while True:
        answer = publish(client, event)
        if answer and answer.status == 200:
            return answer
        assert not answer or answer.status == 503, answer
        assert time.monotonic() < end, f"not accepted within {timeout} s: {answer}"
        time.sleep(0.05)
