"""The articles of a desk: read, listed, retracted, killed, removed, erased.

desk.articles.retract("ledger-17", "The quoted report was forged.")
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError, NotFound
from ..index import erase
from ..index.archive import Archive
from ..index.archive.origins import Copy, Reach
from ..index.article import Article, day_start
from ..index.clean import tidy
from ..index.erase import Erasure
from ..index.history import Version
from ..index.settle import remove
from ..index.store import Store
from ..index.words import WORD
from ..qa.question import Moment, filter_of

_LONGEST_REASON = 1000  # characters


class Articles:
    """The articles of a desk."""

    def __init__(self, archive: Archive, store: Store, lock_file: Path) -> None:
        self._archive, self._store, self._lock_file = archive, store, lock_file

    def __len__(self) -> int:
        return self._archive.count()[0]

    @property
    def withheld(self) -> int:
        """How many articles are there that may not be shown now."""
        return len(self._archive.withheld())

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
        article = self._archive.article(article_id)
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
        if killed or withheld:
            if since or until or outlets or as_of or sections or (killed and withheld):
                raise InputError("All that is held back is listed: leave out dates and outlets.")
            return (self._archive.killed() if killed else self._archive.withheld())[:limit]
        wanted = filter_of(self._archive, as_of, since, until, outlets, sections, True)
        return self._archive.list_articles(wanted, limit)

    def remove(self, article_ids: str | Sequence[str]) -> int:
        """Take articles out of the index with all their versions; how many there were.

        Raises InputError, and removes nothing, where one of them is not there.
        """
        ids = self._held(article_ids)
        return remove(ids, self._archive, self._store, lock_file=self._lock_file)

    def history(self, article_id: str) -> tuple[Version, ...]:
        """Its versions, the oldest first, each with what it changed of the one before.

        Raises InputError where there is no such article.
        """
        found = self._archive.versions(article_id)
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
        ids = [self.get(article_id).id]
        with self._archive.writing(self._lock_file):
            if not self._archive.retract(article_id, reason or None):
                raise InputError(f"Article '{article_id}' is not retracted: nothing to undo.")
            others = self._archive.same_text(ids) if copies else ()
            ids += [one for one in others if self._archive.retract(one, reason or None)]
        return self._reach(ids, undo)

    def origins(self, article_ids: Sequence[str]) -> dict[str, Copy]:
        """The articles whose text some of these run: id and outlet, if they may be shown."""
        copies = self._archive.copies(article_ids)
        return {of: one for of, others in copies.items() for one in others if one.is_origin}

    def kill(
        self, article_ids: str | Sequence[str], *, undo: bool = False, copies: bool = False
    ) -> Reach:
        """Show articles nowhere from now on, in no process; `copies`: all that run their text.

        No source brings them back, and no removal, only `undo`: `list(killed=True)` has the ids.
        Raises InputError, and kills nothing, where one of them is not there; IndexLocked.
        """
        ids = self._held(article_ids, killed=undo)
        ids = [*dict.fromkeys(ids), *(self._archive.same_text(ids) if copies else ())]
        with self._archive.writing(self._lock_file):  # it writes notices of other articles anew
            self._archive.kill(ids, undo=undo)
        return self._reach(ids, undo)

    def _held(self, article_ids: str | Sequence[str], *, killed: bool = False) -> Sequence[str]:
        """The ids; raises NotFound for one that is not there, nor among the killed ones."""
        ids = [article_ids] if isinstance(article_ids, str) else article_ids
        held = {article.id for article in self._archive.articles(ids)}
        held |= {article.id for article in self._archive.killed()} if killed else set()
        for article_id in ids:
            if article_id not in held:
                raise self._missing(article_id, " --killed" if killed else "")
        return ids

    def _reach(self, ids: Sequence[str], undo: bool) -> Reach:
        left = () if undo else self._archive.same_text(ids, answering=True)
        return Reach(tuple(ids), tuple(left))

    def erasure(self, article_ids: str | Sequence[str]) -> Erasure:
        """What `erase` would erase, and the copies that it would leave."""
        ids = [article_ids] if isinstance(article_ids, str) else article_ids
        return erase.plan(ids, self._archive)

    def erase(self, article_ids: str | Sequence[str]) -> Erasure:
        """Erase articles from every file of the index, answers that quote them included.

        They come back only by `add(erased_too=True)`. Raises InputError, and erases nothing, where
        one of them is not there.
        """
        ids = [article_ids] if isinstance(article_ids, str) else article_ids
        return erase.erase(ids, self._archive, self._store, lock_file=self._lock_file)

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
        wanted = filter_of(self._archive, as_of, since, until, outlets, sections, True)
        after = _after(cursor) if cursor else None
        named = " ".join(f'"{word}"' for word in WORD.findall(words or ""))
        if words and words.strip() and not named:
            return [], None
        found = self._archive.list_articles(wanted, limit + 1, words=named, after=after)
        return found[:limit], _cursor(found[limit - 1]) if len(found) > limit else None

    def _missing(self, article_id: str, among: str = "") -> NotFound:
        return NotFound(
            f"There is no article '{article_id}' in index '{self._archive.path.parent.name}': "
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
