"""Every operation on a customer by every role, each cell as declared. Whoever adds an operation adds how it is asked for to
ASKS and a row, or several, to TABLE."""
import uuid

import pytest

from harness.http_client import HttpClient
from harness.projects import project
from harness.router import admin

# Who asks. `olga` owns the customer, or owned it until she returned it to the pool; nobody but admins is more than one of these.
ROLES = {
    "owner": ("agent", "olga"), "service rep": ("agent", "rick"), "superior": ("agent", "sam"), "superior's superior": ("agent", "tina"),
    "shared": ("agent", "shary"), "pool member": ("agent", "mia"), "other agent": ("agent", "otto"),
    "supervisor": ("supervisor", "sue"), "pool admin": ("pool_admin", "paul"), "admin": ("admin", None), "other project": ("admin", None),
}
AGENTS = {name: "{queues: [support]}" for name in ("rick", "tina", "shary", "mia", "otto", "sue", "paul")}
AGENTS |= {"sam": "{queues: [support], reports_to: tina}", "olga": "{queues: [support], reports_to: sam, department: sales}"}

# How an operation is asked for: (client, customer, scene) to the status.
ASKS = {
    "create": lambda client, customer, scene: client.post("customers", {"name": "another"}).status,
    "get": lambda client, customer, scene: client.get(f"customers/{customer}").status,
    "edit": lambda client, customer, scene: client.request("PATCH", f"customers/{customer}", {"company": "Demo"}).status,
    # 404: the list is given, and the customer is not in it
    "list": lambda client, customer, scene: scene.status_in_list(client, customer),
    "search": lambda client, customer, scene: 200 if customer in [item["id"] for item in client.ok(
        "POST", "customers/search", {"stage": "follow_up", "sort": "name", "limit": 1000})["items"]] else 404,
    "tag": lambda client, customer, scene: client.post(f"customers/{customer}/tags", {"mode": "add", "tags": ["vip"]}).status,
    "batch tag": lambda client, customer, scene: scene.status_of_item(
        client, customer, "customers/batch/tags", {"mode": "add", "tags": ["vip"]}),
    # 403 for whoever may view it but is no agent
    "follow": lambda client, customer, scene: client.post(f"customers/{customer}/follow").status,
    "unfollow": lambda client, customer, scene: client.post(f"customers/{customer}/unfollow").status,
    "read": lambda client, customer, scene: client.post(f"customers/{customer}/read").status,
    "log": lambda client, customer, scene: client.get(f"customers/{customer}/log").status,
    "assign": lambda client, customer, scene: client.post(f"customers/{customer}/assign", {"agents": ["otto"]}).status,
    "batch assign": lambda client, customer, scene: scene.status_of_item(
        client, customer, "customers/batch/assign", {"agents": ["otto"]}),
    "return": lambda client, customer, scene: client.post(
        f"customers/{customer}/return", {"pool": scene.pool, "reason": "no answer"}).status,
    "pick up": lambda client, customer, scene: client.post(f"customers/{customer}/pick_up").status,
    "add contact": lambda client, customer, scene: client.post(f"customers/{customer}/contacts", {"phone": "1234"}).status,
    "edit contact": lambda client, customer, scene: client.request("PATCH", scene.contact(customer), {"label": "x"}).status,
    "remove contact": lambda client, customer, scene: client.delete(scene.contact(customer)).status,
    "share": lambda client, customer, scene: client.post(f"customers/{customer}/share", {"agents": ["olga"]}).status,
    "shares": lambda client, customer, scene: client.get(f"customers/{customer}/shares").status,
    "batch share": lambda client, customer, scene: scene.status_of_item(
        client, customer, "customers/batch/share", {"roles": ["admin"]}),
    "batch cancel share": lambda client, customer, scene: scene.status_of_item(
        client, customer, "customers/batch/cancel_share", {"all": True}),
    "batch regroup": lambda client, customer, scene: scene.status_of_item(
        client, customer, "customers/batch/regroup", {"pool": scene.other_pool}),
    "delete": lambda client, customer, scene: client.delete(f"customers/{customer}").status,
    "batch delete": lambda client, customer, scene: scene.status_of_item(client, customer, "customers/batch/delete", {}),
    "erase": lambda client, customer, scene: client.post(f"customers/{customer}/erase").status,
}

