"""A TCP proxy between the router and a server: it can delay, stall, cut after so many bytes, reset and refuse."""
import select
import socket
import struct
import threading
import time

TO_SERVER, TO_CLIENT = "to_server", "to_client"


class Proxy:
    """Listens at once on a port of its own. Settings count for open and new connections; reset() is the normal state."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.pairs = set()
        self.closing = False
        self.bytes = {TO_SERVER: 0, TO_CLIENT: 0}  # passed on since the start
        self.connections = 0
        self.heal()
        threading.Thread(target=self._accept, daemon=True).start()

    # --- what it can do ---

    def heal(self):
        self.delay_s = {TO_SERVER: 0.0, TO_CLIENT: 0.0}
        self.stalled = {TO_SERVER: False, TO_CLIENT: False}
        self.cut_after = {TO_SERVER: None, TO_CLIENT: None}
        self.cut_hard = False
        self.cut_done = threading.Event()
        self.refusing = False

    def delay(self, seconds, *directions):
        for direction in directions or (TO_SERVER, TO_CLIENT):
            self.delay_s[direction] = seconds

    def stall(self, *directions):
        """Bytes are taken from the sender no more; connections stay open."""
        for direction in directions or (TO_SERVER, TO_CLIENT):
            self.stalled[direction] = True

    def cut(self, direction, after, hard=False):
        """Passes `after` more bytes in that direction, then closes (hard: resets) every connection, once.
        cut_done tells when it has happened."""
        self.cut_hard = hard
        self.cut_done.clear()
        self.cut_after[direction] = after

    def refuse(self):
        """New connections are reset at once."""
        self.refusing = True

    def drop_all(self, hard=True):
        """Ends every connection now."""
        with self.lock:
            pairs, self.pairs = self.pairs, set()
        for pair in pairs:
            self._end(pair, hard)

    def close(self):
        self.closing = True
        self.listener.close()
        self.drop_all()

    # --- how ---

    @staticmethod
    def _end(pair, hard):
        for sock in pair:
            try:
                if hard:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            # The threads that select on it see the end; closing here could hand its number to somebody else.
            try:
                sock.shutdown(socket.SHUT_RDWR) if not hard else sock.close()
            except OSError:
                pass

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.refusing:
                self._end((client,), True)
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target_port), timeout=10)
            except OSError:
                self._end((client,), True)
                continue
            for sock in (client, server):
                sock.settimeout(None)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = (client, server)
            with self.lock:
                self.pairs.add(pair)
                self.connections += 1
            for source, sink, direction in ((client, server, TO_SERVER), (server, client, TO_CLIENT)):
                threading.Thread(target=self._pump, args=(pair, source, sink, direction), daemon=True).start()

    def _pump(self, pair, source, sink, direction):
        try:
            while not self.closing:
                if self.stalled[direction]:
                    time.sleep(0.005)
                    continue
                if not select.select([source], [], [], 0.05)[0]:
                    continue
                if self.stalled[direction]:
                    continue
                received = source.recv(1 << 16)
                if not received:
                    break
                if self.delay_s[direction]:
                    time.sleep(self.delay_s[direction])
                if not self._pass(received, sink, direction):
                    return
        except (OSError, ValueError):
            pass
        with self.lock:
            mine = pair in self.pairs
            self.pairs.discard(pair)
        if mine:
            self._end(pair, False)
        source.close()

    def _pass(self, received, sink, direction):
        """False when the cut has come."""
        with self.lock:
            left = self.cut_after[direction]
            cutting = left is not None and len(received) >= left
            if cutting:
                received = received[:left]
                self.cut_after[direction] = None
            elif left is not None:
                self.cut_after[direction] = left - len(received)
            self.bytes[direction] += len(received)
        if received:
            sink.sendall(received)
        if cutting:
            self.drop_all(self.cut_hard)
            self.cut_done.set()
        return not cutting
