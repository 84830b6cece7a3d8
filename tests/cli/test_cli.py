"""The command line: what it prints where, and how it fails."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from byline import Desk
from byline.bench.vectors import Remembering
from byline.tests.conftest import Run, failed
from byline.tests.fakes import Letters

STORY = "The harbour ferry burned for two hours on Monday evening, and nobody on board was hurt."
ESCAPE = "\x1b"


@pytest.fixture
def added(run: Run, home: Path, desk: Desk, vectors: Path) -> Run:
    """The command, with the desk's articles in an index of its own."""
    with Desk(home, embedder=Remembering(vectors)) as own:
        own.add(desk.settings.home / "articles")
    return run


class TestUse:
    def test_adding_is_reported(self, run: Run, folder: Path) -> None:
        done = run("add", folder)
        assert done.out.startswith("3 added, 0 updated, 0 unchanged in ")
        assert (done.code, done.err) == (0, "")
        assert run("add", folder).out.startswith("0 added, 0 updated, 3 unchanged in ")

    def test_an_answer_is_shown_with_its_quote_and_where_it_stands(self, added: Run) -> None:
        done = added("ask", "Who resigned on Thursday?")
        assert "Mayor Tomas Rehn resigned on Thursday [1]" in done.out
        assert "[1] Castrine Herald, 2026-03-12 · Mayor resigns over water contract" in done.out
        assert "“Mayor Tomas Rehn resigned on Thursday." in done.out
        assert "no language model took part" in done.out
        assert done.err == ""

    def test_an_answer_that_is_declined_is_no_failure(self, added: Run) -> None:
        done = added("ask", "What is the capital of Peru?")
        assert done.out.startswith("The articles do not answer this.")
        assert (done.code, done.err) == (0, "")

    def test_passages_are_found(self, added: Run) -> None:
        done = added("search", "bridge cables", "--limit", 1)
        assert "1. Skellow Ford bridge reopens" in done.out
        assert "2." not in done.out.replace("2026", "")

    def test_articles_are_listed_shown_and_removed(self, added: Run, desk: Desk) -> None:
        bridge = desk.settings.home / "articles" / "bridge.txt"
        assert "3 of 3 articles" in added("articles", "list").out
        assert "Councillor Petra Hale" in added("articles", "show", bridge).out
        assert added("articles", "remove", bridge).out == "1 removed\n"
        assert "2 of 2 articles" in added("articles", "list").out
        assert "2 articles" in added("check").out

    def test_the_version_is_told(self, run: Run) -> None:
        assert re.fullmatch(r"byline \d+\.\d+\.\d+\n", run("--version").out)

    def test_wrong_lines_among_good_ones_are_reported_and_the_rest_is_added(
        self, run: Run, tmp_path: Path
    ) -> None:
        path = tmp_path / "wire.jsonl"
        good = [json.dumps({"id": str(n), "text": f"{STORY} {n}"}) for n in range(2)]
        path.write_text(f"{good[0]}\nnot json\n{good[1]}\n")
        done = run("add", path)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("2 added, 0 updated, 0 unchanged, 1 failed")
        assert f"{path}, line 2: not valid JSON" in done.out

    def test_the_reader_of_a_pipe_may_leave(self, added: Run, home: Path) -> None:
        command = f"{sys.executable} -m byline articles list | head -c 1"
        environment = os.environ | {"BYLINE_HOME": str(home)}
        done = subprocess.run(
            command, shell=True, capture_output=True, text=True, env=environment, cwd=home.parent
        )
        assert done.stderr == ""


