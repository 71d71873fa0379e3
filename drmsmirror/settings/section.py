"""What all sections of the settings have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, field_validator

__all__ = ["LONGEST_WAIT", "Section"]

#: Longest time that anything is waited for, seconds.
LONGEST_WAIT = 6 * 3600.0


class Section(BaseModel):
    """A table of settings: each known, of its type, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _is_no_truth_value(cls, value: object) -> object:
        """Refuse true and false, which Pydantic would take for 1 and 0."""
        if isinstance(value, bool):
            raise ValueError(f"must not be {str(value).lower()}")
        return value
