"""Neovim as a peer: an editor that works as a gateway and as an agent's desktop.

Its built-in client (sockconnect() with rpc, vim.rpcrequest()) calls whatever we serve. Of an error that is a map it says only
"unknown error", and it runs notifications as its own API functions: others, such as `decision`, it drops without harm. Whoever
wants them in Neovim reads the connection with what it has besides: its event loop and its MessagePack library."""
import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from harness.http_client import ringing
from harness.process import spawn, wait_for

NVIM = shutil.which("nvim") or "nvim"

PRELUDE = """
local results = {}
local function connect(how, address)
  local channel = vim.fn.sockconnect(how, address, {rpc = true})
  assert(channel > 0, 'not connected')
  return channel
end
local function call(channel, method, ...)
  return vim.rpcrequest(channel, method, ...)
end
local function fails(channel, method, ...)
  local ok, problem = pcall(vim.rpcrequest, channel, method, ...)
  assert(not ok, method .. ' succeeded')
  return tostring(problem)
end
local function hello(channel, token)
  return call(channel, 'hello', {protocol = 1, client = 'neovim', auth = {token = token}})
end
local ok, problem = xpcall(function()
%s
end, debug.traceback)
if not ok then results.failure = tostring(problem) end
local file = io.open(os.getenv('NVIM_RESULTS'), 'w')
file:write(vim.fn.json_encode(results))
file:close()
vim.cmd('qall!')
"""


class Editor:
    """`nvim --headless` that runs a script; `wait()` gives what the script put into `results`."""

    def __init__(self, folder, body, **values):
        script, self.results = folder / "script.lua", folder / "results.json"
        script.write_text(PRELUDE % body)
        self.log = folder / "nvim.log"
        environment = {**os.environ, "NVIM_RESULTS": str(self.results), "XDG_STATE_HOME": str(folder), "XDG_CACHE_HOME": str(folder),
                       "NVIM_LOG_FILE": str(folder / "nvim-internal.log"), **{name.upper(): str(value) for name, value in values.items()}}
        with open(self.log, "wb") as log:
            self.process = spawn([NVIM, "--headless", "-u", "NONE", "-i", "NONE", "-n", "-S", script], stdout=log, stderr=log,
                                 env=environment, cwd=folder)

    def wait(self, timeout=40):
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.stop()
            raise AssertionError(f"nvim does not end: {self.log.read_text(errors='replace')}") from None
        assert status == 0 and self.results.exists(), self.log.read_text(errors="replace")
        found = json.loads(self.results.read_text())
        assert "failure" not in found, found["failure"]
        return found

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def edit(tmp_path):
    made = []

    def start(body, **values):
        folder = pathlib.Path(tmp_path / f"nvim-{len(made)}")
        folder.mkdir()
        made.append(Editor(folder, body, **values))
        return made[-1]

    yield start
    for editor in made:
        editor.stop()


def addresses(router):
    return {"tcp": router.rpc, "pipe": router.rpc_socket}


DESK = """
  local channel = connect(os.getenv('HOW'), os.getenv('ADDRESS'))
  results.early = fails(channel, 'queue.list', {})
  results.hello = hello(channel, os.getenv('TOKEN'))
  results.presence = call(channel, 'presence.set', {agent = 'anna', state = 'available', lease = 0})
  results.bad = fails(channel, 'presence.set', {agent = 'anna', state = 'asleep'})
  results.unknown = fails(channel, 'nonsense')

  local gateway = connect(os.getenv('HOW'), os.getenv('ADDRESS'))
  hello(gateway, os.getenv('SOURCE'))
  local event = vim.fn.json_decode(os.getenv('EVENT'))
  results.decision = call(gateway, 'event.publish', event)
  results.again = call(gateway, 'event.publish', event)
  results.batch = call(gateway, 'event.publish_batch', {event, {specversion = '1.0'}})
  results.accepted = call(channel, 'offer.accept', {offer = results.decision.offer})
  results.queues = call(channel, 'queue.list')
  results.empty = call(channel, 'queue.list', {})
  results.feed = call(channel, 'feed.read', {agent = 'anna', after = '0'})
  vim.fn.chanclose(gateway)
  vim.fn.chanclose(channel)
"""


