"""What acts of several rooms ask for, each with its one help text. What only one room asks for is named there."""

from __future__ import annotations

from typing import Annotated

RequestId = Annotated[str, "the request's id or its reference"]
Why = Annotated[str, "why; it is recorded"]
FileTo = Annotated[str, "the file to write"]
HowMany = Annotated[int, "how many"]
