"""The web app: a page for each step, and the forms between them."""

import hmac
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from exp.serving import guard
from exp.serving.intake import TAKEN
from exp.serving.jobs import Busy
from exp.serving.pages import STYLE, page, upload_page
from exp.serving.service import Service
from exp.serving.upload import Upload
from utils.errors import UserError

NAMES = ("127.0.0.1", "localhost", "[::1]", "::1")  # by which a browser may call a server of its own machine
UPLOADS = "/uploads"
_STATIC = Path(__file__).resolve().parent / "static"
_MOST_FIELDS = 5000
_OVERHEAD = 2**20  # bytes of a form around its files

Act = Callable[[Upload, FormData], None]


def app_of(service: Service, names: Sequence[str] = ()) -> Starlette:
    """The app.

    Args:
        service: what it can do.
        names: by which it may be called beside those of its own machine.
    """
    pages = _Pages(service)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(service.jobs.close)

    return Starlette(
        routes=pages.routes(),
        lifespan=lifespan,
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=[*NAMES, *names], www_redirect=False),
            Middleware(guard.Guard, largest=service.limits.size + _OVERHEAD, upload_path=UPLOADS),
        ],
        exception_handlers={HTTPException: pages.refused, UserError: pages.failed},
    )


class _Pages:
    """The answers to requests."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._token = secrets.token_urlsafe(32)  # a page of another site cannot know it

    def routes(self) -> list[Route | Mount]:
        """Where each answer is."""
        one, posts = f"{UPLOADS}/{{id}}", ["POST"]
        acts: dict[str, Act] = {
            "points": self._map,
            "look": lambda upload, form: self._service.look(upload),
            "detect": lambda upload, form: self._service.detect(upload),
            "marks": self._mark,
            "cancel": lambda upload, form: self._service.cancel(upload),
            "remove": lambda upload, form: self._service.remove(upload),
        }
        return [
            Route("/", self.start),
            Route("/health", lambda request: PlainTextResponse("ok\n")),
            Route(UPLOADS, self.receive, methods=posts),
            Route(one, self.show),
            Route(f"{one}/state", self.state),
            Route(f"{one}/results/{{name}}", self.result),
            *(Route(f"{one}/{name}", partial(self.act, act=act), methods=posts) for name, act in acts.items()),
            Route("/static/style.css", lambda request: FileResponse(STYLE)),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ]

    def start(self, request: Request, *, error: str = "", status: int = 200) -> Response:
        """The first page: what can be given, and what was."""
        service = self._service
        uploads = [(upload, _known(upload), service.jobs.active(upload.id)) for upload in service.uploads()]
        return self._page("start.html.j2", status, uploads=uploads, models=list(service.models.values()), error=error,
                          limits=service.limits, taken=TAKEN)  # fmt: skip

    async def receive(self, request: Request) -> Response:
        """Files come in."""
        limits = self._service.limits
        async with request.form(max_files=limits.files, max_fields=_MOST_FIELDS) as form:
            self._check(form)
            files = [file for file in form.getlist("files") if isinstance(file, UploadFile) and file.filename]
            given = [(str(file.filename), file.file) for file in files]
            try:
                upload = await run_in_threadpool(self._service.receive, given, str(form.get("model", "")))
            except UserError as error:
                return await run_in_threadpool(self.start, request, error=str(error), status=400)
        return _to(upload)

    def show(self, request: Request) -> Response:
        """The page of an upload: what is at work on it, its points, or its result."""
        upload = self._upload(request)
        template, context = upload_page(self._service, upload, request.query_params.get("view", ""))
        return self._page(template, **context)

    def state(self, request: Request) -> Response:
        """What is at work on an upload, for a page that waits."""
        job = self._service.jobs.active(self._upload(request).id)
        if job is None:
            return JSONResponse({"active": False})
        return JSONResponse({"active": True, "seconds": job.seconds, "lines": job.lines[-40:]})

    def result(self, request: Request) -> Response:
        """A file of the results."""
        name = request.path_params["name"]
        path = self._upload(request).result(name)
        if path is None:
            raise HTTPException(404, "there is no such file among the results")
        if name.endswith(".html") and "download" not in request.query_params:
            return FileResponse(path, headers={"Content-Security-Policy": guard.REPORT})
        return FileResponse(path, filename=name)

    async def act(self, request: Request, act: Act) -> Response:
        """Something is done with an upload."""
        upload = await run_in_threadpool(self._upload, request)
        async with request.form(max_files=0, max_fields=_MOST_FIELDS) as form:
            self._check(form)
            await run_in_threadpool(act, upload, form)
            view = str(form.get("view", ""))
        return _to(upload, view) if upload.folder.exists() else RedirectResponse("/", 303)

    async def refused(self, request: Request, error: Exception) -> Response:
        """An answer to what is not there or not allowed."""
        assert isinstance(error, HTTPException)
        return self._page("error.html.j2", error.status_code, error=error.detail)

    async def failed(self, request: Request, error: Exception) -> Response:
        """The line that the console would show."""
        return self._page("error.html.j2", 409 if isinstance(error, Busy) else 400, error=str(error))

    def _map(self, upload: Upload, form: FormData) -> None:
        points, units = _numbered(form, "point"), _numbered(form, "unit")
        self._service.map(upload, {place: (point, units.get(place, "")) for place, point in points.items()})
        if form.get("then") == "look":
            self._service.look(upload)
        else:
            self._service.detect(upload)

    def _mark(self, upload: Upload, form: FormData) -> None:
        self._service.feedback(upload, _numbered(form, "event"), str(form.get("state", "")))
        if form.get("then") == "detect":
            self._service.detect(upload)

    def _upload(self, request: Request) -> Upload:
        upload = self._service.upload(request.path_params["id"])
        if upload is None:
            raise HTTPException(404, "there is no such upload; it may have been removed")
        return upload

    def _check(self, form: FormData) -> None:
        if not hmac.compare_digest(str(form.get("token", "")).encode(), self._token.encode()):
            raise HTTPException(403, "this page was shown before the server started; load it again, and repeat")

    def _page(self, template: str, status: int = 200, **context: Any) -> Response:
        return HTMLResponse(page(template, token=self._token, **context), status)


def _known(upload: Upload) -> dict[str, Any]:
    """What is remembered of an upload, of a damaged one its name."""
    try:
        return upload.notes()
    except UserError:
        return {"title": upload.id, "made": "damaged", "last": ""}


def _numbered(form: FormData, name: str) -> dict[int, str]:
    """The fields name-0, name-1, ... of a form."""
    words = {key.removeprefix(f"{name}-"): str(value) for key, value in form.items() if key.startswith(f"{name}-")}
    return {int(number): value for number, value in words.items() if number.isdecimal() and len(number) < 8}


def _to(upload: Upload, view: str = "") -> Response:
    return RedirectResponse(f"{UPLOADS}/{upload.id}" + (f"?view={view}" if view in ("points", "result") else ""), 303)
