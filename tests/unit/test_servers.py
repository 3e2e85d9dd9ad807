"""Settings become the address and the headers of the right server."""

import argparse

import pytest

from tests.unit.test_settings import NOTHING
from voice_ui import servers
from voice_ui.settings import Settings, read


def settings(offline: bool = False, **environ: str) -> Settings:
    arguments = argparse.Namespace(**vars(NOTHING) | {"offline": offline})
    return read(arguments, environ, {})


def test_without_a_key_the_practice_server_answers_and_says_why_and_what_to_do() -> None:
    chosen = settings()
    assert servers.chosen(chosen) is None
    assert "OPENAI_API_KEY" in servers.notice(chosen)
    assert ".env.local" in servers.notice(chosen)


def test_a_key_of_azure_without_its_endpoint_is_told() -> None:
    assert "AZURE_OPENAI_ENDPOINT is not" in servers.notice(settings(AZURE_OPENAI_API_KEY="0123456789abcdef"))


def test_offline_wins_over_a_key() -> None:
    chosen = settings(offline=True, OPENAI_API_KEY="sk-0123456789abcdef")
    assert servers.chosen(chosen) is None
    assert "--offline" in servers.notice(chosen)


def test_with_a_key_openai_answers() -> None:
    chosen = settings(OPENAI_API_KEY="sk-0123456789abcdef", OPENAI_ORG_ID="org-1", OPENAI_PROJECT_ID="proj_1")
    endpoint = servers.chosen(chosen)
    assert endpoint is not None
    assert endpoint.url == "wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1"
    assert {name: value.reveal() for name, value in endpoint.headers.items()} == {
        "Authorization": "Bearer sk-0123456789abcdef",
        "OpenAI-Organization": "org-1",
        "OpenAI-Project": "proj_1",
    }
    assert "0123456789" not in repr(endpoint)
    assert servers.notice(chosen) == ""


def test_with_a_chat_model_the_server_is_local_and_not_for_practice() -> None:
    chosen = settings(VOICE_UI_CHAT_URL="http://user:secret@localhost:11434/v1")
    assert servers.chosen(chosen) is None
    assert servers.offline("ws://127.0.0.1:1/v1/realtime", chosen).name == "local server"
    assert "localhost:11434 answers" in servers.notice(chosen)
    assert "secret" not in servers.notice(chosen)


def test_who_names_a_chat_server_means_it_although_openais_key_is_there_for_others() -> None:
    key, chat = {"OPENAI_API_KEY": "sk-0123456789abcdef"}, {"VOICE_UI_CHAT_URL": "http://localhost:11434/v1"}
    assert servers.chosen(settings(**key, **chat)) is None
    assert "localhost:11434 answers" in servers.notice(settings(**key, **chat))
    endpoint = servers.chosen(settings(**key, **chat, OPENAI_BASE_URL="http://localhost:8080/v1"))
    assert endpoint and endpoint.name == "localhost", "a realtime server that is named wins"


def test_the_key_that_is_sent_is_the_one_that_is_named() -> None:
    both = {"OPENAI_API_KEY": "sk-0123456789abcdef", "AZURE_OPENAI_API_KEY": "0123456789azure1"}
    azure = "https://r.openai.azure.com"
    for given, name in (
        ({}, "OPENAI_API_KEY"),
        ({"AZURE_OPENAI_ENDPOINT": azure}, "AZURE_OPENAI_API_KEY"),
        ({"OPENAI_BASE_URL": azure}, "AZURE_OPENAI_API_KEY"),
        ({"OPENAI_BASE_URL": "http://localhost:8080/v1"}, "OPENAI_API_KEY"),
    ):
        chosen = settings(**both, **given)
        assert servers.key_source(chosen) == f"{name} (from the environment)"
        endpoint = servers.chosen(chosen)
        assert endpoint and any(both[name] in header.reveal() for header in endpoint.headers.values())
        assert servers.key_in_short(chosen).endswith(f"…{both[name][-4:]}")
    assert servers.key_source(settings()) == servers.key_in_short(settings()) == "none"


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("http://localhost:8000/v1", "ws://localhost:8000/v1/realtime?model=m%2F1"),
        ("wss://host/v1/", "wss://host/v1/realtime?model=m%2F1"),
        ("wss://host/v1/realtime", "wss://host/v1/realtime?model=m%2F1"),
        ("https://host/v1?intent=conversation", "wss://host/v1/realtime?intent=conversation&model=m%2F1"),
    ],
)
def test_any_base_url_becomes_a_websocket_address_and_needs_no_key(base: str, url: str) -> None:
    endpoint = servers.chosen(settings(OPENAI_BASE_URL=base, VOICE_UI_MODEL="m/1"))
    assert endpoint is not None
    assert endpoint.url == url
    assert not endpoint.headers


def test_azure_takes_its_own_header_and_the_deployment_as_model() -> None:
    endpoint = servers.chosen(
        settings(
            AZURE_OPENAI_ENDPOINT="https://mine.openai.azure.com/",
            AZURE_OPENAI_API_KEY="0123456789abcdef",
            VOICE_UI_MODEL="my-deployment",
        )
    )
    assert endpoint is not None
    assert endpoint.url == "wss://mine.openai.azure.com/openai/v1/realtime?model=my-deployment"
    assert [(name, value.reveal()) for name, value in endpoint.headers.items()] == [("api-key", "0123456789abcdef")]


def test_a_configuration_holds_what_the_settings_say_of_hearing() -> None:
    config = servers.config_of(
        settings(
            VOICE_UI_LANGUAGE="de, en",
            VOICE_UI_KEYWORDS="Ada Lovelace, Voice UI,",
            VOICE_UI_TRANSCRIPTION_PROMPT="Ships",
            VOICE_UI_NOISE_REDUCTION="far",
            VOICE_UI_THRESHOLD="0.7",
            VOICE_UI_EAGERNESS="high",
            VOICE_UI_BARGE_IN="never",
            VOICE_UI_MAX_OUTPUT_TOKENS="400",
        )
    )
    assert (config.languages, config.keywords) == (("de", "en"), ("Ada Lovelace", "Voice UI"))
    assert (config.transcription_prompt, config.noise_reduction) == ("Ships", "far_field")
    assert (config.threshold, config.eagerness, config.barge_in) == (0.7, "high", "never")
    assert config.max_output_tokens == 400


@pytest.mark.parametrize(
    ("given", "truncation"),
    [
        ({"OPENAI_API_KEY": "sk-0123456789abcdef"}, {"type": "retention_ratio", "retention_ratio": 0.8}),
        ({"OPENAI_API_KEY": "sk-0123456789abcdef", "VOICE_UI_TRUNCATION": "auto"}, "auto"),
        ({"OPENAI_BASE_URL": "http://localhost:8080/v1"}, None),
        ({"OPENAI_BASE_URL": "http://localhost:8080/v1", "VOICE_UI_TRUNCATION": "0.5"},
         {"type": "retention_ratio", "retention_ratio": 0.5}),
        ({}, None),
    ],
)  # fmt: skip
def test_long_conversations_are_shortened_seldom_at_openai(given: dict[str, str], truncation: object) -> None:
    assert servers.config_of(settings(**given)).truncation == truncation
