"""A real Asterisk from a folder (tests/asterisk/install), as an ordinary process on ports of its own, and SIPp that calls it."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess

from .process import free_port, run, spawn

FOLDER = pathlib.Path(os.environ.get("PATCHBAY_ASTERISK", "/var/tmp/patchbay-asterisk"))
LIBRARIES = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib/aarch64-linux-gnu", "usr/lib")
MODULES = """pbx_config app_dial app_queue app_playtones app_verbose app_originate res_pjproject res_sorcery_config res_sorcery_memory
res_sorcery_astdb res_pjsip res_pjsip_session res_pjsip_endpoint_identifier_ip res_pjsip_caller_id res_pjsip_sdp_rtp res_pjsip_logger
res_pjsip_pubsub res_pjsip_dtmf_info res_pjsip_refer res_pjsip_rfc3326 res_rtp_asterisk chan_pjsip codec_ulaw func_callerid func_channel
app_senddtmf format_pcm bridge_simple bridge_builtin_features bridge_softmix app_echo res_timing_timerfd res_timing_pthread res_musiconhold""".split()

FILES = {
    "logger.conf": "[general]\n[logfiles]\nmessages => notice,warning,error\n",
    "manager.conf": "[general]\nenabled = yes\nport = {ami}\nbindaddr = 127.0.0.1\n"
                    "[patchbay]\nsecret = s3cret\nread = system,call,agent\nwrite = call,reporting,system\n"
                    "[harness]\nsecret = harness\nread = reporting\nwrite = call,reporting\n",
    "features.conf": "[general]\nfeaturedigittimeout = 20000\ntransferdigittimeout = 20\n[featuremap]\natxfer => *2\n",
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
{phones}""",
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
exten => 1001,1,Goto(agents,1001,1)
[agents]
exten => s,1,Answer()
 same => n,Wait(1)
 same => n,Goto(from-trunk,wait,1)
