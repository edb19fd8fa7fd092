"""Keywords as a mailbox spells them: the first spelling that was used stays. RFC 9051 §2.3.2.

Plain blocking code for the account's serial jobs.
"""

from mailaccess.model.errors import LimitReached
from mailaccess.model.flags import MAX_KEYWORDS, FlagSet, is_keyword
from mailaccess.store.bounds import write_uids
from mailaccess.store.changes import Delta
from mailaccess.store.index import mailboxes
from mailaccess.store.index.mailboxes import Box
from mailaccess.store.maildir import uids
from mailaccess.store.vault import Vault


def known_flags(vault: Vault, box: Box, flags: FlagSet) -> FlagSet:
    """``flags`` with keywords spelt as the mailbox has them; new keywords are noted, on disk before use.

    Raises LimitReached. Within a transaction, which must save ``box``.
    """
    keywords = [flag for flag in flags if is_keyword(flag)]
    if not keywords:
        return flags
    numbered = mailboxes.keywords(vault.connection, box)
    spelt = {keyword.lower(): keyword for keyword in numbered.values()}
    new = sorted({keyword.lower(): keyword for keyword in keywords if keyword.lower() not in spelt}.values())
    if new:
        if len(numbered) + len(new) > MAX_KEYWORDS:
            raise LimitReached("There are too many keywords in the mailbox")
        added = []
        for keyword in new:
            number = uids.lowest_free(numbered)
            numbered[number] = keyword
            added.append((number, keyword))
            spelt[keyword.lower()] = keyword
        mailboxes.add_keywords(vault.connection, box, added)
        write_uids(vault, box)
        vault.tell(
            Delta(
                box.mailbox_id, box.highest_modseq, box.uidnext,
                keywords=tuple([numbered[number] for number in sorted(numbered)]),
            )
        )  # fmt: skip
    return frozenset([flag if not is_keyword(flag) else spelt[flag.lower()] for flag in flags])
