"""What the processes of one mirror share about the upstream: its answers, and how it is."""

from drmsmirror.sharing.kept import AnswerStore, KeptAnswer
from drmsmirror.sharing.opening import open_upstream
from drmsmirror.sharing.question import Question
from drmsmirror.sharing.shared import SharedUpstream

__all__ = ["AnswerStore", "KeptAnswer", "Question", "SharedUpstream", "open_upstream"]
