"""What stands before every page: whose page asks, how much it sends, and what the browser may do with the answer."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SMALL = 2**20  # bytes of a form without files
_READING = ("GET", "HEAD")
_PAGE = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# A report runs its own scripts, as one that is opened from a disk, but in an origin of its own: it can neither read
# this app's pages nor send anything.
REPORT = (
    "sandbox allow-scripts; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
_HEADERS = {
    "Content-Security-Policy": _PAGE,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers would send no origin with a form
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """Refuses what another site's page sends, bounds what is sent, and sets the headers of answers.

    Args:
        app: what is guarded.
        largest: bytes of a request with files, those to `upload_path`.
        upload_path: where files go.
    """

    def __init__(self, app: ASGIApp, *, largest: int, upload_path: str) -> None:
        self._app, self._largest, self._upload_path = app, largest, upload_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or passes it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        largest = self._largest if scope["path"] == self._upload_path else SMALL
        if scope["method"] not in _READING and _foreign(headers):
            await PlainTextResponse("Refused: another site's page asked for this.", 403)(scope, receive, _dressed(send))
            return
        await self._app(scope, _bounded(receive, headers, largest), _dressed(send))


def _foreign(headers: Headers) -> bool:
    """Whether a page of another origin sent this; programs that are no browsers send neither header."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "same-origin")
    own = origin is None or urlsplit(origin).netloc.casefold() == headers.get("host", "").casefold()
    return not own or site not in ("same-origin", "none")


def _bounded(receive: Receive, headers: Headers, largest: int) -> Receive:
    """The request's content, up to a number of bytes."""
    stated = headers.get("content-length", "0")
    left = largest if stated.isdecimal() and int(stated) <= largest else -1

    async def bounded() -> Message:
        nonlocal left
        if left < 0:
            raise HTTPException(413, f"more than {largest // 2**20} MB were sent; give fewer files at once")
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413, f"more than {largest // 2**20} MB were sent; give fewer files at once")
        return message

    return bounded


def _dressed(send: Send) -> Send:
    """Answers with the headers that they lack."""

    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return dressed
