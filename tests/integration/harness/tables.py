"""The tables, as an administrator sees them: what the tests compare the server's word with."""
import psycopg2

STATES = ("queued", "offered", "active", "closed")


class Tables:
    """One connection of its own, made again when PostgreSQL was restarted."""

    def __init__(self, database):
        self.database = database
        self.connection = None

    def query(self, sql, *values):
        for fresh in (False, True):
            if self.connection is None:
                self.connection = self.connect()
                fresh = True
            try:
                with self.connection.cursor() as cursor:
                    cursor.execute(sql, values or None)
                    return cursor.fetchall() if cursor.description else None
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                self.close()
                if fresh:
                    raise
        raise AssertionError("not reached")

    def connect(self):
        """Another connection, for locks and transactions of a test."""
        return self.database.cluster.connect(self.database.name, options="-c search_path=patchbay")

    def one(self, sql, *values):
        return self.query(sql, *values)[0][0]

    def waits_for_a_lock(self, query):
        """Statements like that which wait."""
        return self.one("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s", query)

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None
