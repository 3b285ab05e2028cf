"""A Redis of our own, and a subscriber that keeps all it receives."""
import json
import pathlib
import signal
import threading

import redis

from .process import free_port, give_to_service, spawn, wait_for


class RedisServer:
    def __init__(self, folder, password="operator"):
        self.password = password
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        give_to_service(self.folder)
        self.process = None
        self.port = None

    def start(self):
        for _ in range(20):
            port = self.port or free_port()
            with open(self.folder / "redis.log", "ab") as log:
                self.process = spawn(["redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no",
                                      "--requirepass", self.password or "", "--dir", self.folder],
                                     as_service=True, stdout=log, stderr=log, cwd="/")
            wait_for(lambda: self.process.poll() is not None or self._answers(port), "Redis accepts connections")
            if self.process.poll() is None:
                self.port = port
                return
        raise AssertionError("Redis does not start")

    def _answers(self, port):
        try:
            return redis.Redis(port=port, password=self.password).ping()
        except redis.RedisError:
            return False

    def kill(self):
        self._end(signal.SIGKILL)

    def stop(self):
        self._end(signal.SIGTERM)

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def _end(self, how):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(20)

    @property
    def url(self):
        return self.url_at(self.port)

    def url_at(self, port):
        return f"redis://:{self.password}@127.0.0.1:{port}/0" if self.password else f"redis://127.0.0.1:{port}/0"

    def client(self):
        return redis.Redis(port=self.port, password=self.password)

    def flush(self):
        self.client().flushall()

    def subscribe(self, *channels):
        return Subscriber(self, channels)


class Subscriber:
    """Keeps every message, in order, also over a restart of Redis (what was missed in between is missed)."""

    def __init__(self, server, channels):
        self.server, self.channels = server, channels
        self.messages = []  # (channel, decoded payload, raw payload)
        self.changed = threading.Condition()
        self.closing = threading.Event()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        assert self.ready.wait(10), "subscribed"

    def _run(self):
        while not self.closing.is_set():
            try:
                pubsub = self.server.client().pubsub(ignore_subscribe_messages=False)
                pubsub.subscribe(*self.channels)
                confirmed = 0
                while not self.closing.is_set():
                    message = pubsub.get_message(timeout=0.05)
                    if message is None:
                        continue
                    if message["type"] == "subscribe":
                        confirmed += 1
                        if confirmed == len(self.channels):
                            self.ready.set()
                    elif message["type"] == "message":
                        with self.changed:
                            self.messages.append((message["channel"].decode(), json.loads(message["data"]), message["data"]))
                            self.changed.notify_all()
                pubsub.close()
            except (redis.RedisError, OSError, ValueError):
                self.ready.clear()
                self.closing.wait(0.02)

    @property
    def events(self):
        """The decoded payloads without tips."""
        with self.changed:
            return [event for _, event, _ in self.messages if event["type"] != "agent.tip"]

    def wait_event(self, kind=None, subject=None, timeout=10.0, match=None, **data):
        """The first event that fits."""
        def fits(event):
            return ((kind is None or event["type"] == kind) and (subject is None or event.get("subject") == subject) and
                    all((event.get("data") or {}).get(key) == value for key, value in data.items()) and
                    (match is None or match(event)))

        with self.changed:
            found = []

            def look():
                found[:] = [event for _, event, _ in self.messages if fits(event)][:1]
                return bool(found)

            if not self.changed.wait_for(look, timeout):
                seen = [(e["type"], e.get("subject"), e.get("sequence")) for _, e, _ in self.messages][-20:]
                raise AssertionError(f"no {kind} {subject} {data} within {timeout} s; the last received: {seen}")
            return found[0]

    def wait_count(self, count, timeout=10.0):
        wait_for(lambda: len(self.events) >= count, lambda: f"{count} events; received {len(self.events)}", timeout)
        return self.events

    def close(self):
        self.closing.set()
        self.thread.join(5)
