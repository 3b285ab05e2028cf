"""A real Asterisk from a folder (tests/asterisk/install), as an ordinary process on ports of its own, and SIPp that calls it."""
import os
import pathlib
import shutil
import signal
import subprocess

from .process import free_port, run, spawn

FOLDER = pathlib.Path(os.environ.get("PATCHBAY_ASTERISK", "/var/tmp/patchbay-asterisk"))
LIBRARIES = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib/aarch64-linux-gnu", "usr/lib")
MODULES = """pbx_config app_dial app_queue app_playtones app_verbose app_originate res_pjproject res_sorcery_config res_sorcery_memory
res_sorcery_astdb res_pjsip res_pjsip_session res_pjsip_endpoint_identifier_ip res_pjsip_caller_id res_pjsip_sdp_rtp res_pjsip_logger
res_pjsip_pubsub res_pjsip_refer res_pjsip_rfc3326 res_rtp_asterisk chan_pjsip codec_ulaw func_callerid func_channel
bridge_simple bridge_builtin_features bridge_softmix app_echo res_timing_timerfd res_timing_pthread res_musiconhold""".split()

FILES = {
    "logger.conf": "[general]\n[logfiles]\nmessages => notice,warning,error\n",
    "manager.conf": "[general]\nenabled = yes\nport = {ami}\nbindaddr = 127.0.0.1\n"
                    "[patchbay]\nsecret = s3cret\nread = system,call,agent\nwrite = call,reporting\n",
    "pjsip.conf": """[global]
type=global
endpoint_identifier_order=ip,anonymous
[udp]
type=transport
protocol=udp
bind=127.0.0.1:{sip}
[trunk]
type=endpoint
transport=udp
context=from-trunk
disallow=all
allow=ulaw
aors=trunk
trust_id_inbound=yes
direct_media=no
[trunk]
type=aor
contact=sip:127.0.0.1:{phone}
[trunk]
type=identify
endpoint=trunk
match=127.0.0.1
[1001]
type=endpoint
transport=udp
context=agents
disallow=all
allow=ulaw
aors=1001
direct_media=no
[1001]
type=aor
contact=sip:1001@127.0.0.1:{phone}
""",
    "extensions.conf": """[from-trunk]
exten => wait,1,Answer()
 same => n,Wait(60)
exten => ring,1,Ringing()
 same => n,Wait(60)
exten => short,1,Answer()
 same => n,Wait(1)
 same => n,Hangup()
exten => transfer,1,Answer()
 same => n,Dial(Local/s@agents/n,20)
[agents]
exten => s,1,Answer()
 same => n,Wait(1)
 same => n,Goto(from-trunk,wait,1)
exten => 1001,1,Dial(PJSIP/1001,20)
""",
}


INSTALL_S = 400


def is_here():
    """Fetches it the first time."""
    if shutil.which("sipp") is None:
        return False
    if (FOLDER / "complete").exists():
        return True
    script = pathlib.Path(__file__).resolve().parents[2] / "asterisk/install"
    try:
        return run([script, FOLDER], check=False, timeout=INSTALL_S).returncode == 0
    except subprocess.TimeoutExpired:
        return False