class TestJson:
    @pytest.mark.parametrize(
        ("arguments", "keys"),
        [
            (("ask", "Who resigned on Thursday?"), {"question", "text", "citations"}),
            (("ask", "What is the capital of Peru?"), {"status", "nearest"}),
            (("search", "bridge"), {"hits"}),
            (("search", "bridge", "--until", "1999-01-01"), {"hits"}),
            (("articles", "list"), {"total", "articles"}),
            (("articles", "show", "https://herald.example/2026/mayor-resigns"), {"id", "text"}),
            (("articles", "remove", "https://herald.example/2026/mayor-resigns"), {"removed"}),
            (("check",), {"articles", "passages", "vectors", "problems"}),
            (("check", "--rebuild"), {"articles", "problems"}),
            (("check", "--repair"), {"articles", "problems"}),
            (("backup", "one.byline"), {"articles", "sha256"}),
            (("add", "articles"), {"added", "updated", "unchanged", "failed", "seconds"}),
        ],
        ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
    )
    def test_standard_output_is_one_document(
        self, added: Run, folder: Path, arguments: tuple[str, ...], keys: set[str]
    ) -> None:
        done = added(*arguments, "--json")
        assert keys <= set(json.loads(done.out))
        assert (done.code, done.err) == (0, "")

    def test_the_answer_is_the_one_of_the_library(
        self, added: Run, home: Path, minilm: object
    ) -> None:
        question = "How many workers replaced the cables?"
        shown = json.loads(added("ask", question, "--json", "--as-of", "2026-04-01").out)
        with Desk(home, embedder=minilm) as desk:
            answer = desk.ask(question, as_of="2026-04-01").to_dict()
        for timed in (shown, answer):
            del timed["timings"]
        assert shown == answer


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


TOMORROW = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
UNREADABLE = {
    "empty.txt": (b"", "empty.txt: the file is empty"),
    "spaces.txt": (b" \n\t\n", "spaces.txt: it has no text"),
    "binary.txt": (bytes(range(256)) * 20, r"binary\.txt: "),
    "photo.jpg": (b"\xff\xd8\xff", "unknown kind of file; known are .txt"),
    "long.jsonl": (json.dumps({"text": "x" * 9000}), r"long\.jsonl, line 1: the line is longer"),
    "long.txt": (b"x" * 9000, r"long\.txt: the file is longer than 5,000 bytes"),
    "latin.jsonl": (b'{"text": "caf\xe9 \xff\xfe"}', r"latin\.jsonl, line 1: "),
    "list.jsonl": (b"[1, 2]", "line 1: a JSON object is expected, not a list"),
    "cut.jsonl": (b'{"text": "a', "line 1: not valid JSON"),
    "future.jsonl": (json.dumps({"text": STORY, "date": TOMORROW}), "lies in the future"),
    "date.jsonl": (json.dumps({"text": STORY, "date": "03/04/2026"}), "ambiguous or no date"),
    "none.csv": (b"a,b\n1,2\n", "names no column for the text"),
}


