"""Settings: who wins, what is allowed, and that the example file tells the truth."""

import argparse
import os
import re
from pathlib import Path

import pytest

from voice_ui.errors import SettingsError
from voice_ui.settings import OPTIONS, SETTINGS, Secret, Settings, check_serving, load, read, sources

ROOT = Path(__file__).parents[2]
NOTHING = argparse.Namespace(**dict.fromkeys(OPTIONS.values()), no_open=False, offline=False)


def test_the_environment_wins_over_the_file_and_both_over_the_default() -> None:
    settings = read(NOTHING, {"VOICE_UI_PORT": "1234"}, {"VOICE_UI_PORT": "99", "VOICE_UI_LANGUAGE": "de"})
    assert (settings.port, settings.languages, settings.host) == (1234, ("de",), "127.0.0.1")
    assert settings.sources == {"VOICE_UI_PORT": "the environment", "VOICE_UI_LANGUAGE": ".env.local"}


def test_the_command_line_wins_over_everything() -> None:
    arguments = argparse.Namespace(**{**vars(NOTHING), "host": "::1", "port": "81", "no_open": True, "offline": True})
    settings = read(arguments, {"VOICE_UI_PORT": "1234", "VOICE_UI_HOST": "0.0.0.0"}, {})
    assert (settings.host, settings.port, settings.open_browser, settings.offline) == ("::1", 81, False, True)


def test_a_setting_that_is_set_but_empty_is_not_set() -> None:
    assert read(NOTHING, {"OPENAI_API_KEY": " "}, {"OPENAI_API_KEY": None}).openai_api_key is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VOICE_UI_PORT", "eighty"),
        ("VOICE_UI_PORT", "70000"),
        ("VOICE_UI_SILENCE_MS", "1"),
        ("VOICE_UI_THRESHOLD", "2"),
        ("VOICE_UI_EAGERNESS", "very"),
        ("VOICE_UI_BARGE_IN", "sometimes"),
        ("VOICE_UI_LANGUAGE", "de, Klingon"),
        ("VOICE_UI_KEYWORDS", ", ,"),
        ("VOICE_UI_KEYWORDS", "x" * 101),
        ("VOICE_UI_TRANSCRIPTION_PROMPT", "x" * 1001),
        ("VOICE_UI_NOISE_REDUCTION", "loud"),
        ("VOICE_UI_MAX_OUTPUT_TOKENS", "0"),
        ("VOICE_UI_TRUNCATION", "0.05"),
        ("VOICE_UI_MAX_COST", "nan"),
        ("VOICE_UI_TURN_DETECTION", "telepathy"),
        ("OPENAI_BASE_URL", "api.openai.com"),
        ("VOICE_UI_TRANSPORT", "carrier pigeon"),
        ("OPENAI_ORG_ID", "org\nInjected: header"),
        ("VOICE_UI_SHARE", "maybe"),
        ("VOICE_UI_LANGUAGE", "english"),
        ("VOICE_UI_CERT", "/no/such/file.pem"),
        ("VOICE_UI_CERT", "~no-such-user/file.pem"),
        ("VOICE_UI_TOOLS", "c" * 300),
        ("VOICE_UI_BEHIND_PROXY", "proxy.example"),
        ("VOICE_UI_BEHIND_PROXY", "10.0.0.0/33"),
        ("VOICE_UI_BEHIND_PROXY", "10.0.0.1,"),
        ("VOICE_UI_ACCESS_CODE", "short"),
        ("VOICE_UI_ACCESS_CODE", "pass word!"),
        ("VOICE_UI_FRAME_ANCESTORS", "example.com; script-src *"),
        ("VOICE_UI_FRAME_ANCESTORS", "javascript:"),
        ("OPENAI_BASE_URL", "https://h:port/v1"),
        ("OPENAI_BASE_URL", "https://h/v1 x"),
        ("OLLAMA_HOST", "ws://localhost"),
        ("OLLAMA_HOST", "a b"),
        ("VOICE_UI_CHAT_URL", "ws://localhost:11434/v1"),
        ("PORT", "http"),
    ],
)
def test_a_bad_value_is_one_line_that_names_setting_source_and_what_is_allowed(name: str, value: str) -> None:
    known = {"PORT": "VOICE_UI_PORT"}.get(name, name)
    allowed = next(setting.kind.allowed for setting in SETTINGS if setting.name == known)
    with pytest.raises(SettingsError) as caught:
        read(NOTHING, {name: value}, {})
    message = str(caught.value)
    assert name in message and "the environment" in message and allowed in message
    assert "\n" not in message


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "voice.example"])
def test_without_share_only_this_machine_is_served(host: str) -> None:
    with pytest.raises(SettingsError, match="--share"):
        check_serving(read(NOTHING, {"VOICE_UI_HOST": host}, {}))
    assert read(NOTHING, {"VOICE_UI_HOST": host, "VOICE_UI_SHARE": "yes"}, {}).host == host


def test_a_key_without_its_certificate_is_an_error(tmp_path: Path) -> None:
    (key := tmp_path / "key.pem").touch()
    with pytest.raises(SettingsError, match="--cert"):
        check_serving(read(NOTHING, {"VOICE_UI_CERT_KEY": str(key)}, {}))


