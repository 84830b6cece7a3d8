"""The engine in one object: opens an index and its models, adds articles, searches, answers.

with Desk() as desk:
    desk.add(["articles/"])
    print(desk.ask("Who resigned on Monday?").text)
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from pydantic import SecretStr

from .errors import InputError, SettingsError
from .index import build, upkeep
from .index.archive import Archive
from .index.article import Article
from .index.backup import Manifest, backup
from .index.build import Report
from .index.conversations import Conversations
from .index.embed import Embedder, LlamaIndexEmbedder, MiniLM, openai_embedder
from .index.settle import remove
from .index.store import Store
from .index.upkeep import Health
from .qa.ask import Answer, Event, Library, Means, ask
from .qa.chat import Chat
from .qa.judge import LLMJudge, NLIJudge
from .qa.model import openai_llm
from .qa.question import Moment, Question, matching, question
from .qa.retrieve import Hit, retrieve
from .qa.verify import Judge
from .settings import Settings, load_settings

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.llms import LLM

    from .qa.local import LocalModel

_MOST_HITS = 1000


class Desk:
    """An open index. What is not given comes from Settings; `close` it, or use `with`.

    `llm` is a model's name at the endpoint, gguf:/path, or any LlamaIndex LLM; `embedder` is
    minilm, openai:NAME, any LlamaIndex embedding model or any `index.embed.Embedder`; `judge` is
    any `qa.verify.Judge`. Dates are aware datetimes, dates, or ISO 8601 strings. Methods may be
    called from several threads.
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
        self._llm = None if isinstance(llm, str) else llm
        self._judge = judge
        self._embedder = _as_embedder(embedder)
        self.folder = self.settings.home / self.settings.index
        self.archive = Archive(self.folder / "archive.db")
        collection = f"byline-{self.archive.uuid}"
        self.store = Store(self.folder / "chroma", collection, self.settings.chroma_url)
        self.articles = Articles(self)
        self._local_model: LocalModel | None = None
        self._loading = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of files and models."""
        self.store.close()
        self.archive.close()
        if self._local_model is not None:
            self._local_model.close()
            self._local_model = None

    def add(
        self,
        paths: Path | str | Iterable[Path | str],
        *,
        progress: Callable[[Report], None] = lambda report: None,
    ) -> Report:
        """Add every article that files and folders hold; what cannot be read is in the report.

        `progress` is called after each batch. Raises IndexLocked where another process writes,
        IndexMismatch where the index was built with another embedder.
        """
        report = build.add(
            [paths] if isinstance(paths, (str, Path)) else paths,
            self.archive,
            self.store,
            self._load_embedder(),
            lock_file=self._lock_file,
            passage_chars=self.settings.passage_chars,
            max_article_bytes=self.settings.max_article_bytes,
            progress=progress,
        )
        return report

    def search(
        self,
        text: str,
        limit: int = 10,
        since: Moment = None,
        until: Moment = None,
        outlets: Sequence[str] = (),
        as_of: Moment = None,
    ) -> list[Hit]:
        """The passages that match best, best first. Raises InputError for a filter that is none."""
        if not 1 <= limit <= _MOST_HITS:
            raise InputError(f"limit is {limit}: give a number from 1 to {_MOST_HITS}.")
        asked = self._question(text, as_of, since, until, outlets)
        library = self.library()
        return retrieve(
            asked.text,
            asked.filter,
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
    ) -> Answer:
        """Answer a question from the articles, or decline.

        `as_of` is the date of asking: nothing newer is used. `policy` says what becomes of
        sentences that the check does not pass: flag (shown, with their verdict), strict (left
        out), off (nothing is checked). `style` is sentences or quotes (of which a model chooses;
        without a model all answers are quotes). Raises InputError for bad input, ModelError where
        the model fails.
        """
        asked = self._question(text, as_of, since, until, outlets)
        *_, last = self._ask(asked, policy, style, stream=False)
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
    ) -> Iterator[Event]:
        """As `ask`, in events: Found, tokens (str), Statements, the Answer.

        Tokens are the model's own, before any check. A Statement is checked, and comes as soon as
        its sentence has ended. The Answer has the last word. Closing the iterator stops the model.
        """
        asked = self._question(text, as_of, since, until, outlets)
        return self._ask(asked, policy, style, stream=True)

    async def aask(self, text: str, **options: Any) -> Answer:
        """`ask` for async programs; the same options."""
        return await asyncio.to_thread(self.ask, text, **options)

    async def astream(self, text: str, **options: Any) -> AsyncIterator[Event]:
        """`stream` for async programs; the same options. Leaving the loop stops the model."""
        done = object()
        # One thread, so that closing waits for the step that is under way.
        thread = ThreadPoolExecutor(1, thread_name_prefix="byline-ask")
        loop = asyncio.get_running_loop()
        events: Iterator[Event] | None = None
        try:
            events = await loop.run_in_executor(thread, lambda: self.stream(text, **options))
            while True:
                event = await loop.run_in_executor(thread, next, events, done)
                if event is done:
                    break
                yield cast("Event", event)
        finally:
            close = getattr(events, "close", None)
            if close is not None:
                thread.submit(close)
            thread.shutdown(wait=False)

    def chat(self, conversation_id: str | None = None) -> Chat:
        """A conversation: follow-ups are understood, filters persist, turns are stored.

        With an id the conversation of that id goes on. Raises InputError where there is none.
        """
        if conversation_id is not None:
            self.conversations.load(conversation_id)
        return Chat(
            self.stream,
            self.conversations,
            conversation_id,
            known_outlets=self.archive.outlets,
            llm=self._load_llm,
        )

    @property
    def conversations(self) -> Conversations:
        """The stored conversations: list, load, rename, delete."""
        return self.archive.conversations

    def check(self, *, rebuild: bool = False, repair: bool = False) -> Health:
        """Compare archive and vector store; first mend what does not agree, or make the store anew.

        Its vectors are the archive's; only where settings ask for another embedder than the index
        was built with does `rebuild` embed everything again.
        """
        if repair:
            upkeep.repair(self.archive, self.store, lock_file=self._lock_file)
        if rebuild:
            upkeep.rebuild(
                self.archive, self.store, self._load_embedder(), lock_file=self._lock_file
            )
        return upkeep.check(self.archive, self.store, lock_file=self._lock_file)

    def backup(self, path: Path | str) -> Manifest:
        """Copy the index into one file, also while it is written to and asked."""
        return backup(self.archive, Path(path))

    @property
    def has_llm(self) -> bool:
        """Whether a language model writes the answers; else they are quoted sentences."""
        return self._llm is not None or self.settings.llm is not None

    @property
    def llm(self) -> "LLM | None":
        """The language model that writes answers, loaded; None where they are quoted."""
        return self._load_llm()

    @property
    def _signals(self) -> list[str]:
        return self.settings.signals.split(",")

    @property
    def _lock_file(self) -> Path:
        return self.folder / "lock"

    def _question(
        self, text: str, as_of: Moment, since: Moment, until: Moment, outlets: Sequence[str]
    ) -> Question:
        known = self.archive.outlets() if outlets else None
        return question(
            text, as_of=as_of, since=since, until=until, outlets=outlets, known_outlets=known
        )

    def _ask(
        self, asked: Question, policy: str, style: str | None, *, stream: bool
    ) -> Iterator[Event]:
        given = self.settings
        means = Means(
            llm=self._load_llm(),
            judge=self._load_judge(),
            style=style or given.style,
            policy=policy,
            max_passages=given.max_passages,
            signals=tuple(self._signals),
            repair=given.repair,
            seconds=given.ask_timeout_seconds,
        )
        return ask(asked, self.library(), means, stream=stream)

    def library(self) -> Library:
        """The open index, as other processes have left it."""
        embedder = self._load_embedder()
        self.archive.require(embedder=embedder.name)
        self.store.catch_up(self.archive.generation)
        return Library(self.archive, self.store, embedder)

    def _load_embedder(self) -> Embedder:
        with self._loading:
            if self._embedder is None:
                self._embedder = _embedder_of(self.settings)
            return self._embedder

    def _load_llm(self) -> "LLM | None":
        name, given = self.settings.llm, self.settings
        with self._loading:
            if self._llm is None and name is not None:
                base_url, key = given.llm_base_url, _secret(given.llm_api_key)
                if name.startswith("gguf:"):
                    from .qa.local import LocalModel

                    self._local_model = LocalModel(name[5:], given.llm_context_window)
                    base_url, name = self._local_model.base_url, Path(name).stem
                self._llm = openai_llm(
                    name,
                    base_url,
                    key,
                    context_window=given.llm_context_window,
                    max_tokens=given.llm_max_tokens,
                    timeout_seconds=given.llm_timeout_seconds,
                )
            return self._llm

    def _load_judge(self) -> "Judge | None":
        name, given = self.settings.judge, self.settings
        with self._loading:
            if self._judge is None and name is not None:
                if name.startswith("nli:"):
                    self._judge = NLIJudge(name[4:])
                else:
                    llm = openai_llm(
                        name,
                        given.judge_base_url,
                        _secret(given.judge_api_key),
                        context_window=given.llm_context_window,
                        max_tokens=given.llm_max_tokens,
                        timeout_seconds=given.llm_timeout_seconds,
                    )
                    self._judge = LLMJudge(llm)
            return self._judge


class Articles:
    """The articles of a desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __len__(self) -> int:
        return self._desk.archive.count()[0]

    def get(self, article_id: str) -> Article:
        """The article with this id. Raises InputError where there is none."""
        article = self._desk.archive.article(article_id)
        if article is None:
            raise self._missing(article_id)
        return article

    def list(
        self,
        limit: int = 100,
        *,
        since: Moment = None,
        until: Moment = None,
        outlets: Sequence[str] = (),
        as_of: Moment = None,
    ) -> list[Article]:
        """Articles that match, the newest first, the undated last."""
        known = self._desk.archive.outlets() if outlets else None
        return self._desk.archive.list_articles(
            matching(as_of, since, until, outlets, known), limit
        )

    def remove(self, article_ids: str | Sequence[str]) -> int:
        """Take articles out of the index with all their versions; how many there were.

        Raises InputError, and removes nothing, where one of them is not there.
        """
        ids = [article_ids] if isinstance(article_ids, str) else article_ids
        desk = self._desk
        held = {article.id for article in desk.archive.articles(ids)}
        for article_id in ids:
            if article_id not in held:
                raise self._missing(article_id)
        return remove(ids, desk.archive, desk.store, lock_file=desk._lock_file)

    def _missing(self, article_id: str) -> InputError:
        return InputError(
            f"There is no article '{article_id}' in index '{self._desk.settings.index}': "
            "`byline articles list` shows the ids."
        )


def _embedder_of(settings: Settings) -> Embedder:
    if settings.embedder == "minilm":
        return MiniLM(settings.embed_model_dir)
    kind, _, name = settings.embedder.partition(":")
    if kind != "openai" or not name:
        raise SettingsError(
            f"There is no embedder '{settings.embedder}': use minilm, or openai:NAME."
        )
    return openai_embedder(name, settings.embed_base_url, _secret(settings.embed_api_key))


def _as_embedder(given: "BaseEmbedding | Embedder | str | None") -> Embedder | None:
    if given is None or isinstance(given, str):
        return None
    if hasattr(given, "get_text_embedding"):  # a BaseEmbedding, told without importing LlamaIndex
        return LlamaIndexEmbedder(cast("BaseEmbedding", given))
    return given


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value else None
