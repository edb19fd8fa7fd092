"""``conf/lab`` and ``conf/roundcube``: what stands there is what the lab writes."""

import shutil
import subprocess
from pathlib import Path

import pytest

from mailaccess.admin.lab import configurations
from mailaccess.admin.labzones import SELECTOR, files, for_twisted, zones
from mailaccess.config.load import load

CONF = Path(__file__).parents[3] / "conf"
KEY = "v=DKIM1; k=rsa; p=" + "A" * 400


@pytest.mark.parametrize("name", sorted(configurations()))
def test_the_configurations_to_read_are_those_of_the_lab(name):
    """To write them anew: mailadm lab --write conf"""
    assert (CONF / name).read_text("utf-8") == configurations()[name]


@pytest.mark.parametrize("domain", ["daum.net", "naver.com"])
def test_the_servers_configurations_are_right(domain):
    settings = load(CONF / "lab" / f"{domain}.toml", files=False)
    assert settings.hostname == f"mail.{domain}" and settings.smtp.authentication == "mark"


def test_both_name_servers_tell_the_same(tmp_path):
    """named-checkzone reads the files; what it prints are the records that twisted.names has."""
    program = shutil.which("named-checkzone", path="/usr/bin:/usr/sbin")
    if program is None:
        pytest.skip("needs named-checkzone, from Debian's bind9-utils")
    keys = {"daum.net": KEY, "naver.com": KEY}
    for name, text in files(keys, 5301, 5300).items():
        (tmp_path / name).write_text(text)
    for zone, records in zones(keys).items():
        command = [program, "-D", "-q", "-i", "none", zone, f"{zone}.zone"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
        told = {(fields[0].rstrip("."), fields[3]) for fields in map(str.split, done.stdout.splitlines())}
        told.discard((zone, "SOA"))
        assert told == {(record.name, record.kind) for record in records}
        assert set(for_twisted(records)) == {record.name for record in records}
        if zone in keys:
            text = "".join(part for part in done.stdout.split('"') if "DKIM1" in part or set(part) == {"A"})
            assert text.removesuffix("v=DMARC1; p=reject") == KEY
            assert f"{SELECTOR}._domainkey" in done.stdout