exten => _100X,1,Dial(PJSIP/${EXTEN},20,t)
""",
}

PHONE = """[{name}]
type=endpoint
transport=udp
context=agents
disallow=all
allow=ulaw
aors={name}
direct_media=no
dtmf_mode=info
[{name}]
type=aor
contact=sip:{name}@127.0.0.1:{port}
"""

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
        self.phones = {name: free_port() for name in ("1001", "1002")}  # nobody is there before phone()
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
        files["pjsip.conf"] = files["pjsip.conf"].replace("{phones}", "".join(PHONE.format(name=name, port=port)
                                                                          for name, port in self.phones.items()))
        sounds = self.folder / "data/sounds/en"
        sounds.mkdir(parents=True)
        for sound in ("pbx-transfer", "beep"):  # what Asterisk plays before and after a transfer: a moment of silence
            (sounds / f"{sound}.ulaw").write_bytes(b"\xff" * 160)
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

    def act(self, action, **headers):
        """One action of the manager interface: what it answers, a dict for each block."""
        with socket.create_connection(("127.0.0.1", self.ami), timeout=10) as peer, peer.makefile("rw", newline="") as file:
            file.readline()
            for name, more in (("Login", {"Username": "harness", "Secret": "harness"}), (action, headers), ("Logoff", {})):
                file.write("".join(f"{key}: {value}\r\n" for key, value in {"Action": name, "ActionID": name, **more}.items()) + "\r\n")
            file.flush()
            blocks = [dict(line.split(": ", 1) for line in one.split("\r\n") if ": " in line) for one in file.read().split("\r\n\r\n")]
        return [one for one in blocks if one.get("ActionID") == action]

    def channel_of(self, phone):
        """The name of the channel on which that phone is connected to another, or None."""
        names = [one["Channel"] for one in self.act("CoreShowChannels") if one.get("BridgeId")]
        return next((name for name in names if name.startswith(f"PJSIP/{phone}-")), None)

    def phone_at(self, name, refer_to=None, dials=""):
        """SIPp answers as that phone, each call. Once told to go it sends the caller on to `refer_to`, or dials what is to be dialled."""
        scenario = self.folder / f"phone-{name}.xml"
        silence = self.folder / "silence.ulaw"  # Asterisk takes digits one after the other while it hears something
        silence.write_bytes(b"\xff" * 8000)
        scenario.write_text(phone_of(name, refer_to and f"sip:{refer_to}@127.0.0.1:{self.sip}", dials, silence))
        self._sipp("-sf", scenario, "-p", str(self.phones[name]), f"127.0.0.1:{self.sip}")

    def press(self, name, digits):
        for digit in digits:
            answer = self.act("PlayDTMF", Channel=self.channel_of(name), Digit=digit, Receive="true")
            assert answer[0]["Response"] == "Success", answer

    def go(self, name):
        assert self.act("SendText", Channel=self.channel_of(name), Message="go")[0]["Response"] == "Success"

    def _sipp(self, *arguments):
        with open(self.folder / "sipp", "ab") as output:
            self.callers.append(spawn(["sipp", *arguments, "-i", "127.0.0.1", "-nostdin", "-nd"], stdout=output, stderr=output, cwd=self.folder))
        return self.callers[-1]

    def call(self, exten, number="+4915112345678", name="Ann", headers="", then="", timeout_ms=60000):
        """SIPp calls and hangs up after `then` ("cancel", or milliseconds after the answer), or waits to be hung up."""
        scenario = self.folder / f"call-{len(self.callers)}.xml"
        scenario.write_text(call_of(number, name, headers, then))
        return self._sipp(f"127.0.0.1:{self.sip}", "-sf", scenario, "-s", exten, "-m", "1", "-p", str(free_port()),
                          "-timeout", f"{timeout_ms}ms")


SDP = """v=0
o=user1 53655765 2353687637 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
"""


def reply(status, contact="", body="", then=""):
    """To the request that came last."""
    return f"""<send{then}><![CDATA[
SIP/2.0 {status}
[last_Via:]
[last_From:]
[last_To:]{";tag=[pid]SIPpTag01[call_number]" if contact else ""}
[last_Call-ID:]
[last_CSeq:]
{contact}Content-Length: [len]

{body}]]></send>
"""


def phone_of(name, refer_to, dials, silence):
    contact = f"Contact: <sip:{name}@[local_ip]:[local_port]>\n"

    def request(method, cseq, status, headers, body=""):
        return f"""<send retrans="500"><![CDATA[
{method} [$peer] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From:[$us];tag=[pid]SIPpTag01[call_number]
To:[$them]
Call-ID: [call_id]
CSeq: {cseq} {method}
{contact}Max-Forwards: 70
{headers}Content-Length: [len]

{body}]]></send>
<recv response="{status}"/>
"""
    take = "".join(f'<ereg regexp="{what}" search_in="hdr" header="{header}:" assign_to="{variable}"/>\n'
                   for header, what, variable in (("From", ".*", "them"), ("To", ".*", "us"), ("Contact", "sip:[^>]*", "peer")))
    acts = "".join(request("INFO", cseq, 200, "Content-Type: application/dtmf-relay\n", f"Signal={digit}\nDuration=100\n")
                   for cseq, digit in enumerate(dials, 1))
    if refer_to:
        acts = request("REFER", 1, 202, f"Refer-To: <{refer_to}>\n")
    went = f'<recv request="MESSAGE"/>\n{reply("200 OK")}{acts}' if acts else ""
    return f"""<?xml version="1.0"?>
<scenario name="phone">
<recv request="INVITE"><action>
{take}<log message="[$peer] [$us] [$them]"/></action></recv>
{reply("180 Ringing", contact)}{reply("200 OK", contact + "Content-Type: application/sdp" + chr(10), SDP)}<recv request="ACK"/>
<nop><action><exec rtp_stream="{silence},-1,0"/></action></nop>
{went}<label id="1"/>
<recv request="NOTIFY" optional="true" next="2"/>
<recv request="BYE" next="3"/>
<label id="2"/>
{reply("200 OK", then=' next="1"')}
<label id="3"/>
{reply("200 OK")}</scenario>
"""


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
    invite = request("INVITE", headers + "Content-Type: application/sdp\n", SDP)
    quiet = "".join(f'<recv response="{code}" optional="true"/>\n' for code in (100, 180, 183))
    ack = request("ACK", to="[peer_tag_param]").replace(' retrans="500"', "")
    if then == "cancel":
        cancel = request("CANCEL").replace("branch=[branch]", "branch=[branch-4]")
        rest = f'<recv response="100" optional="true"/>\n<recv response="180"/>\n<pause milliseconds="300"/>\n{cancel}<recv response="200"/>\n<recv response="487"/>\n'
    elif then:
        bye = request("BYE", to="[peer_tag_param]", cseq="2")
        rest = f'{quiet}<recv response="200"/>\n{ack}<pause milliseconds="{then}"/>\n{bye}<recv response="200"/>\n'
    else:
        rest = f'{quiet}<recv response="200"/>\n{ack}<recv request="BYE"/>\n{reply("200 OK")}'
    return f'<?xml version="1.0"?>\n<scenario name="call">\n{invite}{rest}</scenario>\n'
