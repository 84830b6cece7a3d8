"""The engine in one object: opens an index and its models, adds articles, searches, answers.

with Desk() as desk:
    desk.add(["articles/"])
    print(desk.ask("Who resigned on Monday?").text)
"""

import asyncio
import json
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import (
    AsyncGenerator,
    Callable,
    Generator,
    Hashable,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import closing, suppress
from contextvars import copy_context
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from pydantic import SecretStr

from .errors import InputError, NotFound, SettingsError
from .index import build, erase, upkeep
from .index.archive import Archive
from .index.article import Article, day_of, day_start
from .index.backup import Manifest, backup
from .index.build import Report
from .index.clean import tidy
from .index.conversations import Conversations
from .index.embed import Embedder, LlamaIndexEmbedder, MiniLM, openai_embedder
from .index.erase import Erasure
from .index.fetch.expand import expand
from .index.history import Version
from .index.lock import writing
from .index.origins import Copy, Reach
from .index.reach import address_of, require_local
from .index.settle import remove
from .index.store import Store
from .index.upkeep import Health
from .index.words import WORD
from .qa.ask import CUT_OFF, Answer, Event, Library, Means, ask
from .qa.budget import Usage
from .qa.cache import AnswerCache
from .qa.chat import Chat
from .qa.draft import DraftReport, check_draft
from .qa.judge import LLMJudge, NLIJudge
from .qa.model import close_client, openai_llm
from .qa.question import Moment, Question, matching, question
from .qa.retrieve import Hit, retrieve
from .qa.trace import exporting
from .qa.turns import Turns
from .qa.verify import Judge
from .settings import Settings, load_settings

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.llms import LLM

    from .index.fetch.follow import Follow
    from .index.fetch.web import Web
    from .index.read import Entry, Failure
    from .qa.engine import DeskQueryEngine, DeskRetriever
    from .qa.local import LocalModel

_MOST_HITS = 1000
_AHEAD = 8  # events that wait for a slow reader
_LONGEST_REASON = 1000  # characters


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
        self._llm = None if isinstance(llm, str) else llm
        self._judge = judge
        self._embedder = _as_embedder(embedder)
        self._handed = (self._llm, self._judge, self._embedder)
        self._models_stay_here = models_stay_here
        self._tracing = exporting(self.settings.trace) if self.settings.trace else None
        self.folder = self.settings.home / self.settings.index
        self.archive = Archive(self.folder / "archive.db")
        collection = f"byline-{self.archive.uuid}"
        self.store = Store(self.folder / "chroma", collection, self.settings.chroma_url)
        self.articles = Articles(self)
        self._local_model: LocalModel | None = None
        self._loading = threading.Lock()
        self._turns = Turns()
        self._answers: AnswerCache | None = None
        self._opened: dict[str, Callable[[], None]] = {}
        "what closes the models that this desk made itself, by attribute"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of files and models."""
        self.store.close()
        self.archive.close()
        while self._opened:
            name, close = self._opened.popitem()
            close()
            setattr(self, name, None)
        if self._local_model is not None:
            self._local_model.close()
            self._local_model = None
        if self._tracing is not None:
            self._tracing.shutdown()
            self._tracing = None

    def add(
        self,
        paths: "Path | str | Iterable[Path | str | Entry | Failure]",
        *,
        progress: Callable[[Report], None] = lambda report: None,
        erased_too: bool = False,
    ) -> Report:
        """Add every article that is given; what cannot be read is in the report.

        A path is a file, a folder, a pattern (`news/*.txt`), a page's address, or `-` for
        standard input: JSON Lines or one text. What was erased is refused, unless `erased_too`.
        `progress` is called after each batch. Raises IndexLocked where another process writes,
        IndexMismatch where the index was built with another embedder.
        """
        given = [paths] if isinstance(paths, (str, Path)) else paths
        report = build.add(
            expand(
                given,
                self._web,
                self.archive.articles,
                max_article_bytes=self.settings.max_article_bytes,
            ),
            self.archive,
            self.store,
            self._load_embedder(),
            lock_file=self._lock_file,
            passage_chars=self.settings.passage_chars,
            max_article_bytes=self.settings.max_article_bytes,
            progress=progress,
            erased_too=erased_too,
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
        retracted: bool = False,
        sections: Sequence[str] = (),
    ) -> list[Hit]:
        """The passages that match best, best first. Raises InputError for a filter that is none."""
        if not 1 <= limit <= _MOST_HITS:
            raise InputError(f"limit is {limit}: give a number from 1 to {_MOST_HITS}.")
        asked = self._question(text, as_of, since, until, outlets, retracted, sections)
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
        asked = self._question(text, as_of, since, until, outlets, retracted, sections)
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
        retracted: bool = False,
        sections: Sequence[str] = (),
        checked: bool = False,
    ) -> Iterator[Event]:
        """As `ask`, in events: Found, tokens (str), Statements, the Answer.

        Tokens are the model's own, before any check; with `checked` they are pieces of the Answer's
        text, never taken back. A Statement is checked, and comes as soon as its sentence has ended.
        The Answer has the last word. Closing the iterator stops the model.
        """
        asked = self._question(text, as_of, since, until, outlets, retracted, sections)
        return self._ask(asked, policy, style, stream=True, checked=checked)

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
        known = self.archive.outlets() if outlets else None
        known_sections = self.archive.sections() if sections else None
        asked = matching(as_of, since, until, outlets, known, sections, known_sections)
        wanted = replace(asked, retracted=retracted)
        return check_draft(
            text,
            wanted,
            wanted.as_of or datetime.now(UTC),
            self.library(),
            judge=self._load_judge(),
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
            llm=self._load_llm,
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
                self.archive, self.store, self._load_embedder(), lock_file=self._lock_file
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
        return self._llm is not None or self.settings.llm is not None

    @property
    def llm(self) -> "LLM | None":
        """The language model that writes answers, loaded; None where they are quoted."""
        return self._load_llm()

    @property
    def follow(self) -> "Follow":
        """The feeds whose articles are added as they appear: add, list, run, remove."""
        from .index.fetch.follow import Follow

        return Follow(
            self.archive,
            self._web(),
            self.add,
            self.articles.remove,
            lock_file=self.folder / "lock.follow",
            max_article_bytes=self.settings.max_article_bytes,
        )

    def _web(self) -> "Web":
        from .index.fetch.web import Web

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

    def _question(
        self,
        text: str,
        as_of: Moment,
        since: Moment,
        until: Moment,
        outlets: Sequence[str],
        retracted: bool,
        sections: Sequence[str],
    ) -> Question:
        asked = question(
            text,
            as_of=as_of,
            since=since,
            until=until,
            outlets=outlets,
            known_outlets=self.archive.outlets() if outlets else None,
            sections=sections,
            known_sections=self.archive.sections() if sections else None,
        )
        return replace(asked, filter=replace(asked.filter, retracted=retracted))

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
            llm=self._load_llm(),
            judge=self._load_judge(),
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
        from .qa.engine import DeskQueryEngine

        return DeskQueryEngine(self, **options)

    def as_retriever(self, **options: Any) -> "DeskRetriever":
        """A LlamaIndex retriever: the options of `search`, and `callback_manager`."""
        from .qa.engine import DeskRetriever

        return DeskRetriever(self, **options)

    def library(self) -> Library:
        """The open index, as other processes have left it."""
        embedder = self._load_embedder()
        self.archive.require(embedder=embedder.name)
        self.store.catch_up(self.archive.generation)
        return Library(self.archive, self.store, embedder, self._turns)

    def _stays_here(self, what: str, handed: object, name: str | None, address: str | None) -> None:
        """Raise SettingsError where a model is elsewhere and the index is for this machine only."""
        if handed is not None and not self._models_stay_here:
            require_local(self.archive, f"the {what} that was handed in", address_of(handed))
        elif handed is None and name is not None:
            here = name == "minilm" or name.startswith("gguf:")
            require_local(self.archive, f"{what} {name}", "http://127.0.0.1" if here else address)

    def _load_embedder(self) -> Embedder:
        given = self.settings
        self._stays_here("embedder", self._handed[2], given.embedder, given.embed_base_url)
        with self._loading:
            if self._embedder is None:
                self._embedder = _embedder_of(self.settings)
                if isinstance(self._embedder, LlamaIndexEmbedder):
                    self._opened["_embedder"] = self._embedder.close
            return self._embedder

    def _load_llm(self) -> "LLM | None":
        name, given = self.settings.llm, self.settings
        self._stays_here("model", self._handed[0], name, given.llm_base_url)
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
                self._opened["_llm"] = partial(close_client, self._llm)
            return self._llm

    def _load_judge(self) -> "Judge | None":
        name, given = self.settings.judge, self.settings
        is_nli = name is not None and name.startswith("nli:")
        where = name[4:] if name and is_nli else given.judge_base_url
        self._stays_here("judge", self._handed[1], name, where)
        with self._loading:
            if self._judge is None and name is not None:
                if name.startswith("nli:"):
                    judge: NLIJudge | LLMJudge = NLIJudge(name[4:])
                else:
                    llm = openai_llm(
                        name,
                        given.judge_base_url,
                        _secret(given.judge_api_key),
                        context_window=given.llm_context_window,
                        max_tokens=given.llm_max_tokens,
                        timeout_seconds=given.llm_timeout_seconds,
                    )
                    judge = LLMJudge(llm)
                self._judge = judge
                self._opened["_judge"] = judge.close
            return self._judge


class Articles:
    """The articles of a desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __len__(self) -> int:
        return self._desk.archive.count()[0]

    @property
    def withheld(self) -> int:
        """How many articles are there that may not be shown now."""
        return len(self._desk.archive.withheld())

    def get(self, article_id: str, version: str | None = None) -> Article:
        """The article with this id, as published or in an earlier version.

        Of a citation, `get(article_id, version).text[start:end] == quote`, whatever became of the
        article since, unless it was removed. Raises InputError where there is none.
        """
        if version is not None:
            held = {one.version: one.article for one in self.history(article_id)}
            if version not in held:
                raise NotFound(
                    f"There is no version '{version}' of article '{article_id}': "
                    f"there are {', '.join(held)}."
                )
            return held[version]
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
        sections: Sequence[str] = (),
        killed: bool = False,
        withheld: bool = False,
    ) -> list[Article]:
        """Articles that match, the newest first, the undated last.

        `killed`: instead those that were killed by hand, also where they were removed since;
        `withheld`: those that may not be shown now. Both with no more than id, outlet, date, and
        what keeps them back (status, embargo, expiry). Raises InputError where these are filtered.
        """
        archive = self._desk.archive
        if killed or withheld:
            if since or until or outlets or as_of or sections or (killed and withheld):
                raise InputError("All that is held back is listed: leave out dates and outlets.")
            return (archive.killed() if killed else archive.withheld())[:limit]
        known = archive.outlets() if outlets else None
        known_sections = archive.sections() if sections else None
        wanted = matching(as_of, since, until, outlets, known, sections, known_sections)
        return archive.list_articles(replace(wanted, retracted=True), limit)

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

    def history(self, article_id: str) -> tuple[Version, ...]:
        """Its versions, the oldest first, each with what it changed of the one before.

        Raises InputError where there is no such article.
        """
        found = self._desk.archive.versions(article_id)
        if not found:
            raise self._missing(article_id)
        return tuple(found)

    def retract(
        self,
        article_id: str,
        reason: str | None = None,
        *,
        undo: bool = False,
        copies: bool = False,
    ) -> Reach:
        """Retract an article for a reason, or let it stand again; `copies`: all that run its text.

        It is no evidence from then on, in every open process, and no re-add changes that. Raises
        InputError without a reason, where there is no such article, or it was not retracted.
        """
        reason = " ".join(tidy(reason or "").split())
        if undo == bool(reason) or len(reason) > _LONGEST_REASON:
            raise InputError(
                f"Give a reason of at most {_LONGEST_REASON} characters to retract an article, "
                "none to undo that."
            )
        archive, ids = self._desk.archive, [self.get(article_id).id]
        with writing(self._desk._lock_file):
            if not archive.retract(article_id, reason or None):
                raise InputError(f"Article '{article_id}' is not retracted: nothing to undo.")
            others = archive.same_text(ids) if copies else ()
            ids += [one for one in others if archive.retract(one, reason or None)]
        return self._reach(ids, undo)

    def origins(self, article_ids: Sequence[str]) -> dict[str, Copy]:
        """The articles whose text some of these run: id and outlet, if they may be shown."""
        copies = self._desk.archive.copies(article_ids)
        return {of: one for of, others in copies.items() for one in others if one.is_origin}

    def kill(
        self, article_ids: str | Sequence[str], *, undo: bool = False, copies: bool = False
    ) -> Reach:
        """Show articles nowhere from now on, in no process; `copies`: all that run their text.

        No source brings them back, and no removal, only `undo`: `list(killed=True)` has the ids.
        Raises InputError, and kills nothing, where one of them is not there.
        """
        ids = [article_ids] if isinstance(article_ids, str) else article_ids
        archive = self._desk.archive
        held = {
            article.id for article in archive.articles(ids) + (archive.killed() if undo else [])
        }
        for article_id in ids:
            if article_id not in held:
                raise self._missing(article_id, " --killed" if undo else "")
        ids = [*dict.fromkeys(ids), *(archive.same_text(ids) if copies else ())]
        archive.kill(ids, undo=undo)
        return self._reach(ids, undo)

    def _reach(self, ids: Sequence[str], undo: bool) -> Reach:
        left = () if undo else self._desk.archive.same_text(ids, answering=True)
        return Reach(tuple(ids), tuple(left))

    def erasure(self, article_ids: str | Sequence[str]) -> Erasure:
        """What `erase` would erase, and the copies that it would leave."""
        ids = [article_ids] if isinstance(article_ids, str) else article_ids
        return erase.plan(ids, self._desk.archive)

    def erase(self, article_ids: str | Sequence[str]) -> Erasure:
        """Erase articles from every file of the index, answers that quote them included.

        They come back only by `add(erased_too=True)`. Raises InputError, and erases nothing, where
        one of them is not there.
        """
        ids = [article_ids] if isinstance(article_ids, str) else article_ids
        desk = self._desk
        return erase.erase(ids, desk.archive, desk.store, lock_file=desk._lock_file)

    def page(
        self,
        limit: int = 100,
        *,
        cursor: str | None = None,
        words: str | None = None,
        since: Moment = None,
        until: Moment = None,
        outlets: Sequence[str] = (),
        as_of: Moment = None,
        sections: Sequence[str] = (),
    ) -> "tuple[Sequence[Article], str | None]":
        """As `list`, those alone that have all the words; and the cursor of the rest, if any.

        Articles that are added meanwhile neither repeat nor hide others. Raises InputError for a
        cursor that is none.
        """
        archive = self._desk.archive
        known = archive.outlets() if outlets else None
        known_sections = archive.sections() if sections else None
        asked = matching(as_of, since, until, outlets, known, sections, known_sections)
        wanted = replace(asked, retracted=True)
        after = _after(cursor) if cursor else None
        named = " ".join(f'"{word}"' for word in WORD.findall(words or ""))
        if words and words.strip() and not named:
            return [], None
        found = archive.list_articles(wanted, limit + 1, words=named, after=after)
        return found[:limit], _cursor(found[limit - 1]) if len(found) > limit else None

    def _missing(self, article_id: str, among: str = "") -> NotFound:
        return NotFound(
            f"There is no article '{article_id}' in index '{self._desk.settings.index}': "
            f"`byline articles list{among}` shows the ids"
            + ("." if among else ", with --withheld those that may not be shown now.")
        )


def _cursor(last: Article) -> str:
    """Where a list of articles, the newest first, goes on after this one."""
    at = day_start(last.published).timestamp() if last.published else None
    return urlsafe_b64encode(json.dumps([at, last.id]).encode()).decode().rstrip("=")


def _after(cursor: str) -> tuple[float | None, str]:
    try:
        at, last = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if isinstance(at, float | None):
            return at, last.encode().decode()  # no lone surrogates
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass
    raise InputError("The cursor is none of this list: leave it out to begin anew.")


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
