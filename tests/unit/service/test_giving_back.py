"""Memory goes back to the system after growth, once there is quiet."""

from mailaccess.service.givingback import RESTLESS, WORTH, GivingBack, resident


class Process:
    def __init__(self) -> None:
        self.octets = 100 * WORTH
        self.free = 0
        self.given = 0

    def trim(self) -> None:
        self.octets -= self.free
        self.given += self.free
        self.free = 0


def test_what_grew_and_is_free_is_given_back_when_growth_has_ended():
    process = Process()
    giving = GivingBack(lambda call: call(), process.trim, lambda: process.octets)
    process.octets += 3 * WORTH
    process.free = 2 * WORTH
    giving.look()
    assert process.given == 0, "while it grows it will want the memory again"
    giving.look()
    assert process.given == 2 * WORTH


def test_nothing_is_tried_again_while_nothing_has_grown():
    process, tries = Process(), []
    giving = GivingBack(lambda call: tries.append(call()), process.trim, lambda: process.octets)
    process.octets += 3 * WORTH
    for _ in range(5):
        giving.look()
    assert len(tries) == 1, "what is in use cannot be given back, and asking again costs time"


def test_a_process_that_is_never_quiet_gives_back_what_is_much_now_and_then():
    process = Process()
    giving = GivingBack(lambda call: call(), process.trim, lambda: process.octets)
    given = []
    for _ in range(2 * RESTLESS):
        process.octets += 2 * WORTH
        process.free += 2 * WORTH
        giving.look()
        given.append(process.given)
    assert sorted(set(given)) == [0, 2 * WORTH * RESTLESS, 4 * WORTH * RESTLESS]


def test_what_was_let_go_of_without_growth_is_given_back_once_the_process_rests():
    process, work = Process(), [0.0]
    giving = GivingBack(lambda call: call(), process.trim, lambda: process.octets, lambda: work[0])
    process.free = 2 * WORTH
    giving.look()
    assert process.given == 0, "nothing was done"
    for _ in range(3):
        work[0] += 0.4
        giving.look()
    assert process.given == 0, "it works"
    giving.look()
    assert process.given == 2 * WORTH
    process.free = WORTH
    giving.look()
    assert process.given == 2 * WORTH, "nothing was done since"
    for _ in range(10):
        work[0] += 0.5
        giving.look()
    assert process.given == 3 * WORTH, "it has worked for long"


def test_the_process_knows_its_size():
    assert resident() >= 0
