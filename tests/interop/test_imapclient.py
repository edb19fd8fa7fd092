"""IMAPClient, the library that Python people use: sessions of the kind that its users write."""

from datetime import UTC, datetime

import pytest

from tests.interop import messages
from tests.interop.running import PASSWORD, PATIENCE, Server

imapclient = pytest.importorskip("imapclient", reason="IMAPClient is not installed")


def connect(server: Server, user: str):
    client = imapclient.IMAPClient(
        "localhost", server.ports["imaps"], ssl=True, ssl_context=server.tls_context(), timeout=PATIENCE
    )
    client.login(user, PASSWORD)
    return client


def test_a_message_is_found_flagged_moved_and_read(server: Server, user: str) -> None:
    with connect(server, user) as client:
        moment = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
        client.append("INBOX", messages.PLAIN, flags=[imapclient.SEEN], msg_time=moment)
        client.append("INBOX", messages.MIXED)
        assert client.select_folder("INBOX")[b"EXISTS"] == 2
        (found,) = client.search(["SUBJECT", "안녕하세요"], charset="UTF-8")
        fetched = client.fetch([found], ["BODY.PEEK[]", "INTERNALDATE", "ENVELOPE", "FLAGS"])[found]
        assert fetched[b"BODY[]"] == messages.PLAIN
        assert fetched[b"INTERNALDATE"].astimezone(UTC).replace(tzinfo=UTC) == moment
        assert fetched[b"ENVELOPE"].message_id == b"<plain.1@daum.net>"
        assert imapclient.SEEN in fetched[b"FLAGS"]
        client.add_flags([found], ["$Label1", imapclient.FLAGGED])
        client.move([found], "Archive")
        assert client.search("ALL") != [] and found not in client.search("ALL")
        client.select_folder("Archive")
        (moved,) = client.search(["KEYWORD", "$Label1", "FLAGGED"])
        assert client.fetch([moved], ["BODY.PEEK[]"])[moved][b"BODY[]"] == messages.PLAIN


def test_folders_with_korean_names_are_made_renamed_subscribed_and_deleted(server: Server, user: str) -> None:
    with connect(server, user) as client:
        client.create_folder("업무/보고서")
        client.subscribe_folder("업무/보고서")
        names = [name for _, _, name in client.list_folders()]
        assert {"INBOX", "업무", "업무/보고서"} <= set(names)
        client.rename_folder("업무/보고서", "업무/결재")
        assert [name for _, _, name in client.list_folders(pattern="업무/%")] == ["업무/결재"]
        client.delete_folder("업무/결재")
        assert not client.folder_exists("업무/결재")
        assert client.find_special_folder(b"\\Sent") == "Sent"


def test_two_clients_one_idle_see_each_other(server: Server, user: str) -> None:
    with connect(server, user) as waiting, connect(server, user) as other:
        waiting.select_folder("INBOX")
        waiting.idle()
        other.append("INBOX", messages.PLAIN)
        assert (1, b"EXISTS") in waiting.idle_check(timeout=PATIENCE)
        waiting.idle_done()
        other.select_folder("INBOX")
        other.delete_messages([1])
        other.expunge()
        waiting.noop()
        assert waiting.search("ALL") == []
