"""What CreateStateMachine, UpdateStateMachine, TestState and ValidateStateMachineDefinition refuse in a definition.

moto has no ValidateStateMachineDefinition, takes transitions to states that are not there, states that nothing leads to
and loops without an end, and refuses a definition with an error that has no name. The codes, sentences and locations
here are AWS's where its answers are known (LocalStack's recordings of test_sfn_api_validation and test_sfn_api_express;
"InvalidDefinition" as people report it).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser, ASLParserException
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from orchestrator.asl import jsonata
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import adds, replaces
from orchestrator.local.aws.step_functions import clauses, fields, transitions, values
from orchestrator.local.aws.step_functions.json_texts import first_word, is_text, unread_json
from orchestrator.local.aws.step_functions.values import JSONATA, JSONPATH

#: What a machine may have ("Structure of the Amazon States Language").
_OF_MACHINE = frozenset({"Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds", "Version"})

#: Names of states and of labels, in characters.
_LONGEST_NAME, _LONGEST_LABEL = 80, 40

_TYPES = ("Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map")

#: "ValidateStateMachineDefinition": diagnostics that are returned where the request does not say how many.
_MOST = 100


class InvalidDefinition(AWSError):
    """CreateStateMachine's error for a definition that would not run."""

    TYPE = "InvalidDefinition"
    STATUS = 400


@dataclass(frozen=True, kw_only=True)
class Diagnostic:
    """One mistake, as AWS names it, and where it is."""

    code: str
    message: str
    location: str | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f" at {self.location}" if self.location else "")


def diagnostics(definition: str, kind: str = "STANDARD") -> list[Diagnostic]:
    """Every mistake in a definition (its JSON text); ``kind`` is STANDARD or EXPRESS."""
    try:
        machine = json.loads(definition, parse_constant=_no_number)
    except json.JSONDecodeError as fault:
        if not definition.strip():
            return [_schema("Definition must be a valid JSON object")]
        column = fault.colno + len(first_word(definition))
        where = f'[Source: (String)"{definition}"; line: {fault.lineno}, column: {column}]'
        message = f"{unread_json(definition, fault)}\n at {where}"
        return [Diagnostic(code="INVALID_JSON_DESCRIPTION", message=message, location=where)]
    except RecursionError:
        return [_schema("The definition is nested too deeply")]
    if not isinstance(machine, dict):
        return [_schema("Definition must be a valid JSON object")]
    if not is_text(machine):
        return [_schema("Definition must be valid Unicode")]
    try:
        language = str(machine.get("QueryLanguage", JSONPATH))
        diagnosed = [*_of_whole(machine), *_of_machine(machine, "", kind, language), *_of_names(machine)]
    except RecursionError:
        return [_schema("The definition is nested too deeply")]
    if diagnosed or not (unread := list(_unparsed(definition))):
        return diagnosed
    # What AWS has and moto's parser does not know is named by what it is.
    return list(_not_offered(machine, "")) or unread


def _no_number(word: str) -> Any:
    raise json.JSONDecodeError(f"Non-standard token '{word}'", word, 0)


