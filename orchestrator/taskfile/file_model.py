"""What all parts of tasks.yaml have in common: no unknown fields, and names as JSON writes them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """A mapping of the file. A value is of the type that is asked for, or a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, strict=True)
