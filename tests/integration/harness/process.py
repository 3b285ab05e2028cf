"""Child processes that die with the harness, and waiting without sleeping blindly."""
import ctypes
import os
import pathlib
import pwd
import random
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)

# PostgreSQL refuses to run as root; whoever is not root runs it as themselves.
SERVICE = pwd.getpwnam("postgres") if os.getuid() == 0 else None


def wait_for(condition, what, timeout=20.0, every=0.01):
    """Polls until condition() is true and returns its value."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what() if callable(what) else what}")
        time.sleep(every)


def free_port():
    """A port that was free a moment ago, for servers that cannot choose one themselves. Below those that connections go out from,
    where the system leaves room: one of these might have it while such a server is down for a moment."""
    first_outgoing = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    for _ in range(100):
        port = random.randrange(10000, first_outgoing) if first_outgoing > 12000 else 0
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return listener.getsockname()[1]
    raise AssertionError("no port is free")


def give_to_service(path):
    if SERVICE:
        os.chown(path, SERVICE.pw_uid, SERVICE.pw_gid)


def _prepare(as_service):
    def prepare():
        os.setsid()
        if as_service and SERVICE:
            os.setgroups([])
            os.setgid(SERVICE.pw_gid)
            os.setuid(SERVICE.pw_uid)
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    return prepare


def spawn(command, as_service=False, **more):
    """Starts a child in a session of its own. Call it from the main thread: the child dies with the thread that made it."""
    return subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, preexec_fn=_prepare(as_service), **more)


def run(command, as_service=False, check=True, timeout=120, **more):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, preexec_fn=_prepare(as_service), timeout=timeout, text=True, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{command[0]} {command[1]} ended with {done.returncode}:\n{done.stdout}")
    return done
