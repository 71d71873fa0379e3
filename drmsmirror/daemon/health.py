"""How the daemon is: a small file in the mirror, and what follows from it.

The daemon writes the file every so often, and whenever it begins something else. Whoever reads it
needs nothing but the file: no catalogue, no connection, so that a check may run every minute.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from drmsmirror.errors import IntegrityError, NotFoundError, StoreError
from drmsmirror.files import LEAST_FREE, free_bytes, write_bytes

__all__ = [
    "DutyHealth",
    "Health",
    "State",
    "full_disk",
    "health_file",
    "problems",
    "read_health",
    "write_health",
]

_NAME = "daemon.health.json"


class State(StrEnum):
    """What the daemon does."""

    IDLE = "idle"
    WORKING = "working"
    #: The catalogue cannot be reached; it goes on when it can.
    WAITING = "waiting"
    STOPPED = "stopped"
    #: It was to run once, and did.
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class DutyHealth:
    """How a duty stands.

    Parameters
    ----------
    name : str
    due_utc : datetime
        When it is to be done next.
    succeeded_utc : datetime or None
        When it last ended well.
    outcome, message : str or None
        How it went the last time.
    """

    name: str
    due_utc: datetime
    succeeded_utc: datetime | None = None
    outcome: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """How the daemon is.

    Parameters
    ----------
    state : State
    since_utc : datetime
        Since when.
    doing : str or None
        The duty that it does now.
    problem : str or None
        Why it waits.
    began_utc : datetime
        When it was started.
    written_utc : datetime
        When this was written.
    good_until_utc : datetime
        Until when the next of these is to be there.
    host : str
    pid : int
    process : str
        Tells the process from a later one of the same number.
    version : str
        Of drmsmirror.
    duties : tuple of DutyHealth
        As they stood when it last looked.
    """

    state: State
    since_utc: datetime
    doing: str | None
    problem: str | None
    began_utc: datetime
    written_utc: datetime
    good_until_utc: datetime
    host: str
    pid: int
    process: str
    version: str
    duties: tuple[DutyHealth, ...] = ()

    @property
    def succeeded_utc(self) -> datetime | None:
        """When something last ended well."""
        return max((one.succeeded_utc for one in self.duties if one.succeeded_utc), default=None)

    @property
    def next_duty(self) -> DutyHealth | None:
        """What is to be done next."""
        return min(self.duties, key=lambda duty: duty.due_utc, default=None)


def health_file(mirror: Path) -> Path:
    """Where the daemon of a mirror says how it is."""
    return mirror / _NAME


def write_health(path: Path, health: Health) -> None:
    """Write how the daemon is; whoever reads sees all of it, or what was there before.

    Raises
    ------
    StoreError
        It cannot be written.
    """
    following = health.next_duty
    shown = asdict(health) | {
        "last_success_utc": health.succeeded_utc,
        "next_duty": None if following is None else following.name,
        "next_due_utc": None if following is None else following.due_utc,
    }
    write_bytes(path, (json.dumps(shown, indent=2, default=_moment_text) + "\n").encode())


def read_health(path: Path) -> Health:
    """Read how the daemon is, or was when it last said so.

    Raises
    ------
    NotFoundError
        None has said so yet.
    IntegrityError
        The file is no such file.
    StoreError
        It cannot be read.
    """
    try:
        shown = json.loads(path.read_bytes())
        duties = tuple(DutyHealth(**_moments(duty)) for duty in shown.pop("duties"))
        own = {name: shown[name] for name in Health.__slots__ if name != "duties"}
        return Health(**_moments(own) | {"state": State(own["state"])}, duties=duties)
    except FileNotFoundError:
        raise NotFoundError(
            f"No daemon has run on this mirror: there is no {path}. Start one with\n"
            f"  drmsmirror daemon"
        ) from None
    except OSError as error:
        raise StoreError(f"Cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(
            f"{path} does not say how a daemon is ({error!r}); remove it, the daemon writes another"
        ) from None


def problems(
    health: Health, now: datetime, *, has_ended: bool, max_age: timedelta | None = None
) -> tuple[str, ...]:
    """Say what is wrong; nothing where all is well.

    Parameters
    ----------
    health : Health
    now : datetime
    has_ended : bool
        Whether its process is known to have ended.
    max_age : timedelta, optional
        How long ago each duty may last have ended well; of one that was never begun, how long
        ago it may have been due.
    """
    who = f"The daemon (process {health.pid} on {health.host})"
    found = []
    if health.state is State.ENDED:
        pass  # whether it runs often enough is a question of age
    elif health.state is State.STOPPED:
        found.append(f"{who} was stopped at {_told(health.written_utc)}")
    elif has_ended:
        found.append(f"{who} has died; it was last heard of at {_told(health.written_utc)}")
    elif health.good_until_utc < now:
        found.append(
            f"{who} is stuck, or gone: it was last heard of at {_told(health.written_utc)}"
        )
    elif health.state is State.WAITING:
        found.append(f"{who} cannot work since {_told(health.since_utc)}: {health.problem}")
    if max_age is not None:
        found += [_lateness(duty) for duty in health.duties if _is_late(duty, now - max_age)]
    return tuple(found)


def full_disk(mirror: Path) -> tuple[str, ...]:
    """Say that the disk of a mirror is full; nothing where it is not.

    The daemon may be unable to say so itself: its file needs room as well.
    """
    free = free_bytes(mirror)
    if free >= LEAST_FREE:
        return ()
    left = f"{free // 2**10} KiB are free"
    return (f"The disk of {mirror} is full: {left}. Free some; the daemon goes on by itself",)


def _is_late(duty: DutyHealth, limit: datetime) -> bool:
    """Whether a duty last ended well too long ago; one whose first time has not come is not."""
    if duty.succeeded_utc is not None:
        return duty.succeeded_utc < limit
    return duty.outcome is not None or duty.due_utc < limit


def _lateness(duty: DutyHealth) -> str:
    last = (
        "has never ended well"
        if duty.succeeded_utc is None
        else (f"last ended well at {_told(duty.succeeded_utc)}")
    )
    return f"{duty.name} {last}" + (f": {duty.message}" if duty.message else "")


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _moment_text(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()


def _moments(shown: dict[str, Any]) -> dict[str, Any]:
    """The same, with moments for their texts."""
    return {
        name: datetime.fromisoformat(value) if name.endswith("_utc") and value else value
        for name, value in shown.items()
    }
