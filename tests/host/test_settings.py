from __future__ import annotations

from typing import Any

import pytest
from support.hosts import close, make_host

from flask_aiagents import ConfigurationError
from flask_aiagents.config import Settings

MODEL = "openai_compatible:m"


def _prices(price: Any) -> dict[str, Any]:
    return {MODEL: price}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PRICES", _prices({"input": "1,5", "output": "1"}), "'1,5' is not a price: input of openai_compatible:m"),
        ("PRICES", _prices({"input": "NaN", "output": "1"}), "'NaN' is not a price"),
        ("PRICES", _prices({"input": "1", "output": "Infinity"}), "'Infinity' is not a price"),
        ("PRICES", _prices({"input": -5, "output": 1}), "-5 is not a price"),
        ("PRICES", _prices({"input": True, "output": 1}), "True is not a price"),
        ("PRICES", _prices({"input": "1"}), "has no price for 'output'"),
        ("PRICES", _prices({"prompt": "1", "completion": "1"}), "unknown key 'prompt'"),
        ("PRICES", _prices("1"), "'1' is not the price of openai_compatible:m"),
        ("PRICES", {"gpt-4o": {"input": 1, "output": 1}}, "'gpt-4o' does not name a provider"),
        ("PRICES", "{", "Expecting property name"),
        ("PRICES", ["openai:gpt-4o"], "is not an object"),
        ("TIMEOUT_S", "-1", "'-1' is too small"),
        ("TIMEOUT_S", 0, "0 is too small"),
        ("CONNECT_TIMEOUT_S", "soon", "could not convert"),
        ("IDLE_TIMEOUT_S", "nan", "'nan' is not a finite number"),
        ("TOOL_TIMEOUT_S", float("inf"), "inf is not a finite number"),
        ("FIRST_BYTE_TIMEOUT_S", None, "must be"),
        ("MAX_RETRIES", -1, "-1 is too small"),
        ("MAX_RETRIES", 1.5, "1.5 is not an integer"),
        ("MAX_RETRIES", True, "True is not a number"),
        ("MAX_BODY_BYTES", "1 MB", "invalid literal"),
        ("MAX_BODY_BYTES", 0, "0 is too small"),
        ("RATE_LIMIT", "often", "RATE_LIMIT"),
        ("RATE_LIMIT", 5, "5 is not text"),
        ("RATE_LIMIT_STORAGE_URI", "localhost:6379", "is not a URI"),
        ("URL_PREFIX", "api", "does not begin with /"),
        ("ADMIN_URL", "panel", "does not begin with /"),
        ("ALLOWED_HOSTS", "http://models.example", "is not a host"),
        ("ALLOWED_HOSTS", [1], "1 is not text"),
        ("TRUSTED_ORIGINS", "gateway.example", "is not an origin"),
        ("AGENT_TYPES", 7, "not iterable"),
        ("LOG_RETENTION_DAYS", {"execute": -1}, "-1 is not a number of days"),
        ("ENCRYPTION_KEYS", "not base64!", "is not base64"),
        ("ENCRYPTION_KEYS", "c2hvcnQ=", "has 5 bytes"),
    ],
)
def test_a_wrong_setting_stops_the_start(name: str, value: Any, said: str) -> None:
    """The message names the setting and what is wrong, the hint gives the form that it should have."""
    with pytest.raises(ConfigurationError) as refused:
        close(make_host("sqlite://", **{f"AIAGENTS_{name}": value}))
    assert f"AIAGENTS_{name}" in str(refused.value)
    assert said in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("AIAGENTS_RATE_LIMITS", "Did you mean AIAGENTS_RATE_LIMIT?"),
        ("AIAGENTS_ENCRYPTION_KEY", "Did you mean AIAGENTS_ENCRYPTION_KEYS?"),
        ("AIAGENTS_TIMEOUT", "Did you mean AIAGENTS_TIMEOUT_S?"),
        ("AIAGENTS_ZZZ", "docs/configuration.md"),
    ],
)
def test_an_unknown_setting_stops_the_start(key: str, near: str) -> None:
    """A mistyped key of ours is named with the nearest known one; keys of others are left alone."""
    given: dict[str, Any] = {key: "1"}
    with pytest.raises(ConfigurationError, match=f"{key} is not a setting") as refused:
        close(make_host("sqlite://", **given))
    assert near in str(refused.value.hint)


def test_right_settings_are_read_from_text() -> None:
    """What an environment variable can hold is converted, zero where it has a meaning included."""
    settings = Settings.from_config(
        {
            "AIAGENTS_PRICES": '{"openai:m": {"input": "0.15", "output": 0.6, "cached": 0}}',
            "AIAGENTS_TIMEOUT_S": "2.5",
            "AIAGENTS_MAX_RETRIES": "0",
            "AIAGENTS_MAINTENANCE_INTERVAL_S": "0",
            "AIAGENTS_ALLOWED_HOSTS": "127.0.0.1, models.example",
            "AIAGENTS_TRUSTED_ORIGINS": "https://gateway.example",
            "AIAGENTS_LOG_RETENTION_DAYS": "365",
            "AIAGENTS_LOGIN_URL": None,
            "SOMETHING_ELSE": object(),
        }
    )
    assert (settings.timeout_s, settings.max_retries, settings.maintenance_interval_s) == (2.5, 0, 0)
    assert settings.allowed_hosts == ("127.0.0.1", "models.example")
    assert settings.log_retention_days == {"*": 365}
    assert settings.prices == {"openai:m": {"input": "0.15", "output": 0.6, "cached": 0}}
