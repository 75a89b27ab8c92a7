"""The frame of a type of CloudFormation that moto lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

#: The properties of a resource, as the template has them, with every reference resolved.
Properties = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Place:
    """The account and the region of a stack."""

    account: str
    region: str

    def backend(self, backends: Any) -> Any:
        """Returns moto's state of a service in this place; ``backends`` holds that of all accounts."""
        return backends[self.account][self.region]


class Made:
    """A resource that moto keeps nothing of: ``Ref`` gives its name."""

    def __init__(self, name: str, type_name: str) -> None:
        self.physical_resource_id = name
        self.type = type_name

    def is_created(self) -> bool:
        return True


class ResourceType:
    """Answers what moto asks of a type, by :meth:`create`, :meth:`update` and :meth:`delete`.

    It is mixed into a class below moto's ``CloudFormationModel``, and is none itself: moto takes each class directly
    below that for a type.
    """

    #: As templates name it: ``AWS::Service::Resource``.
    type_name: ClassVar[str]
    #: The property that holds a resource's name; empty if it has none.
    name_property: ClassVar[str] = ""
    #: What Fn::GetAtt gives.
    attributes: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def create(cls, name: str, properties: Properties, place: Place) -> Any:
        """Makes the resource. Returns moto's object of it, or :class:`Made`."""
        raise NotImplementedError

    @classmethod
    def update(cls, resource: Any, name: str, properties: Properties, place: Place) -> Any:
        """Returns what :meth:`create` does; by default nothing changes."""
        return resource

    @classmethod
    def delete(cls, name: str, place: Place) -> None:
        """Does nothing for a resource that is deleted with the one that it belongs to."""

    @classmethod
    def cloudformation_type(cls) -> str:
        return cls.type_name

    @classmethod
    def cloudformation_name_type(cls) -> str:
        return cls.name_property

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr in cls.attributes

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_: Any
    ) -> Any:
        place = Place(account=account_id, region=region_name)
        return cls.create(resource_name, cloudformation_json.get("Properties", {}), place)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> Any:
        place = Place(account=account_id, region=region_name)
        return cls.update(original_resource, new_resource_name, cloudformation_json.get("Properties", {}), place)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str
    ) -> None:
        cls.delete(resource_name, Place(account=account_id, region=region_name))