@pytest.mark.parametrize("how", ["tcp", "pipe"])
def test_neovim_works_as_gateway_and_as_desktop(router, edit, how):
    found = edit(DESK, how=how, address=addresses(router)[how], token=router.token("agent", "anna"), source=router.token("source"),
                 event=json.dumps(ringing())).wait()
    assert found["early"] and found["bad"] and found["unknown"], "refused, and the session goes on"
    assert (found["hello"]["project"], found["hello"]["role"], found["hello"]["agent"]) == ("demo", "agent", "anna")
    assert found["presence"]["state"] == "available"
    decision = found["decision"]
    assert decision["outcome"] == "offered" and decision["agent"] == "anna" and found["again"] == decision
    assert found["batch"][0] == decision and found["batch"][1]["code"] == "invalid"
    assert found["accepted"]["interaction"] == decision["interaction"] and found["accepted"]["outcome"] == "assigned"
    assert found["queues"] == found["empty"] and {queue["name"] for queue in found["queues"]["items"]} == {"support", "mail", "chat"}
    assert [event["type"] for event in found["feed"]["items"]] == ["agent.presence", "interaction.offered", "interaction.assigned"]
    assert router.client().ok("GET", f"interactions/{decision['interaction']}")["state"] == "active"


FOLLOW = """
  local channel = connect('tcp', os.getenv('ADDRESS'))
  hello(channel, os.getenv('TOKEN'))
  results.subscribed = call(channel, 'feed.subscribe', {agent = 'anna', after = '0'})
  results.presence = call(channel, 'presence.set', {state = 'available', lease = 0})
  -- Notifications arrive all the time; the feed is read until everything is there.
  local after, seen = '0', {}
  vim.wait(30000, function()
    local page = call(channel, 'feed.read', {after = after})
    for _, event in ipairs(page.items) do
      after = event.agentsequence
      table.insert(seen, event.type)
      if event.type == 'interaction.offered' then
        results.accepted = call(channel, 'offer.accept', {offer = event.data.offer})
      end
    end
    return #seen >= 12
  end, 50)
  results.seen = seen
  results.alive = call(channel, 'queue.list', {})
"""

# vim.mpack.Session does the ids of MessagePack-RPC, vim.loop the socket.
LISTEN = """
  local session = vim.mpack.Session({unpack = vim.mpack.Unpacker()})
  local pack = vim.mpack.Packer()
  local host, port = os.getenv('ADDRESS'):match('^(.*):(%d+)$')
  local socket, seen = vim.loop.new_tcp(), {}
  local function request(method, argument, done)
    socket:write(session:request(done) .. pack(method) .. pack({argument}))
  end
  local function on_notification(method, params)
    if method ~= 'decision' then return end
    local event = params[1]
    table.insert(seen, event.type)
    if event.type == 'interaction.offered' then
      request('offer.accept', {offer = event.data.offer}, function(problem, answer) results.accepted = problem or answer end)
    end
  end
  local function on_bytes(bytes)
    local at = 1
    while at <= #bytes do
      local kind, id, method, params
      kind, id, method, params, at = session:receive(bytes, at)
      if kind == 'notification' then
        on_notification(method, params)
      elseif kind == 'response' then
        id(method ~= vim.NIL and method or nil, params)
      end
    end
  end
  socket:connect(host, tonumber(port), function()
    socket:read_start(function(_, bytes) if bytes then on_bytes(bytes) end end)
    request('queue.list', {limit = 1}, function(problem) results.early = problem end)
    request('hello', {protocol = 1, client = 'neovim', auth = {token = os.getenv('TOKEN')}}, function() end)
    request('feed.subscribe', {agent = 'anna', after = '0'}, function(_, answer) results.subscribed = answer end)
    request('presence.set', {state = 'available', lease = 0}, function(_, answer) results.presence = answer end)
  end)
  vim.wait(30000, function() return #seen >= 12 end, 20)
  results.seen = seen
  socket:close()
"""


@pytest.mark.parametrize("script", [FOLLOW, LISTEN], ids=["reads the feed", "hears notifications"])
def test_a_desktop_in_neovim_takes_a_call_and_follows_its_agent(router, edit, script):
    editor = edit(script, address=router.rpc, token=router.token("agent", "anna"))
    client = router.client()
    wait_for(lambda: client.ok("GET", "agents")["items"][0]["state"] == "available", "the editor is there")
    decision = router.source().event(ringing()).json
    wait_for(lambda: client.ok("GET", f"interactions/{decision['interaction']}")["state"] == "active", "the editor accepts")
    for number in range(9):
        router.presence("anna", "break" if number % 2 == 0 else "available")
    found = editor.wait()
    assert found["seen"] == ["agent.presence", "interaction.offered", "interaction.assigned"] + ["agent.presence"] * 9
    assert found["accepted"]["interaction"] == decision["interaction"] and found["accepted"]["outcome"] == "assigned"
    assert found["subscribed"]["agent"] == "anna" and found["presence"]["state"] == "available"
    if script is FOLLOW:
        assert found["alive"]["items"]
    else:
        assert found["early"]["code"] == "unauthenticated", "errors are whole here"
