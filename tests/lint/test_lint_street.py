import pytest

import street
from sources import ROOT, plant


def test_includes_follow_the_one_way_street(none):
    none(street.faults(ROOT))


@pytest.mark.parametrize("path, line", [
    ("rules/a.c", '#include "proto/json.h"'),
    ("rules/a.c", '#include "server/app.h"'),
    ("rules/a.c", "#include <time.h>"),
    ("rules/a.c", "#include <uv.h>"),
    ("rules/a.c", "#include <idn2.h>"),
    ("proto/a.c", '#include "storage/sql.h"'),
    ("proto/a.c", '#include "server/http.h"'),
    ("proto/a.c", "#include <sys/socket.h>"),
    ("proto/a.c", "#include <libpq-fe.h>"),
    ("storage/a.c", '#include "proto/json.h"'),
    ("storage/a.c", "#include <jansson.h>"),
    ("storage/a.c", "#include <microhttpd.h>"),
    ("server/a.h", "#include <libpq-fe.h>"),
    ("server/a.c", "#  include <hiredis/async.h>"),
    ("server/a.c", "#include <rules/types.h>"),
    ("server/a.c", '#include "http.h"'),
])
def test_a_wrong_include_is_found(tmp_path, path, line):
    plant(tmp_path, {path: f"/* A file. */\n{line}\n"})
    found = street.faults(tmp_path)
    assert len(found) == 1 and found[0].startswith(f"{path}:2:")


def test_a_right_include_is_not(tmp_path):
    plant(tmp_path, {"rules/email_key.c": "#include <idn2.h>\n", "storage/a.c": "#include <libpq-fe.h>\n",
                     "proto/b.c": '#include "rules/types.h"\n// #include <libpq-fe.h>\n',
                     "server/c.c": '#include "storage/sql.h"\n/*\n#include <libpq-fe.h>\n*/\n'})
    assert street.faults(tmp_path) == []
