"""LANGUAGE (RFC 5255 §3)."""

from mailaccess.imap.languages import spoken
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.render import render


def test_the_languages_are_told_and_english_is_the_default(imap):
    imap.session().talk("""
        C: a LANGUAGE
        S: * LANGUAGE (en ko i-default)
        S: a OK Supported languages
        C: b NOOP
        S: b OK NOOP completed
        C: c LANGUAGE MUL
        S: c NO [CANNOT] That language is not offered
    """)


def test_texts_are_korean_from_the_language_response_on(imap):
    imap.given("INBOX", messages=1)
    imap.session().talk("""
        C: a LANGUAGE FR-CA KO-KR
        S: * LANGUAGE (ko)
        S: * NAMESPACE (("" "/")) (("Other Users/" "/" "TRANSLATION" ("&suS5eA- &wKzGqceQ-/"))) NIL
        S: a OK 언어를 바꾸었습니다
        C: b SELECT nowhere
        S: b NO [NONEXISTENT] 그런 메일함은 없습니다
        C: c FETCH 1 FLAGS
        S: c BAD 선택한 메일함이 없습니다
        C: d NONSENSE
        S: d BAD 알 수 없는 명령입니다
        C: e SEARCH x
        S: e BAD SEARCH 명령의 10번째 옥텟에서 문법이 틀렸습니다
        C: f LANGUAGE DE
        S: f NO [CANNOT] 제공하지 않는 언어입니다
        C: g LANGUAGE "default"
        S: * LANGUAGE (i-default)
        S: * NAMESPACE (("" "/")) (("Other Users/" "/")) NIL
        S: g OK Now speaking English
    """)


def test_it_is_possible_before_login_and_says_why_a_login_fails(imap):
    one = imap.connect()
    assert " LANGUAGE " in one.greeting
    assert one.ask("LANGUAGE ko").untagged == ["LANGUAGE (ko)"]
    assert one.ask("LOGIN lee wrong").status == "NO [AUTHENTICATIONFAILED] 인증에 실패했습니다"
    assert one.ask("LOGIN lee secret").status.endswith("] 로그인했습니다")
    assert "OK [UIDVALIDITY 1001] UID 유효 번호" in one.ask("SELECT INBOX").untagged
    assert one.send(b"i IDLE\r\n").decode() == "+ 기다리는 중\r\n"
    assert one.send(b"DONE\r\n").decode() == "i OK IDLE 명령을 마쳤습니다\r\n"
    one.ask("UNAUTHENTICATE")
    assert one.ask("NOOP").status == "OK NOOP completed"


def test_the_administrator_says_what_the_default_is(imap_with):
    one = imap_with(language="ko").connect()
    assert one.ask("NOOP").status == "OK NOOP completed"
    assert one.ask("LANGUAGE default").untagged == ["LANGUAGE (ko)"]


def test_a_prefix_is_translated_in_modified_utf7():
    told = r.Namespaces((r.NamespaceRoot("", "/"),), (), (r.NamespaceRoot("Shared/", "/"),))
    line = render(spoken(told, "ko"), utf8=True)
    assert line == b'* NAMESPACE (("" "/")) NIL (("Shared/" "/" "TRANSLATION" ("&rPXHIA-/")))\r\n'


def test_a_hundred_languages_are_refused(imap):
    assert imap.session().ask("LANGUAGE " + "xx " * 100).status.startswith("BAD")
