"""The UNSEEN code of SELECT, which is looked for once for each state of a mailbox (RFC 9051 §7.1)."""

import random
import re

from tests.session.imap.house import MaildirHouse


def told(session):
    """The message that SELECT names as the first unseen; None where it names none."""
    answer = session.ask("SELECT INBOX")
    found = [re.match(r"OK \[UNSEEN (\d+)\]", line) for line in answer.untagged]
    return next((int(match[1]) for match in found if match), None)


def test_it_follows_whatever_happens_to_the_mailbox(tmp_path):
    """Flags, expunged and new messages, by this session and by another; again and again without any change."""
    house = MaildirHouse(tmp_path)
    house.given("INBOX", messages=6)
    one, other = house.session(selected="INBOX"), house.session(selected="INBOX")
    draw = random.Random(1)
    for _ in range(40):
        session = draw.choice((one, other))
        count = len(house.truth("INBOX"))
        action = draw.choice(("seen", "unseen", "all", "expunge", "append", "nothing"))
        if action == "append" or not count:
            house.deliver("INBOX")
        elif action == "expunge":
            session.ask(f"STORE {draw.randint(1, count)} +FLAGS.SILENT (\\Deleted)")
            session.ask("EXPUNGE")
        elif action != "nothing":
            which = "1:*" if action == "all" else draw.randint(1, count)
            session.ask(f"STORE {which} {'-' if action == 'unseen' else '+'}FLAGS.SILENT (\\Seen)")
        for each in (other, one):
            unseen = [
                number for number, (_, flags) in enumerate(house.truth("INBOX"), 1) if "\\Seen" not in flags
            ]
            assert told(each) == (unseen[0] if unseen else None)
            assert told(each) == (unseen[0] if unseen else None)
