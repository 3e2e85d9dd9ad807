"""The table of models, on days that matter."""

from datetime import date

from voice_ui import models


def test_the_default_lives_and_reasons() -> None:
    default = models.known(models.DEFAULT)
    assert not default.retired(models.TABLE_READ) and default.reasoning
    assert models.living(models.TABLE_READ)[0] == models.DEFAULT


def test_the_model_of_the_first_demos_is_known_and_gone() -> None:
    model = models.known("gpt-4o-realtime-preview-2024-12-17")
    assert model.retired(date(2026, 5, 7)) and not model.retired(date(2026, 5, 6))
    assert model.beta and model.successor == models.DEFAULT
    assert model.name not in models.living(models.TABLE_READ)


def test_a_model_is_spoken_of_sixty_days_before_its_end() -> None:
    model = models.known("gpt-realtime")
    assert not model.retiring(date(2026, 11, 20))
    assert model.retiring(date(2026, 11, 21)) and model.retiring(date(2027, 1, 19))
    assert not model.retiring(date(2027, 1, 20))


def test_every_successor_lives() -> None:
    for model in models.MODELS.values():
        assert model.successor is None or model.successor in models.living(date(2027, 6, 1))


def test_an_unknown_name_is_tried_as_it_is() -> None:
    model = models.known("my-own-model")
    assert not (model.retired(date.max) or model.reasoning or model.beta)
