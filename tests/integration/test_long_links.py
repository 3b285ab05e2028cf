"""A list that takes long keeps nobody waiting but other lists."""
import concurrent.futures

from harness.process import wait_for

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'patchbay lists' AND wait_event_type = 'Lock'"
LINKS = 4  # LONG_LINKS of server/long_links.h


def test_whoever_reads_a_customer_does_not_wait_for_lists(router, database):
    client = router.client("admin")
    customer = client.ok("POST", "customers", {"name": "Acme"}, 201)
    connection = database.cluster.connect(database.name)
    connection.autocommit = False
    with connection.cursor() as cursor, concurrent.futures.ThreadPoolExecutor(2 * LINKS) as pool:
        cursor.execute("LOCK TABLE patchbay.customer_columns IN ACCESS EXCLUSIVE MODE")  # every list reads it
        try:
            lists = [pool.submit(client.get, "customers") for _ in range(2 * LINKS)]
            wait_for(lambda: database.query(WAITING)[0][0] == LINKS, "the links for lists are all held up")
            assert client.ok("GET", f"customers/{customer['id']}")["name"] == "Acme"
            assert client.ok("PATCH", f"customers/{customer['id']}", {"name": "Beta"})["name"] == "Beta"
            assert not any(one.done() for one in lists)
        finally:
            connection.rollback()
            connection.close()
        for one in lists:
            answer = one.result(20)
            assert answer.status == 200 and [item["name"] for item in answer.json["items"]] == ["Beta"]


def test_a_list_that_is_given_up_says_so(router, database):
    """The administrator's cancel is what the timeout does."""
    client = router.client("admin")
    connection = database.cluster.connect(database.name)
    connection.autocommit = False
    with connection.cursor() as cursor, concurrent.futures.ThreadPoolExecutor(1) as pool:
        cursor.execute("LOCK TABLE patchbay.customer_columns IN ACCESS EXCLUSIVE MODE")
        try:
            one = pool.submit(client.get, "customers")
            wait_for(lambda: database.query(WAITING)[0][0] == 1, "the list waits")
            database.query("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'patchbay lists'")
            answer = one.result(20)
        finally:
            connection.rollback()
            connection.close()
    assert answer.status == 429 and answer.json["code"] == "overloaded", answer
    assert client.get("customers").status == 200
