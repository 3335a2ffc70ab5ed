"""The one place where errors become lines on stderr and exit codes: 1 for what failed, 2 for wrong usage."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import grpc
import typer
from pydantic import ValidationError
from typer.exceptions import TyperException

from segmentd.cli.faults import CommandFailed
from segmentd.cli.output import error_line
from segmentd.client import CallFailed
from segmentd.errors import SegmentdError

_SIGNALLED = 130
"""What shells say of a program that Ctrl-C ended."""


def exit_code_of(command: Callable[[], int | None]) -> int:
    """Run a command; its exit code, after a line on stderr for what went wrong."""
    try:
        return command() or 0
    except CommandFailed as error:
        for line in error.lines:
            error_line(line)
        return error.exit_code
    except TyperException as error:
        error_line(error.format_message())
        return error.exit_code
    except CallFailed as error:
        error_line(call_line(error))
    except SegmentdError as error:
        error_line(f"{error.message} ({error.reason.value})")
    except ValidationError as error:
        error_line(_setting_line(error))
    except BrokenPipeError:
        # Whoever read has enough (`| head`); Python would complain again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        error_line(f"{error.filename or 'file'}: {(error.strerror or str(error)).lower()}")
    except (KeyboardInterrupt, typer.Abort):
        error_line("interrupted")
        return _SIGNALLED
    return 1


def call_line(error: CallFailed) -> str:
    """Why a call failed, with the reason for programs."""
    if error.reason:
        return f"{error.message} ({error.reason})"
    if error.code is grpc.StatusCode.UNAVAILABLE:
        return f"no server answers; is `segmentd serve` running, and --server right? ({error.message})"
    if error.code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return "the server did not answer in time (DEADLINE_EXCEEDED)"
    return f"{error.message} ({error.code.name})"


def _setting_line(error: ValidationError) -> str:
    """The first setting at fault, by the name of its variable."""
    fault = error.errors(include_url=False)[0]
    name = "_".join(str(part) for part in fault["loc"][:1]).upper()
    return f"SEGMENTD_{name}: {fault['msg']}"
