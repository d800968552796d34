"""Two daemons in one LAN find each other by mDNS, with no address named: search, and fetch what was found.

Rules: the LAN is a network namespace of the test's own with nothing in it but loopback, so nothing is said to a real
one. Where the system doesn't let an ordinary user make one, this is skipped with a line that says so;
`tests/net/test_mdns_lan.py` sends the same packets everywhere.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.daemons import await_that

pytestmark = pytest.mark.slow

LAN = "10.77.0.1"
NAMESPACE = ("unshare", "--user", "--map-root-user", "--net")

MAKE_LAN = f"""
import fcntl, socket, struct, sys
SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFFLAGS = 0x8916, 0x891C, 0x8914
UP, LOOPBACK, RUNNING, MULTICAST = 0x1, 0x8, 0x40, 0x1000
control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def address(name, request, ip):
    inet = struct.pack("!HH4s8x", 0, 0, socket.inet_aton(ip))
    inet = struct.pack("=H", socket.AF_INET) + inet[2:]
    fcntl.ioctl(control, request, struct.pack("16s16s", name, inet))
fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", UP | LOOPBACK | RUNNING | MULTICAST))
address(b"lo:0", SIOCSIFADDR, "{LAN}")
address(b"lo:0", SIOCSIFNETMASK, "255.255.255.0")
print("up", flush=True)
sys.stdin.read()
"""
"""A second address on loopback, which a node takes for one of a LAN; `ip`, which could do it, may not be installed."""


@pytest.fixture
def lan() -> Iterator[tuple[str, ...]]:
    """What to put before a command so that it runs in a LAN of its own."""
    command = [*NAMESPACE, sys.executable, "-c", MAKE_LAN]
    try:
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError:
        pytest.skip("unshare isn't here: no network of its own for a test")
    with holder:
        if holder.stdout.readline() != b"up\n":
            why = holder.stderr.read().decode().strip()
            assert "unshare" in why, why  # the namespace was refused; anything else is a fault of this test
            pytest.skip(f"this user may not make a network: {why}")
        yield "nsenter", "--target", str(holder.pid), "--user", "--net", "--preserve-credentials"
        holder.stdin.close()


def test_neighbours_need_no_address(start, lan, tmp_path):
    options = {"options": ("--listen", f"/ip4/{LAN}/tcp/0"), "environment": {"SHOAL_MDNS": "1"}, "within": lan}
    alice, bob = (start(name, **options) for name in ("alice", "bob"))
    deaf = start("deaf", **options | {"environment": {"SHOAL_MDNS": "0"}})
    ids = [daemon.await_ready()["peer_id"] for daemon in (alice, bob, deaf)]
    await_that(lambda: ids[1] in peers(alice), "alice has found bob")
    assert ids[0] in peers(bob)

    shared = tmp_path / "wombat.txt"
    shared.write_text("nobody has told anybody an address\n")
    alice.ask("share", shared)
    await_that(lambda: bob.run("search", "wombat", "--peers").returncode == 0, "bob finds what alice shares")
    target = tmp_path / "fetched"
    target.mkdir()
    bob.ask("get", "s1", "-o", target)
    assert (target / shared.name).read_bytes() == shared.read_bytes()
    assert not peers(deaf)


def peers(daemon):
    return {row["peer_id"] for row in daemon.ask_all("peers")}
