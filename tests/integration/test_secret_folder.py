"""Secret files of a project: those of the router's secret_folder, and no other file of the machine."""
import hashlib
import hmac

from harness.hook_peers import Peer
from harness.process import free_port, wait_for
from harness.projects import project

OUTSIDE = "the secret file does not lie in secret_folder"


class Pbx(Peer):
    def answers(self):
        body = b"event=answer&callId=1"
        return self.send(body, {"Content-Type": "application/x-www-form-urlencoded",
                                "X-Patchbay-Signature": "sha256=" + hmac.new(b"key", body, hashlib.sha256).hexdigest()}).status


def test_a_project_names_secrets_of_one_folder_alone(make_router, tmp_path):
    folder, port = tmp_path / "secrets", free_port()
    folder.mkdir()
    for path in (tmp_path / "theirs", folder / "ours"):
        path.write_text("key\n")
    (folder / "link").symlink_to(tmp_path / "theirs")

    def naming(path):
        return project() + (f"hooks:\n  pbx: {{preset: cti-generic, secret_files: [{path}]}}\n"
                            f"gateways:\n  fs: {{kind: freeswitch, address: '127.0.0.1:{port}', secret_file: {path}}}\n")

    def gateway():
        gateways = client.ok("GET", "/readyz")["gateways"]  # none for a moment: its successor begins when the one before has ended
        return gateways[0].get("why") if gateways else None

    def put(path):
        return client.request("PUT", "config", naming(path).encode(), {"Content-Type": "application/yaml"})

    router = make_router(naming(tmp_path / "theirs"), flags=["--secret-folder", folder])
    router.expect_log(f"a hook lets nobody in|a gateway is away|a secret of a webhook cannot be read.*{OUTSIDE}")
    router.start()
    client, pbx = router.client(), Pbx(router, "cti-generic", "pbx", None)
    wait_for(lambda: gateway() == OUTSIDE and router.metric("patchbay_gateway_reconnects_total") >= 2, "the gateway has tried twice")
    assert pbx.answers() == 503
    wait_for(lambda: "a hook lets nobody in" in router.log(), "it is logged")
    told = [line for line in router.log().splitlines() if OUTSIDE in line]
    assert [sum(words in line for line in told) for words in ("a hook lets nobody in", "a gateway is away")] == [1, 1], told
    for path in (tmp_path / "theirs", folder / "../theirs", folder):
        refused = put(path)
        assert refused.status == 400 and [(fault["pointer"], fault["line"] > 0) for fault in refused.json["faults"]] == [
            ("/hooks/pbx/secret_files/0", True), ("/gateways/fs/secret_file", True)], refused.json
        assert f"must lie below {folder}" in refused.json["faults"][0]["detail"]
    assert put(folder / "link").status == 200
    wait_for(lambda: gateway() == OUTSIDE, gateway)
    assert pbx.answers() == 503
    assert put(folder / "missing").status == 200
    wait_for(lambda: gateway() == "the secret file cannot be read", gateway)
    router.expect_log("No such file or directory")
    assert pbx.answers() == 503
    assert put(folder / "ours").status == 200
    wait_for(lambda: gateway() not in (None, OUTSIDE, "the secret file cannot be read"), gateway)  # it was read: nobody listens
    assert pbx.answers() == 200
