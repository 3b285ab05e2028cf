"""A proxy before Redis that keeps what was published and answered: subscribers miss what comes while they reconnect."""
from .proxy import TO_CLIENT, TO_SERVER, Proxy


class RecordingProxy(Proxy):
    def __init__(self, target_port):
        self.recorded = {}  # (client, server) -> bytes by direction; in the order of their connections
        super().__init__(target_port)

    def _pass(self, received, sink, direction):
        with self.lock:
            pair = next((pair for pair in self.pairs if sink in pair), None)
            if pair:
                self.recorded.setdefault(pair, {TO_SERVER: bytearray(), TO_CLIENT: bytearray()})[direction] += received
        return super()._pass(received, sink, direction)

    def published(self):
        """(channel, payload, receivers) of each PUBLISH that Redis has answered with a number, in order."""
        with self.lock:
            recorded = [(bytes(one[TO_SERVER]), bytes(one[TO_CLIENT])) for one in self.recorded.values()]
        return [(command[1].decode(), command[2], answer) for commands, answers in recorded
                for command, answer in zip(read_all(commands), read_all(answers))
                if command[0].upper() == b"PUBLISH" and isinstance(answer, int)]


def read_all(raw):
    """The whole values of a stream of RESP (https://redis.io/docs/latest/develop/reference/protocol-spec/)."""
    at = 0
    while True:
        try:
            value, at = _read(raw, at)
        except ValueError:  # the rest never came
            return
        yield value


def _read(raw, at):
    end = raw.index(b"\r\n", at)
    kind, text, at = raw[at:at + 1], raw[at + 1:end], end + 2
    if kind == b":":
        return int(text), at
    if kind in b"$=":
        size = int(text)
        if size < 0:
            return None, at
        if len(raw) < at + size + 2:
            raise ValueError("cut off")
        return raw[at:at + size], at + size + 2
    if kind in b"*~>%":
        values = []
        for _ in range(int(text) * (2 if kind == b"%" else 1)):
            value, at = _read(raw, at)
            values.append(value)
        return values, at
    return text, at
