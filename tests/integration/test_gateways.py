"""What all gateways share: names that are not resolved, lines that go, peers and routers that are killed in mid-conversation."""
import os
import pathlib
import socket

from harness.process import wait_for
from harness.projects import project

BUILD = pathlib.Path(os.environ.get("PATCHBAY_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build/asan"))
UNRESOLVED = str(BUILD / "tests/patchbay_unresolved")  # tests/CMakeLists.txt: tests/integration/names.c is its resolver
NAMED = project().replace("  - {phone:", "  - {name: main, phone:")


def project_with(**lines):
    return NAMED + "gateways:\n" + "".join(f"  {name}: {line}\n" for name, line in lines.items())


def change(router, text):
    pathlib.Path(router.project_file).write_text(text)
    router.apply()


def gateways(router):
    return {one["name"]: one for one in router.client().ok("GET", "/readyz")["gateways"]}


def wait_state(router, name, wanted):
    wait_for(lambda: gateways(router).get(name, {}).get("state") == wanted, lambda: f"{name} is {wanted}: {gateways(router)}")


def test_a_resolver_that_hangs_holds_up_neither_a_reload_nor_the_end(make_router):
    hangs, unknown = "{kind: kamailio, address: 'hangs.invalid:1'}", "{kind: kamailio, address: 'unknown.invalid:1'}"
    router = make_router(project_with(kam1=hangs, kam2=unknown), binary=UNRESOLVED)
    router.expect_log("a gateway is away")
    router.start()
    wait_for(lambda: gateways(router)["kam2"].get("why") == "its name cannot be resolved", lambda: str(gateways(router)))
    assert gateways(router)["kam2"]["state"] in ("waiting", "connecting")
    wait_state(router, "kam1", "connecting")
    with socket.create_server(("127.0.0.1", 0)) as peer:
        address = f"{{kind: kamailio, address: '127.0.0.1:{peer.getsockname()[1]}'}}"
        change(router, project_with(kam1=address, kam2=hangs))
        wait_state(router, "kam1", "connected")
        wait_state(router, "kam2", "connecting")
        router.stop()
    assert "the look-up of a name is left to itself" in router.log()
