"""The peer table: what a page is called on the command line, and how its figures are shown."""

from __future__ import annotations

import pytest

from benchmarks.peers import Peer, table


def test_a_peer_is_named_by_address_and_button() -> None:
    peer = Peer.parse("theirs=http://127.0.0.1:7860/#text=Start talking")
    assert (peer.name, peer.url, peer.button) == ("theirs", "http://127.0.0.1:7860/", "text=Start talking")
    assert Peer.parse("x=https://example.org").button == "button"
    with pytest.raises(ValueError):
        Peer.parse("just a name")


def test_medians_stand_before_the_95th_percentile_and_what_failed_is_named() -> None:
    measured = Peer("ours", "", up=[0.030, 0.031, 0.040], first=[0.010, 0.012, 0.020], later=[0.009], cores=0.031)
    failed = Peer("theirs", "", problem="a tone was not heard")
    text = table([measured, failed])
    assert "| tone → server, ms         | 31.0 / 40.0 | –      |" in text
    assert "| own share of a turn, ms   | 43.0        | –      |" in text
    assert "| % of a core               | 3.1         | –      |" in text
    assert "theirs: a tone was not heard" in text
