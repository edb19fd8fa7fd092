"""The house of the dialogues about mailboxes of others: three accounts and a namespace of nobody."""

import dataclasses

from mailaccess.config.sections import Sharing, Store
from mailaccess.model.account import AccountLocation
from mailaccess.model.work import InlineRunner
from mailaccess.store.engine import MaildirStore
from tests.session.imap.house import MaildirHouse, run

LEE, KIM, PARK = "lee@naver.com", "kim@daum.net", "park@naver.com"
INBOX = f'"Other Users/{LEE}/INBOX"'
WORK = f'"Other Users/{LEE}/Work"'


class Houses(MaildirHouse):
    """Three accounts, of which kim and park are in groups, and a namespace of nobody."""

    def __init__(self, tmp_path, **sharing):
        self.shares = tmp_path / "shares.sqlite"
        super().__init__(tmp_path)
        self.authenticator.passwords[PARK] = b"secret"
        self.groups = {KIM: "sales,staff", PARK: "staff"}
        identity = self.authenticator.identity
        self.authenticator.identity = lambda name: dataclasses.replace(
            identity(name), extra={"acl_groups": self.groups.get(name, "")}
        )
        self.authenticator.lookup = self.lookup
        public = AccountLocation(
            "Public/", tmp_path / "public", tmp_path / "public", tmp_path / "index", shared=True
        )
        self.house = dataclasses.replace(
            self.house, sharing=Sharing(**sharing), public={"Public": public}, default_domain="naver.com"
        )

    def make_store(self):
        clock = self.clock
        return MaildirStore(
            Store(fsync=False), InlineRunner(), None, self.log, lambda: clock.time, shares=self.shares
        )

    async def lookup(self, name):
        name = name.lower() if "@" in name else f"{name.lower()}@naver.com"
        return self.authenticator.identity(name) if name in self.authenticator.passwords else None

    def account_of(self, user):
        return run(self.store.open(self.authenticator.identity(user).location))

    @property
    def public(self):
        return run(self.store.open(self.house.public["Public"]))

    def kim(self, selected=None, **more):
        return self.session(selected, user=KIM, **more)

    def grant(self, rights, mailbox="INBOX", identifier=KIM):
        assert self.session().ask(f'SETACL "{mailbox}" {identifier} {rights}').status == "OK SETACL completed"
