"""What sessions did that others hear of, in this process and in those beside it."""

from mailaccess.imap.announcing import MAX_NOTED, MAX_PASSED_ON, Announcement, Board, News


class Session:
    """One that has a mailbox selected, and watches."""

    def __init__(self):
        self.said = []
        self.looked = 0

    def say(self, response):
        self.said.append(response)

    def rights_changed(self):
        self.looked += 1


def pair():
    """The boards of two processes, each of which hears the other."""
    one, two = Board(), Board()
    one.pass_on, two.pass_on = two.heard, one.heard
    return one, two


def test_annotations_are_noted_for_the_sessions_of_both_but_the_one_that_changed_them():
    one, two = pair()
    changed_it, beside, elsewhere, other = (
        board.listen(account) for board, account in ((one, "lee"), (one, "lee"), (two, "lee"), (two, "kim"))
    )
    one.changed("lee", "Work", ["/private/comment"], by=changed_it)
    told = [("Work", ("/private/comment",))]
    assert (beside.take(), elsewhere.take(), changed_it.take(), other.take()) == (told, told, [], [])


def test_a_replaced_key_is_told_to_whoever_has_the_mailbox_selected():
    one, two = pair()
    did_it, here, there, elsewhere = Session(), Session(), Session(), Session()
    one.selections[did_it] = one.selections[here] = two.selections[there] = ("lee", "m1")
    two.selections[elsewhere] = ("lee", "m2")
    one.key_replaced("lee", "m1", by=did_it)
    assert [len(each.said) for each in (did_it, here, there, elsewhere)] == [0, 1, 1, 0]


def test_changed_rights_have_the_watches_of_both_look():
    one, two = pair()
    here, there = Session(), Session()
    one.watches.add(here)
    two.watches.add(there)
    two.rights_changed("kim")
    assert (here.looked, there.looked) == (1, 1)


def test_what_is_passed_on_is_bounded():
    board = Board()
    passed: list[Announcement] = []
    board.pass_on = passed.append
    board.changed("lee", "", [f"/private/{number}" for number in range(MAX_NOTED + 50)], by=None)
    board.changed("lee", "", ["/private/" + "a" * (MAX_PASSED_ON // 2)] * 9, by=None)
    assert [len(each.entries) for each in passed] == [MAX_NOTED, 1]
    assert {each.news for each in passed} == {News.ANNOTATIONS}
