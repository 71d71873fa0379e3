"""What ``drms.Client`` has for exports: the address that JSOC knows, and orders of files.

Addresses are checked as the stock client does it. Orders are refused in words so far.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn, Protocol

from drmsmirror.client.stockerrors import raises_as_stock
from drmsmirror.client.terms import Policy
from drmsmirror.errors import QueryError, UnsupportedError

if TYPE_CHECKING:
    from drmsmirror.upstream import Upstream

__all__ = ["Exporting"]


class _Asking(Protocol):
    """A client, as far as exports need it."""

    policy: Policy
    _email: str | None

    @property
    def _upstream(self) -> Upstream: ...

    def check_email(self, email: str) -> bool: ...


@raises_as_stock
class Exporting:
    """The part of a client that is about exports."""

    _email: str | None = None

    @property
    def email(self: _Asking) -> str | None:
        """Address for exports; setting it checks that JSOC knows it.

        The one that was given to the constructor is kept without being checked: a client of a
        mirror has to work while JSOC is away.
        """
        return self._email

    @email.setter
    def email(self: _Asking, address: str | None) -> None:
        if address is not None and not self.check_email(address):
            raise QueryError(
                f"The e-mail address {address!r} is invalid or not registered for exports. "
                f"Register it at http://jsoc.stanford.edu/ajax/register_email.html"
            )
        self._email = address

    def check_email(self: _Asking, email: str) -> bool:
        """Whether an address is registered for exports.

        Parameters
        ----------
        email : str

        Raises
        ------
        UnsupportedError
            The policy is ``offline``: only the upstream knows.
        """
        if self.policy is Policy.OFFLINE:
            raise UnsupportedError(
                f"Only the upstream knows whether {email!r} is registered, and the policy is "
                f"offline. Leave the address out, or use the policy auto"
            )
        return self._upstream.is_registered(email)

    def export(
        self,
        ds: str,
        *,
        method: str = "url_quick",  # noqa: ARG002 - all these are the stock client's
        protocol: str = "as-is",  # noqa: ARG002
        protocol_args: Mapping[str, object] | None = None,  # noqa: ARG002
        filenamefmt: str | bool | None = None,  # noqa: ARG002
        n: int | None = None,  # noqa: ARG002
        email: str | None = None,  # noqa: ARG002
        requester: str | bool | None = None,  # noqa: ARG002
        process: Mapping[str, Mapping[str, object]] | None = None,  # noqa: ARG002
    ) -> NoReturn:
        """Order files of a record set: not yet; :meth:`Client.get` fetches them.

        Parameters
        ----------
        ds : str
            Record set with segments.
        method, protocol, protocol_args, filenamefmt, n, email, requester, process
            As ``drms.Client.export`` takes them.

        Raises
        ------
        UnsupportedError
            Always.
        """
        raise UnsupportedError(_cannot(f"order the files of {ds}", f"export({ds!r}, ...)"))

    def export_from_id(self, requestid: str) -> NoReturn:
        """Go on with an order of files: not yet.

        Parameters
        ----------
        requestid : str
            What JSOC called the order.

        Raises
        ------
        UnsupportedError
            Always.
        """
        raise UnsupportedError(
            _cannot(f"follow the order {requestid}", f"export_from_id({requestid!r})")
        )


def _cannot(what: str, call: str) -> str:
    return (
        f"This version cannot {what}. Get files with Client.get or `drmsmirror get`, or ask JSOC, "
        f"with drms.Client().{call}; the record sets that you find here are understood there"
    )
