"""A manager interface like Asterisk's: lets clients in, lists its channels, plays what it is given, in awkward pieces."""
import hashlib
import re
import socket
import threading

BANNER = b"Asterisk Call Manager/9.0.0\r\n"


def block(**headers):
    return "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()).encode() + b"\r\n"


def channel(event, name, uniqueid, linkedid=None, state=4, number="+4915112345678", caller="Ann", exten="100", context="from-trunk",
            **more):
    return block(Event=event, Channel=name, ChannelState=state, CallerIDNum=number, CallerIDName=caller, Context=context, Exten=exten,
                 Uniqueid=uniqueid, Linkedid=linkedid or uniqueid, **more)


class AmiServer:
    def __init__(self, user="patchbay", secret="s3cret"):
        self.user, self.secret = user, secret
        self.channels = []  # keyword arguments of channel(), listed to whoever asks
        self.presentation = {}  # of channels, by name
        self.actions, self.logins = [], 0
        self.open = threading.Event()  # clear: whoever connects is not greeted
        self.open.set()
        self.listener = self.port = None
        self.clients = []
        self.writing = threading.Lock()  # an answer and what is played do not mix; who is answered is played to
        self.may_filter = True
        self.is_deaf = False  # what it is asked is neither done nor answered
        self.filter = None  # of the last login
        self.start()

    def start(self):
        self.listener = socket.create_server(("127.0.0.1", self.port or 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            self.open.wait()
            client.sendall(BANNER)
            data = b""
            while piece := client.recv(65536):
                data += piece
                while b"\r\n\r\n" in data:
                    one, data = data.split(b"\r\n\r\n", 1)
                    self._act(client, dict(line.split(": ", 1) for line in one.decode().split("\r\n")))
        except OSError:
            pass
        if client in self.clients:
            self.clients.remove(client)

    def _act(self, client, action):
        name, number = action["Action"], action.get("ActionID", "")
        if self.is_deaf:
            self.actions.append(action)
            return
        answer = block(Response="Success", ActionID=number, Message="fine")
        if name == "Challenge":
            answer = block(Response="Success", ActionID=number, Challenge="840415273")
        elif name == "Login":
            key = hashlib.md5(b"840415273" + self.secret.encode()).hexdigest()
            if action["Username"] != self.user or self.secret != action.get("Secret", self.secret) or action.get("Key", key) != key:
                answer = block(Response="Error", ActionID=number, Message="Authentication failed")
            else:
                self.logins += 1
                self.filter = None
        elif name == "CoreShowChannels":
            answer = block(Response="Success", ActionID=number, EventList="start", Message="Channels will follow")
            answer += b"".join(channel("CoreShowChannel", **one, ActionID=number) for one in self.channels)
            answer += block(Event="CoreShowChannelsComplete", ActionID=number, EventList="Complete", ListItems=len(self.channels))
        elif name == "Filter":
            if self.may_filter:
                self.filter = re.compile(action["Filter"].replace("[[:space:]]", r"\s").encode())
            else:
                answer = block(Response="Error", ActionID=number, Message="Permission denied")
        elif name == "GetVar":
            answer = block(Response="Success", ActionID=number, Variable=action["Variable"],
                           Value=self.presentation.get(action["Channel"], "allowed_not_screened"))
        with self.writing:
            client.sendall(answer)
            self.actions.append(action)
            if name == "CoreShowChannels" and client not in self.clients:
                self.clients.append(client)

    def play(self, data, piece=None):
        """To all who are logged in, what passes the filter, `piece` bytes at a time. What is no whole event passes."""
        if self.filter:
            blocks = re.split(rb"(?<=\r\n\r\n)", data)
            data = b"".join(one for one in blocks if not (one.endswith(b"\r\n\r\n") and one.startswith(b"Event:")) or self.filter.match(one))
        step = piece or len(data) or 1
        with self.writing:
            for client in list(self.clients):
                for at in range(0, len(data), step):
                    client.sendall(data[at:at + step])

    def drop(self):
        """The connections go, the listener stays."""
        for client in list(self.clients):
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the router went first
        self.clients = []

    def hold(self):
        self.open.clear()

    def release(self):
        self.open.set()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.drop()

    def asked(self, name):
        return [action for action in self.actions if action["Action"] == name]