class TestWrong:
    @pytest.mark.parametrize("name", UNREADABLE)
    def test_a_file_that_holds_no_article_is_one_line(
        self, run: Run, tmp_path: Path, name: str
    ) -> None:
        content, said = UNREADABLE[name]
        done = run("add", write(tmp_path / name, content), BYLINE_MAX_ARTICLE_BYTES="5000")
        failed(done, 1, f"^Nothing was added. .*{said}")

    def test_also_with_json(self, run: Run) -> None:
        failed(run("add", "nowhere", "--json"), 1, "Nothing was added. nowhere: it does not exist")

    @pytest.mark.parametrize(
        ("arguments", "code", "said"),
        [
            (("add", "nowhere"), 1, "Nothing was added. nowhere: it does not exist"),
            (("add",), 2, "Missing argument .* `byline add --help`"),
            (("ask", ""), 2, "The question is empty"),
            (("ask", " \n"), 2, "The question is empty"),
            (("ask", "a" * 2001), 2, "2000 is the most"),
            (("ask", "Who?", "--outlet", "Castrine Herld"), 2, "known are Castrine Herald"),
            (("search", "Who?", "--section", "Sport"), 2, "no article names its section"),
            (("ask", "Who?", "--since", "soon"), 2, "since 'soon' is not a date"),
            (("ask", "Who?", "--as-of", "2999-01-01"), 2, "lies in the future"),
            (("ask", "Who?", "--policy", "lenient"), 2, "no policy 'lenient'"),
            (("ask", "Who?", "--style", "poem"), 2, "no style 'poem'"),
            (("ask", "Who?", "--colour"), 2, "No such option.*--colour"),
            (("ask",), 2, "Missing argument"),
            (("answer", "Who?"), 2, "No such command 'answer'"),
            (("search", "Who?", "--limit", "0"), 2, "limit is 0: give a number from 1 to 1000"),
            (("search", "Who?", "--limit", "many"), 2, "--limit"),
            (("search", "Who?", "--until", "2026-02-30"), 2, "until '2026-02-30' is not a date"),
            (("articles", "list", "--limit", "0"), 2, "--limit"),
            (("articles", "show", "x"), 2, "no article 'x' in index 'default'"),
            (("articles", "remove", "x"), 2, "no article 'x'"),
            (("ask", "Who?", "--index", "../x"), 1, "Setting index is not valid"),
            (("serve", "--port", "99999"), 2, "--port"),
        ],
        ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
    )
    def test_what_is_asked_wrongly_is_one_line(
        self, added: Run, arguments: tuple[str, ...], code: int, said: str
    ) -> None:
        failed(added(*arguments), code, said)

    @pytest.mark.parametrize(
        ("variables", "said"),
        [
            ({"BYLINE_FOO": "1"}, "There is no setting BYLINE_FOO"),
            ({"BYLINE_LMM": "x"}, "There is no setting BYLINE_LMM: did you mean BYLINE_LLM"),
            ({"BYLINE_MAX_PASSAGES": "0"}, "Setting max_passages is not valid"),
            ({"BYLINE_EMBEDDER": "openai:x"}, "needs a key: set BYLINE_EMBED_API_KEY"),
            ({"BYLINE_EMBEDDER": "maxilm"}, "no embedder 'maxilm'"),
            ({"BYLINE_EMBED_MODEL_DIR": "."}, r"model\.onnx is missing"),
            ({"BYLINE_LLM": "gpt-5-mini"}, "Model gpt-5-mini needs a key"),
            ({"BYLINE_LLM": "gguf:/nowhere.gguf"}, "no model file /nowhere.gguf"),
        ],
        ids=str,
    )
    def test_a_wrong_setting_is_one_line(
        self, added: Run, variables: dict[str, str], said: str
    ) -> None:
        failed(added("ask", "Who resigned?", **variables), 1, said)

    def test_an_endpoint_that_is_down_is_one_line(self, added: Run, unused_address: str) -> None:
        done = added("ask", "Who?", BYLINE_LLM="tiny", BYLINE_LLM_BASE_URL=unused_address)
        failed(done, 1, f"The model tiny at {unused_address} did not answer: Connection error")

    def test_a_wrong_key_is_one_line_that_does_not_show_it(self, added: Run, endpoint: Any) -> None:
        address = endpoint(401, "application/json", b'{"error": {"message": "Invalid key"}}')
        done = added(
            "ask",
            "Who?",
            BYLINE_LLM="tiny",
            BYLINE_LLM_BASE_URL=address,
            BYLINE_LLM_API_KEY="very-secret",
        )
        failed(done, 1, "The model tiny .* refused: .*Check .*BYLINE_LLM_API_KEY")
        assert "very-secret" not in done.err

    def test_an_index_of_another_embedder_is_one_line(
        self, run: Run, home: Path, folder: Path
    ) -> None:
        with Desk(home, embedder=Letters()) as desk:
            desk.add(folder)
        for arguments in (("ask", "Who?"), ("add", folder), ("search", "Who?")):
            failed(run(*arguments), 1, "built with embedder letters; settings ask for minilm")
        assert run("check", "--rebuild").code == 0
        assert run("ask", "Who resigned on Thursday?").code == 0

    @pytest.mark.store_here
    def test_a_damaged_store_is_one_line_that_says_what_to_run(
        self, added: Run, home: Path
    ) -> None:
        write(home / "default" / "chroma" / "chroma.sqlite3", b"garbage" * 1000)
        done = added("check")
        assert re.search("cannot be read: .*Run `byline check --repair", done.err)
        assert (done.code, done.err.count("\n")) == (1, 1)
        assert added("check", "--repair").code == 0
        assert added("check").err == ""

    @pytest.mark.embedded("it damages archive.db")
    def test_a_damaged_archive_is_one_line(self, run: Run, home: Path) -> None:
        (home / "default").mkdir(parents=True)
        write(home / "default" / "archive.db", b"garbage" * 1000)
        failed(
            run("ask", "Who?"), 1, "is damaged: file is not a database.*byline restore FILE --force"
        )

    def test_an_argument_that_is_not_valid_text_is_no_bug(self, added: Run) -> None:
        assert added("ask", "who \udcff resigned").code == 0
        failed(added("ask", "Who?", "--outlet", "\udcff"), 2, "There is no outlet")


