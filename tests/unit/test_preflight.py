"""What is said before anybody speaks."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.test_settings import NOTHING
from voice_ui import preflight, servers
from voice_ui.settings import read

TODAY = date(2026, 11, 23)
KEY = "sk-proj-0123456789abcdefghij"


def looked_at(**environ: str) -> str | None:
    settings = read(NOTHING, environ, {})
    endpoint = servers.chosen(settings)
    assert endpoint is not None
    problem = preflight.look(endpoint, today=TODAY)
    return problem and problem.code


@pytest.mark.parametrize(
    "key",
    ["sk-your-key-here-0123456789", "YOUR_API_KEY", "sk-xxxxxxxxxxxxxxxxxxxxxxx", "<key>", "sk-...", "0123456789"],
)
def test_a_placeholder_is_not_taken_for_a_key(key: str) -> None:
    assert looked_at(OPENAI_API_KEY=key) == "key-placeholder"


@pytest.mark.parametrize("key", [KEY, "sk-proj-a8Yourb7Xxxq-Zexamplek3_mReplace9aQ2w4e5r6t7y8"])
def test_a_key_and_a_living_model_are_fine(key: str) -> None:
    assert looked_at(OPENAI_API_KEY=key) is None


@pytest.mark.parametrize(
    ("model", "code"),
    [("gpt-4o-realtime-preview-2024-12-17", "model-retired"), ("gpt-realtime", "model-retiring"), ("my-own", None)],
)
def test_a_model_is_known_to_be_gone_or_going(model: str, code: str | None) -> None:
    assert looked_at(OPENAI_API_KEY=KEY, VOICE_UI_MODEL=model) == code


def test_on_another_server_a_dead_name_may_live_on() -> None:
    model = "gpt-4o-realtime-preview-2024-12-17"
    assert looked_at(OPENAI_BASE_URL="http://localhost:8000/v1", VOICE_UI_MODEL=model) is None


def test_azure_and_the_european_address_need_a_key() -> None:
    assert looked_at(AZURE_OPENAI_ENDPOINT="https://mine.openai.azure.com") == "no-key"
    assert looked_at(OPENAI_BASE_URL="https://eu.api.openai.com/v1") == "no-key"
