"""PaperQA's Docs with its default settings, but for those that ask other services about papers."""

import asyncio
import pickle
import re
import sys
import time
from pathlib import Path

from paperqa import Docs, Settings
from peer import articles_in, cited, passage, serve

_CITED = re.compile(r"\s*\(\s*(?:pqac-\w{8}[,;\s]*)+\)")


class PaperQA:
    """Documents in memory, pickled in `folder`; an article is a text file with its headline."""

    def __init__(self, folder: str, served: str, *_: str) -> None:
        self._folder, self._docs = Path(folder), Docs()
        self._run = asyncio.new_event_loop().run_until_complete
        reached = {"model": "openai/local", "api_base": served, "api_key": "none"}
        params = reached | {"temperature": 0, "timeout": 900, "max_retries": 0}
        model = {"model_list": [{"model_name": "openai/local", "litellm_params": params}]}
        at = {"api_base": served, "api_key": "none", "encoding_format": "float"}
        self._settings = Settings(
            llm="openai/local",
            llm_config=model,
            summary_llm="openai/local",
            summary_llm_config=model,
            embedding="openai/minilm",
            embedding_config={"kwargs": at},
            parsing={"use_doc_details": False, "multimodal": False},
        )

    def index(self, articles: str, source: str) -> dict[str, int]:
        """Split and embed the articles."""
        self._articles, file = articles_in(articles), self._folder / "article.txt"
        for at, article in enumerate(self._articles.values()):
            file.write_text(f"{article['title']}\n\n{article['text']}", "utf-8")
            known = (article["outlet"], article["title"], article["published"])
            name = {"citation": ". ".join(filter(None, known)), "docname": f"article{at}"}
            self._run(self._docs.aadd(file, dockey=article["id"], settings=self._settings, **name))
        file.unlink()
        (self._folder / "docs.pickle").write_bytes(pickle.dumps(self._docs))
        return {"passages": len(self._docs.texts)}

    def search(self, question: str, as_of: str | None = None) -> dict[str, object]:
        """The ten best passages, before a model has scored them."""
        found = self._run(self._docs.retrieve_texts(question, 10, self._settings))
        return {"hits": [self._passage(text) for text in found]}

    def answer(self, question: str, as_of: str | None) -> dict[str, object]:
        """The answer; keys of its contexts become numbers, as PaperQA turns them into names."""
        began, first = time.monotonic(), []
        session = self._run(self._docs.aget_evidence(question, self._settings))
        heard = [lambda _: first.append(time.monotonic() - began)]
        session = self._run(self._docs.aquery(session, self._settings, callbacks=heard))
        used = [context for context in session.contexts if context.id in session.raw_answer]
        numbers = {context.id: f"[{n}]" for n, context in enumerate(used, 1)}

        def numbered(found: re.Match) -> str:
            keys = dict.fromkeys(re.findall(r"pqac-\w{8}", found[0]))
            return " " + "".join(numbers.get(key, "") for key in keys)

        return {
            "text": _CITED.sub(numbered, session.raw_answer).strip(),
            "citations": [cited(n, self._passage(c.text)) for n, c in enumerate(used, 1)],
            "hits": [self._passage(context.text) for context in session.contexts],
            "handed": len(session.contexts),
            "timings": {"first_token": first[0]} if first else {},
        }

    def _passage(self, text) -> dict[str, object]:
        article = self._articles[text.doc.dockey]
        return passage(article, text.text.removeprefix(f"{article['title']}\n\n"))


serve(PaperQA(*sys.argv[1:]))
