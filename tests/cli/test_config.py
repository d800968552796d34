"""Settings: flags over environment over file over defaults, and every mistake named where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from node.config import DEFAULT_LISTEN, SETTINGS, Config, load, parse_file, resolve
from node.errors import StorageError, UsageError
from node.folder import DataFolder, data_folder

ADDRESS = "/ip4/192.0.2.1/tcp/4001"
HOME = DataFolder(Path("/data"))


def resolved(flags=None, environ=None, table=None) -> Config:
    return resolve(HOME, flags or {}, environ or {}, table or {})


def test_defaults():
    config = resolved()
    assert config.listen == DEFAULT_LISTEN
    assert (config.bootstrap, config.network, config.log_level) == ((), "/shoal", "info")
    assert not config.json


def test_flags_win_over_environment_over_file_over_defaults():
    table = {"bootstrap": ["/ip4/192.0.2.3/tcp/3"]}
    environ = {"SHOAL_BOOTSTRAP": " /ip4/192.0.2.2/tcp/2 , /dnsaddr/example.org,"}
    assert resolved(table=table).bootstrap == ("/ip4/192.0.2.3/tcp/3",)
    assert resolved(environ=environ, table=table).bootstrap == ("/ip4/192.0.2.2/tcp/2", "/dnsaddr/example.org")
    assert resolved({"bootstrap": [ADDRESS]}, environ, table).bootstrap == (ADDRESS,)
    assert resolved({"bootstrap": None}, {"SHOAL_BOOTSTRAP": ""}, table).bootstrap == ("/ip4/192.0.2.3/tcp/3",)


def test_every_setting_can_stand_in_the_file():
    text = f"""
        listen = ["{ADDRESS}"]
        bootstrap = []
        network = "ipfs"
        max_connections = 7
        mdns = false
        catalogue = false
        log_level = "debug"
    """
    table = parse_file(text, "config.toml")
    assert set(table) == set(SETTINGS)
    config = resolved(table=table)
    assert (config.listen, config.bootstrap, config.network) == ((ADDRESS,), (), "/ipfs")
    assert (config.max_connections, config.mdns, config.catalogue) == (7, False, False)
    assert config.log_level == "debug"


def test_a_catalogue_is_published_unless_somebody_says_no():
    assert resolved().catalogue
    assert not resolved({"catalogue": False}).catalogue
    assert not resolved(environ={"SHOAL_CATALOGUE": "off"}).catalogue


def test_mdns_is_on_unless_somebody_says_no():
    assert resolved().mdns
    assert not resolved({"mdns": False}, {"SHOAL_MDNS": "1"}).mdns
    assert resolved({"mdns": None}, {"SHOAL_MDNS": "on"}, {"mdns": False}).mdns
    for word in ("0", "false", "OFF"):
        assert not resolved(environ={"SHOAL_MDNS": word}).mdns
    with pytest.raises(UsageError, match=r"SHOAL_MDNS takes true or false.*'maybe'"):
        resolved(environ={"SHOAL_MDNS": "maybe"})
    with pytest.raises(UsageError, match="mdns takes true or false"):
        resolved(table={"mdns": 1})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("listen = [", "isn't TOML"),
        ("lisen = []", "no setting 'lisen'.*listen"),
        ("[section]\nkey = 1", "no setting 'section'"),
    ],
)
def test_a_broken_file_is_named(text, complaint):
    with pytest.raises(UsageError, match=f"/data/config.toml.*{complaint}"):
        parse_file(text, "/data/config.toml")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("listen", ADDRESS),
        ("listen", [4001]),
        ("listen", ["192.0.2.1:4001"]),
        ("listen", ["/ip4/192.0.2.1 /tcp/1"]),
        ("bootstrap", [""]),
        ("network", "my network"),
        ("network", ""),
        ("network", 5),
        ("max_connections", 0),
        ("max_connections", True),
        ("max_connections", "many"),
        ("log_level", "loud"),
    ],
)
def test_a_wrong_value_is_a_usage_error_that_names_its_setting(name, value):
    with pytest.raises(UsageError, match=f"/data/config.toml: {name}"):
        resolved(table={name: value})
    with pytest.raises(UsageError, match="--" + name.replace("_", "-")):
        resolved({name: value})


def test_the_environment_is_named_too():
    with pytest.raises(UsageError, match=r"SHOAL_BOOTSTRAP: 'nowhere'"):
        resolved(environ={"SHOAL_BOOTSTRAP": "nowhere"})


@pytest.mark.parametrize(
    ("network", "prefix"), [("shoal", "/shoal"), ("ipfs", "/ipfs"), ("/my/net-1.0", "/my/net-1.0")]
)
def test_a_network_is_a_prefix(network, prefix):
    assert resolved({"network": network}).network == prefix


@pytest.mark.parametrize(
    ("flag", "environ", "home"),
    [
        ("/flag", {"SHOAL_HOME": "/environment"}, "/flag"),
        (None, {"SHOAL_HOME": "/environment", "XDG_DATA_HOME": "/xdg"}, "/environment"),
        (None, {"XDG_DATA_HOME": "/xdg"}, "/xdg/shoal"),
        (None, {"XDG_DATA_HOME": "relative"}, "~/.local/share/shoal"),
        (None, {}, "~/.local/share/shoal"),
        ("relative", {}, "relative"),
    ],
)
def test_where_the_data_folder_is(flag, environ, home):
    assert data_folder(flag, environ).path == Path(home).expanduser().absolute()


def test_what_is_in_the_data_folder():
    names = [path.name for path in (HOME.key, HOME.database, HOME.socket, HOME.lock, HOME.log, HOME.config)]
    assert names == ["identity.key", "state.db", "control.sock", "lock", "shoal.log", "config.toml"]


def test_loading_reads_the_file_of_the_chosen_folder(tmp_path):
    (tmp_path / "config.toml").write_text('network = "ipfs"\n')
    assert load({"home": str(tmp_path)}, {}).network == "/ipfs"
    assert load({}, {"SHOAL_HOME": str(tmp_path)}).network == "/ipfs"
    assert load({"home": str(tmp_path / "other")}, {}).network == "/shoal"


def test_an_unreadable_file_is_a_sentence(tmp_path):
    (tmp_path / "config.toml").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="isn't UTF-8"):
        load({"home": str(tmp_path)}, {})
    (tmp_path / "config.toml").unlink()
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(StorageError, match="cannot read"):
        load({"home": str(tmp_path)}, {})