def in_terminal(arguments: list[str], home: Path, **variables: str) -> str:
    """What a command prints on a terminal."""
    master, slave = pty.openpty()
    environment = os.environ | {"BYLINE_HOME": str(home), "TERM": "xterm-256color"} | variables
    command = [sys.executable, "-m", "byline", *arguments]
    with subprocess.Popen(
        command, stdout=slave, stderr=slave, stdin=slave, env=environment, cwd=home.parent
    ):
        os.close(slave)
        shown = b""
        try:
            while piece := os.read(master, 65536):
                shown += piece
        except OSError:  # the other end is closed
            pass
    os.close(master)
    return shown.decode()


class TestTerminal:
    def test_colour_is_for_terminals_that_want_it(self, added: Run, home: Path) -> None:
        arguments = ["articles", "list"]
        assert ESCAPE in in_terminal(arguments, home)
        assert ESCAPE not in in_terminal(arguments, home, NO_COLOR="1")
        assert ESCAPE not in added(*arguments).out

    def test_what_an_article_holds_cannot_steer_the_terminal(
        self, run: Run, tmp_path: Path
    ) -> None:
        attack = f"{STORY} \x1b]0;owned\x07\x1b[2J\x9b31m [bold]not markup[/bold] :fire:"
        path = write(tmp_path / "a.jsonl", json.dumps({"id": "a", "title": attack, "text": attack}))
        run("add", path)
        for arguments in (("ask", "What burned?"), ("articles", "list"), ("articles", "show", "a")):
            shown = run(*arguments).out
            assert not set(shown) & {ESCAPE, "\x07", "\x9b"}
        assert "[bold]not markup[/bold] :fire:" in run("articles", "show", "a").out


IMPORTED = """
import sys
from byline.cli import main
try:
    main()
finally:
    heavy = {"chromadb", "llama_index", "gradio", "openai", "onnxruntime", "sqlalchemy"}
    print("imported:", *sorted(heavy & sys.modules.keys()), file=sys.stderr)
"""


