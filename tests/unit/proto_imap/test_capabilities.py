"""What is offered when."""

from dataclasses import replace

from mailaccess.proto.imap.capabilities import TABLE, Offer, capabilities

PLAIN = Offer(mechanisms=("PLAIN",))


def test_before_login_only_what_serves_a_login_is_told() -> None:
    names = "IMAP4rev1 IMAP4rev2 LITERAL- SASL-IR ID ENABLE IDLE LANGUAGE AUTH=PLAIN"
    assert capabilities(PLAIN) == tuple(names.split())


def test_a_connection_without_tls_may_have_to_start_it_first() -> None:
    names = capabilities(replace(PLAIN, tls_available=True, plaintext_allowed=False, mechanisms=()))
    assert "STARTTLS" in names and "LOGINDISABLED" in names
    assert not any(name.startswith("AUTH=") for name in names)


def test_after_login_the_extensions_are_told_and_login_is_over() -> None:
    names = capabilities(replace(PLAIN, authenticated=True, tls_available=True, append_limit=1000))
    assert {"IMAP4rev2", "LITERAL+", "MOVE", "CONDSTORE", "APPENDLIMIT=1000"} <= set(names)
    assert not {"STARTTLS", "LOGINDISABLED", "SASL-IR", "AUTH=PLAIN", "LITERAL-"} & set(names)


def test_an_account_may_be_spared_an_extension() -> None:
    assert "MOVE" not in capabilities(Offer(authenticated=True, masked=frozenset({"MOVE"})))


def test_names_stand_once() -> None:
    assert len({row.name for row in TABLE}) == len(TABLE)