class Asterisk:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.ami, self.sip, self.phone = free_port(), free_port(), free_port()
        self.process = None
        self.callers = []
        for name in ("etc", "run", "log", "spool", "db", "keys"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        [modules] = [path.parent for path in FOLDER.glob("usr/lib/**/asterisk/modules/app_dial.so")]
        shutil.copytree(FOLDER / "usr/share/asterisk", self.folder / "data", dirs_exist_ok=True, symlinks=True,
                        ignore=shutil.ignore_patterns("sounds", "moh"))
        files = {**FILES, "asterisk.conf": f"[directories](!)\nastetcdir => {self.folder}/etc\nastmoddir => {modules}\n"
                 f"astvarlibdir => {self.folder}/data\nastdatadir => {self.folder}/data\nastdbdir => {self.folder}/db\n"
                 f"astkeydir => {self.folder}/keys\nastspooldir => {self.folder}/spool\nastrundir => {self.folder}/run\n"
                 f"astlogdir => {self.folder}/log\n[options]\nsystemname = test\n",
                 "modules.conf": "[modules]\nautoload=no\n" + "".join(f"load = {name}.so\n" for name in MODULES)}
        for name, text in files.items():
            if name not in ("asterisk.conf", "modules.conf"):
                text = text.replace("{ami}", str(self.ami)).replace("{sip}", str(self.sip)).replace("{phone}", str(self.phone))
            (self.folder / "etc" / name).write_text(text.replace("[directories](!)", "[directories]"))

    def start(self):
        libraries = ":".join(str(FOLDER / name) for name in LIBRARIES if (FOLDER / name).exists())
        [loader] = FOLDER.glob("lib/*/ld-[0-9]*.so")
        with open(self.folder / "output", "ab") as output:
            self.process = spawn([loader, "--library-path", libraries, FOLDER / "usr/sbin/asterisk", "-f", "-C",
                                  self.folder / "etc/asterisk.conf"], stdout=output, stderr=output)
        return self

    def output(self):
        logs = [self.folder / "output", self.folder / "log/messages"]
        return "\n".join(path.read_text(errors="replace")[-2000:] for path in logs if path.exists())

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        for caller in self.callers:
            if caller.poll() is None:
                caller.send_signal(signal.SIGKILL)
            caller.wait()
        if self.process and self.process.poll() is None:
            self.kill()

    def call(self, exten, number="+4915112345678", name="Ann", headers="", then="", timeout_ms=60000):
        """SIPp calls and hangs up after `then` ("cancel", or milliseconds after the answer), or waits to be hung up."""
        scenario = self.folder / f"call-{len(self.callers)}.xml"
        scenario.write_text(call_of(number, name, headers, then))
        command = ["sipp", f"127.0.0.1:{self.sip}", "-sf", scenario, "-s", exten, "-m", "1", "-i", "127.0.0.1", "-p", str(free_port()),
                   "-nostdin", "-timeout", f"{timeout_ms}ms", "-nd"]
        with open(self.folder / "sipp", "ab") as output:
            self.callers.append(spawn(command, stdout=output, stderr=output, cwd=self.folder))
        return self.callers[-1]


def call_of(number, name, headers, then):
    def request(method, extra="", body="", cseq="1", to=""):
        return f"""<send retrans="500"><![CDATA[
{method} sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "{name}" <sip:{number}@[local_ip]:[local_port]>;tag=[pid]SIPpTag[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>{to}
Call-ID: [call_id]
CSeq: {cseq} {method}
Contact: <sip:{number}@[local_ip]:[local_port]>
Max-Forwards: 70
{extra}Content-Length: [len]

{body}]]></send>
"""
    sdp = """v=0
o=user1 53655765 2353687637 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
"""
    invite = request("INVITE", headers + "Content-Type: application/sdp\n", sdp)
    quiet = "".join(f'<recv response="{code}" optional="true"/>\n' for code in (100, 180, 183))
    ack = request("ACK", to="[peer_tag_param]").replace(' retrans="500"', "")
    if then == "cancel":
        cancel = request("CANCEL").replace("branch=[branch]", "branch=[branch-4]")
        rest = f'<recv response="100" optional="true"/>\n<recv response="180"/>\n<pause milliseconds="300"/>\n{cancel}<recv response="200"/>\n<recv response="487"/>\n'
    elif then:
        bye = request("BYE", to="[peer_tag_param]", cseq="2")
        rest = f'{quiet}<recv response="200"/>\n{ack}<pause milliseconds="{then}"/>\n{bye}<recv response="200"/>\n'
    else:
        ok = """<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
"""
        rest = f'{quiet}<recv response="200"/>\n{ack}<recv request="BYE"/>\n{ok}'
    return f'<?xml version="1.0"?>\n<scenario name="call">\n{invite}{rest}</scenario>\n'
