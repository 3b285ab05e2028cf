"""A maintained MessagePack-RPC client from npm: the transport of the package `neovim` (https://github.com/neovim/node-client)."""
import json
import os
import pathlib
import re
import shutil

import pytest

from harness.http_client import ringing
from harness.process import run

SOURCE = pathlib.Path(__file__).parent / "npm"
INSTALL_S = 300


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A copy with its dependencies, exactly as the lock file has them."""
    folder = tmp_path_factory.mktemp("npm")
    for name in ("package.json", "package-lock.json", "client.js"):
        shutil.copy(SOURCE / name, folder)
    run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"], cwd=folder, timeout=INSTALL_S)
    return folder


def test_the_lock_file_names_every_content_and_no_host():
    lock = json.loads((SOURCE / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert "node_modules/neovim" in packages
    assert all(re.match(r"sha512-", package["integrity"]) for package in packages.values())
    assert not any("resolved" in package for package in packages.values())


@pytest.mark.parametrize("over", ["tcp", "unix socket"])
def test_the_npm_client_publishes_works_and_hears_decisions(router, installed, over):
    kinds = ["agent.presence", "interaction.offered", "interaction.assigned", "interaction.ended"]
    environment = {**os.environ, "ADDRESS": router.rpc, "SOCKET": router.rpc_socket if over == "unix socket" else "",
                   "AGENT_TOKEN": router.token("agent", "anna"), "SOURCE_TOKEN": router.token("source"),
                   "EVENT": json.dumps(ringing()), "DECISIONS": str(len(kinds))}
    said = run(["node", "client.js"], cwd=installed, env=environment, timeout=60).stdout
    found = json.loads(said.splitlines()[-1])
    assert found["early"]["code"] == "unauthenticated"
    assert (found["hello"]["project"], found["hello"]["agent"]) == ("demo", "anna")
    assert found["subscribed"]["agent"] == "anna" and found["presence"]["state"] == "available"
    assert (found["bad"]["code"], found["bad"]["data"]["pointer"]) == ("invalid", "/state")
    decision = found["decision"]
    assert decision["outcome"] == "offered" and decision["agent"] == "anna" and found["answers"] == 1
    assert found["batch"][0] == decision and found["batch"][1]["code"] == "invalid"
    assert found["accepted"]["interaction"] == decision["interaction"]
    assert [event["type"] for event in found["decisions"]] == kinds
    assert found["decisions"] == router.agent("anna").ok("GET", "agents/anna/feed?after=0")["items"]
