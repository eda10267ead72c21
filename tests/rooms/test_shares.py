"""How a page is divided between rooms."""

from random import Random

import pytest

from api.rooms.shares import fair_shares, slices


@pytest.mark.parametrize(
    ("wanted", "limit", "shares"),
    [
        ([], 10, []),
        ([100], 10, [10]),
        ([3, 100, 2], 10, [3, 5, 2]),
        ([100, 1, 100], 10, [4, 1, 5]),
        ([1, 1, 1], 3, [1, 1, 1]),
        ([0, 9], 5, [0, 5]),
    ],
)
def test_a_room_gets_what_it_wants_or_as_much_as_the_others(
    wanted: list[int], limit: int, shares: list[int]
) -> None:
    assert fair_shares(wanted, limit) == shares


def test_no_room_goes_without_and_no_space_is_left_that_any_wants() -> None:
    for seed in range(300):
        chance = Random(seed)  # noqa: S311  no secret
        wanted = [chance.randrange(0, 40) for _ in range(chance.randrange(1, 20))]
        limit = chance.randrange(len(wanted), 100)
        shares = fair_shares(wanted, limit)
        assert all(
            (share > 0) == (want > 0) and share <= want for share, want in zip(shares, wanted, strict=True)
        )
        assert sum(shares) == min(limit, sum(wanted))
        short = [share for share, want in zip(shares, wanted, strict=True) if share < want]
        assert not short or max(shares) - min(short) <= 1


@pytest.mark.parametrize(
    ("shares", "parts"),
    [
        ([], [[]]),
        ([3, 3, 3, 4], [[3, 3, 3], [4]]),
        ([20, 1, 9, 1], [[20], [1, 9], [1]]),
        ([0, 0, 10, 0], [[0, 0, 10, 0]]),
        ([5, 99], [[5], [99]]),
    ],
)
def test_rooms_are_read_together_as_far_as_their_shares_stay_small(
    shares: list[int], parts: list[list[int]]
) -> None:
    assert [shares[some] for some in slices(shares, 10)] == parts
