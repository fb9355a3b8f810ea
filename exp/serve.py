"""The verb `serve`: a web app on this machine for whoever has trend files and no console."""

import importlib
import logging
import socket
from contextlib import suppress
from pathlib import Path

from utils.errors import UserError
from utils.logs import log_to_screen
from utils.options import Options

logger = logging.getLogger(__name__)

SERVED = "served"  # folder of --result_path for what --output does not place
NEEDS = ("starlette", "uvicorn", "python_multipart")
_INSTALL = "python -m pip install 'dualgafnet[serve]', or: pip install starlette uvicorn python-multipart"
_OWN = ("127.0.0.1", "localhost", "::1")
_EVERYWHERE = ("0.0.0.0", "::")
_LAST_ANSWERS = 3  # seconds for answers that are under way when the server ends


def run(options: Options) -> int:
    """Serves until Ctrl-C.

    Returns:
        0.

    Raises:
        UserError: a package is missing, the port is taken, or the folder or the run cannot be used.
    """
    _check_packages()
    import uvicorn

    from exp.serving.app import app_of
    from exp.serving.service import Service

    log_to_screen()
    folder = Path(options.output).expanduser() if options.output else Path(options.result_path) / SERVED
    service = Service(folder, options)
    with _listening(options.host, options.port) as place:
        port = place.getsockname()[1]
        host = "127.0.0.1" if options.host in _EVERYWHERE else options.host
        if options.host not in _OWN:
            logger.warning("--host %s: whoever reaches port %d may read and change the uploads; there is no login",
                           options.host, port)  # fmt: skip
        app = app_of(service, [] if options.host in _EVERYWHERE else [options.host])
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, ws="none",
                                proxy_headers=False, timeout_graceful_shutdown=_LAST_ANSWERS)  # fmt: skip
        logger.info("uploads and what is found in them: %s", folder)
        print(f"serving: http://{f'[{host}]' if ':' in host else host}:{port}  (Ctrl-C ends it)", flush=True)
        with suppress(KeyboardInterrupt):  # uvicorn passes it on when everything has ended
            uvicorn.Server(config).run(sockets=[place])
    logger.info("ended; the uploads stay in %s", folder)
    return 0


def _check_packages() -> None:
    for name in NEEDS:
        try:
            importlib.import_module(name)
        except ImportError:
            raise UserError(f"serve needs packages that are not installed; {_INSTALL}") from None


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens, so that a port that is taken is told at once."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, UnicodeError) as error:
        words = getattr(error, "strerror", None) or "no such address"
        reason = words.partition(" (while")[0]  # Python adds the address
        raise UserError(f"cannot listen at {host}, port {port} ({reason}); name another --port or --host") from None
