"""The reference pages of docs/ are made of the code: commands, the Python API, records.

python -m byline.tests.test_reference    # writes them as they are now
"""

import ast
import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import typer
from byline import Answer, Article, Citation, Desk, errors
from byline.cli import app
from byline.desk import Articles
from byline.index.archive.conversations import Conversation, Conversations, Turn
from byline.index.archive.origins import Reach
from byline.index.archive.stale import Stale
from byline.index.article import Mark, Notice
from byline.index.backup import Manifest
from byline.index.build import Report
from byline.index.erase import Erasure
from byline.index.fetch.follow import Follow, Visit
from byline.index.history import Change, Version
from byline.index.jobs import Job
from byline.index.read import Failure
from byline.index.upkeep import Health
from byline.qa.budget import Usage
from byline.qa.chat import Chat
from byline.qa.cite import Statement
from byline.qa.dissent import Disagreement, Position
from byline.qa.draft import DraftReport
from byline.qa.events import Found
from byline.qa.retrieve import Hit
from byline.tests.conftest import ROOT
from byline.ui.api.records import HitRecord
from typer.main import get_command

DOCS = ROOT / "docs"
MADE = "Made of the code by `python -m byline.tests.test_reference`; a test holds it to that.\n"
CLASSES = [Desk, Articles, Follow, Conversations, Chat]
RECORDS: dict[str, list[type]] = {
    "Answers": [Answer, Statement, Citation, Disagreement, Position, Usage, DraftReport, HitRecord],
    "Articles": [Article, Mark, Notice, Version, Change, Stale],
    "The index": [Job, Health, Manifest, Erasure],
    "In Python alone": [Found, Hit, Report, Failure, Reach, Visit, Turn, Conversation],
}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [[*head], ["---" for _ in head], *map(list, rows)]
    told = (" | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in row) for row in lines)
    return "".join(f"| {line} |\n" for line in told)


def commands(command: Any, context: Any) -> Iterator[tuple[str, Any, Any]]:
    """Each command that does something, with its whole name."""
    if not hasattr(command, "commands"):
        yield context.command_path, command, context
        return
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        yield from commands(below, type(context)(below, info_name=name, parent=context))


def cli_page() -> str:
    root = get_command(app)
    parts = [f"# The command line\n\n{MADE}\n{_ABOUT_CLI}"]
    for path, command, context in commands(root, typer.Context(root, info_name="byline")):
        usage = " ".join((path, *command.collect_usage_pieces(context)))
        parts += [f"## {path}\n", f"{inspect.cleandoc(command.help or '')}\n", f"    {usage}\n"]
        rows = filter(None, (each.get_help_record(context) for each in command.params))
        if shown := [(f"`{name}`", told) for name, told in rows]:
            parts.append(table(("argument or option", "meaning"), shown))
    return "\n".join(parts)


_ABOUT_CLI = """`--help` behind any command says the same. Exit codes: 0 done; 1 it could not be
done, and one line on standard error says what was wrong and what to do; 2 wrong usage; 3 `verify`
found a statement that fails. `--json` prints one JSON document on standard output
([records](records.md)).
"""


def source(kind: type) -> ast.ClassDef:
    (found,) = ast.parse(inspect.cleandoc("\n" + inspect.getsource(kind))).body
    assert isinstance(found, ast.ClassDef)
    return found


def plain(type_: ast.expr | None) -> str:
    """An annotation as it is read: without quotation marks."""
    if isinstance(type_, ast.Constant) and isinstance(type_.value, str):
        return type_.value
    return ast.unparse(type_).replace("'", "") if type_ else ""


def parameters(given: ast.arguments) -> Iterator[str]:
    def one(arg: ast.arg, default: ast.expr | None = None) -> str:
        shown = f"{arg.arg}: {plain(arg.annotation)}"
        return f"{shown} = {ast.unparse(default)}" if default else shown

    first = [None] * (len(given.args) - len(given.defaults))
    for arg, default in zip(given.args, [*first, *given.defaults], strict=True):
        if arg.arg != "self":
            yield one(arg, default)
    if given.kwonlyargs:
        yield "*"
        yield from map(one, given.kwonlyargs, given.kw_defaults)
    if given.kwarg:
        yield f"**{one(given.kwarg)}"


def signature(name: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """A function as it is called, on as many lines as it needs."""
    given, returns = list(parameters(function.args)), plain(function.returns)
    gives = "" if returns in ("None", "") else f" -> {returns}"
    whole = f"{name}({', '.join(given)}){gives}"
    inner = "".join(f"    {one},\n" for one in given)
    return whole if len(whole) <= 96 else f"{name}(\n{inner}){gives}"


def members(kind: type) -> Iterator[str]:
    """What a class offers, in the order of its source."""
    for node in source(kind).body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        about = ast.get_docstring(node) or ""
        if node.name == "__init__" and kind is Desk:
            yield f"```text\n{signature(kind.__name__, node)}\n```\n"
        elif node.name.startswith("_"):
            continue
        elif any(plain(one) == "property" for one in node.decorator_list):
            yield f"`.{node.name}: {plain(node.returns)}`\n\n{about}\n"
        elif not node.decorator_list:
            yield f"```text\n.{signature(node.name, node)}\n```\n\n{about}\n"


def python_page() -> str:
    parts = [f"# Python reference\n\n{MADE}\n{_ABOUT_PYTHON}"]
    for kind in CLASSES:
        parts.append(f"## {kind.__name__}\n\n{inspect.getdoc(kind)}\n")
        parts += members(kind)
    tree = inspect.getdoc(errors) or ""
    parts.append(
        f"## Errors\n\n```text\n{tree[tree.index('    Byline') : tree.index('Each')]}```\n"
    )
    return "\n".join(parts)


_ABOUT_PYTHON = """Public are the names that `byline` itself exports, what is on this page and
what is in [records](records.md); how they are used: [Python](python.md). All else may change
without notice ([deprecation](deprecation.md)). `desk.articles`, `desk.follow` and
`desk.conversations` are of the classes below, `desk.chat()` gives a `Chat`. A `Moment` is a date,
an aware datetime or a string in ISO 8601.
"""


def record(kind: type) -> str:
    rows: list[tuple[str, str, str]] = []
    for node in source(kind).body:  # a string below a field says what it is
        if isinstance(node, ast.AnnAssign):
            said = {one.arg: one.value for one in getattr(node.value, "keywords", ())}
            note = ast.literal_eval(said["description"]) if "description" in said else ""
            rows.append((f"`{ast.unparse(node.target)}`", f"`{plain(node.annotation)}`", note))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and rows:
            rows.append((*rows.pop()[:2], str(node.value.value)))
    return f"### {kind.__name__}\n\n{inspect.getdoc(kind)}\n\n{table(_FIELDS, rows)}"


_FIELDS = ("key", "type", "meaning")


def records_page() -> str:
    parts = [f"# Records and events\n\n{MADE}\n{_ABOUT_RECORDS}"]
    for title, kinds in RECORDS.items():
        parts += [f"## {title}\n", *map(record, kinds)]
    return "\n".join(parts)


_ABOUT_RECORDS = """Answers and reports are the same everywhere, key for key: dataclasses in Python,
JSON in `--json`, the HTTP API, events, MCP and exports. Articles and what belongs to the index are
so over HTTP; as JSON an article has its `version` besides, and there `copy_of`.
Dates are ISO 8601, in UTC where the zone is known; a date without a time is a date; what is not
known is null; a tuple is a list. Offsets count Unicode code points from 0, ends exclusive. The JSON
Schemas are in `/openapi.json` of `byline serve` and in the output schemas of [MCP](mcp.md). Cases
of evals have [a page of their own](eval-cases.md).

## Events

`desk.stream` yields them as objects, `POST /v1/ask` with `Accept: text/event-stream` as named
events with JSON data; `hits` come first, one `answer` or `error` last:

| event | in Python | data | how often |
| --- | --- | --- | --- |
| `hits` | `Found` | `hits`: [hits](#hitrecord); `handed`: how many of them are read | once |
| `token` | `str` | `text`: a piece of the model's reply, before any check | with a model |
| `statement` | `Statement` | [a statement](#statement), once it is checked | for each sentence |
| `answer` | `Answer` | [the answer](#answer): it has the last word | once, the last |
| `error` | raised | a problem document (RFC 9457, [HTTP](http.md#errors)) | for `answer` |

With `checked=True` (Python alone) the `str` are pieces of the answer's text, never taken back. A
declined answer has `status` `declined`, a `reason`, no statements, and `nearest`: citations of what
comes nearest.
"""

PAGES: dict[str, Callable[[], str]] = {
    "cli.md": cli_page,
    "classes.md": python_page,
    "records.md": records_page,
}


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_that_of_the_code(name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == PAGES[name]()


if __name__ == "__main__":
    for name, made in PAGES.items():
        (DOCS / name).write_text(made(), "utf-8")
