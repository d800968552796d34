"""What keys do to peers: ban and lift, sort, and whose connections are shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.ui import messages as msg
from node.ui.model import Screen
from node.ui.rows import ids, peers
from node.ui.view import view
from tests.ui.scenes import NEWS, NOW, PEERS, pressed, scene, text_of, told, typed

GONE = msg.Offline("the node went away", NOW + 3, 4)
CONNECTIONS = tuple(
    replace(peer, number=number, chunks=0, multiaddr=f"{peer.multiaddr}/{number}")
    for number, peer in enumerate((*PEERS, PEERS[0]), start=1)
)
EVERYBODY = replace(NEWS, peers=CONNECTIONS, peers_of=None)


def on_peers(*keys: str, width: int = 80):
    return scene(width, 24, "3", *keys)


def numbers(model) -> list[int]:
    return [peer.number for peer in peers(model)]


def test_a_ban_asks_first_and_names_the_peer():
    model, effects = pressed(on_peers("j"), "b")
    assert not effects
    assert "192.168.1.15" in "\n".join(text_of(view(model)))
    told_more = told(model, replace(NEWS, peers=PEERS[::-1], now=NOW + 9))  # rows may change under the question
    model, effects = pressed(told_more, "y")
    assert effects == [
        msg.Request("ban", (("peer", PEERS[1].peer_id),), "Banned 192.168.1.15; b on its row lifts that")
    ]
    assert model.dialog is None


@pytest.mark.parametrize("key", ["n", "esc", "enter", "b", "backspace", "delete"])
def test_no_other_key_bans_anybody(key):
    model, _ = pressed(on_peers(), "b")
    _, effects = pressed(model, key)
    assert not effects


def test_a_ban_is_lifted_by_the_same_key_at_once():
    model, effects = pressed(on_peers("G"), "b")
    assert effects == [msg.Request("unban", (("peer", PEERS[4].peer_id),), "192.168.1.66 may come back")]
    assert model.dialog is None


def test_of_a_peer_that_the_node_has_banned_itself_it_is_asked_what_becomes():
    flagged = replace(NEWS, peers=(replace(PEERS[0], flags="!b"), *PEERS[1:]))
    model, effects = pressed(told(on_peers(), flagged), "b")
    assert not effects
    text = "\n".join(text_of(view(model)))
    assert "sent wrong data" in text
    assert text_of(view(model))[-1] == " l lift  y ban  n leave"
    _, effects = pressed(model, "l")
    assert effects == [msg.Request("unban", (("peer", PEERS[0].peer_id),), "192.168.1.10 may come back")]
    _, effects = pressed(model, "y")
    assert [effect.method for effect in effects] == ["ban"]
    model, effects = pressed(model, "enter")
    assert (model.dialog, effects) == (None, [])


def test_nobody_is_banned_while_the_node_is_away():
    gone = told(on_peers(), GONE)
    assert pressed(gone, "b", "y")[1] == pressed(told(on_peers("G"), GONE), "b")[1] == []


def test_peers_are_sorted_by_key_command_and_click_and_the_selection_stays():
    model, _ = pressed(on_peers("j"), "s", "4")
    assert numbers(model) == [1, 2, 3, 4, 5]
    model, _ = pressed(model, "s", "4")
    assert numbers(model)[-1] == 1
    assert pressed(model, "y")[1] == [msg.Copy(PEERS[1].peer_id)]
    model, _ = pressed(model, ":", *typed("sort rtt"), "enter")
    assert numbers(model)[0] == 1
    heading = text_of(view(model))[2]
    model = told(model, msg.Mouse("click", heading.index("UP") + 1, 2))
    assert numbers(model)[0] == 3
    assert "UP▾" in text_of(view(model))[2]


def test_two_connections_of_one_peer_are_two_rows():
    model = told(on_peers("a"), EVERYBODY)
    assert len(set(ids(model))) == len(EVERYBODY.peers)
    model, _ = pressed(model, "G")
    assert any(line.startswith(">") and "192.168.1.10" in line for line in text_of(view(model)))
    assert pressed(model, "y")[1] == [msg.Copy(PEERS[0].peer_id)]


def test_flags_client_and_way_are_on_a_wide_screen():
    shown = "\n".join(text_of(view(on_peers(width=160))))
    for words in ("DUI", "C!", "shoal/0.1.0", "tcp", "I interested", "C choked", "evil␛["):
        assert words in shown
    assert "\x1b" not in shown


def test_uploads_and_network_lead_to_peers():
    model, _ = pressed(scene(80, 24, "4"), "p")
    assert (model.screen, model.peers_of) == (Screen.PEERS, NEWS.items[0].cid)
    model, _ = pressed(scene(80, 24, "5"), "a")
    assert (model.screen, model.peers_of) == (Screen.PEERS, None)


def test_the_routing_table_is_refreshed_by_a_key():
    assert pressed(scene(80, 24, "5"), "r")[1] == [msg.Request("refresh", (), "the routing table is refreshed")]
    assert pressed(told(scene(80, 24, "5"), GONE), "r")[1] == [msg.RetryNow()]
