"""When the lists of an account's mailboxes are read: each look costs a stat a mailbox, and there may be 10,000."""

from mailaccess.model.rights import Acl, AclEntry, Kind
from mailaccess.store import acl
from tests.unit.store.inline import House, now


def counted(monkeypatch):
    looks = []
    look = acl._look

    def noted(vault, read):
        looks.append(vault)
        return look(vault, read)

    monkeypatch.setattr(acl, "_look", noted)
    return looks


def grant(house, name):
    now(house.account.change_acl(name, lambda before: Acl((AclEntry(Kind.USER, "kim", frozenset("lr")),))))


def test_a_new_mailbox_without_a_list_is_no_reason_to_look_at_all(tmp_path, monkeypatch):
    house = House(tmp_path)
    looks = counted(monkeypatch)
    assert now(house.account.acls(60)) == {} and len(looks) == 1
    for number in range(20):
        now(house.account.create(f"parent/child{number}"))
        assert now(house.account.acls(60)) == {}
    assert len(looks) == 1


def test_a_new_mailbox_below_a_shared_one_is_shared_at_once(tmp_path, monkeypatch):
    house = House(tmp_path)
    now(house.account.create("parent"))
    grant(house, "parent")
    now(house.account.create("parent/child"))
    assert set(now(house.account.acls(60))) == {"parent", "parent/child"}


def test_a_new_mailbox_has_nothing_of_an_earlier_one_of_its_name(tmp_path):
    house = House(tmp_path)
    now(house.account.create("shared"))
    grant(house, "shared")
    assert set(now(house.account.acls(60))) == {"shared"}
    other = House(tmp_path)  # another process deletes it, and nobody has looked since
    now(other.account.delete("shared"))
    now(house.account.create("shared"))
    assert now(house.account.acls(60)) == {}


def test_a_list_that_another_process_tells_of_counts_at_once(tmp_path):
    house, other = House(tmp_path), House(tmp_path)
    assert now(house.account.acls(60)) == {}
    grant(other, "INBOX")
    house.store.forget_rights("kim@daum.net")
    assert now(house.account.acls(60)) == {}
    house.store.forget_rights("lee@naver.com")
    assert set(now(house.account.acls(60))) == {"INBOX"}


def test_what_was_looked_up_while_another_process_told_of_a_change_is_not_kept(tmp_path, monkeypatch):
    house, other = House(tmp_path), House(tmp_path)
    look = acl._look

    def late(vault, read):
        found = look(vault, read)
        monkeypatch.setattr(acl, "_look", look)
        grant(other, "INBOX")
        house.store.forget_rights("lee@naver.com")
        return found

    monkeypatch.setattr(acl, "_look", late)
    assert now(house.account.acls(60)) == {}
    assert set(now(house.account.acls(60))) == {"INBOX"}
