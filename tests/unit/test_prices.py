"""VOICE_UI_PRICES: prices for what the built-in table does not know."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.test_settings import NOTHING
from voice_ui import models, servers
from voice_ui.errors import SettingsError
from voice_ui.models import FREE, PRICES_READ, Prices
from voice_ui.servers import Endpoint
from voice_ui.settings import read
from voice_ui.settings.prices import own_prices

AZURE = {"AZURE_OPENAI_ENDPOINT": "https://r.openai.azure.com", "AZURE_OPENAI_API_KEY": "k" * 32}
OPENAI = {"OPENAI_API_KEY": "sk-proj-0123456789abcdef"}
LOCAL = {"OPENAI_BASE_URL": "http://localhost:8080/v1"}


def endpoint(model: str, prices: str, where: dict[str, str]) -> Endpoint:
    settings = read(NOTHING, {**where, "VOICE_UI_MODEL": model, "VOICE_UI_PRICES": prices}, {})
    found = servers.chosen(settings)
    assert found is not None
    return found


def test_a_deployment_costs_what_its_model_costs() -> None:
    prices = endpoint("mine", "mine=gpt-realtime-2.1-mini; scribe=gpt-transcribe", AZURE).prices
    assert prices is not None
    mini = models.known("gpt-realtime-2.1-mini").prices
    assert mini is not None and (prices.audio_in, prices.text_out) == (mini.audio_in, mini.text_out) == (10, 2.4)
    assert prices.transcription_minute("scribe") == 0.0045 and prices.read == PRICES_READ
    assert endpoint("another", "mine=gpt-realtime-2.1", AZURE).prices is None


def test_a_model_costs_what_the_owner_says() -> None:
    written = "my-model=text 1/0.25/8 audio 2/0.5/16 image 3/0.75; whisper-1=0.006/min; 2026-10-31"
    prices = endpoint("my-model", written, LOCAL).prices
    assert prices is not None and prices.read == date(2026, 10, 31)
    assert prices == Prices(1, 0.25, 8, 2, 0.5, 16, 3, 0.75, prices.transcription, read=prices.read)
    assert prices.transcription_minute("whisper-1") == 0.006


def test_the_owner_wins_over_the_built_in_table() -> None:
    prices = endpoint("gpt-realtime-2.1", "gpt-realtime-2.1=text 5/1/25 audio 40/1/80", OPENAI).prices
    assert prices is not None and (prices.text_in, prices.audio_out, prices.image_in, prices.read) == (5, 80, 5, None)


def test_what_is_not_named_keeps_its_price_or_stays_unknown() -> None:
    prices = endpoint("gpt-realtime", "other=free; whisper-1=0.006 / min", OPENAI).prices
    assert prices is not None and prices.text_out == 16 and prices.transcription_minute("whisper-1") == 0.006
    assert endpoint("my-model", "other=free", LOCAL).prices is None


def test_a_server_of_ones_own_may_be_free() -> None:
    prices = endpoint("my-model", "my-model=free", LOCAL).prices
    assert prices is not None and prices.is_free and prices.transcription_minute("anything") == 0
    assert prices.text_in == FREE.text_in


@pytest.mark.parametrize(
    "wrong",
    [
        "mine",
        "mine=",
        "=gpt-realtime",
        "mine=gpt-realtime-9",
        "mine=gpt-4o-realtime",  # its price is unknown
        "a model=free",
        "m=text 1/2/3",
        "m=text 1/2 audio 1/2/3",
        "m=text 1/2/3 audio 1/2/x",
        "m=text 1/2/3 audio 1/2/-3",
        "m=text 1/2/3 audio 1/2/inf",
        "m=text 1/2/3 audio 1/2/999999",
        "m=text 1/2/3 audio 1/2/3 image 1",
        "m=text 1/2/3 text 1/2/3",
        "m=nan/min",
        "m=./min",
        "2026-13-01",
    ],
)
def test_what_cannot_be_understood_is_refused_in_one_line(wrong: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(NOTHING, {"VOICE_UI_PRICES": f"good=free; {wrong}"}, {})
    assert "VOICE_UI_PRICES (from the environment) cannot be" in str(caught.value) and "\n" not in str(caught.value)


def test_empty_parts_do_no_harm() -> None:
    assert own_prices("a=free;;") == own_prices(" a = free ")
