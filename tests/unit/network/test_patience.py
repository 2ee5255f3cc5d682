"""What is in use for long is looked at seldom."""

from triune.network.handlers.patience import KEEP, LONGEST_PAUSE, Patience
from triune.work.requests import Key

KEY, OTHER = Key("network", "a", "pod"), Key("network", "b", "pod")


def test_pauses_grow_with_the_time_that_it_has_taken():
    now = 100.0
    patience = Patience(lambda: now)
    pauses = []
    for _ in range(25):
        pauses.append(patience.again(KEY, "in use").seconds)
        now += pauses[-1]
    assert pauses[:5] == [2.0] * 5 and pauses == sorted(pauses) and pauses[-1] == LONGEST_PAUSE
    assert len([each for each in pauses if each < LONGEST_PAUSE]) < 24
    assert patience.again(OTHER, "in use").seconds == 2.0
    assert patience.again(OTHER, "left", least=0.2).seconds == 0.2


def test_what_was_free_meanwhile_begins_anew():
    now = 100.0
    patience = Patience(lambda: now)
    patience.again(KEY, "in use")
    now += 100
    assert patience.again(KEY, "in use").seconds == 25.0
    patience.over(KEY)
    assert patience.again(KEY, "in use").seconds == 2.0
    now += KEEP + 1
    assert patience.again(KEY, "in use").seconds == 2.0
