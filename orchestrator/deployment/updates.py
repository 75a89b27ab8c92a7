"""The updates that take a stack from one template to another, where a single update cannot.

- A table that is created in an operation that fails must be deleted again, else the next attempt meets a table of its
  name; and CloudFormation does not lift a table's protection to delete it. So a table is created first, and protected
  in a second update.
- What an index holds cannot be changed; another index has to take its place. CloudFormation creates or deletes one
  index in an update, does not wait until a new one is filled, and advises to change nothing else in the same update
  ("AWS::DynamoDB::Table", GlobalSecondaryIndexes). So a new index is first added to the template as it was. Everything
  else follows when that index is filled, and the old one, with the permission to read it, is still there for code that
  is being replaced. It is deleted last.

Each update starts from what the one before has left, so a deployment that was interrupted is continued by the next.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from orchestrator.deployment.storage import TABLE
from orchestrator.errors import IndexNotFilled
from orchestrator.pricing.prices import PRICES

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import TableDescriptionTypeDef

Template = Mapping[str, Any]

_ROLE = "AWS::IAM::Role"

#: Seconds between two looks at an index that is being filled, and the most looks: two hours.
POLL_SECONDS = 5.0
_LOOKS = 1440


@dataclass(frozen=True, kw_only=True)
class Index:
    """A table's index, as a template has it."""

    #: The table's logical id, and its physical name.
    table: str
    table_name: str
    definition: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.definition["IndexName"])

    @property
    def holds(self) -> str:
        """What it holds of a record: ``ALL``, ``KEYS_ONLY`` or ``INCLUDE``."""
        return str(self.definition["Projection"]["ProjectionType"])

    @property
    def resource(self) -> str:
        """How the index's ARN ends."""
        return f"table/{self.table_name}/index/{self.name}"


def new_indexes(before: Template, after: Template) -> tuple[Index, ...]:
    """The indexes that ``after`` gives to tables which both templates have."""
    both = {name for name, one in before.get("Resources", {}).items() if one["Type"] == TABLE}
    known = {(one.table, one.name) for one in _indexes(before)}
    return tuple(one for one in _indexes(after) if one.table in both and (one.table, one.name) not in known)


def old_indexes(before: Template, after: Template) -> tuple[Index, ...]:
    """The indexes that ``after`` takes from them."""
    return new_indexes(after, before)


def first(before: Template, after: Template) -> Iterator[Template]:
    """The template ``before`` with one of the new indexes more each time; its parameters are those that it had."""
    template = before
    for index in new_indexes(before, after):
        template = _with_index(template, index, after)
        yield template


def then(before: Template, after: Template) -> Iterator[Template]:
    """The template ``after``, each time nearer to it: with unprotected new tables, and with the indexes that go, and
    the permission to read them, as long as they are there.
    """
    going = old_indexes(before, after)
    kept = [_with_indexes(after, going[count:], before) for count in range(len(going) + 1)]
    creating = _created_unprotected(kept[0], before)
    yield from kept if creating == kept[0] else (creating, *kept)


def notes(before: Template, after: Template) -> Iterator[str]:
    """Yields what people should know beforehand of indexes that come and go, with what it costs."""
    new, old = new_indexes(before, after), old_indexes(before, after)
    count = sum(one != other for one, other in pairwise([before, *first(before, after), *then(before, after)]))
    for table in sorted({one.table_name for one in (*new, *old)}):
        comes, goes = ([one for one in some if one.table_name == table] for some in (new, old))
        steps = []
        if comes:
            cost = f"a write unit for each record, ${PRICES.write_unit * 1_000_000:.3f} a million"
            steps.append(f"{_names(comes)} is filled ({cost}), then read")
        if goes:
            steps.append(f"{_names(goes)} is deleted when nothing reads it any more")
        if comes and goes:
            steps.append("until then a record whose place changes is written in both")
        if any(one.holds == "ALL" for one in goes) and all(one.holds == "KEYS_ONLY" for one in comes):
            steps.append("then a write that changes no place costs a unit less")
        yield f"indexes of {table} change, in {count} update{'s' if count > 1 else ''} of the stack: {'; '.join(steps)}"


