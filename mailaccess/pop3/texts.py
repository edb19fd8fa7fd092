"""What the server says to people, in English and in Korean (LANG, RFC 6856 §3).

The English text, a format string, is the key of the other languages. Response codes are not translated.
"""

from typing import Final

ENGLISH: Final = "en"
KOREAN: Final = "ko"

LANGUAGES: Final = {ENGLISH: "English", KOREAN: "한국어"}
"""Tags, and the language's name in itself."""

READY: Final = "{} POP3 mailaccess ready"
BYE: Final = "Bye"
BYE_REMOVED: Final = "Bye, {} messages removed"
OK: Final = "OK"
NAME_ACCEPTED: Final = "Name accepted, send PASS"
LOGGED_IN: Final = "Logged in, {} messages ({} octets)"
MECHANISMS: Final = "Mechanisms follow"
CAPABILITIES: Final = "Capabilities follow"
LANGUAGES_FOLLOW: Final = "Languages follow"
LANGUAGE_CHANGED: Final = "Language changed"
UTF8_ON: Final = "UTF-8 mode"
BEGIN_TLS: Final = "Begin TLS negotiation"
MESSAGES: Final = "{} messages ({} octets)"
OCTETS: Final = "{} octets"
TOP_FOLLOWS: Final = "Top of message follows"
MARKED: Final = "Message {} will be deleted at QUIT"
UNMARKED: Final = "{} messages unmarked, {} messages ({} octets)"

UNKNOWN: Final = "Unknown command"
WRONG_STATE: Final = "That command is not possible now"
SYNTAX: Final = "Syntax: {}"
TOO_LONG: Final = "The line is too long"
TOO_MANY_ERRORS: Final = "Too many wrong commands"
TOO_MANY_LOGINS: Final = "Too many failed logins"
NO_SUCH_MESSAGE: Final = "There is no message {}"
IS_DELETED: Final = "Message {} is marked for deletion"
IS_GONE: Final = "Message {} was removed by another program"
USER_FIRST: Final = "Send USER first"
NEED_TLS: Final = "Passwords need TLS here: use STLS first"
BAD_NAME: Final = "The name is not UTF-8"
NO_MECHANISM: Final = "That authentication mechanism is not offered"
CANCELLED: Final = "Authentication cancelled"
MALFORMED: Final = "The response is not well-formed"
FAILED: Final = "Authentication failed"
NOT_ALLOWED: Final = "This login is not allowed"
UNAVAILABLE: Final = "Authentication is not available at the moment"
IN_USE: Final = "The maildrop is in use by another session"
TOO_MANY_CONNECTIONS: Final = "Too many connections of this account"
TEMPORARY: Final = "Temporary failure, please try again later"
NOT_REMOVED: Final = "The messages could not be removed; they are still there"
NO_TLS: Final = "STLS is not offered"
TLS_ACTIVE: Final = "TLS is active already"
NO_LANGUAGE: Final = "That language is not offered"
STOPPING: Final = "The server is shutting down"
FULL: Final = "Too many connections, try again later"
INTERNAL: Final = "Internal error, reference {}"

_KOREAN: Final = {
    READY: "{} POP3 mailaccess 준비됨",
    BYE: "안녕히 가세요",
    BYE_REMOVED: "안녕히 가세요. 메시지 {}통을 지웠습니다",
    OK: "확인",
    NAME_ACCEPTED: "이름을 받았습니다. PASS를 보내세요",
    LOGGED_IN: "로그인했습니다. 메시지 {}통 ({} 옥텟)",
    MECHANISMS: "인증 방식 목록",
    CAPABILITIES: "기능 목록",
    LANGUAGES_FOLLOW: "언어 목록",
    LANGUAGE_CHANGED: "언어를 바꾸었습니다",
    UTF8_ON: "UTF-8 모드",
    BEGIN_TLS: "TLS 협상을 시작하세요",
    MESSAGES: "메시지 {}통 ({} 옥텟)",
    OCTETS: "{} 옥텟",
    TOP_FOLLOWS: "메시지의 앞부분",
    MARKED: "메시지 {}번은 QUIT 때 지워집니다",
    UNMARKED: "메시지 {}통의 삭제 표시를 풀었습니다. 메시지 {}통 ({} 옥텟)",
    UNKNOWN: "알 수 없는 명령입니다",
    WRONG_STATE: "지금은 쓸 수 없는 명령입니다",
    SYNTAX: "문법: {}",
    TOO_LONG: "줄이 너무 깁니다",
    TOO_MANY_ERRORS: "잘못된 명령이 너무 많습니다",
    TOO_MANY_LOGINS: "로그인에 너무 여러 번 실패했습니다",
    NO_SUCH_MESSAGE: "메시지 {}번은 없습니다",
    IS_DELETED: "메시지 {}번은 삭제 표시가 되어 있습니다",
    IS_GONE: "메시지 {}번은 다른 프로그램이 지웠습니다",
    USER_FIRST: "먼저 USER를 보내세요",
    NEED_TLS: "비밀번호를 보내려면 TLS가 필요합니다. 먼저 STLS를 쓰세요",
    BAD_NAME: "이름이 UTF-8이 아닙니다",
    NO_MECHANISM: "제공하지 않는 인증 방식입니다",
    CANCELLED: "인증을 취소했습니다",
    MALFORMED: "응답의 형식이 잘못되었습니다",
    FAILED: "인증에 실패했습니다",
    NOT_ALLOWED: "허용되지 않은 로그인입니다",
    UNAVAILABLE: "지금은 인증할 수 없습니다",
    IN_USE: "다른 세션이 메일함을 쓰고 있습니다",
    TOO_MANY_CONNECTIONS: "이 계정의 연결이 너무 많습니다",
    TEMPORARY: "일시적인 오류입니다. 나중에 다시 시도하세요",
    NOT_REMOVED: "메시지를 지우지 못했습니다. 메시지는 그대로 있습니다",
    NO_TLS: "STLS를 제공하지 않습니다",
    TLS_ACTIVE: "이미 TLS를 쓰고 있습니다",
    NO_LANGUAGE: "제공하지 않는 언어입니다",
    STOPPING: "서버를 멈추고 있습니다",
    FULL: "연결이 너무 많습니다. 나중에 다시 시도하세요",
    INTERNAL: "내부 오류입니다. 참조 번호 {}",
}


def text(language: str, template: str, *values: object) -> str:
    """``template`` (one of those above) in ``language``, filled with ``values``."""
    if language == KOREAN:
        template = _KOREAN.get(template, template)
    return template.format(*values) if values else template


def choose(language_range: str) -> str | None:
    """The language for a basic language range, or None. RFC 4647 §3.4 (lookup): ``ko-KR`` finds ``ko``."""
    if language_range == "*":
        return ENGLISH
    wanted = language_range.lower()
    while wanted:
        if wanted in LANGUAGES:
            return wanted
        wanted, _, _ = wanted.rpartition("-")
    return None
