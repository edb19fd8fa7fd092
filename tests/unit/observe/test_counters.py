"""Metrics as Prometheus reads them."""

import re

from mailaccess.observe.counters import (
    CONNECTIONS,
    KINDS,
    LOGINS,
    OPEN,
    Counters,
    exposition,
    registry,
)
from mailaccess.observe.events import Level
from mailaccess.observe.writer import LogWriter


def test_what_was_counted_is_exposed_with_its_labels():
    counters = Counters()
    counters.add(CONNECTIONS, ("imap",))
    counters.add(CONNECTIONS, ("imap",))
    counters.watch(OPEN, lambda: {("imap",): 2, ("pop3",): 0})
    text = exposition(registry(counters)).decode()
    assert 'mailaccess_connections_total{service="imap"} 2.0' in text
    assert 'mailaccess_connections_open{service="imap"} 2.0' in text
    assert "mailaccess_log_lines_lost_total 0.0" in text
    assert "process_resident_memory_bytes" in text


def test_every_metric_has_a_help_text_and_a_lawful_name():
    text = exposition(registry(Counters())).decode()
    for kind in KINDS:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", kind.name)
        assert not kind.name.endswith("_total")
        assert f"# HELP mailaccess_{kind.name}" in text


def test_the_log_feeds_the_counters():
    counters = Counters()
    log = LogWriter(lambda line: None, seen=counters.seen)
    log.log("login-failed", service="imap", user="lee@naver.com")
    log.log("imap-login", user="lee@naver.com")
    log.log("trouble", Level.ERROR)
    assert counters.value(LOGINS, ("imap", "failed")) == 1
    assert counters.value(LOGINS, ("imap", "ok")) == 1
    text = exposition(registry(counters)).decode()
    assert 'mailaccess_events_total{event="trouble",level="error"} 1.0' in text
