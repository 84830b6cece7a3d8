"""Where options come from, and what is refused."""

import re
from pathlib import Path

import pytest
from byline.errors import SettingsError
from byline.settings import Settings, load_settings
from byline.tests.conftest import ROOT
from pydantic_core import PydanticUndefined


def settings_table() -> str:
    """What docs/settings.md holds; `python -m byline.tests.test_settings` prints it."""
    rows = [
        f"| `BYLINE_{name.upper()}` | {_default(field)} | {_bounds(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(
        (
            "# Settings",
            "",
            "Each setting is an environment variable, a line of `.env`, or, without `BYLINE_` and",
            "in lower case, a key of `byline.toml`; the first that has it counts, and arguments of",
            "`Desk(...)` count before them all. Both files are looked for in the working",
            "directory. `OPENAI_API_KEY` is the key where neither `BYLINE_LLM_API_KEY` nor",
            "`BYLINE_EMBED_API_KEY` is set. An unknown name is refused.",
            "",
            "| Variable | Default | Bounds | Meaning |",
            "|---|---|---|---|",
            *rows,
            "",
        )
    )


def _default(field: object) -> str:
    if field.default is PydanticUndefined:  # type: ignore[attr-defined]
        return "the user's data folder"
    return "" if field.default is None else f"`{field.default}`"  # type: ignore[attr-defined]


def _bounds(field: object) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    found = [
        f"{sign} {getattr(bound, name):,}"
        for bound in field.metadata  # type: ignore[attr-defined]
        for name, sign in signs.items()
        if hasattr(bound, name)
    ]
    patterns = [getattr(bound, "pattern", "") or "" for bound in field.metadata]  # type: ignore[attr-defined]
    if any("A-Za-z" in pattern for pattern in patterns):
        found.append("letters, digits, `_` and `-`, at most 64")
    return ", ".join(found)


def test_the_documented_table_is_the_one_of_the_code() -> None:
    assert (ROOT / "docs" / "settings.md").read_text("utf-8") == settings_table()


def test_every_setting_says_what_it_is_for() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
        assert "|" not in field.description, name


def test_arguments_go_before_variables_before_env_before_toml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "byline.toml").write_text("max_passages = 1\n")
    assert load_settings().max_passages == 1
    (tmp_path / ".env").write_text("BYLINE_MAX_PASSAGES=2\n")
    assert load_settings().max_passages == 2
    monkeypatch.setenv("BYLINE_MAX_PASSAGES", "3")
    assert load_settings().max_passages == 3
    assert load_settings(max_passages=4).max_passages == 4
    assert load_settings(max_passages=None).max_passages == 3


def test_an_empty_variable_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYLINE_MAX_PASSAGES", "")
    assert load_settings().max_passages == 8


@pytest.mark.parametrize("name", ["BYLINE_LMM", "BYLINE_API_KEYS", "byline_modell"])
def test_an_unknown_variable_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "x")
    with pytest.raises(SettingsError, match=f"^There is no setting {name}: "):
        load_settings()


def test_the_nearest_name_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="no setting hom: did you mean home"):
        load_settings(hom="x")
    (tmp_path / ".env").write_text("BYLINE_LMM=x\n")
    with pytest.raises(SettingsError, match="no setting BYLINE_LMM: did you mean BYLINE_LLM"):
        load_settings()
    (tmp_path / ".env").unlink()
    (tmp_path / "byline.toml").write_text("max_passage = 3\n")
    with pytest.raises(SettingsError, match="no setting max_passage: did you mean max_passages"):
        load_settings()


@pytest.mark.parametrize(
    "line",
    [
        'store_headers = ["Authorization: Bearer s3cret"]',
        'llm_api_key = {value = "s3cret"}',
        'embed_base_url = "ftp://me:s3cret@host/v1"',
    ],
)
def test_a_secret_that_is_refused_is_not_shown(tmp_path: Path, line: str) -> None:
    (tmp_path / "byline.toml").write_text(f"{line}\n")
    with pytest.raises(SettingsError, match=line.partition(" ")[0]) as error:
        load_settings()
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_passages", "0"),
        ("max_passages", "101"),
        ("max_passages", "many"),
        ("passage_chars", "199"),
        ("index", "../x"),
        ("index", "a b"),
        ("llm_timeout_seconds", "0"),
        ("llm_timeout_seconds", "nan"),
        ("llm_context_window", "1.5"),
        ("max_article_bytes", "-1"),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_name_in_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"BYLINE_{name.upper()}", value)
    with pytest.raises(SettingsError, match=f"Setting {name} is not valid") as error:
        load_settings()
    assert repr(value) in str(error.value)
    assert re.search(r"valid: give (?:a|it)\b.* \(given: .*\)\. [A-Z]", str(error.value))
    assert "nput should" not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("file", "content"), [("byline.toml", b"llm = = 3\n"), (".env", b"BYLINE_LLM=\xff\xfe\n")]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, file: str, content: bytes) -> None:
    (tmp_path / file).write_bytes(content)
    with pytest.raises(SettingsError, match=f"^{re.escape(file)} cannot be read") as error:
        load_settings()
    assert "\n" not in str(error.value)


def test_an_address_without_a_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYLINE_LLM_BASE_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(SettingsError, match="llm_base_url is set without llm"):
        load_settings()


def test_other_variables_in_env_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATABASE_URL=x\nOPENAI_API_KEY=from-env-file\n")
    key = load_settings().llm_api_key
    assert key is not None
    assert key.get_secret_value() == "from-env-file"


def test_the_openai_key_is_used_where_no_other_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "shared")
    monkeypatch.setenv("BYLINE_LLM_API_KEY", "own")
    settings = load_settings()
    assert settings.llm_api_key.get_secret_value() == "own"  # type: ignore[union-attr]
    assert settings.embed_api_key.get_secret_value() == "shared"  # type: ignore[union-attr]
    monkeypatch.setenv("OPENAI_API_KEY", "")
    assert load_settings().embed_api_key is None


def test_a_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYLINE_LLM_API_KEY", "very-secret")
    settings = load_settings()
    assert "very-secret" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_a_home_below_the_users_folder_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings(home="~/news").home == tmp_path / "news"
    assert load_settings(home="news").home == tmp_path / "news"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().index = "other"


if __name__ == "__main__":
    print(settings_table(), end="")  # noqa: T201
