"""What is done about a watched folder's files, and when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from node.services.watch_counts import Counts
from node.services.watch_plan import GONE_S, RETRY_S, STABLE_S, Known, WatchPlan, below_any

CID, OTHER = b"cid", b"other"


def shared_plan(**files: bytes) -> WatchPlan:
    """A plan in which /w/<name> is shared in state 1."""
    return WatchPlan({f"/w/{name}": Known(1, cid) for name, cid in files.items()})


def test_a_file_is_shared_when_it_has_been_the_same_for_a_while():
    plan = WatchPlan({})
    plan.seen("/w/a", 1, now=0)
    assert plan.to_share(STABLE_S - 0.1, 9) == []
    plan.seen("/w/a", 1, now=1)  # the same: its time runs on
    assert plan.to_share(STABLE_S, 9) == [("/w/a", 1)]
    assert plan.shared("/w/a", 1, CID) == []
    assert plan.to_share(99, 9) == []
    assert plan.known == {"/w/a": Known(1, CID)}


def test_a_file_that_grows_waits_until_it_has_ended():
    plan = WatchPlan({})
    for second in range(5):
        plan.seen("/w/a", second, now=second)
        assert plan.to_share(second, 9) == []
    assert plan.to_share(4 + STABLE_S, 9) == [("/w/a", 4)]


def test_a_file_that_changes_is_shared_anew_and_its_old_cid_withdrawn():
    plan = shared_plan(a=CID)
    plan.seen("/w/a", 2, now=0)
    assert plan.to_share(STABLE_S, 9) == [("/w/a", 2)]
    assert plan.shared("/w/a", 2, OTHER) == [(CID, "/w/a")]


def test_a_file_touched_but_not_changed_keeps_its_cid():
    plan = shared_plan(a=CID)
    plan.seen("/w/a", 2, now=0)
    assert plan.shared("/w/a", 2, CID) == []
    assert plan.known["/w/a"].state == 2


def test_a_file_put_back_as_it_was_is_left_alone():
    plan = shared_plan(a=CID)
    plan.seen("/w/a", 2, now=0)
    plan.seen("/w/a", 1, now=1)
    assert plan.waiting == 0


def test_a_file_that_changes_while_it_is_digested_is_shared_again():
    plan = WatchPlan({})
    plan.seen("/w/a", 1, now=0)
    plan.seen("/w/a", 2, now=3)
    plan.shared("/w/a", 1, CID)
    assert plan.to_share(3 + STABLE_S, 9) == [("/w/a", 2)]
    assert plan.shared("/w/a", 2, OTHER) == [(CID, "/w/a")]


def test_a_file_that_vanishes_is_withdrawn_after_a_moment():
    plan = shared_plan(a=CID)
    plan.gone("/w/a", now=0)
    plan.gone("/w/a", now=1)
    assert plan.to_withdraw(GONE_S - 0.1) == []
    assert plan.to_withdraw(GONE_S) == ["/w/a"]
    assert plan.withdrawn("/w/a") == [(CID, "/w/a")]
    assert plan.to_withdraw(99) == []
    assert plan.withdrawn("/w/a") == []


def test_saving_by_rename_is_a_change_and_no_end():
    plan = shared_plan(a=CID)
    plan.gone("/w/a", now=0)
    plan.seen("/w/a", 2, now=0.01)
    assert plan.to_withdraw(99) == []
    assert plan.to_share(99, 9) == [("/w/a", 2)]


def test_what_was_never_shared_needs_no_withdrawal():
    plan = WatchPlan({})
    plan.seen("/w/a", 1, now=0)
    plan.gone("/w/a", now=1)
    assert (plan.to_share(99, 9), plan.to_withdraw(99), plan.waiting) == ([], [], 0)


def test_of_two_equal_files_the_other_takes_over():
    plan = shared_plan(a=CID, b=CID)
    plan.gone("/w/a", now=0)
    assert plan.withdrawn("/w/a") == []
    assert plan.to_share(0, 9) == [("/w/b", 1)]
    assert plan.shared("/w/b", 1, CID) == []
    assert plan.withdrawn("/w/b") == [(CID, "/w/b")]


def test_what_cannot_be_read_is_tried_again_at_growing_pauses():
    plan = WatchPlan({})
    plan.seen("/w/a", 1, now=0)
    now = STABLE_S
    for pause in (*RETRY_S, RETRY_S[-1]):
        plan.failed("/w/a", now, "it is locked")
        assert plan.to_share(now + pause - 1, 9) == []
        now += pause
        assert plan.to_share(now, 9) == [("/w/a", 1)]
    plan.failed("/w/gone", now, "it is locked")  # it went meanwhile
    plan.seen("/w/a", 2, now)
    assert plan.to_share(now + STABLE_S, 9) == [("/w/a", 2)]


def test_of_two_equal_files_that_go_at_once_nothing_stays():
    plan = shared_plan(a=CID, b=CID)
    plan.gone("/w/a", now=0)
    plan.gone("/w/b", now=0)
    assert plan.to_withdraw(GONE_S) == ["/w/a", "/w/b"]
    assert plan.withdrawn("/w/a") == []
    assert plan.withdrawn("/w/b") == [(CID, "/w/a"), (CID, "/w/b")]  # it may be shared from either still
    assert plan.is_idle


def test_a_reading_of_the_folder_takes_no_share_from_who_takes_it_over():
    plan = shared_plan(a=CID, b=CID, c=CID)
    plan.withdrawn("/w/a")
    ((heir, state),) = plan.to_share(0, 9)
    for name in "bc":
        plan.seen(f"/w/{name}", 1, now=1)
    assert plan.to_share(1, 9) == [(heir, state)]
    assert plan.shared(heir, 1, CID) == []
    assert plan.is_idle


def test_whoever_takes_a_share_over_may_change_or_go_before_it_has():
    plan = shared_plan(a=CID, b=CID, c=CID)
    plan.withdrawn("/w/a")
    ((first, _),) = plan.to_share(0, 9)
    (second,) = {"/w/b", "/w/c"} - {first}
    plan.seen(first, 2, now=0)
    assert plan.shared(first, 2, OTHER) == []
    assert plan.to_share(0, 9) == [(second, 1)]
    plan.gone(second, now=0)
    plan.seen(second, 1, now=1)  # and it is back
    assert plan.to_share(1, 9) == [(second, 1)]
    plan.seen(second, 2, now=1)
    plan.seen(second, 1, now=1)  # changed, and put back as it was
    assert plan.to_share(1, 9) == [(second, 1)]
    assert plan.withdrawn(second) == [(CID, "/w/a"), (CID, first), (CID, second)]


def test_what_is_awaited():
    plan = WatchPlan({})
    assert plan.is_idle
    plan.take_in("/w/a", 1, now=5)
    assert (plan.is_idle, plan.awaits("/w/a"), plan.paths_waiting()) == (False, True, ("/w/a",))
    plan.shared("/w/a", 1, CID)
    assert (plan.is_idle, plan.awaits("/w/a"), plan.holds("/w/a")) == (True, False, True)
    plan.take_in("/w/a", None, now=6)
    assert (plan.is_idle, plan.has_gone("/w/a")) == (False, True)


def test_what_lies_in_one_of_several_folders():
    paths = ["/w/a/x", "/w/a/b/y", "/w/ab/z", "/w/a"]
    assert below_any(paths, {"/w/a", "/w/c"}) == ["/w/a/x", "/w/a/b/y"]
    assert below_any(paths, {"/w"}) == paths


def test_what_lies_below_a_folder():
    plan = shared_plan(a=CID)
    plan.seen("/w/b", 1, now=0)
    plan.seen("/wx/c", 1, now=0)
    assert plan.paths_below("/w") == plan.paths_below("/w/") == ["/w/a", "/w/b"]
    plan.seen("/w/a", 2, now=0)
    assert plan.counts_below("/w") == plan.counts_below("/w/") == Counts(shared=1, waiting=1, failing=0)
    assert plan.counts_below("/") == Counts(shared=1, waiting=2, failing=0)
    assert plan.counts_below("/wx/c") == plan.counts_below("/none") == Counts(0, 0, 0)
    assert plan.to_share(STABLE_S, 1) == [("/w/b", 1)]


def test_what_cannot_be_shared_is_told_until_it_changes():
    plan = shared_plan(a=CID)
    plan.seen("/w/b", 1, now=0)
    plan.failed("/w/b", STABLE_S, "it is locked")
    assert plan.counts_below("/w") == Counts(shared=1, waiting=0, failing=1)
    assert (plan.reason_below("/w"), plan.reason_below("/x")) == ("it is locked", "")
    plan.seen("/w/b", 1, now=9)
    assert plan.reason_below("/w") == "it is locked"
    plan.seen("/w/b", 2, now=9)
    assert (plan.counts_below("/w"), plan.reason_below("/w")) == (Counts(1, 1, 0), "")


paths = st.sampled_from(["/w/a", "/w/b", "/w/sub/c", "/w/sub/deep/d", "/x/e"])
events = st.sampled_from(["seen", "changed", "gone", "shared", "failed", "withdrawn"])


@given(st.lists(st.tuples(paths, events, st.integers(0, 2))))
def test_counts_are_what_counting_all_files_would_find(steps):
    plan = WatchPlan({"/w/a": Known(1, b"0"), "/x/e": Known(1, b"0")})
    for now, (path, event, number) in enumerate(steps):
        match event:
            case "seen":
                plan.seen(path, 1, now)
            case "changed":
                plan.seen(path, 2 + number, now)
            case "gone":
                plan.gone(path, now)
            case "shared":
                plan.shared(path, 1, b"%d" % number)
            case "failed":
                plan.failed(path, now, "it is locked")
            case "withdrawn":
                plan.withdrawn(path)
        for root in ("/", "/w", "/w/sub", "/x"):
            below = plan.paths_below(root)
            counts = plan.counts_below(root)
            assert counts.shared == sum(path in plan.known for path in below)
            assert counts.waiting + counts.failing >= sum(path not in plan.known for path in below)
            assert (counts.failing > 0) == bool(plan.reason_below(root))
            waiting = sum(plan.awaits(path) and path not in plan.known for path in below)
            assert counts.waiting <= waiting <= counts.waiting + counts.failing


class Path(str):
    """A path that counts how often any of its kind is looked at."""

    looks = 0

    def __hash__(self):
        Path.looks += 1
        return super().__hash__()

    def startswith(self, *arguments):
        Path.looks += 1
        return super().startswith(*arguments)


def test_counting_does_not_look_at_the_files():
    plan = WatchPlan({Path(f"/w/{number}"): Known(1, CID) for number in range(100)})
    for number in range(100):
        plan.seen(Path(f"/w/new {number}"), 1, now=0)
    Path.looks = 0
    assert plan.counts_below("/w") == Counts(shared=100, waiting=100, failing=0)
    assert Path.looks == 0
