"""Any address that a portal or an example shows leads to the right endpoint."""

from __future__ import annotations

import pytest

from tests.unit.test_servers import settings
from voice_ui import models, servers
from voice_ui.protocol import Dialect
from voice_ui.servers import Endpoint

AZURE = "https://mine.openai.azure.com"
DEFAULT = models.DEFAULT
AZURE_GA = "wss://mine.openai.azure.com/openai/v1/realtime?model="


@pytest.mark.parametrize(
    ("pasted", "url"),
    [
        (AZURE, AZURE_GA + DEFAULT),
        (f"{AZURE}/openai/", AZURE_GA + DEFAULT),
        (f"{AZURE}/openai/v1/", AZURE_GA + DEFAULT),
        # What the portal calls "Target URI".
        (f"{AZURE}/openai/realtime?api-version=2024-10-01-preview&deployment=talk", AZURE_GA + "talk"),
        (f"{AZURE}/openai/realtime/?deployment=talk&api-version=2025-04-01-preview", AZURE_GA + "talk"),
        ("wss://mine.openai.azure.com/openai/v1/realtime?model=talk", AZURE_GA + "talk"),
        (f"{AZURE}/openai/v1/realtime/calls?model=talk#top", AZURE_GA + "talk"),
        (f"{AZURE}/openai/deployments/talk%201/chat/completions?api-version=1", AZURE_GA + "talk%201"),
        ("HTTPS://it.openai.azure.us:443/openai", "wss://it.openai.azure.us:443/openai/v1/realtime?model=" + DEFAULT),
        (
            "https://mine.services.ai.azure.com/api/projects/first",
            "wss://mine.services.ai.azure.com/openai/v1/realtime?model=" + DEFAULT,
        ),
        (
            "https://gateway.example/team/openai/realtime?deployment=talk",
            "wss://gateway.example/team/openai/v1/realtime?model=talk",
        ),
    ],
)  # fmt: skip
def test_any_address_of_azures_portal_leads_to_the_deployment(pasted: str, url: str) -> None:
    endpoint = servers.chosen(settings(AZURE_OPENAI_ENDPOINT=pasted, AZURE_OPENAI_API_KEY="0123456789abcdef"))
    assert endpoint is not None
    assert endpoint.url == url
    assert endpoint.url.endswith(f"={endpoint.model.replace(' ', '%20')}")
    assert endpoint.dialect is Dialect.GA


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/realtime", "/openai/v1", ""])
def test_a_path_that_is_usual_elsewhere_is_no_part_of_azures_address(path: str) -> None:
    endpoint = Endpoint.azure(f"https://r.openai.azure.com{path}", "my-deployment", "key")
    assert endpoint.url == "wss://r.openai.azure.com/openai/v1/realtime?model=my-deployment"


def test_the_beta_address_keeps_the_api_version_that_was_pasted() -> None:
    pasted = f"{AZURE}/openai/realtime?api-version=2024-10-01-preview&deployment=talk"
    for address, version in ((pasted, "2024-10-01-preview"), (AZURE, "2025-04-01-preview")):
        endpoint = servers.chosen(
            settings(AZURE_OPENAI_ENDPOINT=address, AZURE_OPENAI_API_KEY="0123456789abcdef", VOICE_UI_DIALECT="beta")
        )
        assert endpoint is not None
        assert endpoint.url == (
            f"wss://mine.openai.azure.com/openai/realtime?api-version={version}&deployment={endpoint.model}"
        )


def test_a_key_in_an_azure_address_is_sent_as_a_header_and_not_shown() -> None:
    endpoint = servers.chosen(settings(AZURE_OPENAI_ENDPOINT=f"{AZURE}/?api-key=0123456789abcdef"))
    assert endpoint is not None
    assert "0123456789abcdef" not in endpoint.url and "0123456789abcdef" not in repr(endpoint)
    assert endpoint.headers["api-key"].reveal() == "0123456789abcdef"


