"""What deploy/watch and deploy/demo_traffic share: .run/env, a subscription to Redis, an HTTP client.

Only Python's own library: nothing has to be installed for the demo."""
import http.client
import json
import queue
import shlex
import socket
import sys
import threading
import urllib.parse


def say(line):
    """A whole line in one write: two programs print to the same place."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def read_env(path):
    with open(path, encoding="utf-8") as lines:
        return dict(word.split("=", 1) for line in lines for word in shlex.split(line))


class Subscription:
    """SUBSCRIBE to one channel (RESP2). Subscribed when the constructor returns."""

    def __init__(self, url, channel):
        parts = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port or 6379), timeout=10)
        self.stream = self.socket.makefile("rb")
        if parts.password:
            self._command("AUTH", urllib.parse.unquote(parts.username), urllib.parse.unquote(parts.password))
        self._command("SUBSCRIBE", channel)
        self.socket.settimeout(None)

    def _command(self, *words):
        text = f"*{len(words)}\r\n".encode()
        for word in words:
            text += f"${len(word.encode())}\r\n{word}\r\n".encode()
        self.socket.sendall(text)
        return self._reply()

    def _reply(self):
        line = self.stream.readline()
        if not line:
            raise ConnectionError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise ConnectionError(rest.decode())
        if kind == b"$":
            return None if rest == b"-1" else self.stream.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        return rest

    def messages(self):
        """Each message as decoded JSON, for ever."""
        while True:
            reply = self._reply()
            if reply[0] == b"message":
                yield json.loads(reply[2])

    def into_queue(self):
        """The messages from now on, read by a thread; None when the connection is lost."""
        found = queue.Queue()

        def read():
            try:
                for message in self.messages():
                    found.put(message)
            except (OSError, ValueError):
                found.put(None)

        threading.Thread(target=read, daemon=True).start()
        return found


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.bytes = response.read()

    @property
    def json(self):
        return json.loads(self.bytes) if self.bytes else None


class Client:
    """Requests below /v1/projects/{project} with one token."""

    def __init__(self, env, token):
        self.host = urllib.parse.urlsplit(env["PATCHBAY_HTTP"]).netloc
        self.base = f"/v1/projects/{env['PATCHBAY_PROJECT']}"
        self.token = token

    def request(self, method, path, body=None, content_type="application/json"):
        connection = http.client.HTTPConnection(self.host, timeout=30)
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Type"] = content_type
            body = json.dumps(body)
        try:
            connection.request(method, self.base + path, body, headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()
