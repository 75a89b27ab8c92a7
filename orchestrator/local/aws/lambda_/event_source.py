"""An event source mapping: a thread that polls like Lambda, and calls the function.

moto calls a function while a message is put into its queue, takes any answer for the whole batch's, and knows neither
filters nor a function's permissions. Here each mapping polls in batches, under the function's role, and takes partial
answers ("Using Lambda with Amazon SQS", "Using AWS Lambda with Amazon DynamoDB").
"""

from __future__ import annotations

import json
import logging
import threading
from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from orchestrator.local.aws.clock import FOREVER, Wake
from orchestrator.local.aws.events.patterns import matches
from orchestrator.local.aws.lambda_.mappings import failures
from orchestrator.local.aws.parts import Aws

#: What a function could not deal with is tried again no sooner than after this.
RETRY_SECONDS = 0.2

#: A poll that has failed is made again after this, and after twice as long each time, up to the second.
_POLL_SECONDS = (RETRY_SECONDS, 60)

NONE_YET = "No records processed"


class Source(ABC):
    """One mapping: a thread that calls the function as long as there is something."""

    def __init__(self, aws: Aws, mapping: Any) -> None:
        self._aws = aws
        self.mapping = mapping
        self._wake = Wake()
        self._guard = threading.Lock()
        self._stopped = False
        #: How often the last polls have failed.
        self._in_vain = 0
        #: What the last call of the function ended with.
        self._error: str | None = None
        #: What GetEventSourceMapping says of it.
        self.last = NONE_YET
        #: Set while there is nothing to do but what was tried in vain.
        self.idle = threading.Event()
        patterns = (mapping.filter_criteria or {}).get("Filters", [])
        self._patterns = [json.loads(one["Pattern"]) for one in patterns]
        threading.Thread(target=self._poll_for_ever, daemon=True, name="event-source").start()

    def wake(self) -> None:
        """Says that there is something to take."""
        with self._guard:
            self.idle.clear()
            self._wake.set()

    def stop(self) -> None:
        self._stopped = True
        with self._guard:
            self._wake.set()

    @property
    def function(self) -> Any:
        return self._aws.backend("lambda").get_function(self.mapping.function_arn)

    def _poll_for_ever(self) -> None:
        clock = self._aws.clock
        with clock.busy():
            while not self._stopped:
                with self._guard:
                    self._wake = wake = Wake()
                if self._takes_some():
                    continue
                again = self._again()
                with self._guard:
                    # What came meanwhile is still to do.
                    if not wake.is_set():
                        self.idle.set()
                if not self._stopped:
                    clock.sleep_until(again, wake=wake, resting=True)
                    self.idle.clear()

    def _takes_some(self) -> bool:
        """Whether there was anything. Nobody looks at what goes wrong on the way but the next attempt."""
        if not self.mapping.enabled:
            return False
        try:
            took = self._take()
        except ClientError:
            self._in_vain += 1
            return False
        except Exception:
            # A source that has ended would be silent for ever.
            logging.getLogger(__name__).exception("%s could not be read", self.mapping.event_source_arn)
            self._in_vain += 1
            return False
        self._in_vain = 0
        return took

    def _again(self) -> datetime:
        """When it polls again, unless it is woken before: AWS polls for ever, whatever goes wrong."""
        if not self.mapping.enabled:
            return FOREVER
        if not self._in_vain:
            return self._next_look()
        first, longest = _POLL_SECONDS
        pause = min(first * 2 ** min(self._in_vain - 1, 10), longest)
        return self._aws.clock.now() + timedelta(seconds=pause)

    @abstractmethod
    def _take(self) -> bool:
        """One batch; whether there was one."""

    def _next_look(self) -> datetime:
        """When there will be something that nobody wakes it for."""
        return FOREVER

    def _wanted(self, record: dict[str, Any]) -> bool:
        return not self._patterns or any(matches(pattern, record) for pattern in self._patterns)

    def _failures(self, records: list[dict[str, Any]]) -> set[str] | None:
        """Calls the function: the identifiers that it could not deal with; None for all."""
        answer = self._aws.functions.invoke(self.function, json.dumps({"Records": records}, default=str))
        self._error = "Unhandled" if answer.failed else None
        self.last = "PROBLEM: Function call failed" if answer.failed else "OK"
        if answer.failed:
            return None
        if "ReportBatchItemFailures" not in (self.mapping.function_response_types or []):
            return set()
        return failures(answer.payload)