# What is asked, of a customer in which state, and the status for each of ROLES in their order.
TABLE = [
    #                           owner rep  sup  top  shrd memb othr spvr padm adm  stranger
    ("create",        "owned",  "201  201  201  201  201  201  201  201  201  201  201"),
    ("get",           "owned",  "200  200  200  200  200  404  404  404  404  200  404"),
    ("get",           "pooled", "404  200  404  404  200  200  404  200  200  200  404"),
    ("get",           "new",    "404  200  404  404  200  404  404  200  200  200  404"),
    ("get",           "held",   "200  200  200  200  200  404  404  404  200  200  404"),
    ("edit",          "owned",  "200  200  200  403  403  404  404  404  404  200  404"),
    ("edit",          "pooled", "404  200  404  404  403  403  404  403  403  200  404"),
    ("list",          "owned",  "200  200  200  200  200  404  404  404  404  200  404"),
    ("list",          "pooled", "404  200  404  404  200  200  404  200  200  200  404"),
    ("search",        "owned",  "200  200  200  200  200  404  404  404  404  200  404"),
    ("search",        "pooled", "404  404  404  404  404  404  404  404  404  404  404"),
    ("tag",           "owned",  "200  200  200  403  403  404  404  404  404  200  404"),
    ("tag",           "pooled", "404  200  404  404  403  403  404  403  403  200  404"),
    ("batch tag",     "owned",  "200  200  200  403  403  404  404  404  404  200  404"),
    ("follow",        "owned",  "200  200  200  200  200  404  404  404  404  403  404"),
    ("follow",        "pooled", "404  200  404  404  200  200  404  200  200  403  404"),
    ("unfollow",      "new",    "404  200  404  404  200  404  404  200  200  403  404"),
    ("read",          "owned",  "200  200  200  200  200  404  404  404  404  403  404"),
    ("log",           "owned",  "200  200  200  200  200  404  404  404  404  200  404"),
    ("log",           "pooled", "404  200  404  404  200  200  404  200  200  200  404"),
    ("assign",        "owned",  "200  200  200  403  403  404  404  404  404  200  404"),
    ("assign",        "pooled", "404  403  404  404  403  403  404  200  200  200  404"),
    ("assign",        "new",    "404  200  404  404  403  404  404  200  200  200  404"),
    ("assign",        "held",   "200  200  200  403  403  404  404  404  200  200  404"),
    ("batch assign",  "owned",  "200  200  200  403  403  404  404  404  404  200  404"),
    ("batch assign",  "pooled", "404  403  404  404  403  403  404  200  200  200  404"),
    ("return",        "owned",  "200  403  403  403  403  404  404  404  404  200  404"),
    ("return",        "new",    "404  200  404  404  403  404  404  200  200  200  404"),
    ("return",        "held",   "200  403  403  403  403  404  404  404  200  200  404"),
    ("return",        "pooled", "404  409  404  404  409  409  404  409  409  409  404"),
    ("pick up",       "owned",  "409  409  409  409  409  404  404  404  404  409  404"),
    ("pick up",       "pooled", "404  403  404  404  403  200  404  403  200  403  404"),
    ("pick up",       "held",   "409  409  409  409  409  409  404  404  409  409  404"),
    ("add contact",   "owned",  "201  201  201  403  403  404  404  404  404  201  404"),
    ("add contact",   "pooled", "404  201  404  404  403  403  404  403  403  201  404"),
    ("edit contact",  "owned",  "200  200  200  403  403  404  404  404  404  200  404"),
    ("edit contact",  "pooled", "404  200  404  404  403  403  404  403  403  200  404"),
    ("remove contact", "owned", "200  200  200  403  403  404  404  404  404  200  404"),
    ("share",         "owned",  "200  200  200  403  403  404  404  404  404  200  404"),
    ("share",         "pooled", "404  200  404  404  403  403  404  403  403  200  404"),
    ("shares",        "owned",  "200  200  200  200  200  404  404  404  404  200  404"),
    ("batch share",   "owned",  "200  200  200  403  403  404  404  404  404  200  404"),
    ("batch cancel share", "owned", "200  200  200  403  403  404  404  404  404  200  404"),
    ("batch regroup", "pooled", "403  403  403  403  403  403  403  403  200  200  404"),
    ("delete",        "owned",  "403  403  403  403  403  404  404  404  404  200  404"),
    ("delete",        "pooled", "404  403  404  404  403  403  404  403  403  200  404"),
    ("batch delete",  "owned",  "403  403  403  403  403  404  404  404  404  200  404"),
    ("erase",         "owned",  "403  403  403  403  403  404  404  404  404  200  404"),
]


