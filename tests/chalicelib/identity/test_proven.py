from __future__ import annotations

from chalicelib.identity.proven import ProvenTokens


def test_what_was_not_used_for_the_longest_time_is_forgotten() -> None:
    tokens: ProvenTokens[int] = ProvenTokens(3)
    for number in range(3):
        tokens.put(bytes([number]), number)

    tokens.get(bytes([0]))
    tokens.put(bytes([3]), 3)

    assert [tokens.get(bytes([number])) for number in range(4)] == [0, None, 2, 3]


def test_a_token_that_is_put_again_takes_no_second_place() -> None:
    tokens: ProvenTokens[int] = ProvenTokens(2)
    for digest in (b"a", b"b", b"a", b"a"):
        tokens.put(digest, 1)

    assert (tokens.get(b"a"), tokens.get(b"b")) == (1, 1)
