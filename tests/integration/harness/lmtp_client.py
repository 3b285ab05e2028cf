"""A client of LMTP that sends what it is told to, byte for byte."""
import socket

TIMEOUT_S = 60


class LmtpClient:
    def __init__(self, address, greet=True):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), TIMEOUT_S)
        self.file = self.socket.makefile("rb")
        self.greeting = self.reply()
        if greet:
            self.command("LHLO test.example")

    def send(self, data):
        self.socket.sendall(data)

    def reply(self):
        """The last line of one reply; "" when the server has closed."""
        while True:
            line = self.file.readline().decode()
            if not line or line[3:4] != "-":
                return line.rstrip("\r\n")

    def command(self, line):
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def envelope(self, recipients, sender="ann@customer.example"):
        """The replies to MAIL and each RCPT, sent in one piece."""
        lines = [f"MAIL FROM:<{sender}>"] + [f"RCPT TO:<{to}>" for to in recipients]
        self.send("".join(line + "\r\n" for line in lines).encode())
        return [self.reply() for _ in lines]

    def data(self, message, count=1):
        """Sends a message and gives the replies, one for each of `count` recipients."""
        assert self.command("DATA").startswith("354")
        self.send(message.replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\n")
        return [self.reply() for _ in range(count)]

    def deliver(self, message, recipients=("help@demo.example",), sender="ann@customer.example"):
        assert all(line.startswith("250") for line in self.envelope(recipients, sender))
        return self.data(message, len(recipients))

    def close(self):
        self.file.close()
        self.socket.close()


def message(number, sender="ann@customer.example", headers="", text="Hello"):
    return (f"From: Ann <{sender}>\r\nTo: help@demo.example\r\nSubject: Question {number}\r\n"
            f"Message-ID: <{number}@customer.example>\r\n{headers}\r\n{text}\r\n").encode()
