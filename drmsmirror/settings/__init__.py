"""The settings: one typed object from a TOML file, the environment and flags, later ones winning.

The file is ``drmsmirror.toml`` in the mirror, or the one that ``--config`` or
``DRMSMIRROR_CONFIG`` names. A variable is called after its setting: ``DRMSMIRROR_UPSTREAM__URL``
is ``url`` in ``[upstream]``. Secrets may be files of a directory, which
``DRMSMIRROR_SECRETS_DIR`` names. ``config/drmsmirror.toml`` in the project shows every setting with
its default; a test holds the two together. Each section of the file has a module of its own;
``loading`` puts them together, and ``mistakes`` says what is wrong with them.
"""

from drmsmirror.settings.answers import AnswerSettings
from drmsmirror.settings.daemon import DaemonSettings
from drmsmirror.settings.loading import FILE_NAME, load_settings
from drmsmirror.settings.publish import PublishSettings
from drmsmirror.settings.query import QuerySettings
from drmsmirror.settings.records import RecordSettings
from drmsmirror.settings.segments import SegmentSettings
from drmsmirror.settings.settings import Settings
from drmsmirror.settings.sync import SyncSettings
from drmsmirror.settings.upkeep import UpkeepSettings
from drmsmirror.settings.upstream import UpstreamSettings

__all__ = [
    "FILE_NAME",
    "AnswerSettings",
    "DaemonSettings",
    "PublishSettings",
    "QuerySettings",
    "RecordSettings",
    "SegmentSettings",
    "Settings",
    "SyncSettings",
    "UpkeepSettings",
    "UpstreamSettings",
    "load_settings",
]