class Scene:
    """A project with everybody in it, and customers made to order."""

    def __init__(self, router, database, folder, tables):
        self.router, self.tables = router, tables
        path = folder / "stranger.yaml"
        path.write_text(project(AGENTS).replace("project: demo", "project: other"))
        admin(database.url, "apply", path)
        router.start()
        words = ["token", "create", "--project", "other", "--role", "admin"]
        self.stranger = HttpClient(router.http, admin(database.url, *words).stdout.split()[-1], "other")
        self.admin = router.client()
        self.pool, self.other_pool = (self.admin.ok("POST", "pools", {"name": name, "cool_down": 0}, 201)["id"] for name in "pq")
        for name, is_admin in (("mia", False), ("paul", True)):
            self.admin.ok("PUT", f"pools/{self.pool}/members/{name}", {"is_admin": is_admin})

    def client(self, role):
        return self.stranger if role == "other project" else self.router.client(*ROLES[role])

    def customer(self, state):
        """owned: olga has it. pooled: she returned it. held: she was given it out of the pool. new: nobody has had it."""
        owner = {"owner": "olga"} if state != "new" else {}
        made = self.admin.ok("POST", "customers", {"name": state, "service_rep": "rick", **owner}, 201)["id"]
        self.tables.query("INSERT INTO shares SELECT project, id, 'agent', 'shary', 'olga', 0 FROM customers WHERE id = %s", made)
        self.tables.connection.commit()
        if state in ("pooled", "held"):
            self.router.agent("olga").ok("POST", f"customers/{made}/return", {"pool": self.pool, "reason": "no answer"})
        if state == "held":
            self.admin.ok("POST", f"customers/{made}/assign", {"agents": ["olga"]})
        return made

    def contact(self, customer):
        """The first of them; there is one from now on, if there is such a customer."""
        self.admin.post(f"customers/{customer}/contacts", {"email": "a@example.com"})
        return f"customers/{customer}/contacts/0"

    @staticmethod
    def status_in_list(client, customer):
        after = ""
        while after is not None:
            page = client.ok("GET", f"customers?limit=1000{after}")
            if customer in [item["id"] for item in page["items"]]:
                return 200
            after = f"&after={page['next']}" if page["next"] else None
        return 404

    @staticmethod
    def status_of_item(client, customer, path, body):
        """Of an operation on many customers: of the item, or of the whole."""
        answer = client.post(path, {"customers": [customer], **body})
        if answer.status != 200:
            return answer.status
        (item,) = answer.json["items"]
        assert item["customer"] == customer
        return {"ok": 200, "not_found": 404, "forbidden": 403, "invalid": 400}[item["status"]]


@pytest.fixture
def scene(make_router, database, tmp_path, tables):
    return Scene(make_router(project(AGENTS)), database, tmp_path, tables)


def test_every_operation_by_every_role_is_allowed_as_declared(scene):
    clients = {role: scene.client(role) for role in ROLES}
    wrong = []
    for operation, state, cells in TABLE:
        expected = [int(cell) for cell in cells.split()]
        assert len(expected) == len(ROLES), operation
        for (role, client), status in zip(clients.items(), expected):
            found = ASKS[operation](client, scene.customer(state), scene)
            if found != status:
                wrong.append(f"{operation} ({state}) by {role}: {found} instead of {status}")
    assert not wrong, "\n".join(wrong)


def test_each_operation_has_a_row():
    assert {row[0] for row in TABLE} == set(ASKS)


def test_a_customer_that_is_not_there_is_not_found_by_any_operation(scene):
    nobody = str(uuid.uuid4())
    for operation, ask in ASKS.items():
        if operation != "create":
            assert ask(scene.admin, nobody, scene) == 404, operation