@pytest.mark.parametrize("line", ["this is nonsense", "sk-proj-0123456789abcdef", "= value", "VOICE_UI_PORT"])
def test_a_line_of_the_file_that_is_no_setting_is_named_by_its_number_and_not_repeated(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env.local").write_text(f"# a remark\n\n{line}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"^\.env\.local line 3 is not a setting; allowed: NAME=value$"):
        load([])


def test_a_name_with_a_slip_in_it_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(
        SettingsError, match=r"VOICE_UI_PROT \(from \.env\.local\) is not a setting; did you mean VOICE_UI_PORT\?"
    ):
        read(NOTHING, {}, {"VOICE_UI_PROT": "9000"})


def test_a_wrong_value_on_the_command_line_is_named_as_it_was_typed() -> None:
    arguments = argparse.Namespace(**vars(NOTHING) | {"port": "abc"})
    with pytest.raises(SettingsError, match=r"^--port cannot be 'abc'"):
        read(arguments, {}, {})


def test_all_that_is_wrong_is_told_at_once_a_line_each() -> None:
    arguments = argparse.Namespace(**vars(NOTHING) | {"port": "abc"})
    with pytest.raises(SettingsError) as caught:
        read(arguments, {"VOICE_UI_MODLE": "gpt-realtime-2.1"}, {"VOICE_UI_SHARE": "maybe"})
    first_words = [line.split()[0] for line in str(caught.value).splitlines()]
    assert first_words == ["VOICE_UI_MODLE", "--port", "VOICE_UI_SHARE"]


def test_all_lines_of_the_file_that_are_none_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env.local").write_text("nonsense\nVOICE_UI_PORT=81\nmore nonsense\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load([])
    assert re.findall(r"line (\d+)", str(caught.value)) == ["1", "3"]


def test_a_bad_key_is_not_repeated_in_the_error() -> None:
    with pytest.raises(SettingsError) as caught:
        read(NOTHING, {}, {"OPENAI_API_KEY": "sk-with a space"})
    assert "sk-with" not in str(caught.value)


def test_a_key_does_not_show_itself() -> None:
    settings = read(NOTHING, {"OPENAI_API_KEY": "sk-proj-0123456789abcdef"}, {})
    for text in (repr(settings), str(settings), f"{settings.openai_api_key}", repr(Secret("short"))):
        assert "0123456789" not in text and "short" not in text
    assert settings.openai_api_key is not None
    assert settings.openai_api_key.reveal() == "sk-proj-0123456789abcdef"


def test_the_example_file_documents_every_setting_with_its_default() -> None:
    text = (ROOT / ".env.local.example").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^#([A-Z_]+)=(.*)$", text, re.MULTILINE))
    assert documented.keys() == {setting.name for setting in SETTINGS}
    fallback = {setting.name: str(setting.default or "") for setting in SETTINGS}
    fallback["AZURE_OPENAI_ENDPOINT"] = "https://RESOURCE.openai.azure.com"  # there is no default to show
    assert documented == fallback


def test_the_example_file_as_it_is_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", {})
    (tmp_path / ".env.local").write_text((ROOT / ".env.local.example").read_text(encoding="utf-8"), encoding="utf-8")
    assert load([]) == read(NOTHING, {}, {})


def test_the_file_may_lie_beside_the_program_or_in_the_working_folder_which_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (sources.PROJECT / "main.py").is_file()
    monkeypatch.setattr(sources, "PROJECT", tmp_path / "program")
    monkeypatch.setattr(os, "environ", {})
    for folder in ("program", "work"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for folder, port in (("program", 81), ("work", 82)):
        (tmp_path / folder / ".env.local").write_text(f"VOICE_UI_PORT={port}\n", encoding="utf-8")
        assert load([]).port == port


def test_a_dollar_sign_in_the_file_is_a_dollar_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", {})
    (tmp_path / ".env.local").write_text("OPENAI_API_KEY=sk-${HOME}-1234567890\n", encoding="utf-8")
    settings: Settings = load([])
    assert settings.openai_api_key is not None
    assert settings.openai_api_key.reveal() == "sk-${HOME}-1234567890"


def test_a_platform_says_where_to_listen() -> None:
    settings = read(NOTHING, {"PORT": "5000"}, {})
    assert (settings.port, settings.host) == (5000, "127.0.0.1")
    assert "PORT" in settings.sources["VOICE_UI_PORT"]
    shared = {"PORT": "5000", "VOICE_UI_SHARE": "yes", "VOICE_UI_BEHIND_PROXY": "*"}
    for host, expected in (("", "0.0.0.0"), ("::", "::"), ("laptop", "0.0.0.0"), ("10.0.0.7", "10.0.0.7")):
        assert read(NOTHING, {**shared, "HOST": host}, {}).host == expected
    assert read(NOTHING, {**shared, "VOICE_UI_HOST": "127.0.0.1"}, {}).host == "127.0.0.1"
    assert read(NOTHING, {"PORT": "5000", "VOICE_UI_PORT": "81"}, {}).port == 81
    assert read(NOTHING, {"HOST": "laptop"}, {}).host == "127.0.0.1"


def test_what_kubernetes_says_of_a_service_named_like_us_is_not_ours() -> None:
    environ = {
        "VOICE_UI_PORT": "tcp://10.3.1.2:8080",
        "VOICE_UI_SERVICE_HOST": "10.3.1.2",
        "VOICE_UI_SERVICE_PORT": "8080",
        "VOICE_UI_SERVICE_PORT_HTTP": "8080",
        "VOICE_UI_PORT_8080_TCP": "tcp://10.3.1.2:8080",
        "VOICE_UI_PORT_8080_TCP_ADDR": "10.3.1.2",
    }
    assert read(NOTHING, environ, {}) == read(NOTHING, {}, {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_BASE_URL", "ftp://me:hunter2hunter2@host/v1"),
        ("OPENAI_BASE_URL", "me:hunter2hunter2@host/v1"),
        ("OPENAI_BASE_URL", "host/v1?api_key=hunter2hunter2"),
        ("VOICE_UI_ACCESS_CODE", "hunter2hunter2!"),
    ],
)
def test_a_bad_value_that_may_hold_a_secret_is_not_repeated(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(NOTHING, {name: value}, {})
    assert name in str(caught.value) and "hunter2" not in str(caught.value)


def test_the_file_may_begin_with_a_byte_order_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", {})
    (tmp_path / ".env.local").write_text("VOICE_UI_PORT=81\n", encoding="utf-8-sig")
    assert load([]).port == 81


def test_a_code_may_be_written_in_groups() -> None:
    shared = {"VOICE_UI_SHARE": "yes", "VOICE_UI_ACCESS_CODE": "abcd-efgh 1234"}
    assert read(NOTHING, shared, {}).access_code == "ABCDEFGH1234"


@pytest.mark.parametrize(
    ("alone", "allowed"),
    [({"VOICE_UI_BEHIND_PROXY": "10.0.0.1"}, "--share"), ({"VOICE_UI_MAX_COST_PER_VISITOR": "1"}, "--share"),
     ({"VOICE_UI_CHAT_MODEL": "llama3"}, "VOICE_UI_CHAT_URL"), ({"VOICE_UI_HOST": "0.0.0.0"}, "--share")],
)  # fmt: skip
def test_what_has_no_effect_alone_stops_the_page_and_no_other_program(alone: dict[str, str], allowed: str) -> None:
    settings = read(NOTHING, {}, alone)
    with pytest.raises(SettingsError, match=rf"^{next(iter(alone))} \(from \.env\.local\) .*{allowed}"):
        check_serving(settings)
    check_serving(read(NOTHING, {}, {**alone, "VOICE_UI_SHARE": "yes", "VOICE_UI_CHAT_URL": "http://localhost/v1"}))


def test_a_code_waits_in_the_file_for_the_next_share_and_a_certificate_on_the_command_line_does_not(
    tmp_path: Path,
) -> None:
    check_serving(read(NOTHING, {}, {"VOICE_UI_ACCESS_CODE": "abcdefgh"}))
    (cert := tmp_path / "cert.pem").touch()
    check_serving(read(NOTHING, {}, {"VOICE_UI_CERT": str(cert)}))
    with pytest.raises(SettingsError, match="^--cert has no effect"):
        check_serving(read(argparse.Namespace(**{**vars(NOTHING), "cert": str(cert)}), {}, {}))


@pytest.mark.parametrize(
    ("name", "written", "meant"),
    [("OLLAMA_HOST", "::1", "http://[::1]:11434"), ("OLLAMA_HOST", "[::1]:80", "http://[::1]:80"),
     ("VOICE_UI_HOST", "LOCALHOST", "localhost"), ("VOICE_UI_HOST", "[::1]", "::1"),
     ("VOICE_UI_EAGERNESS", "medium", "auto")],
)  # fmt: skip
def test_other_spellings(name: str, written: str, meant: str) -> None:
    settings = read(NOTHING, {name: written}, {})
    assert getattr(settings, next(one.field for one in SETTINGS if one.name == name)) == meant
    check_serving(settings)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("https://huggingface.co, https://*.hf.space", "https://huggingface.co https://*.hf.space"), ("*", "*"),
     ("http://localhost:3000", "http://localhost:3000"), ("'self'", "'self'")],
)  # fmt: skip
def test_sites_that_may_show_the_page_are_written_as_in_a_policy(written: str, meant: str) -> None:
    assert read(NOTHING, {"VOICE_UI_FRAME_ANCESTORS": written}, {}).frame_ancestors == meant


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("0.0.0.0", "http://127.0.0.1:11434"),
        (":11500", "http://localhost:11500"),
        ("gpu-box:8000", "http://gpu-box:8000"),
        ("https://ollama.example", "https://ollama.example:443"),
        ("[::]:11434", "http://[::1]:11434"),
    ],
)
def test_the_address_of_ollama_is_read_as_its_own_clients_do(value: str, address: str) -> None:
    assert read(NOTHING, {"OLLAMA_HOST": value}, {}).ollama_host == address