def _of_whole(machine: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yields mistakes in the machine's own fields."""
    for name, value in machine.items():
        if name not in _OF_MACHINE:
            yield _schema(f"Field '{name}' is not supported", "/")
        elif name == "Version" and value != "1.0":
            yield _schema("Value should be one of the following: [1.0]", "/Version")
    seconds = machine.get("TimeoutSeconds")
    # 0 was measured to be taken.
    given = {name: machine[name] for name in ("Comment", "QueryLanguage", "TimeoutSeconds") if name in machine}
    for message, where in values.mistakes(given if seconds != 0 else {}, "", JSONPATH):
        yield _schema(message, where)


def _of_names(machine: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yields mistakes in names of states, labels and variables; a state's name is unique in the whole machine."""
    seen: set[str] = set()
    labels: set[str] = set()
    for name, state, where in transitions.every(machine, ""):
        if name in seen:
            yield Diagnostic(code="DUPLICATE_STATE_NAME", message=f"Duplicate State name: {name}", location=where)
        if len(name) > _LONGEST_NAME:
            why = f"State name '{name}' exceeds the {_LONGEST_NAME}-character limit allowed by the service"
            yield Diagnostic(code="INVALID_STATE_NAME", message=why, location=where)
        seen.add(name)
        if isinstance(label := state.get("Label"), str):
            if label in labels:
                yield Diagnostic(code="DUPLICATE_LABEL_NAME", message=f"Duplicate Label name: {label}", location=where)
            labels.add(label)
            if len(label) > _LONGEST_LABEL:
                why = f"Label name '{label}' exceeds the {_LONGEST_LABEL}-character limit allowed by the service"
                yield Diagnostic(code="INVALID_LABEL_NAME", message=why, location=f"{where}/Label")
        for code, message, variable in values.variables(state.get("Assign")):
            yield Diagnostic(code=code, message=message, location=f"{where}/Assign/{variable}")


def refuse(definition: str, kind: str = "STANDARD") -> None:
    """Raises AWS's InvalidDefinition, which names every mistake, and what AWS has and the embedded AWS has not."""
    if diagnosed := diagnostics(definition, kind) or list(_not_offered(json.loads(definition), "")):
        raise InvalidDefinition(f"Invalid State Machine Definition: '{', '.join(map(str, diagnosed))}'")


def _not_offered(machine: Mapping[str, Any], place: str) -> Iterator[Diagnostic]:
    for name, state in machine["States"].items():
        where = f"{place}/States/{name}"
        for why, field in fields.not_offered(state):
            yield _schema(why, f"{where}/{field}")
        for inner_place, inner in transitions.inner(state, where):
            yield from _not_offered(inner, inner_place)


def _schema(message: str, location: str | None = None) -> Diagnostic:
    return Diagnostic(code="SCHEMA_VALIDATION_FAILED", message=message, location=location)


def _lacking(given: Mapping[str, Any], needed: tuple[str, ...], location: str) -> Iterator[Diagnostic]:
    if missing := [name for name in needed if name not in given]:
        yield _schema(f"These fields are required: [{', '.join(missing)}]", location)


def _of_machine(machine: Mapping[str, Any], place: str, kind: str, language: str) -> Iterator[Diagnostic]:
    """Yields mistakes in a machine, a branch or an item processor; ``place`` is the path before its /States.

    ``language`` is what the whole machine speaks: a Map or a Parallel hands no other on to its states.
    """
    lacking = list(_lacking(machine, ("States", "StartAt"), place or "/"))
    if lacking:
        yield from lacking
        return
    states = machine["States"]
    if not isinstance(states, Mapping) or not isinstance(machine["StartAt"], str):
        for name, type_ in (("States", Mapping), ("StartAt", str)):
            if not isinstance(machine[name], type_):
                wanted = "Object" if type_ is Mapping else "String"
                yield _schema(f"Expected value of type {wanted}", f"{place}/{name}")
        return
    for name, state in states.items():
        yield from _of_state(state, f"{place}/States/{name}", kind, language)
    targets = [("StartAt", str(machine["StartAt"]), f"{place}/StartAt")]
    for name, state in states.items():
        targets += transitions.targets(state, f"{place}/States/{name}", name)
    for _, target, location in targets:
        if target not in states:
            message = f"Missing 'Next' target: {target}"
            yield Diagnostic(code="MISSING_TRANSITION_TARGET", message=message, location=location)
    if not any(transitions.ends(state) for state in states.values()):
        # AWS then says nothing about states that are not reachable.
        yield Diagnostic(code="MISSING_END_STATE", message="Workflow has no terminal state")
        return
    reached = transitions.reached(str(machine["StartAt"]), states)
    for name in states:
        if name not in reached:
            location = f"{place}/States/{name}"
            message = f'State "{name}" is not reachable.'
            yield Diagnostic(code="MISSING_TRANSITION_TARGET", message=message, location=location)


def _of_state(state: Any, place: str, kind: str, language: str) -> Iterator[Diagnostic]:
    if not isinstance(state, dict):
        yield _schema("Value must be a JSON object", place)
        return
    lacking = list(_lacking(state, ("Type",), place))
    yield from lacking
    if lacking:
        return
    what = state["Type"]
    if what not in _TYPES:
        allowed = f"[{', '.join(_TYPES)}]"
        yield _schema(f"The field 'Type' should have one of these values: {allowed}", f"{place}/Type")
        return
    own = str(state.get("QueryLanguage", language))
    known = {name: value for name, value in state.items() if name in fields.allowed(what, own)}
    for message, where in (
        *fields.mistakes(state, place, language),
        *values.of_state(known, place, own),
        *clauses.mistakes(known, place, own),
    ):
        yield _schema(message, where)
    if own == JSONATA:
        yield from _of_expressions(known, place)
    moment = state.get("Timestamp")
    if what == "Wait" and isinstance(moment, str) and not moment.startswith("{%") and not _is_moment(moment):
        yield _schema("String does not match RFC3339 timestamp", f"{place}/Timestamp")
    needed = {"Choice": ("Choices",), "Task": ("Resource",), "Parallel": ("Branches",)}
    yield from _lacking(state, needed.get(what, ()), place)
    if kind == "EXPRESS":
        yield from _of_express(state, place)
    for where, inner in transitions.inner(state, place):
        yield from _of_machine(inner, where, kind, language)


def _of_expressions(state: Mapping[str, Any], place: str) -> Iterator[Diagnostic]:
    """Yields mistakes in the JSONata expressions of a state."""
    for one in jsonata.expressions(state):
        for why in jsonata.refusals(one.expression, one.offered):
            yield Diagnostic(code=why.code, message=why.message, location=f"{place}{one.place}")


def _of_express(state: Mapping[str, Any], place: str) -> Iterator[Diagnostic]:
    """Yields what an Express machine cannot have."""
    if problem := _not_for_express(str(state.get("Resource", ""))):
        yield _schema(problem, f"{place}/Resource")
    for name in ("ItemProcessor", "Iterator"):
        processor = state.get(name)
        config = processor.get("ProcessorConfig") if isinstance(processor, Mapping) else None
        if isinstance(config, Mapping) and config.get("Mode") == "DISTRIBUTED":
            why = "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines"
            yield _schema(why, f"{place}/{name}/ProcessorConfig/Mode")


def _is_moment(text: str) -> bool:
    """Whether a text is a moment with its offset: ``2016-12-05T21:29:29Z``."""
    try:
        return "T" in text and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _not_for_express(resource: str) -> str | None:
    """Why an Express machine cannot have a task ("Choosing workflow type in Step Functions")."""
    if ".waitForTaskToken" in resource:
        return "Express state machine does not support '.waitForTaskToken' service integration "
    if ".sync" in resource:
        return "Express state machine does not support '.sync' service integration"
    return "Express state machine does not support Activity ARN" if ":activity:" in resource else None


def _unparsed(definition: str) -> Iterator[Diagnostic]:
    """Yields what moto's parser does not understand, and so could not run."""
    try:
        AmazonStateLanguageParser.parse(definition)
    except ASLParserException as fault:
        yield _schema(repr(fault).removeprefix("ASLParserException "))
    except Exception as fault:
        yield _schema(f"The embedded AWS cannot read the definition: {fault}")


def install(aws: Aws) -> None:
    """Refuses what AWS refuses, and answers ValidateStateMachineDefinition."""
    backend = StepFunctionsParserBackend
    create = backend.create_state_machine

    replaces(backend, "_validate_definition", digest="bfcf91a54b1c")(
        staticmethod(lambda definition: refuse(definition))
    )

    @replaces(backend, "create_state_machine", digest="f90a1f1869e5")
    def create_state_machine(self: Any, name: str, definition: str, *arguments: Any, **named: Any) -> Any:
        if named.get("sm_type") == "EXPRESS":
            refuse(definition, "EXPRESS")
        return create(self, name, definition, *arguments, **named)

    @adds(StepFunctionResponse, "validate_state_machine_definition")
    def validate_state_machine_definition(self: Any) -> ActionResult:
        diagnosed = diagnostics(self._get_param("definition") or "", self._get_param("type") or "STANDARD")
        most = self._get_param("maxResults") or _MOST
        listed = [
            {
                "severity": "ERROR",
                "code": one.code,
                "message": one.message,
                **({"location": one.location} if one.location else {}),
            }
            for one in diagnosed[:most]
        ]
        result = "FAIL" if diagnosed else "OK"
        return ActionResult({"result": result, "diagnostics": listed, "truncated": len(diagnosed) > most})
