"""`interop/vectors/links.json`: links written by hand from MANIFEST.md, section 8.

Nothing here uses the code under test; `test_link.py` reads the file. Run as a script, this one writes it.
"""

from __future__ import annotations

import json
from pathlib import Path

VECTORS = Path(__file__).parents[2] / "interop" / "vectors" / "links.json"

CID = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua"  # the dag-cbor specification's {}
CID_UPPER = CID.upper()
CID_RAW = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
CID_DAG_PB = "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"
ID = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"
IP4 = f"/ip4/192.0.2.1/tcp/4001/p2p/{ID}"
IP6 = f"/ip6/2001:db8::1/udp/4001/quic-v1/p2p/{ID}"
RELAYED = f"/dns4/relay.example/tcp/443/wss/p2p/{ID}/p2p-circuit/p2p/{ID}"


def good(what, query, *, name=None, size=None, peers=(), written=None, start="shoal:", cid=CID):
    """One link, what it says, and how a writer spells the same; `written` is its query where that differs."""
    spelled = query if written is None else written
    return {
        "what": what,
        "link": f"{start}{cid}{query}",
        "cid": CID,
        "name": name,
        "size": size,
        "peers": list(peers),
        "written": f"shoal:{CID}{spelled}",
    }


def good_links():
    everything = f"?name=linux.iso&size=2500000000&peer={IP4}&peer={IP6}&peer={RELAYED}"
    return [
        good("a bare CID", ""),
        good("everything", everything, name="linux.iso", size=2_500_000_000, peers=[IP4, IP6, RELAYED]),
        good("other order", f"?peer={IP4}&size=1&name=a", name="a", size=1, peers=[IP4],
             written=f"?name=a&size=1&peer={IP4}"),
        good("no bytes", "?size=0", size=0),
        good("the largest size", "?size=35184372088832", size=2**45),
        good("a blank is %20", "?name=two%20words", name="two words"),
        good("a plus is a plus", "?name=a+b", name="a+b", written="?name=a%2Bb"),
        good("what has a meaning in links", "?name=%25%26%3D%3F%23%2B", name="%&=?#+"),
        good("decoded once", "?name=%2525", name="%25"),
        good("an equals sign in a value", "?name=a=b", name="a=b", written="?name=a%3Db"),
        good("lower-case escapes", "?name=%c3%a9", name="é", written="?name=%C3%A9"),
        good("needless escapes", "?%6Eame=x&name=%61", name="a", written="?name=a"),
        good("an escaped key is not decoded", "?x%FF=a&nam%65=b&name=c", name="c", written="?name=c"),
        good("not composed", "?name=e%CC%81", name="e\u0301"),
        good("control and bidi characters are data", "?name=a%0A%E2%80%AEb", name="a\n\u202eb"),
        good("unreserved characters", "?name=-._~", name="-._~"),
        good("a peer with everything escaped", "?peer=%2Fip4%2F192.0.2.1%2Ftcp%2F4001%2Fp2p%2F" + ID, peers=[IP4],
             written=f"?peer={IP4}"),
        good("a peer id alone", f"?peer=/p2p/{ID}", peers=[f"/p2p/{ID}"]),
        good("a peer twice", f"?peer={IP4}&peer={IP6}&peer={IP4}", peers=[IP4, IP6],
             written=f"?peer={IP4}&peer={IP6}"),
        good("sixteen peers", "?" + "&".join(f"peer=/p2p/{ID}{n}" for n in range(16)),
             peers=[f"/p2p/{ID}{n}" for n in range(16)]),
        good("unknown keys", "?v=2&name=a&exact=&flag&&=x&NAME=b", name="a", written="?name=a"),
        good("an empty query", "?", written=""),
        good("no key", "?=name", written=""),
        good("upper-case scheme", "", start="SHOAL:"),
        good("upper-case CID", "", cid=CID_UPPER),
    ]  # fmt: skip


def bad_links():
    link = f"shoal:{CID}"
    return {
        "no text": "",
        "no scheme": CID,
        "another scheme": f"ipfs:{CID}",
        "no CID": "shoal:",
        "only a query": "shoal:?name=a",
        "slashes": f"shoal://{CID}",
        "a blank before": f" {link}",
        "a line end": f"{link}\n",
        "a CID of a raw block": f"shoal:{CID_RAW}",
        "a CID of an IPFS root": f"shoal:{CID_DAG_PB}",
        "a CID cut off": link[:-1],
        "a CID escaped": f"shoal:%62{CID[1:]}",
        "a fragment": f"{link}#name",
        "a letter that is not ASCII": f"{link}?name=é",
        "a blank in a value": f"{link}?name=a b",
        "a lone percent sign": f"{link}?name=100%",
        "a percent sign and one digit": f"{link}?name=%2",
        "a percent sign and other letters": f"{link}?name=%zz",
        "a bad escape under an unknown key": f"{link}?x=%zz",
        "a bad escape in a key": f"{link}?x%=1",
        "a bad escape in a key without a value": f"{link}?100%",
        "not UTF-8": f"{link}?name=%FF",
        "not UTF-8 under an unknown key": f"{link}?x=%FF",
        "a surrogate": f"{link}?name=%ED%A0%80",
        "no name": f"{link}?name=",
        "no name, no equals sign": f"{link}?name",
        "two names": f"{link}?name=a&name=a",
        "a name '..'": f"{link}?name=..",
        "a name with a slash": f"{link}?name=a/b",
        "a name with an escaped slash": f"{link}?name=a%2Fb",
        "a name with NUL": f"{link}?name=a%00",
        "a name of 256 bytes": f"{link}?name=" + "%C3%A9" * 128,
        "two sizes": f"{link}?size=1&size=1",
        "no size": f"{link}?size=",
        "a negative size": f"{link}?size=-1",
        "a size with a plus": f"{link}?size=+1",
        "a size with a leading zero": f"{link}?size=01",
        "a size in hex": f"{link}?size=0x10",
        "a size with a point": f"{link}?size=1.5",
        "a size with an underscore": f"{link}?size=1_000",
        "a size in Arabic digits": f"{link}?size=%D9%A1",
        "a size no share can have": f"{link}?size=35184372088833",
        "a size of a thousand digits": f"{link}?size=" + "9" * 1000,
        "seventeen peers": f"{link}?" + "&".join(f"peer=/p2p/{ID}{n}" for n in range(17)),
        "an empty peer": f"{link}?peer=",
        "a peer id without /p2p/": f"{link}?peer={ID}",
        "a peer without a slash before": f"{link}?peer=ip4/192.0.2.1/p2p/{ID}",
        "a peer without an id": f"{link}?peer=/ip4/192.0.2.1/tcp/4001",
        "a peer with an empty id": f"{link}?peer=/ip4/192.0.2.1/tcp/4001/p2p/",
        "a peer with a blank": f"{link}?peer=/ip4/192.0.2.1%20/p2p/{ID}",
        "a peer with a line end": f"{link}?peer=/p2p/{ID}%0A",
        "4,097 characters once a plus is escaped": f"{link}?peer=/p2p/{ID}" + "+" * 1323,
        "4,097 characters": f"{link}?x=" + "y" * (4097 - len(link) - 3),
    }


def build():
    return {
        "about": "Links: MANIFEST.md, section 8. 'written' is the one spelling a writer gives what 'link' says.",
        "good": good_links(),
        "bad": [{"why": why, "link": link} for why, link in bad_links().items()],
    }


def test_the_file_holds_what_the_page_says():
    assert json.loads(VECTORS.read_text()) == build()


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(build(), indent=1, ensure_ascii=True) + "\n")
