"""The one place where errors become lines on stderr and exit codes: 1 for what failed, 2 for wrong usage."""

from __future__ import annotations

from collections.abc import Callable

import grpc
from pydantic import ValidationError
from typer.exceptions import Abort, TyperException

from segmentd.cli.faults import SIGNALLED, CommandFailed
from segmentd.cli.output import error_line, finish_output
from segmentd.client import ArgumentRefused, CallFailed
from segmentd.errors import SegmentdError


def exit_code_of(command: Callable[[], int | None]) -> int:
    """Run a command; its exit code, after a line on stderr for what went wrong."""
    try:
        code = command() or 0
        finish_output()
    except CommandFailed as error:
        for line in error.lines:
            error_line(line)
        return error.exit_code
    except Abort:
        error_line("aborted: nothing was done; a question can be answered in advance with --yes")
        return 1
    except TyperException as error:
        error_line(error.format_message())
        return error.exit_code
    except KeyboardInterrupt:
        code = SIGNALLED  # before typer was there, which returns it too
    except BrokenPipeError:
        return 1  # whoever read has enough (`| head`)
    except (CallFailed, SegmentdError, ValidationError, ArgumentRefused, OSError, UnicodeEncodeError) as error:
        error_line(_line(error))
        return 2 if isinstance(error, ArgumentRefused) else 1
    if code == SIGNALLED:
        error_line("interrupted")
    return code


def _line(
    error: CallFailed | SegmentdError | ValidationError | ArgumentRefused | OSError | UnicodeEncodeError,
) -> str:
    match error:
        case CallFailed():
            return call_line(error)
        case SegmentdError():
            return f"{error.message} ({error.reason.value})"
        case ValidationError():
            return _setting_line(error)
        case ArgumentRefused():
            return str(error)
        case UnicodeEncodeError():  # of an argument that was not, or by a stdout that is not
            return f"{error.object[error.start : error.end]!r} cannot be written as {error.encoding}"
    cause = (error.strerror or str(error)).lower()
    return f"{error.filename}: {cause}" if error.filename else cause


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
    words = fault["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    name = "_".join(str(part) for part in fault["loc"][:1]).upper()
    return f"SEGMENTD_{name}: {words}"
