"""A Postfix of our own: its configuration, queue and data below a folder, delivering to one LMTP address. Needs root."""
import os
import pathlib
import re
import signal
import smtplib
import subprocess

from .process import free_port, spawn, wait_for

DAEMONS = pathlib.Path("/usr/lib/postfix/sbin")
START_S = 60

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
myhostname = mx.test.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_relay_restrictions = permit_mynetworks, reject
virtual_mailbox_domains = demo.example
virtual_transport = lmtp:inet:{lmtp}
bounce_queue_lifetime = 1d
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
transport_retry_time = 1s
default_transport = retry:
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
alias_maps =
alias_database =
"""

MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
retry unix - - n - - error
error unix - - n - - error
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    def __init__(self, folder, lmtp):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.log_path = self.folder / "postfix.log"
        for name in ("etc", "queue", "data"):
            (self.folder / name).mkdir(parents=True)
        config = self.folder / "etc"
        (config / "main.cf").write_text(MAIN.format(folder=self.folder, lmtp=lmtp))
        (config / "master.cf").write_text(MASTER.format(port=self.port))
        subprocess.run(["chown", "postfix", self.folder / "data"], check=True)
        subprocess.run(["postfix", "-c", config, "check"], check=True, capture_output=True, timeout=60)
        self.process = spawn([DAEMONS / "master", "-c", config, "-d"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self._answers, lambda: f"Postfix answers; log: {self.log()}", START_S)

    def _answers(self):
        assert self.process.poll() is None, self.log()
        try:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=10) as client:
                return client.noop()[0] == 250
        except OSError:
            return False

    def send(self, message, recipients, sender="ann@customer.example"):
        with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as client:
            client.sendmail(sender, recipients, message)

    def log(self):
        return self.log_path.read_text(errors="replace")[-4000:] if self.log_path.exists() else ""

    def count(self, status, recipient):
        """How many deliveries to a recipient ended so: sent, deferred, bounced."""
        text = self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
        return len(re.findall(rf"to=<{re.escape(recipient)}>,.* status={status} ", text))

    def stop(self):
        """The master ends its children, which are of its process group."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(30)
