"""A transaction's copies: what each takes along of the wishes of its recipient."""

import pytest

from mailaccess.delivery.api import Onward
from mailaccess.proto.smtp.address import parse
from mailaccess.proto.smtp.commands import Mail, MailParameters
from mailaccess.smtp.trace import Arrival
from mailaccess.smtp.transaction import Recipient, Transaction

ARRIVAL = Arrival("EHLO", "x", "192.0.2.1", "mail.naver.com", "id", 0.0)


@pytest.mark.parametrize(
    ("notify", "others"),
    [
        ((), ()),
        (("NEVER",), ("NEVER",)),
        (("SUCCESS",), ("NEVER",)),
        (("SUCCESS", "FAILURE"), ("FAILURE",)),
        (("FAILURE", "DELAY"), ("FAILURE", "DELAY")),
    ],
)
def test_one_copy_of_an_alias_s_tells_of_success(notify, others):
    """RFC 3461 §5.2.7.3: else the sender would hear of it once for each address behind the alias."""
    transaction = Transaction(Mail(parse("lee@naver.com"), MailParameters()), "id")
    targets = tuple(Onward(parse(each)) for each in ("a@x.example", "b@y.example", "c@z.example"))
    transaction.recipients.append(Recipient(parse("all@naver.com"), targets, notify))
    assert [drop.notify for drop in transaction.drops(ARRIVAL)] == [notify, others, others]
