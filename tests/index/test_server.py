"""A vector store on a server: what breaks off goes on, what refuses is named, no key is shown."""

import gc
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import pytest
from byline import Desk
from byline.errors import BylineError, SettingsError, StoreUnavailable
from byline.index import server as server_module
from byline.index.server import ServerStore, server_of, store_at
from byline.settings import load_settings
from byline.tests.fakes import Letters
from byline.tests.servers import Silent, answering, chroma, free_port

ONE = np.eye(1, 4, dtype=np.float32)
SECRET = "open-sesame"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "_WAITS", (0.01, 0.05))


def at(address: str, tmp_path: Path, **access: str) -> ServerStore:
    store = store_at(server_of(address, **access), tmp_path / "chroma", "byline-one")
    assert isinstance(store, ServerStore)
    return store


def refusal(store: ServerStore, kind: type[BylineError]) -> str:
    with store, pytest.raises(kind) as error:
        store.keys()
    told = str(error.value)
    assert "\n" not in told
    assert SECRET not in told
    return told


Proxy = Callable[..., str]


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Starts what stands before a Chroma: it wants a header, or answers with one status.

    The first reply to a request of the method `lost` does not arrive; more than `most` rows
    are refused, as Chroma Cloud does.
    """

    def start(behind: str, wanted: str = "", status: int = 0, lost: str = "", most: int = 0) -> str:
        class Handler(Silent):
            def do(self) -> None:
                nonlocal lost
                name, _, value = wanted.partition(": ")
                length = int(self.headers.get("content-length", 0))
                body = self.rfile.read(length)
                refused = status or (401 if wanted and self.headers.get(name) != value else 0)
                asked = json.loads(body) if body and most else {}
                rows = [asked.get("limit"), asked.get("n_results"), len(asked.get("ids") or ())]
                if max(filter(None, rows), default=0) > most:
                    refused = refused or 422
                if refused:
                    self.send_response(refused)
                    self.end_headers()
                    self.wfile.write(b"<html>go away\n" + SECRET.encode())
                    return
                kind = {"content-type": "application/json"}
                reply = httpx.request(self.command, behind + self.path, content=body, headers=kind)
                if self.command == lost:
                    lost = ""
                    return
                self.send_response(reply.status_code)
                self.send_header("content-length", str(len(reply.content)))
                self.end_headers()
                self.wfile.write(reply.content)

            do_GET = do_POST = do_PUT = do_DELETE = do

        return servers.enter_context(answering(Handler))

    with ExitStack() as servers:
        yield start


def test_one_that_is_down_is_named_and_may_be_tried_again(
    tmp_path: Path, unused_address: str
) -> None:
    told = refusal(at(unused_address, tmp_path), StoreUnavailable)
    assert f"The vector store {unused_address} does not answer: " in told


def test_a_wrong_path_is_named(tmp_path: Path, chroma_url: str) -> None:
    told = refusal(at(f"{chroma_url}/vectors", tmp_path), SettingsError)
    assert f"No Chroma answers at {chroma_url}/vectors (HTTP 404)" in told


def test_what_is_no_chroma_is_named(tmp_path: Path, endpoint: Callable[..., str]) -> None:
    address = endpoint(200, "text/html", b"<html>Welcome")
    assert "No Chroma answers" in refusal(at(address, tmp_path), SettingsError)


@pytest.mark.parametrize(
    ("status", "kind"), [(401, SettingsError), (403, SettingsError), (502, StoreUnavailable)]
)
def test_what_a_proxy_refuses_is_told_without_its_page(
    tmp_path: Path, chroma_url: str, proxy: Proxy, status: int, kind: type[BylineError]
) -> None:
    told = refusal(at(proxy(chroma_url, status=status), tmp_path), kind)
    assert f"HTTP {status}" in told


def test_headers_pass_a_proxy(tmp_path: Path, chroma_url: str, proxy: Proxy) -> None:
    address = proxy(chroma_url, wanted=f"Authorization: Bearer {SECRET}")
    with at(address, tmp_path, headers=f"Authorization: Bearer {SECRET}\nX-Other: 1") as store:
        store.clear()
        store.add([3], ONE)
        assert store.nearest(ONE[0], 2) == [3]
    assert "BYLINE_STORE_HEADERS" in refusal(at(address, tmp_path), SettingsError)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_a_store_is_made_anew_though_a_reply_is_lost(
    tmp_path: Path, chroma_url: str, proxy: Proxy, method: str
) -> None:
    with at(chroma_url, tmp_path) as store:
        store.clear()
    with at(proxy(chroma_url, lost=method), tmp_path) as store:
        store.refill([([5], ONE)])
        assert store.keys() == {5}
        store.refill([([6], ONE)])
        assert store.keys() == {6}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_cloud_is_another_address_with_a_key(
    tmp_path: Path, chroma_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(chroma_url.rpartition(":")[2])
    there = {"cloud_host": "127.0.0.1", "cloud_port": port, "enable_ssl": False}
    monkeypatch.setattr(server_module, "_CLOUD_AT", there)
    own = "chroma-cloud://default_tenant/default_database"
    with at(own, tmp_path, api_key=SECRET) as store:
        store.clear()
        store.add([4], ONE)
        assert store.keys() == {4}
    told = refusal(
        at("chroma-cloud://other/default_database", tmp_path, api_key=SECRET), SettingsError
    )
    assert "other" in told
    gc.collect()  # Chroma leaves open what it could not sign in with
    assert SECRET not in repr(server_of(own, SECRET, f"A: {SECRET}"))
    with pytest.raises(SettingsError, match="BYLINE_STORE_API_KEY or CHROMA_API_KEY"):
        server_of(own)


def test_no_request_is_larger_than_the_cloud_takes(
    tmp_path: Path, chroma_url: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = proxy(chroma_url, most=300)
    there = {"cloud_host": "127.0.0.1", "cloud_port": int(before.rpartition(":")[2])}
    monkeypatch.setattr(server_module, "_CLOUD_AT", there | {"enable_ssl": False})
    own, keys = "chroma-cloud://default_tenant/default_database", range(1, 702)
    vectors = np.random.default_rng(1).normal(size=(701, 4)).astype(np.float32)
    with at(own, tmp_path, api_key=SECRET) as store:
        store.refill([(keys, vectors)])
        store.add(keys, vectors)
        assert store.keys() == {*keys}
        assert [len(some) for some, _ in store.pages(5000)] == [300, 300, 101]
        assert len(store.nearest(vectors[0], 400)) == 300
        store.delete(keys)
        assert store.keys() == set()
    with at(chroma_url, tmp_path) as store:
        store.refill([(range(1500), np.repeat(vectors[:1], 1500, axis=0))])
        assert [len(some) for some, _ in store.pages(5000)] == [1000, 500]
        assert len(store.nearest(vectors[0], 1200)) == 1200


def test_the_key_of_the_cloud_goes_to_the_cloud_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMA_API_KEY", SECRET)
    assert load_settings(store="http://vectors.example").store_api_key is None
    assert load_settings(store="chroma-cloud://a/b").store_api_key is not None
    assert SECRET not in repr(load_settings(store="chroma-cloud://a/b"))


@pytest.mark.parametrize(
    "store",
    [
        "vectors.example:8000",
        "ftp://a",
        "http://user:open-sesame@a",
        "chroma-cloud://tenant",
        "http://a?b=c",
    ],
)
def test_what_is_no_address_is_refused(store: str) -> None:
    with pytest.raises(SettingsError, match="Setting store is not valid"):
        load_settings(store=store)


@pytest.mark.parametrize("address", ["http://[::1", "http://127.0.0.1:99999"])
def test_an_address_that_no_client_takes_is_told(tmp_path: Path, address: str) -> None:
    with at(address, tmp_path) as store, pytest.raises(BylineError, match=r"no address|answer"):
        store.keys()


def test_a_key_that_no_header_takes_is_not_shown() -> None:
    with pytest.raises(SettingsError, match="store_api_key") as error:
        server_of("chroma-cloud://a/b", f"{SECRET}\n")
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("headers", [SECRET, f"A b: {SECRET}", f"A: {SECRET}é", f": {SECRET}"])
def test_headers_that_are_none_are_refused_and_not_shown(headers: str) -> None:
    with pytest.raises(SettingsError, match="store_headers") as error:
        server_of("http://vectors.example", headers=headers)
    assert SECRET not in str(error.value)


def test_a_restart_in_the_middle_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "_WAITS", (0.1, 0.2))
    port = free_port()
    with chroma(tmp_path / "served", port) as url:
        store = at(url, tmp_path)
        store.add([1, 2], np.eye(2, 4, dtype=np.float32))
    with store, pytest.raises(StoreUnavailable):
        store.add([3], ONE)
    with chroma(tmp_path / "served", port), store:
        store.add([3], ONE)
        assert store.keys() == {1, 2, 3}


class TestLost:
    """The collection is not what the archive says that it is."""

    @pytest.fixture
    def desks(self, home: Path, chroma_url: str, folder: Path) -> Iterator[Callable[[], Desk]]:
        with ExitStack() as opened:

            def open_one() -> Desk:
                settings = load_settings(home=home, store=chroma_url)
                return opened.enter_context(Desk(settings=settings, embedder=Letters()))

            open_one().add(folder)
            yield open_one

    def client(self, desk: Desk) -> Any:
        return desk.store._connected()  # type: ignore[attr-defined]

    @pytest.mark.parametrize("is_new", [True, False])
    def test_one_that_was_deleted_is_made_anew_by_the_next_add(
        self, desks: Callable[[], Desk], tmp_path: Path, is_new: bool
    ) -> None:
        desk = desks()
        desk.add([])
        name = f"byline-{desk.archive.uuid}"
        self.client(desk).delete_collection(name)
        assert desk.search("ferry fire")
        assert "3 passages have no vector in the store" in desk.check().problems[0]
        path = tmp_path / "more.txt"
        path.write_text("Harbour opens\n\nThe harbour of Brenik opened on Monday.")
        (desks() if is_new else desk).add(path)
        assert desk.check().problems == ()
        assert desk.check().vectors == 4

    def test_one_that_was_put_back_to_an_earlier_day_is_made_anew(
        self, desks: Callable[[], Desk]
    ) -> None:
        desk = desks()
        desk.add([])
        gone = str(desk.archive.all_passages()[0])
        name = f"byline-{desk.archive.uuid}"
        self.client(desk).get_collection(name, None).delete(ids=[gone])
        desk.add([])
        assert desk.check().problems == ()

    def test_vectors_of_what_is_withheld_do_not_stand_for_those_that_are_lost(
        self, desks: Callable[[], Desk]
    ) -> None:
        desk = desks()
        desk.articles.kill(desk.articles.list()[0].id)
        lost = next(pk for pk in desk.archive.all_passages() if desk.archive.passages([pk]))
        desk.store.delete([lost])
        desks().add([])
        assert desk.check().problems == ()

    def test_one_whose_vectors_were_to_change_is_made_anew(self, desks: Callable[[], Desk]) -> None:
        desk = desks()
        first, second, *_ = desk.archive.all_passages()
        desk.store.doubt()
        desk.store.add([first], -desk.archive.vectors([second]))
        desks().add([])
        assert desk.check().problems == ()

    def test_removed_and_erased_articles_leave_no_vector(self, desks: Callable[[], Desk]) -> None:
        desk = desks()
        ids = [article.id for article in desk.articles.list()]
        desk.articles.remove(ids[0])
        desk.articles.erase(ids[1])
        assert len(desk.store.keys()) == 1
        assert desk.check().problems == ()

    def test_a_repair_and_a_rebuild_mend_it(self, desks: Callable[[], Desk]) -> None:
        desk = desks()
        desk.store.add([9999], desk.archive.vectors(desk.archive.all_passages()[:1]))
        assert "1 vectors in the store belong to no passage" in desk.check().problems
        assert desk.check(repair=True).problems == ()
        desk.store.delete(desk.archive.all_passages()[:2])
        assert desk.check(rebuild=True).problems == ()

    def test_two_indexes_on_one_server_do_not_meet(
        self, desks: Callable[[], Desk], tmp_path: Path, chroma_url: str
    ) -> None:
        settings = load_settings(home=tmp_path / "other", store=chroma_url)
        with Desk(settings=settings, embedder=Letters()) as other:
            other.add([])
            assert other.store.keys() == set()
        assert len(desks().store.keys()) == 3


def test_an_article_is_erased_where_nothing_of_the_index_lies_on_this_disk(
    tmp_path: Path, folder: Path, database: str, chroma_url: str
) -> None:
    settings = load_settings(
        home=tmp_path / "bare", index=f"i{uuid4().hex[:12]}", archive=database, store=chroma_url
    )
    with Desk(settings=settings, embedder=Letters()) as desk:
        desk.add(folder)
        erased, *left = [article.id for article in desk.articles.list()]
        desk.articles.erase(erased)
        assert [article.id for article in desk.articles.list()] == left
        assert not desk.add(folder).added
        assert desk.check().problems == ()
