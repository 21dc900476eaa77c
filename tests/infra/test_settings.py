"""Settings: where they come from and how a bad one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.errors import UsageError
from infra.settings import load


def test_defaults_stand_in_the_working_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FALDONE_HOME")
    assert load().root == str(tmp_path / ".faldone")


def test_limits_and_lists_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALDONE_LIMITS__PAGES", "7")
    monkeypatch.setenv("FALDONE_LIMITS__MEMORY", "2GiB")
    monkeypatch.setenv("FALDONE_LANGUAGES", "ita, deu")
    settings = load()
    assert (settings.limits.pages, settings.limits.memory, settings.languages) == (7, 2 * 2**30, ("ita", "deu"))


def test_an_env_file_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FALDONE_OCR=off\n")
    assert load().ocr == "off"


@pytest.mark.parametrize(
    ("name", "value"), [("FALDONE_DASK", "yarn"), ("FALDONE_OCR", "perhaps"), ("FALDONE_LIMITS__PAGES", "-1")]
)
def test_a_bad_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=name):
        load()


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALDONE_SMTP_URL", "smtp://user:pa55word@host")
    assert "pa55word" not in repr(load())


def test_passwords_come_from_the_environment_by_name_and_do_not_travel_or_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALDONE_PASSWORDS__PEC", "geheim")
    settings = load()
    secret = settings.passwords.of("pec")
    assert secret is not None and secret.get_secret_value() == "geheim"
    assert settings.passwords.of("other") is None
    assert "geheim" not in repr(settings) and "geheim" not in settings.model_dump_json()
    assert settings.without_secrets().passwords.of("pec") is None
    hash(settings)  # settings are keys of caches


def test_a_secret_may_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, content in (("redis_url", "redis://:pa55word@redis:6379/0\n"), ("alert_urls", "json://a, json://b\n")):
        (tmp_path / name).write_text(content)
        monkeypatch.setenv(f"FALDONE_{name.upper()}_FILE", str(tmp_path / name))
    settings = load()
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == "redis://:pa55word@redis:6379/0"
    assert [url.get_secret_value() for url in settings.alert_urls] == ["json://a", "json://b"]
    monkeypatch.setenv("FALDONE_REDIS_URL", "redis://other/0")
    assert str(load().redis_url.get_secret_value()) == "redis://other/0"  # type: ignore[union-attr]
    monkeypatch.setenv("FALDONE_SMTP_URL_FILE", str(tmp_path / "absent"))
    with pytest.raises(UsageError, match=r"FALDONE_SMTP_URL_FILE: .*absent cannot be read"):
        load()