def imports(home: Path, *arguments: str) -> list[str]:
    environment = os.environ | {"BYLINE_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    return done.stderr.splitlines()[-1].split()[1:]


def test_help_imports_nothing_that_is_slow(home: Path) -> None:
    assert imports(home, "--help") == []
    assert imports(home, "ask", "--help") == []


def test_asking_without_a_model_imports_neither_llama_index_nor_gradio(
    added: Run, home: Path
) -> None:
    imported = imports(home, "ask", "Who resigned on Thursday?")
    assert "onnxruntime" in imported
    assert not {"llama_index", "openai", "gradio"} & set(imported)


# `byline`, accepting eight articles at a time
IN_EIGHTS = "from byline.cli import main; from byline.index import build; build._BATCH = 8; main()"


def test_an_interrupt_keeps_what_was_accepted_and_says_so(
    home: Path, run: Run, tmp_path: Path
) -> None:
    records = [{"id": str(n), "text": f"{STORY} So said witness {n}."} for n in range(400)]
    path = write(tmp_path / "wire.jsonl", "".join(json.dumps(r) + "\n" for r in records))
    environment = os.environ | {"BYLINE_HOME": str(home)}
    with (
        Desk(home, embedder=Letters()) as desk,
        subprocess.Popen(
            [sys.executable, "-c", IN_EIGHTS, "add", str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        ) as child,
    ):
        while not len(desk.articles) and child.poll() is None:
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate()
        kept = len(desk.articles)
    assert child.returncode == 1
    assert err == "Interrupted: what was accepted is kept. Run it again to go on.\n"
    assert out.startswith(f"{kept} added, ")
    assert 0 < kept < 400
    assert run("check").err == ""


class TestRights:
    @pytest.fixture(autouse=True)
    def added(self, run: Run, folder: Path) -> None:
        run("add", folder)

    def test_what_is_held_back_is_counted_and_listed_with_the_reason(
        self, run: Run, tmp_path: Path
    ) -> None:
        assert "held back" not in run("articles", "list").out
        for name, rights in (
            ("later", "embargo_until: 2999-01-01T06:00:00Z"),
            ("over", "expires: 2001-01-01T06:00:00Z"),
            ("never", "status: withheld"),
        ):
            said = f"---\noutlet: Herald\n{rights}\n---\n\nSecret words of {name}.\n"
            (tmp_path / f"{name}.md").write_text(said)
            assert "1 added" in run("add", tmp_path / f"{name}.md").out
        assert "3 that may not be shown now: --withheld" in run("articles", "list").out
        listed = run("articles", "list", "--withheld").out
        assert re.search(r"Herald: under embargo until 2999-01-01 06:00 UTC .*later\.md", listed)
        assert re.search(r"Herald: expired 2001-01-01 06:00 UTC .*over\.md", listed)
        assert re.search(r"Herald: withheld .*never\.md", listed)
        assert "Secret" not in listed + run("articles", "list", "--withheld", "--json").out
        failed(run("articles", "show", str(tmp_path / "later.md")), 2, "with --withheld")
        failed(run("articles", "list", "--withheld", "--since", "2026-01-01"), 2, "leave out")

    def test_an_article_is_killed_and_shown_again(self, run: Run) -> None:
        mayor = "https://herald.example/2026/mayor-resigns"
        assert "1 killed" in run("articles", "kill", mayor).out
        failed(run("articles", "show", mayor), 2, "There is no article")
        assert json.loads(run("articles", "kill", mayor, "--undo", "--json").out) == {
            "shown_again": 1,
            "copies": [],
        }
        assert run("articles", "show", mayor).code == 0

    def test_an_article_is_erased_once_it_is_confirmed(self, run: Run, folder: Path) -> None:
        mayor = "https://herald.example/2026/mayor-resigns"
        failed(run("articles", "erase", mayor), 2, "Nobody can be asked .*: say --yes")
        assert json.loads(run("articles", "erase", mayor, "--yes", "--json").out) == {
            "ids": [mayor],
            "copies": [],
            "answers": 0,
            "files": [],
        }
        assert "was erased on" in run("add", folder).out
        assert "1 added" in run("add", folder, "--erased-too").out
        failed(run("articles", "erase", "nope", "--yes"), 2, "nothing was erased")

    def test_a_local_only_index_asks_no_model_elsewhere(self, run: Run) -> None:
        assert run("index", "local-only").out == "Index 'default' is not local_only\n"
        assert run("index", "local-only", "on").out == "Index 'default' is local_only\n"
        model = {"BYLINE_LLM": "m", "BYLINE_LLM_API_KEY": "k"}
        failed(run("ask", "Who resigned?", **model), 1, "local_only.*nothing was sent")
        failed(run("index", "local-only", "maybe"), 2, "neither on nor off")
