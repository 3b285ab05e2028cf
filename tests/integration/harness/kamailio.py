"""A Kamailio of our own with the routing script of docs/kamailio.md, and phones that speak as much SIP as the tests need."""
import os
import pathlib
import re
import signal
import socket
import subprocess

from .process import free_port, give_to_service, run, spawn, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[3]
START_S = 30


def udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Kamailio:
    """`phones`: the port where agents and queues are reached."""

    def __init__(self, folder, phones):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        give_to_service(self.folder)
        self.sip, self.evapi = udp_port(), free_port()
        page = (ROOT / "docs/kamailio.md").read_text(encoding="utf-8")
        script = re.search(r"```\n(#!KAMAILIO.*?)```", page, re.S).group(1)
        for ours, theirs in (("127.0.0.1:5060", f"127.0.0.1:{self.sip}"), ("127.0.0.1:8448", f"127.0.0.1:{self.evapi}"),
                             ("pbx.example", f"127.0.0.1:{phones}"), ("log_stderror=no", "log_stderror=yes")):
            assert ours in script
            script = script.replace(ours, theirs)
        (self.folder / "kamailio.cfg").write_text(script, encoding="utf-8")
        self.log_path = self.folder / "kamailio.log"
        self.process = None

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = spawn(["/usr/sbin/kamailio", "-DD", "-E", "-m", "32", "-M", "4", "-Y", self.folder, "-f",
                                  self.folder / "kamailio.cfg"], as_service=True, stdout=log, stderr=log)
        wait_for(self._listens, lambda: self.log_path.read_text(errors="replace"), START_S)
        return self

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.evapi)) == 0

    def kill(self):
        """All of its processes at once."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Phone:
    """Calls Kamailio over UDP, or waits to be called."""

    def __init__(self, port=0):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.socket.settimeout(20)
        self.port = self.socket.getsockname()[1]

    def close(self):
        self.socket.close()

    def send(self, method, proxy, callid, number, cseq=1, extra=""):
        self.socket.sendto((f"{method} sip:+4930901820@127.0.0.1:{proxy} SIP/2.0\r\n"
                            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK-{callid}\r\n"
                            f"From: <sip:{number}@127.0.0.1:{self.port}>;tag=t{callid}\r\n"
                            f"To: <sip:+4930901820@127.0.0.1:{proxy}>{';tag=uas' if cseq > 1 else ''}\r\nCall-ID: {callid}\r\nCSeq: {cseq} {method}\r\n"
                            f"Contact: <sip:{number}@127.0.0.1:{self.port}>\r\nMax-Forwards: 70\r\n{extra}Content-Length: 0\r\n\r\n"
                            ).encode(), ("127.0.0.1", proxy))

    def response(self, method="INVITE"):
        """The next final response to a request of that method."""
        while True:
            text = self.socket.recv(65536).decode()
            status = int(text.split(" ")[1]) if text.startswith("SIP/2.0 ") else 0
            if status >= 200 and re.search(rf"^CSeq: *\d+ {method}", text, re.M):
                return status

    def called(self):
        """Waits for an INVITE and says whom it is for; it rings."""
        while True:
            data, peer = self.socket.recvfrom(65536)
            text = data.decode()
            if text.startswith("INVITE "):
                self.reply(text, peer, "180 Ringing")
                return re.match(r"INVITE sip:([^@]+)@", text).group(1), text, peer

    def answer(self):
        """Takes the next call and stays until it is hung up."""
        _, invite, peer = self.called()
        self.reply(invite, peer, "200 OK")
        while True:
            text, peer = self.socket.recvfrom(65536)
            if text.startswith(b"BYE "):
                self.reply(text.decode(), peer, "200 OK")
                return

    def cancelled(self, invite, peer):
        """Waits until the call that rings is taken back."""
        while True:
            text = self.socket.recvfrom(65536)[0].decode()
            if text.startswith("CANCEL "):
                self.reply(text, peer, "200 OK")
                self.reply(invite, peer, "487 Request Terminated")
                return

    def reply(self, request, peer, status):
        kept = "".join(line + "\r\n" for line in request.split("\r\n") if re.match(r"(Via|From|Call-ID|CSeq|Record-Route):", line))
        to = re.search(r"^To: .*$", request, re.M).group(0).strip()
        self.socket.sendto((f"SIP/2.0 {status}\r\n{kept}{to};tag=uas\r\nContact: <sip:a@127.0.0.1:{self.port}>\r\n"
                            "Content-Length: 0\r\n\r\n").encode(), peer)


def sipp(folder, kamailio, number, phone_port):
    """One call by SIPp from `number` to the endpoint, answered and hung up."""
    scenario = folder / f"uac-{number.strip('+')}.xml"
    text = subprocess.run(["sipp", "-sd", "uac"], capture_output=True, text=True, check=False).stdout
    invite, rest = text.replace("sip:sipp@", f"sip:{number}@").split("ACK sip:", 1)
    invite = invite.replace('<recv response="200"', '<recv response="200" rrs="true"')
    rest = ("ACK sip:" + rest).replace("sip:[service]@[remote_ip]:[remote_port] SIP", "[next_url] SIP")
    rest = rest.replace("Max-Forwards:", "[routes]\n      Max-Forwards:")
    scenario.write_text(invite + rest, encoding="utf-8")
    # Two processes of Kamailio relay: a 180 may come behind the 200.
    done = run(["sipp", f"127.0.0.1:{kamailio.sip}", "-default_behaviors", "all,-abortunexp", "-sf", scenario, "-s", "+4930901820", "-m", "1", "-i", "127.0.0.1", "-p",
                phone_port, "-nostdin", "-timeout", "30", "-d", "100", "-trace_err", "-error_file", folder / "sipp.log"], check=False, timeout=60, cwd=folder,
               env={**os.environ, "TERM": "dumb"})
    assert done.returncode == 0, (folder / "sipp.log").read_text(errors="replace")
