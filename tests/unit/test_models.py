"""The table of models, on days that matter."""

from datetime import date

import pytest

from voice_ui import models


def test_the_default_lives_and_reasons() -> None:
    default = models.known(models.DEFAULT)
    assert not default.retired(models.TABLE_READ) and default.reasoning
    assert models.supported(models.TABLE_READ)[0] == models.DEFAULT


def test_the_model_of_the_first_demos_is_known_and_gone() -> None:
    model = models.known("gpt-4o-realtime-preview-2024-12-17")
    assert model.retired(date(2026, 5, 7)) and not model.retired(date(2026, 5, 6))
    assert model.beta and model.successor == models.DEFAULT
    assert model.name not in models.supported(models.TABLE_READ)


def test_a_model_is_spoken_of_sixty_days_before_its_end() -> None:
    model = models.known("gpt-realtime")
    assert not model.retiring(date(2026, 11, 20))
    assert model.retiring(date(2026, 11, 21)) and model.retiring(date(2027, 1, 19))
    assert not model.retiring(date(2027, 1, 20))


def test_every_successor_lives() -> None:
    for model in models.MODELS.values():
        assert model.successor is None or model.successor in models.supported(date(2027, 6, 1))


def test_an_unknown_name_is_tried_as_it_is() -> None:
    model = models.known("my-own-model")
    assert not (model.retired(date.max) or model.reasoning or model.beta)


@pytest.mark.parametrize(
    ("names", "text", "audio", "image"),
    [
        (["gpt-realtime-2.1", "gpt-realtime-2"], (4, 0.4, 24), (32, 0.4, 64), (5, 0.5)),
        (["gpt-realtime-1.5", "gpt-realtime", "gpt-realtime-2025-08-28"], (4, 0.4, 16), (32, 0.4, 64), (5, 0.5)),
        (
            ["gpt-realtime-2.1-mini", "gpt-realtime-mini", "gpt-realtime-mini-2025-12-15"],
            (0.6, 0.06, 2.4),
            (10, 0.3, 20),
            (0.8, 0.08),
        ),
    ],
)
def test_every_supported_model_has_its_prices(
    names: list[str], text: tuple[float, ...], audio: tuple[float, ...], image: tuple[float, ...]
) -> None:
    for name in names:
        prices = models.known(name).prices
        assert prices is not None
        assert (prices.text_in, prices.text_cached, prices.text_out) == text
        assert (prices.audio_in, prices.audio_cached, prices.audio_out) == audio
        assert (prices.image_in, prices.image_cached) == image


def test_no_model_to_choose_is_without_prices() -> None:
    assert [name for name in models.supported(models.PRICES_READ) if not models.known(name).prices] == []


def test_transcription_is_priced_by_the_minute_and_unknown_where_it_is_unknown() -> None:
    prices = models.known(models.DEFAULT).prices
    assert prices is not None
    assert prices.transcription_minute("gpt-live-transcribe") == prices.transcription_minute("gpt-realtime-whisper")
    assert prices.transcription_minute("gpt-live-transcribe") == 0.017
    assert prices.transcription_minute("gpt-transcribe") == 0.0045
    assert prices.transcription_minute("whisper-1") is None
    assert models.FREE.transcription_minute("whisper-1") == 0.0


def test_a_warning_about_gpt_realtime_is_due() -> None:
    for name in ("gpt-realtime", "gpt-realtime-mini"):
        assert models.known(name).retiring(models.PRICES_READ)
