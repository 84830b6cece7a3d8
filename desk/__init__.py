"""The engine in one object: opens an index and its models, adds articles, searches, answers.

with Desk() as desk:
    desk.add(["articles/"])
    print(desk.ask("Who resigned on Monday?").text)
"""

import asyncio
import threading
from collections.abc import (
    AsyncGenerator,
    Callable,
    Generator,
    Hashable,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import closing, contextmanager, suppress
from contextvars import copy_context
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from ..errors import InputError, SettingsError
from ..index import build, erase, upkeep
from ..index.archive import Archive
from ..index.archive.conversations import Conversations
from ..index.article import day_of
from ..index.backup import Manifest, backup
from ..index.build import Report
from ..index.embed import Embedder
from ..index.fetch.expand import expand
from ..index.server import Server, server_of, store_at
from ..index.upkeep import Health
from ..qa.ask import CUT_OFF, Library, Means, ask
from ..qa.budget import Usage
from ..qa.cache import AnswerCache
from ..qa.chat import Chat
from ..qa.draft import DraftReport, check_draft
from ..qa.events import Answer, Event
from ..qa.question import Moment, Question, filter_of, question
from ..qa.retrieve import Hit, retrieve
from ..qa.trace import exporting
from ..qa.turns import Turns
from ..qa.verify import Judge
from ..settings import Settings, keep_ray_still, load_settings, revealed
from .articles import Articles
from .models import Models

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.llms import LLM

    from ..index.fetch.follow import Follow
    from ..index.fetch.web import Web
    from ..index.read import Entry, Failure, Found
    from ..qa.engine import DeskQueryEngine, DeskRetriever

_MOST_HITS = 1000
_AHEAD = 8  # events that wait for a slow reader


class Desk:
    """An open index. What is not given comes from Settings; `close` it, or use `with`.

    `llm` is a model's name at the endpoint, gguf:/path, or any LlamaIndex LLM; `embedder` is
    minilm, openai:NAME, any LlamaIndex embedding model or any `index.embed.Embedder`; `judge` is
    any `qa.verify.Judge`. `models_stay_here` says of objects that are handed in that they send
    nothing from this machine, which an index that is `local_only` asks for. Dates are aware
    datetimes, dates, or ISO 8601 strings. Methods may be called from several threads.
    """

    def __init__(
        self,
        home: Path | str | None = None,
        index: str | None = None,
        *,
        llm: "LLM | str | None" = None,
        embedder: "BaseEmbedding | Embedder | str | None" = None,
        judge: "Judge | None" = None,
        settings: Settings | None = None,
        models_stay_here: bool = False,
    ) -> None:
        given = {
            "home": Path(home) if home else None,
            "index": index,
            "llm": llm if isinstance(llm, str) else None,
            "embedder": embedder if isinstance(embedder, str) else None,
        }
        if settings and any(given.values()):
            raise SettingsError("Desk takes settings, or home, index and names: not both.")
        self.settings = settings or load_settings(**given)
        self._tracing = exporting(self.settings.trace) if self.settings.trace else None
        self.folder = self.settings.home / self.settings.index
        self.archive = Archive(
            self.folder / "archive.db",
            self.settings.archive_url,
            connections=self.settings.archive_connections,
        )
        collection = f"byline-{self.archive.uuid}"
        self.store = store_at(
            server_in(self.settings),
            self.folder / "chroma",
            collection,
            archive_url=self.archive.url,
        )
        self.articles = Articles(self.archive, self.store, self._lock_file)
        self._models = Models(
            self.settings,
            self.archive,
            llm=None if isinstance(llm, str) else llm,
            judge=judge,
            embedder=None if isinstance(embedder, str) else embedder,
            stay_here=models_stay_here,
        )
        self._turns = Turns()
        self._answers: AnswerCache | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of files and models."""
        self.store.close()
        self.archive.close()
        self._models.close()
        if self._tracing is not None:
            self._tracing.shutdown()
            self._tracing = None

    def add(
        self,
        paths: "Path | str | Iterable[Path | str | Entry | Failure]",
        *,
        progress: Callable[[Report], None] = lambda report: None,
        erased_too: bool = False,
        ray: str | None = None,
        may_write: Callable[[], bool] = lambda: True,
    ) -> Report:
        """Add every article that is given; what cannot be read is in the report.

        A path is a file, a folder, a pattern (`news/*.txt`), a page's address, or `-` for
        standard input: JSON Lines or one text. What was erased is refused, unless `erased_too`.
        An address as s3://bucket/folder is read through fsspec. `ray` names a Ray cluster that
        reads, cuts and embeds files: local, auto, HOST:PORT or ray://HOST:PORT. `progress` is
        called after each batch; `may_write` is asked before each, with the writer's lock held: a no
        ends the run. Raises IndexLocked where another process writes, IndexMismatch where the index
        was built with another embedder, SettingsError where `ray` cannot be used.
        """
        given = [paths] if isinstance(paths, (str, Path)) else paths
        found: Iterable[Path | str | Found] = expand(
            given,
            self._web,
            self.archive.articles,
            max_article_bytes=self.settings.max_article_bytes,
        )
        if ray is not None:
            with self._on_cluster(ray, found, erased_too) as made:
                return self._added(made, progress, erased_too, may_write)
        return self._added(found, progress, erased_too, may_write)

    def _added(
        self,
        found: "Iterable[Path | str | Found]",
        progress: Callable[[Report], None],
        erased_too: bool,
        may_write: Callable[[], bool],
    ) -> Report:
        return build.add(
            found,
            self.archive,
            self.store,
            self._models.embedder(),
            lock_file=self._lock_file,
            passage_chars=self.settings.passage_chars,
            max_article_bytes=self.settings.max_article_bytes,
            progress=progress,
            erased_too=erased_too,
            may_write=may_write,
        )

    @contextmanager
    def _on_cluster(
        self, address: str, given: "Iterable[Path | str | Found]", erased_too: bool
    ) -> "Iterator[Iterator[Found]]":
        """What workers of a Ray cluster make of what is given."""
        if self.local_only and address != "local":
            raise SettingsError(
                f"Index '{self.settings.index}' is local_only, and the Ray cluster {address} may "
                "have workers elsewhere: nothing was sent. Use --ray local."
            )
        keep_ray_still()
        try:
            from ..index import bulk
        except ModuleNotFoundError as error:
            if error.name not in ("ray", "pyarrow", "pandas"):
                raise
            raise SettingsError(
                "Adding on a Ray cluster needs the extra `ray`: run `pip install 'byline[ray]'`."
            ) from None
        if self.local_only and bulk.is_connected():
            raise SettingsError(
                f"Index '{self.settings.index}' is local_only, and this program is connected to a "
                "Ray cluster that may have workers elsewhere: nothing was sent. Call "
                "ray.shutdown() first."
            )
        threads = self.settings.ray_threads
        with bulk.cluster(address, self.settings.ray_workers, threads) as workers:
            work = bulk.Work(
                self._models.embedder_maker(threads),
                self._models.embedder().name,
                self.archive.inventory(erased=not erased_too),
                self.settings.passage_chars,
                self.settings.max_article_bytes,
            )
            yield bulk.read(given, work, workers, threads)

    def search(
        self,
        text: str,
        limit: int = 10,
        since: Moment = None,
        until: Moment = None,
        outlets: Sequence[str] = (),
        as_of: Moment = None,
        retracted: bool = False,
        sections: Sequence[str] = (),
    ) -> list[Hit]:
        """The passages that match best, best first. Raises InputError for a filter that is none."""
        if not 1 <= limit <= _MOST_HITS:
            raise InputError(f"limit is {limit}: give a number from 1 to {_MOST_HITS}.")
        wanted = filter_of(self.archive, as_of, since, until, outlets, sections, retracted)
        library = self.library()
        return retrieve(
            question(text, wanted).text,
            wanted,
            library.archive,
            library.store,
            library.embedder,
            limit=limit,
            signals=self._signals,
        )

    def ask(
        self,
        text: str,
        *,
        as_of: Moment = None,
        since: Moment = None,
        until: Moment = None,
        outlets: Sequence[str] = (),
        policy: str = "flag",
        style: str | None = None,
        retracted: bool = False,
        sections: Sequence[str] = (),
    ) -> Answer:
        """Answer a question from the articles, or decline.

        `as_of` is the date of asking: nothing newer is used. `policy` says what becomes of
        sentences that the check does not pass: flag (shown, with their verdict), strict (left
        out), off (nothing is checked). `style` is sentences or quotes (of which a model chooses;
        without a model all answers are quotes). `retracted` also uses articles that were retracted;
        their citations carry the notice. Raises InputError for bad input, ModelError where the
        model fails.
        """
        wanted = filter_of(self.archive, as_of, since, until, outlets, sections, retracted)
        *_, last = self._ask(question(text, wanted), policy, style, stream=False)
        assert isinstance(last, Answer)
        return last

    def stream(
        self,
        text: str,
        *,
        as_of: Moment = None,
        since: Moment = None,
        until: Moment = None,
        outlets: Sequence[str] = (),
        policy: str = "flag",
        style: str | None = None,
        retracted: bool = False,
        sections: Sequence[str] = (),
        checked: bool = False,
    ) -> Iterator[Event]:
        """As `ask`, in events: Found, tokens (str), Statements, the Answer.

        Tokens are the model's own, before any check; with `checked` they are pieces of the Answer's
        text, never taken back. A Statement is checked, and comes as soon as its sentence has ended.
        The Answer has the last word. Closing the iterator stops the model.
        """
        wanted = filter_of(self.archive, as_of, since, until, outlets, sections, retracted)
        return self._ask(question(text, wanted), policy, style, stream=True, checked=checked)

    async def aask(self, text: str, **options: Any) -> Answer:
        """`ask` for async programs; the same options."""
        return await asyncio.to_thread(self.ask, text, **options)

    def astream(self, text: str, **options: Any) -> AsyncGenerator[Event]:
        """`stream` for async programs; the same options. Leaving the loop stops the model."""
        return in_own_thread(lambda: self.stream(text, **options))

    def verify(
        self,
        text: str,
        *,
        since: Moment = None,
        until: Moment = None,
        outlets: Sequence[str] = (),
        as_of: Moment = None,
        retracted: bool = False,
        sections: Sequence[str] = (),
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> DraftReport:
        """Check a text, a draft or what another system said, statement by statement.

        As `ask` checks its own sentences, against what it would find for them; numbers and links
        that the text has itself are no evidence. `as_of` is also the day against which its relative
        dates are read. `progress` is called with the statements that are done, and all. Raises
        InputError for an empty or over-long text, and for filters as `ask` does.
        """
        wanted = filter_of(self.archive, as_of, since, until, outlets, sections, retracted)
        return check_draft(
            text,
            wanted,
            wanted.as_of or datetime.now(UTC),
            self.library(),
            judge=self._models.judge(),
            signals=self._signals,
            seconds=self.settings.ask_timeout_seconds,
            progress=progress,
        )

    def chat(self, conversation_id: str | None = None, *, private: bool = False) -> Chat:
        """A conversation: follow-ups are understood, filters persist, turns are stored.

        With an id the conversation of that id goes on; of a private one nothing is stored. Raises
        InputError where there is none, or one that is stored is to be private.
        """
        if conversation_id is not None and private:
            raise InputError(
                f"Conversation '{conversation_id}' is stored: a private one begins anew, without "
                "an id."
            )
        if conversation_id is not None:
            self.conversations.load(conversation_id)
        return Chat(
            self.stream,
            self.conversations,
            conversation_id,
            known_outlets=self.archive.outlets,
            known_sections=self.archive.sections,
            llm=self._models.llm,
            private=private,
        )

    @property
    def conversations(self) -> Conversations:
        """The stored conversations: list, load, rename, delete; too old ones are deleted first."""
        found = self.archive.conversations
        found.expire(self.settings.conversation_days)
        return found

    @property
    def local_only(self) -> bool:
        """Whether no model elsewhere is ever called for this index, by whatever process."""
        return self.archive.local_only

    @local_only.setter
    def local_only(self, wanted: bool) -> None:
        self.archive.keep_local(wanted)

    def check(self, *, rebuild: bool = False, repair: bool = False) -> Health:
        """Compare archive and vector store; first mend what does not agree, or make the store anew.

        Its vectors are the archive's; only where settings ask for another embedder than the index
        was built with does `rebuild` embed everything again.
        """
        if repair:
            upkeep.repair(self.archive, self.store, lock_file=self._lock_file)
        if rebuild:
            upkeep.rebuild(
                self.archive, self.store, self._models.embedder(), lock_file=self._lock_file
            )
        if (repair or rebuild) and erase.is_unfinished(self.archive):
            erase.apply_tombstones(self.archive, self.store, lock_file=self._lock_file)
        self.archive.conversations.expire(self.settings.conversation_days)
        health = upkeep.check(self.archive, self.store, lock_file=self._lock_file)
        if not erase.is_unfinished(self.archive):
            return health
        unfinished = "an erase was interrupted: what it erased is still in the files"
        return replace(health, problems=(*health.problems, unfinished))

    def backup(self, path: Path | str) -> Manifest:
        """Copy the index into one file, also while it is written to and asked."""
        return backup(self.archive, Path(path))

    @property
    def has_llm(self) -> bool:
        """Whether a language model writes the answers; else they are quoted sentences."""
        return self._models.has_llm

    @property
    def llm(self) -> "LLM | None":
        """The language model that writes answers, loaded; None where they are quoted."""
        return self._models.llm()

    @property
    def follow(self) -> "Follow":
        """The feeds whose articles are added as they appear: add, list, run, remove."""
        from ..index.fetch.follow import Follow

        return Follow(
            self.archive,
            self._web(),
            self.add,
            self.articles.remove,
            lock_file=self.folder / "lock.follow",
            max_article_bytes=self.settings.max_article_bytes,
        )

    def _web(self) -> "Web":
        from ..index.fetch.web import Web

        given = self.settings
        return Web(
            user_agent=given.user_agent,
            delay_seconds=given.fetch_delay_seconds,
            timeout_seconds=given.fetch_timeout_seconds,
            allow_private=given.fetch_private,
        )

    @property
    def _signals(self) -> list[str]:
        return self.settings.signals.split(",")

    @property
    def _lock_file(self) -> Path:
        return self.folder / "lock"

    def _ask(
        self,
        asked: Question,
        policy: str,
        style: str | None,
        *,
        stream: bool,
        checked: bool = False,
    ) -> Iterator[Event]:
        given = self.settings
        means = Means(
            llm=self._models.llm(),
            judge=self._models.judge(),
            style=style or given.style,
            policy=policy,
            max_passages=given.max_passages,
            signals=tuple(self._signals),
            repair=given.repair,
            seconds=given.ask_timeout_seconds,
            tracing=self._tracing,
        )
        events = ask(asked, self.library(), means, stream=stream, checked=checked)
        if self._answers is None or checked:
            return events
        key = (asked.text, asked.filter, day_of(asked.as_of), policy, means.style)
        return self._kept(self._answers, key, asked.as_of, events)

    def _kept(
        self, answers: AnswerCache, key: Hashable, as_of: datetime | date, events: Iterator[Event]
    ) -> Iterator[Event]:
        """The events of an ask, or those of the same one before where nothing has changed since."""
        generation, until = self.archive.generation, self.archive.next_turn()
        if kept := answers.get(key, generation):
            *before, answer = kept
            assert isinstance(answer, Answer)
            yield from before
            notes = (*answer.notes, "asked before; no article has changed since")
            yield replace(answer, as_of=as_of, usage=Usage(), timings={}, notes=notes)
            return
        seen: list[Event] = []
        with closing(cast("Generator[Event]", events)):
            for event in events:
                seen.append(event)
                yield event
        answer = seen[-1]
        assert isinstance(answer, Answer)
        is_passing = answer.reason == "source_withheld" or CUT_OFF in answer.notes
        if answer.index_version == generation and not is_passing:
            answers.put(key, generation, until, seen)

    def keep_answers(self, most: int) -> None:
        """Give the same question its answer of before, until the index changes; 0: no more."""
        self._answers = AnswerCache(most) if most else None

    def as_query_engine(self, **options: Any) -> "DeskQueryEngine":
        """A LlamaIndex query engine: options of `ask`, `streaming` and `callback_manager`."""
        from ..qa.engine import DeskQueryEngine

        return DeskQueryEngine(self, **options)

    def as_retriever(self, **options: Any) -> "DeskRetriever":
        """A LlamaIndex retriever: the options of `search`, and `callback_manager`."""
        from ..qa.engine import DeskRetriever

        return DeskRetriever(self, **options)

    def library(self) -> Library:
        """The open index, as other processes have left it."""
        embedder = self._models.embedder()
        self.archive.require(embedder=embedder.name)
        self.store.catch_up(self.archive.generation)
        return Library(self.archive, self.store, embedder, self._turns)


def server_in(given: Settings) -> Server | None:
    """The Chroma server that settings name."""
    return server_of(given.store, revealed(given.store_api_key), revealed(given.store_headers))


async def in_own_thread(begin: Callable[[], Iterator[Event]]) -> AsyncGenerator[Event]:
    """Events that a thread makes, a few ahead of the reader; leaving early closes their source."""
    loop, here = asyncio.get_running_loop(), copy_context()
    made: asyncio.Queue[Event | BaseException | None] = asyncio.Queue()
    room, has_left = threading.Semaphore(_AHEAD), threading.Event()

    def tell(event: Event | BaseException | None) -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(made.put_nowait, event)

    def make() -> None:
        try:
            with closing(cast("Generator[Event]", begin())) as events:
                while room.acquire() and not has_left.is_set():
                    if (event := next(events, None)) is None:
                        break
                    tell(event)
            tell(None)
        except BaseException as error:  # for the one who asks
            tell(error)

    threading.Thread(target=here.run, args=(make,), name="byline-ask").start()
    try:
        while (event := await made.get()) is not None:
            if isinstance(event, BaseException):
                raise event
            room.release()
            yield event
    finally:
        has_left.set()
        room.release()
