"""HTTP as a client writes it: kept-alive connections, JSON, CloudEvents in their three codings, server-sent events."""
import http.client
import itertools
import json
import socket
import threading
import uuid


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.bytes = response.read()

    @property
    def json(self):
        return json.loads(self.bytes)

    def __repr__(self):
        return f"<{self.status} {self.bytes[:400]!r}>"


class HttpClient:
    """One token, one connection a thread. Paths that begin with / are absolute, others lie below the project."""

    def __init__(self, address, token=None, project="demo", timeout=30):
        self.address, self.token, self.timeout = address, token, timeout
        self.base = f"/v1/projects/{project}/"
        self.local = threading.local()

    def with_token(self, token):
        return HttpClient(self.address, token, self.base.split("/")[3], self.timeout)

    def request(self, method, path, body=None, headers=None):
        path = path if path.startswith("/") else self.base + path
        headers = dict(headers or {})
        if self.token and "Authorization" not in headers:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        connection = getattr(self.local, "connection", None)
        for fresh in (False, True):
            if connection is None:
                host, port = self.address.rsplit(":", 1)
                connection = http.client.HTTPConnection(host, int(port), timeout=self.timeout)
                connection.connect()
                connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                fresh = True
            try:
                connection.request(method, path, body, headers)
                answer = Answer(connection.getresponse())
                self.local.connection = connection
                return answer
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                # A kept connection may have been closed meanwhile; a fresh one may not.
                connection.close()
                connection = self.local.connection = None
                if fresh:
                    raise
        raise AssertionError("not reached")

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.request("POST", path, {} if body is None else body, **more)

    def put(self, path, body, **more):
        return self.request("PUT", path, body, **more)

    def delete(self, path, **more):
        return self.request("DELETE", path, **more)

    def ok(self, method, path, body=None, status=200):
        """The decoded body of a request that must succeed."""
        answer = self.request(method, path, body)
        assert answer.status == status, f"{method} {path}: {answer}"
        return answer.json if answer.bytes else None

    def event(self, event):
        return self.request("POST", "events", event, {"Content-Type": "application/cloudevents+json"})

    def binary_event(self, event):
        headers = {f"ce-{name}": str(value) for name, value in event.items() if name != "data"}
        return self.request("POST", "events", json.dumps(event["data"]), {**headers, "Content-Type": "application/json"})

    def batch(self, events):
        return self.request("POST", "events", events, {"Content-Type": "application/cloudevents-batch+json"})

    def stream(self, path, last_event_id=None):
        return EventStream(self, path, last_event_id)


class EventStream:
    """Server-sent events, read as a browser reads them (https://html.spec.whatwg.org/#event-stream-interpretation)."""

    def __init__(self, client, path, last_event_id=None):
        host, port = client.address.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=client.timeout)
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {client.token}"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = str(last_event_id)
        self.connection.request("GET", path if path.startswith("/") else client.base + path, headers=headers)
        self.response = self.connection.getresponse()
        assert self.response.status == 200, Answer(self.response)
        assert self.response.headers.get_content_type() == "text/event-stream"

    def __iter__(self):
        """(event, id, decoded data) of each event; comments are left out. Ends when the server ends the stream."""
        kind, last_id, data = "message", None, []
        while True:
            line = self.response.readline()
            if not line:
                return
            line = line.rstrip(b"\r\n").decode()
            if not line:
                if data:
                    yield kind, last_id, json.loads("\n".join(data))
                kind, data = "message", []
                continue
            name, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            if name == "event":
                kind = value
            elif name == "id":
                last_id = value
            elif name == "data":
                data.append(value)

    def next(self, kind=None):
        for found in self:
            if kind is None or found[0] == kind:
                return found
        raise AssertionError("the stream has ended")

    def close(self):
        self.connection.close()


_numbers = itertools.count(1)


def cloudevent(kind, subject=None, data=None, **attributes):
    """An event with an id that no other test has."""
    number = next(_numbers)
    return {"specversion": "1.0", "source": "test", "id": f"{number}-{uuid.uuid4().hex[:8]}", "type": kind,
            "subject": subject or f"s-{uuid.uuid4().hex[:12]}", "data": data or {}, **attributes}


def ringing(caller="+4915112345678", subject=None, to="+4930901820", **attributes):
    return cloudevent("call.ringing", subject, {"from": caller, "to": to}, **attributes)


def mail(sender, subject=None, to="help@demo.example", **attributes):
    return cloudevent("email.received", subject, {"from": sender, "to": to, "subject": "Hello", "text": "Hello"}, **attributes)


def chat(visitor="v1", subject=None, to="web", text="Hello", **attributes):
    return cloudevent("chat.message", subject, {"from": {"id": visitor}, "to": to, "text": text}, **attributes)
