"""The harness itself: what the other tests trust."""
import socket
import threading
import time

import pytest

from harness.process import wait_for
from harness.proxy import TO_CLIENT, TO_SERVER
from harness.router import REPORT, TROUBLE


@pytest.fixture
def echo():
    """A server that sends back what it gets; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(peer):
        with peer:
            try:
                while received := peer.recv(4096):
                    peer.sendall(received)
            except OSError:
                pass

    def accept():
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(peer,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def connect(proxy):
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def test_the_proxy_passes_bytes_both_ways(echo, make_proxy):
    proxy = make_proxy(echo)
    with connect(proxy) as client:
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"
    assert proxy.bytes == {TO_SERVER: 5, TO_CLIENT: 5} and proxy.connections == 1


def test_the_proxy_delays(echo, make_proxy):
    proxy = make_proxy(echo)
    proxy.delay(0.2, TO_CLIENT)
    with connect(proxy) as client:
        began = time.monotonic()
        client.sendall(b"hello")
        assert client.recv(100) == b"hello" and time.monotonic() - began >= 0.2


def test_the_proxy_stalls_and_goes_on(echo, make_proxy):
    proxy = make_proxy(echo)
    with connect(proxy) as client:
        proxy.stall(TO_SERVER)
        client.sendall(b"hello")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(100)
        proxy.heal()
        client.settimeout(5)
        assert client.recv(100) == b"hello"


@pytest.mark.parametrize("hard", [False, True])
def test_the_proxy_cuts_after_so_many_bytes(echo, make_proxy, hard):
    proxy = make_proxy(echo)
    with connect(proxy) as client:
        proxy.cut(TO_CLIENT, 3, hard)
        client.sendall(b"hello")
        received = b""
        try:
            while part := client.recv(100):
                received += part
        except ConnectionResetError:
            assert hard
        assert b"hel".startswith(received) and (hard or received == b"hel")
    assert proxy.cut_done.wait(5) and proxy.bytes[TO_CLIENT] == 3
    with connect(proxy) as client:  # once only
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"


def test_the_proxy_resets_and_refuses(echo, make_proxy):
    proxy = make_proxy(echo)
    with connect(proxy) as client:
        client.sendall(b"a")
        assert client.recv(1) == b"a"
        proxy.drop_all()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    proxy.refuse()
    with pytest.raises(OSError):
        with connect(proxy) as client:
            if client.recv(1) == b"":
                raise ConnectionResetError


def test_postgresql_comes_back_on_its_port_after_kill_9(bare_postgres):
    port = bare_postgres.port
    bare_postgres.kill()
    bare_postgres.start()
    assert bare_postgres.port == port and bare_postgres.execute("SELECT 1") == [(1,)]


def test_a_paused_postgresql_answers_after_it_goes_on(bare_postgres):
    bare_postgres.pause()
    found = []
    thread = threading.Thread(target=lambda: found.append(bare_postgres.execute("SELECT 2")))
    thread.start()
    thread.join(0.3)
    assert not found
    bare_postgres.resume()
    thread.join(10)
    assert found == [[(2,)]]


def test_a_subscriber_receives_in_order_and_subscribes_again_after_a_restart(redis):
    subscriber = redis.subscribe("a", "b")
    client = redis.client()
    for number in range(100):
        client.publish("ab"[number % 2], '{"type": "t", "data": {"n": %d}}' % number)
    assert [event["data"]["n"] for event in subscriber.wait_count(100)] == list(range(100))
    redis.kill()
    wait_for(lambda: not subscriber.ready.is_set(), "the loss is noticed")
    redis.start()
    assert subscriber.ready.wait(10)
    redis.client().publish("a", '{"type": "t", "data": {"n": 100}}')
    assert subscriber.wait_event("t", n=100)
    subscriber.close()


@pytest.mark.parametrize("line", [
    'ts=2026-01-01T00:00:00Z level=warn msg="slow"', 'ts=2026-01-01T00:00:00Z level=error msg="x"', '{"level":"error","msg":"x"}'])
def test_trouble_in_a_log_is_seen(line):
    assert TROUBLE.search(line)


@pytest.mark.parametrize("line", [
    "==1==ERROR: AddressSanitizer: heap-use-after-free on", "==1==ERROR: LeakSanitizer: detected memory leaks",
    "WARNING: ThreadSanitizer: data race (pid=1)",
    "a.c:1:2: runtime error: signed integer overflow", "patchbay: a.c:1: f: Assertion `x' failed."])
def test_reports_of_sanitizers_are_seen(line):
    assert REPORT.search(line)
