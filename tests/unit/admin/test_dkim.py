"""``mailadm dkim``: keys and their records."""

import os
import subprocess
import sys

import pytest_twisted
from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.names import dns

from mailaccess.admin.labdns import NameServer
from mailaccess.screening import keys
from tests.unit.admin.running import CONFIG


def test_a_key_is_made_shown_and_named(mailadm):
    assert mailadm("dkim", "create", "Naver.com", "--selector", "s1") == 0
    assert mailadm.out.startswith('s1._domainkey.naver.com. IN TXT ( "v=DKIM1; k=rsa; p=')
    assert '"naver.com" = "s1"' in mailadm.out and "PRIVATE" not in mailadm.out
    file = mailadm.folder / "dkim" / "naver.com" / "s1.pem"
    assert file.stat().st_mode & 0o777 == 0o600
    made = mailadm.json("dkim", "create", "naver.com", "--kind", "ed25519", "--selector", "e1")
    assert made["name"] == "e1._domainkey.naver.com" and made["record"].startswith("v=DKIM1; k=ed25519; p=")
    mailadm.config.write_text(CONFIG + '[dkim.domains]\n"naver.com" = "s1"\n')
    rows = mailadm.json("dkim", "show")
    assert [(row["selector"], row["signs"]) for row in rows] == [("e1", False), ("s1", True)]
    assert mailadm("dkim", "show", "naver.com") == 0 and len(mailadm.out.splitlines()) == 2


def test_a_key_is_never_overwritten_and_names_are_checked(mailadm):
    assert mailadm("dkim", "create", "naver.com", "--kind", "ed25519", "--selector", "e1") == 0
    assert mailadm("dkim", "create", "naver.com", "--kind", "ed25519", "--selector", "e1") == 73
    assert mailadm("dkim", "create", "naver.com", "--selector", "../x") == 65
    assert mailadm("dkim", "create", "../../x") == 65
    assert mailadm("dkim", "show", "daum.net") == 66


@pytest_twisted.ensureDeferred
async def test_dns_is_asked_for_the_records(tmp_path):
    folder = tmp_path / "dkim"
    right, other, absent = (keys.create(folder, "naver.com", name, "ed25519") for name in ("a", "b", "c"))
    records = {
        right.name: [dns.Record_TXT(right.record[:30].encode(), right.record[30:].encode())],
        other.name: [dns.Record_TXT(absent.record.encode())],
    }
    server = NameServer({"naver.com": records})
    config = tmp_path / "mailaccess.toml"
    config.write_text(CONFIG + f'[relay]\ndns = ["127.0.0.1:{server.listen(reactor)}"]\n')

    def check():
        words = [sys.executable, "-m", "mailaccess.admin.main", "--config", str(config), "dkim", "check"]
        return subprocess.run(words, capture_output=True, text=True, timeout=60, env=os.environ)

    done = await deferToThread(check)
    await server.stop()
    assert [line.split("\t")[1::3] for line in done.stdout.splitlines()] == [
        ["a", "right"],
        ["b", "another key"],
        ["c", "absent"],
    ]
    assert done.returncode == 65