def wait_until_filled(
    client: DynamoDBClient,
    deployed: Template,
    tables: Collection[str],
    *,
    sleep: Callable[[float], object],
    progress: Callable[[str], object],
) -> None:
    """Waits until all indexes can be read that the ``deployed`` template has on ``tables``, by their physical names.

    Raises :class:`~orchestrator.errors.IndexNotFilled` after two hours.
    """
    for table in sorted(tables):
        expected = {one.name for one in _indexes(deployed) if one.table_name == table}
        unready: list[str] = []
        for _ in range(_LOOKS):
            before, unready = unready, list(_unready(client.describe_table(TableName=table)["Table"], expected))
            if not unready:
                break
            if unready != before:
                progress(f"waiting for table {table}: {', '.join(unready)}")
            sleep(POLL_SECONDS)
        else:
            raise IndexNotFilled(table, unready)


def _unready(table: TableDescriptionTypeDef, expected: Collection[str]) -> Iterator[str]:
    """What is being changed of a table. An update of the stack may be over before an index is so much as CREATING."""
    if table["TableStatus"] != "ACTIVE":
        yield f"it is {table['TableStatus']}"
    statuses = {one["IndexName"]: one["IndexStatus"] for one in table.get("GlobalSecondaryIndexes", [])}
    for name in sorted(statuses.keys() | expected):
        if (status := statuses.get(name, "not there")) != "ACTIVE":
            yield f"{name} is {status}"


def _names(indexes: Iterable[Index]) -> str:
    return " and ".join(one.name for one in indexes)


def _indexes(template: Template) -> Iterator[Index]:
    for name, one in template.get("Resources", {}).items():
        if one["Type"] == TABLE:
            for definition in one["Properties"].get("GlobalSecondaryIndexes", []):
                yield Index(table=name, table_name=one["Properties"]["TableName"], definition=definition)


def _with_indexes(template: Template, indexes: Iterable[Index], before: Template) -> Template:
    """The template with indexes of ``before``, which those may read who could."""
    for index in indexes:
        template = _with_index(template, index, before)
        there = before["Resources"]
        resources = {
            name: _reading(one, there[name], index) if one["Type"] == _ROLE and name in there else one
            for name, one in template["Resources"].items()
        }
        template = {**template, "Resources": resources}
    return template


def _with_index(template: Template, index: Index, source: Template) -> Template:
    """The template with an index that its table has in ``source``."""
    table = template["Resources"][index.table]
    own, others = (one["Resources"][index.table]["Properties"] for one in (template, source))
    keys = {key["AttributeName"] for key in index.definition["KeySchema"]}
    attributes = {one["AttributeName"]: one for one in others["AttributeDefinitions"] if one["AttributeName"] in keys}
    attributes |= {one["AttributeName"]: one for one in own["AttributeDefinitions"]}
    properties = {
        **own,
        "AttributeDefinitions": [attributes[name] for name in sorted(attributes)],
        "GlobalSecondaryIndexes": [*own.get("GlobalSecondaryIndexes", []), index.definition],
    }
    return {**template, "Resources": {**template["Resources"], index.table: {**table, "Properties": properties}}}


def _reading(role: Mapping[str, Any], before: Mapping[str, Any], index: Index) -> Mapping[str, Any]:
    """The role with those of its statements of before that name the index: a role changes before its function does."""
    named = [
        statement
        for policy in before["Properties"].get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        if f'{index.resource}"' in json.dumps(statement)
    ]
    if not named:
        return role
    policy, *others = role["Properties"]["Policies"]
    document = policy["PolicyDocument"]
    statements = [*document["Statement"], *(one for one in named if one not in document["Statement"])]
    policies = [{**policy, "PolicyDocument": {**document, "Statement": statements}}, *others]
    return {**role, "Properties": {**role["Properties"], "Policies": policies}}


def _created_unprotected(template: Template, before: Template) -> Template:
    """The template, with no protection against deletion for tables that are not there yet."""
    there = before.get("Resources", {})
    resources = {
        name: _unprotected(one) if one["Type"] == TABLE and name not in there else one
        for name, one in template["Resources"].items()
    }
    return {**template, "Resources": resources}


def _unprotected(table: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in table["Properties"].items() if name != "DeletionProtectionEnabled"}
    return {**table, "Properties": kept}
