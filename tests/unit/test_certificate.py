"""The certificate of `--share`: made once, kept private, used until it no longer fits."""

import ssl
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from voice_ui.errors import SettingsError
from voice_ui.sharing import certificate

NAMES = ["localhost", "laptop.local", "192.0.2.2"]


def test_it_is_for_these_names_and_nobody_else_reads_its_key(tmp_path: Path) -> None:
    path = certificate.own(tmp_path / "state", NAMES)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"PRIVATE KEY" in path.read_bytes()
    assert certificate.names_in(path) == NAMES
    assert isinstance(certificate.context(path), ssl.SSLContext)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_it_is_used_again_until_the_addresses_change(tmp_path: Path) -> None:
    first = certificate.own(tmp_path, NAMES).read_bytes()
    assert certificate.own(tmp_path, NAMES).read_bytes() == first
    assert certificate.own(tmp_path, NAMES[:2]).read_bytes() == first
    moved = certificate.own(tmp_path, [*NAMES, "192.0.2.3"])
    assert moved.read_bytes() != first and "192.0.2.3" in certificate.names_in(moved)


def test_it_is_made_anew_before_it_expires(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(certificate, "VALID", certificate.RENEWED + timedelta(days=0.5))
        old = certificate.own(tmp_path, NAMES).read_bytes()
    assert certificate.own(tmp_path, NAMES).read_bytes() != old


@pytest.mark.parametrize("broken", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"])
def test_a_broken_one_is_replaced(tmp_path: Path, broken: bytes) -> None:
    (tmp_path / "certificate.pem").write_bytes(broken)
    assert certificate.names_in(certificate.own(tmp_path, NAMES)) == NAMES


def test_one_that_others_could_read_is_replaced(tmp_path: Path) -> None:
    path = certificate.own(tmp_path, NAMES)
    before = path.read_bytes()
    path.chmod(0o644)
    assert certificate.own(tmp_path, NAMES).read_bytes() != before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_files_of_ones_own_that_do_not_go_together_are_one_line(tmp_path: Path) -> None:
    mine, other = certificate.own(tmp_path / "a", NAMES), certificate.own(tmp_path / "b", NAMES)
    (only := tmp_path / "only.pem").write_bytes(mine.read_bytes()[mine.read_bytes().index(b"-----BEGIN CERT") :])
    (nonsense := tmp_path / "nonsense.pem").write_bytes(b"nonsense")
    for cert, key in ((only, None), (only, other), (nonsense, None)):
        with pytest.raises(SettingsError) as caught:
            certificate.context(cert, key)
        assert cert.name in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(SettingsError, match=r"nonsense\.pem"):
        certificate.names_in(nonsense)
    assert certificate.context(only, mine)
