"""What turns texts into vectors, and what it says where it cannot."""

import time
from pathlib import Path

import numpy as np
import pytest
from byline import Desk
from byline.errors import ModelError, ModelUnavailable, SettingsError
from byline.index.embed import LlamaIndexEmbedder, MiniLM, openai_embedder
from byline.tests.fakes import Refused, embedding
from llama_index.core.base.embeddings.base import BaseEmbedding

TEXTS = [
    "Rates rose.",
    "The ferry burned for two hours in the harbour of Port Ansel.",
    "Ja.",
    "漢字",
]


class ByLength(BaseEmbedding):
    """A LlamaIndex embedding model: how long a text is, and how many of its letters are e."""

    def _get_text_embedding(self, text: str) -> list[float]:
        return [float(len(text)), float(text.count("e")), 1.0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


def test_a_vector_does_not_depend_on_its_neighbours(minilm: MiniLM) -> None:
    together = minilm.embed([*TEXTS, "word " * 900])
    alone = np.array([minilm.embed([text])[0] for text in TEXTS])
    assert np.array_equal(together[: len(TEXTS)], alone)
    assert np.array_equal(minilm.embed_question(TEXTS[1]), alone[1])


def test_vectors_have_length_one(minilm: MiniLM) -> None:
    vectors = minilm.embed([*TEXTS, "", " ", "\u0301", "word " * 900])
    assert vectors.shape == (8, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_what_means_the_same_is_nearer_than_what_does_not(minilm: MiniLM) -> None:
    asked, same, other = minilm.embed(
        ["Who resigned?", "The mayor stepped down on Thursday.", "The bridge was repaired."]
    )
    assert asked @ same > asked @ other


def test_a_model_folder_without_files_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"model\.onnx is missing: BYLINE_EMBED_MODEL_DIR"):
        MiniLM(tmp_path)


def test_a_model_that_is_none_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(SettingsError, match="cannot be loaded") as raised:
        MiniLM(tmp_path)
    assert "\n" not in str(raised.value)


def test_any_llama_index_embedding_model_will_do(home: Path, folder: Path) -> None:
    with Desk(home, embedder=ByLength(model_name="by-length")) as desk:
        desk.add(folder)
        assert desk.archive.built_with("embedder") == "ByLength:by-length"
        assert desk.search("Who resigned?")[0].title == "Mayor resigns over water contract"


def test_its_vectors_are_scaled_to_length_one() -> None:
    embedder = LlamaIndexEmbedder(ByLength(model_name="by-length"))
    assert np.linalg.norm(embedder.embed(TEXTS), axis=1) == pytest.approx(1.0, abs=1e-5)
    assert np.linalg.norm(embedder.embed_question("Rates")) == pytest.approx(1.0, abs=1e-5)


def test_an_embeddings_endpoint_that_is_down_is_named(unused_address: str) -> None:
    embedder = openai_embedder("tiny", unused_address, None)
    with pytest.raises(ModelUnavailable, match="embeddings endpoint of openai:tiny did not answer"):
        embedder.embed_question("Who resigned?")


def test_an_embeddings_endpoint_without_address_or_key_is_refused() -> None:
    with pytest.raises(SettingsError, match="BYLINE_EMBED_API_KEY or OPENAI_API_KEY"):
        openai_embedder("text-embedding-3-small", None, None)


def test_texts_read_before_are_remembered_as_they_were(minilm: MiniLM) -> None:
    texts = ["Rates rose on Monday.", "The ferry burned.", "Rates rose on Monday."]
    first, again = minilm.read(texts), minilm.read(texts[:2])
    fresh = MiniLM().read(texts)
    for one, other in ((first[0], again[0]), (first[1], again[1]), (first[0], fresh[0])):
        assert one[0].tolist() == other[0].tolist()
        assert one[1].tolist() == other[1].tolist()
        assert one[2] == other[2]
    assert first[0] is first[2]


def test_what_was_read_longest_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("byline.index.embed._REMEMBERED_BYTES", 40_000)
    embedder = MiniLM()
    for number in range(40):
        embedder.read([f"Report number {number} on the harbour."])
    assert 0 < embedder._read.currsize <= 40_000
    assert "Report number 39 on the harbour." in embedder._read


def test_texts_go_to_an_endpoint_in_batches_several_at_once() -> None:
    with embedding(seconds=0.2) as endpoint:
        embedder = openai_embedder("tiny", endpoint.address, None, batch=10, at_once=3)
        vectors = embedder.embed([f"{'x' * n} rose." for n in range(45)])
        embedder.close()
    assert sorted(endpoint.sizes) == [5, 10, 10, 10, 10]
    assert 1 < endpoint.most <= 3
    alike = vectors[:, 0] / vectors[:, 2]  # how long the text was: in order
    assert alike == pytest.approx([n + 6 for n in range(45)], rel=1e-3)


def test_a_batch_that_is_too_large_is_halved_and_the_next_is_not_sent_so() -> None:
    with embedding(largest=20) as endpoint:
        embedder = openai_embedder("tiny", endpoint.address, None, batch=64, at_once=1)
        assert embedder.embed(["Rates rose."] * 64).shape == (64, 3)
        assert endpoint.sizes == [16] * 4
        embedder.embed(["Rates rose."] * 32)
        embedder.close()
    assert endpoint.sizes == [16] * 6


def test_a_busy_embeddings_endpoint_is_asked_again_when_it_says() -> None:
    with embedding(Refused(429, {"retry-after": "1"})) as endpoint:
        embedder = openai_embedder("tiny", endpoint.address, None)
        began = time.monotonic()
        embedder.embed(["Rates rose."])
        embedder.close()
    assert 0.9 < time.monotonic() - began < 5


def test_what_is_refused_alone_is_not_tried_for_ever() -> None:
    with embedding(largest=0) as endpoint:
        embedder = openai_embedder("tiny", endpoint.address, None)
        with pytest.raises(ModelError, match="refused"):
            embedder.embed(["Rates rose."] * 8)
        embedder.close()