def test_azures_address_as_base_url_takes_azures_header() -> None:
    base, key = f"{AZURE}/openai/v1/", "0123456789abcdef"
    endpoint = servers.chosen(settings(OPENAI_BASE_URL=base, OPENAI_API_KEY=key, VOICE_UI_MODEL="talk"))
    assert endpoint is not None
    assert (endpoint.name, endpoint.url, endpoint.setting) == ("Azure OpenAI", AZURE_GA + "talk", "OPENAI_BASE_URL")
    assert endpoint.headers["api-key"].reveal() == key


@pytest.mark.parametrize(
    ("pasted", "url", "model"),
    [
        ("https://h/v1/realtime?model=mine", "wss://h/v1/realtime?model=mine", "mine"),
        ("https://h/v1/realtime/?intent=talk&model=mine", "wss://h/v1/realtime?intent=talk&model=mine", "mine"),
        ("https://h/v1/chat/completions", "wss://h/v1/realtime?model=" + DEFAULT, DEFAULT),
        ("https://h/v1/realtime/calls", "wss://h/v1/realtime?model=" + DEFAULT, DEFAULT),
        ("https://api.openai.com", "wss://api.openai.com/v1/realtime?model=" + DEFAULT, DEFAULT),
        ("https://api.openai.com/", "wss://api.openai.com/v1/realtime?model=" + DEFAULT, DEFAULT),
        ("http://[::1]:8000/v1", "ws://[::1]:8000/v1/realtime?model=" + DEFAULT, DEFAULT),
        ("https://h/v1?key=a%2Fb", "wss://h/v1/realtime?key=a%2Fb&model=" + DEFAULT, DEFAULT),
    ],
)  # fmt: skip
def test_any_address_of_a_compatible_server_leads_to_its_endpoint(pasted: str, url: str, model: str) -> None:
    chosen = settings(OPENAI_BASE_URL=pasted, OPENAI_API_KEY="sk-0123456789abcdef")
    endpoint = servers.chosen(chosen)
    assert endpoint is not None
    assert (endpoint.url, endpoint.model, chosen.model) == (url, model, model)


def test_the_model_that_was_chosen_wins_over_the_one_in_the_address() -> None:
    endpoint = servers.chosen(settings(OPENAI_BASE_URL="https://h/v1/realtime?model=a", VOICE_UI_MODEL="b"))
    assert endpoint is not None
    assert endpoint.url == "wss://h/v1/realtime?model=b"


def test_credentials_in_an_address_become_a_header() -> None:
    endpoint = servers.chosen(settings(OPENAI_BASE_URL="https://me:p%40ss@h/v1"))
    assert endpoint is not None
    assert endpoint.url.startswith("wss://h/v1/")
    assert endpoint.headers["Authorization"].reveal() == "Basic bWU6cEBzcw=="
    assert "p@ss" not in repr(endpoint) and "p%40ss" not in repr(endpoint)


def test_endpoints_are_made_without_settings() -> None:
    openai = Endpoint.openai("sk-0123456789abcdef", model="gpt-realtime-2.1-mini")
    assert openai.url == "wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1-mini"
    assert openai.prices == models.MODELS["gpt-realtime-2.1-mini"].prices and openai.needs_key
    assert "0123456789" not in repr(openai)
    assert Endpoint.openai("sk-0123456789abcdef", "gpt-realtime-9").prices is None
    azure = Endpoint.azure("mine", "talk", "0123456789abcdef")
    assert (azure.url, azure.prices) == (AZURE_GA + "talk", None)
    local = Endpoint.compatible("http://localhost:8080/v1", "pipeline")
    assert (local.name, local.url) == ("localhost", "ws://localhost:8080/v1/realtime?model=pipeline")
    assert not local.headers and local.prices is None


def test_the_practice_server_is_free() -> None:
    prices = servers.offline("ws://127.0.0.1:1/v1/realtime", settings()).prices
    assert prices == models.FREE
    assert prices.transcription_minute("anything") == 0.0
