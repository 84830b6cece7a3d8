"""Sign-in to the page: a form that takes a key, and a signed cookie that stands for it after.

sessions = Sessions(desk.archive.keys, "name", hours=12); app = with_sign_in(app, sessions)

The cookie holds the key's id, never the key, and counts only while that key is live.
"""

import asyncio
import html
from pathlib import Path
from string import Template
from urllib.parse import parse_qs

from itsdangerous import BadSignature, TimestampSigner
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ...index.archive.keys import Key, Keys

PATHS = ("/signin", "/signout")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",  # without it, browsers do not name the origin of a form
    "X-Content-Type-Options": "nosniff",
}
_PAGE = Template((Path(__file__).parent / "signin.html").read_text("utf-8"))
_FIELD = """<label for="key">Key</label>
<input id="key" name="key" type="password" autocomplete="current-password" required autofocus>
<input type="hidden" name="next" value="{}">"""


class Sessions:
    """The sessions of an index's page; any process over the index knows them."""

    def __init__(self, keys: Keys, name: str, hours: float) -> None:
        self._keys, self._seconds = keys, int(hours * 3600)
        self.cookie = f"byline_{name[:8]}"  # browsers share cookies among the ports of a host
        self._signer = TimestampSigner(keys.session_secret(), salt="byline-session")

    def key(self, request: Request) -> Key | None:
        """The live key that a request's session stands for."""
        given = request.cookies.get(self.cookie, "")
        try:
            key_id = self._signer.unsign(given, max_age=self._seconds).decode()
        except BadSignature:
            return None
        return self._keys.live(key_id)

    def begin(self, shown: str) -> tuple[str, int] | None:
        """The cookie of a new session, and its seconds; None where the key opens nothing."""
        key = self._keys.find(shown)
        return (self._signer.sign(key.id).decode(), self._seconds) if key else None


def with_sign_in(app: ASGIApp, sessions: Sessions) -> ASGIApp:
    """An application with `/signin` and `/signout`."""

    async def signing(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in PATHS:
            await app(scope, receive, send)
            return
        request = Request(scope, receive)
        if request.method == "POST" and scope["path"] == "/signout":
            answer: Response = RedirectResponse("/signin", 303)
            answer.delete_cookie(sessions.cookie, httponly=True, samesite="strict")
        elif request.method == "POST":
            answer = await _sign_in(request, sessions)
        elif key := await asyncio.to_thread(sessions.key, request):
            said = f"You are signed in with the key “{key.name}”, which may {key.scope}."
            answer = _page("Sign out", said, action="/signout", go="Back to the page")
        else:
            answer = _form(request.query_params.get("next", "/"))
        answer.headers.update(_HEADERS)
        await answer(scope, receive, send)

    return signing


async def _sign_in(request: Request, sessions: Sessions) -> Response:
    given = parse_qs((await request.body()).decode("utf-8", "replace"))
    wanted = _own(given.get("next", ["/"])[0])
    begun = await asyncio.to_thread(sessions.begin, given.get("key", [""])[0].strip())
    if begun is None:
        return _form(wanted, "This key is not known, expired or revoked.", status=401)
    answer = RedirectResponse(wanted, 303)
    secure = request.scope["scheme"] == "https"
    answer.set_cookie(sessions.cookie, *begun, httponly=True, samesite="strict", secure=secure)
    return answer


def _form(wanted: str, alert: str = "", status: int = 200) -> Response:
    wanted = html.escape(_own(wanted), quote=True)
    given = {"action": "/signin", "go": "I am signed in already", "next": wanted}
    return _page("Sign in", alert, status, **given, field=_FIELD.format(wanted))


def _page(title: str, said: str, status: int = 200, **more: str) -> Response:
    role = ' role="alert"' if status != 200 else ""
    shown = f"<p{role}>{html.escape(said)}</p>" if said else ""
    filled = _PAGE.substitute({"field": "", "next": "/", "title": title, "said": shown} | more)
    return HTMLResponse(filled, status)


def _own(wanted: str) -> str:
    """A path of this site, where a visitor may be sent; else its first page."""
    is_own = wanted.startswith("/") and wanted.isprintable() and wanted[1:2] not in ("/", "\\")
    return wanted if is_own else "/"
