"""The router as a process: started on free ports, stopped in every way, its log read afterwards."""
import json
import os
import pathlib
import re
import signal
import subprocess
import urllib.request

from .http_client import HttpClient
from .process import run, spawn, wait_for
from .rpc_client import RpcClient

BINARY = os.environ.get("PATCHBAY_BINARY", str(pathlib.Path(__file__).resolve().parents[3] / "build/asan/patchbay"))
REPORT = re.compile(r"(ERROR|WARNING): (Address|Leak|Thread)Sanitizer|runtime error:|Assertion .* failed|stack smashing")
TROUBLE = re.compile(r"(?:level=|\"level\":\s*\")(warn|error|fatal)", re.I)
START_S = 60  # a sanitized binary on a busy machine


def admin(database_url, *words, check=True):
    """A command of the administrator: migrate, apply, token."""
    environment = {**clean_environment(), "PATCHBAY_DATABASE": database_url}
    return run([BINARY, *words], check=check, env=environment)


def clean_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith("PATCHBAY_")}


class Router:
    """`database` and `redis` are what harness fixtures give. `database_port` and `redis_port` put a proxy in between."""

    def __init__(self, folder, database, redis, project_file, database_port=None, redis_port=None, name="router", flags=(),
                 binary=BINARY, with_lmtp=True):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.database, self.redis, self.name = database, redis, name
        self.database_url = database.server_url_at(database_port or database.cluster.port)
        self.redis_url = redis.url_at(redis_port or redis.port)
        self.project = re.search(r"^project:\s*(\S+)", pathlib.Path(project_file).read_text(), re.M).group(1)
        self.project_file = project_file
        self.flags = list(flags)
        self.binary = binary
        self.with_lmtp = with_lmtp
        self.log_path = self.folder / f"{name}.log"
        self.expected = []
        self.process = None
        self.tokens = {}
        self.http = self.rpc = self.rpc_socket = self.lmtp = None

    # --- before the start ---

    def apply(self, project_file=None):
        admin(self.database.url, "apply", project_file or self.project_file)

    def token(self, role, agent=None):
        """A token of that role, made once."""
        key = (role, agent)
        if key not in self.tokens:
            words = ["token", "create", "--project", self.project, "--role", role] + (["--agent", agent] if agent else [])
            self.tokens[key] = admin(self.database.url, *words).stdout.split()[-1]
        return self.tokens[key]

    def hook_token(self, name):
        """The end of the URL of a webhook, made once."""
        key = ("hook", name)
        if key not in self.tokens:
            words = ["token", "create", "--project", self.project, "--hook", name]
            self.tokens[key] = admin(self.database.url, *words).stdout.split()[-1]
        return self.tokens[key]

    # --- start and stop ---

    def start(self, ready=True):
        assert self.process is None or self.process.poll() is not None
        self.listening_path = self.folder / f"{self.name}.listening"
        socket_path = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"pb-{os.getpid()}-{id(self) & 0xffffff:x}.sock"
        command = [self.binary, "serve", "--database", self.database_url, "--redis", self.redis_url,
                   "--http", self.http or "127.0.0.1:0", "--rpc", self.rpc or "127.0.0.1:0", "--rpc-socket", socket_path]
        if self.with_lmtp:
            command += ["--lmtp", self.lmtp or "127.0.0.1:0"]
        with open(self.listening_path, "wb") as out, open(self.log_path, "ab") as log:
            environment = {**clean_environment(), "PATCHBAY_SECRET_FOLDER": str(self.folder)}
            self.process = spawn([*command, *self.flags], stdout=out, stderr=log, env=environment)
        line = wait_for(self._listening_line, lambda: f"the line `listening`; log: {self.log()[-3000:]}", START_S)
        words = dict(word.split("=", 1) for word in line.split()[1:])
        self.http, self.rpc, self.rpc_socket, self.lmtp = words["http"], words["rpc"], words.get("rpc_socket"), words["lmtp"]
        if ready:
            self.wait_ready()
        return self

    def _listening_line(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the router ended with {self.process.returncode}: {self.log()[-3000:]}")
        text = self.listening_path.read_text()
        return text if text.startswith("listening ") and text.endswith("\n") else None

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"http://{self.http}/readyz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def wait_ready(self, timeout=START_S):
        wait_for(self.is_ready, lambda: f"/readyz says 200; log: {self.log()[-3000:]}", timeout)

    def stop(self, timeout=30):
        """SIGTERM: it drains and exits 0."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait()
            raise AssertionError(f"the router does not drain within {timeout} s; log: {self.log()[-3000:]}") from None
        assert status == 0, f"the router ended with {status} on SIGTERM; log: {self.log()[-6000:]}"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def restart(self):
        self.stop()
        self.start()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def _memory_kib(self, name):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{name}:\s+(\d+)", status, re.M).group(1))

    def resident_kib(self):
        return self._memory_kib("VmRSS")

    def peak_kib(self):
        """The most that was resident since forget_peak(), or since the start."""
        return self._memory_kib("VmHWM")

    def forget_peak(self):
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    # --- clients ---

    def client(self, role="admin", agent=None):
        return HttpClient(self.http, self.token(role, agent), self.project)

    def source(self):
        return self.client("source")

    def agent(self, name):
        return self.client("agent", name)

    def rpc_client(self, role="source", agent=None, unix=False):
        return RpcClient(self.rpc_socket if unix else self.rpc, self.token(role, agent))

    def presence(self, agent, state="available", lease=0):
        return self.agent(agent).ok("PUT", f"agents/{agent}/presence", {"state": state, "lease": lease})

    def channel(self, *words):
        """channel("agent", "anna"): the name of a Redis channel of the project."""
        return f"patchbay:{{{self.project}}}:" + ":".join(words)

    # --- the log ---

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def wait_log(self, text):
        """A thread of its own writes the log: a line may come after the answer that it is about."""
        wait_for(lambda: text in self.log(), f"the log says: {text}")

    def expect_log(self, pattern):
        """Lines of level warn or error that match are no failure of this test."""
        self.expected.append(re.compile(pattern))

    def log_faults(self):
        """Reports of sanitizers and unexpected warnings. Leaks count too."""
        found = []
        for line in self.log().splitlines():
            if REPORT.search(line):
                return [self.log()[-8000:]]
            if TROUBLE.search(line) and not any(pattern.search(line) for pattern in self.expected):
                found.append(line)
        return found

    def metric(self, name, **labels):
        """The sum of the samples of a metric that have these labels."""
        with urllib.request.urlopen(f"http://{self.http}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        total, seen = 0.0, False
        for line in text.splitlines():
            match = re.match(r"([\w:]+)(?:\{(.*)\})? (\S+)", line)
            if match and match.group(1) == name:
                have = {key: json.loads(value) for key, value in re.findall(r'(\w+)=("(?:\\.|[^"\\])*")', match.group(2) or "")}
                if labels.items() <= have.items():
                    total, seen = total + float(match.group(3)), True
        assert seen, f"no metric {name} {labels}"
        return total
