"""Logs: one JSON object a line on standard error, static event text with its fields beside it."""

from __future__ import annotations

import logging
import sys

from aiohttp.http_exceptions import BadHttpMessage
from pythonjsonlogger.json import JsonFormatter


def configure_logs(level: int = logging.INFO) -> None:
    """Send every log line to standard error as JSON. Libraries speak up from WARNING on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={"asctime": "at", "levelname": "level"},
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("api", "bot"):
        logging.getLogger(name).setLevel(level)
    # A client that does not speak HTTP is answered 400; it is no reason for a traceback of ours.
    logging.getLogger("aiohttp.server").addFilter(not_the_clients_fault)


def not_the_clients_fault(record: logging.LogRecord) -> bool:
    """Tell whether a record is about more than a client that does not speak HTTP: what a log filter keeps."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, BadHttpMessage)
