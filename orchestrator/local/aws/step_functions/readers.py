"""Item readers: what a distributed Map reads its items from.

moto lists one page of objects, in botocore's names and with moments that JSON has not, fails where there is none, wants
to know the type of what it lists, and tells too late of a number of items that is no number.

Sources: items of ``s3:listObjectsV2`` as measured in floci-io/floci#3460; LocalStack's recordings of
test_map_item_reader_csv_max_items_paths.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval import resource_eval_s3
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval.resource_output_transformer import (
    transformer_json,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.reader_config.input_type import InputType
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.reader_config.max_items_decl import (
    MaxItemsDecl,
    MaxItemsPath,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.reader_config.reader_config_decl import (
    CSVHeaderLocation,
    CSVHeaders,
    ReaderConfig,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.reader_config.reader_config_props import (
    ReaderConfigProps,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.distributed_iteration_component import (
    DistributedIterationComponent,
)
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces
from orchestrator.local.aws.step_functions import failures


def _objects(client: Any, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator("list_objects_v2").paginate(**asked):
        for one in page.get("Contents", ()):
            yield {
                "Etag": one["ETag"],
                "Key": one["Key"],
                "LastModified": one["LastModified"].timestamp(),
                "Size": one["Size"],
                "StorageClass": one["StorageClass"],
            }


def _list_objects(env: Any, resource_runtime_part: Any, state_credentials: Any) -> None:
    client = resource_eval_s3.ResourceEvalS3._get_s3_client(resource_runtime_part, state_credentials)
    asked = env.stack.pop()
    env.stack.append(list(_objects(client, asked)))


def _config(self: Any, ctx: Any) -> Any:
    """Reads a ReaderConfig, which names no input type where objects are listed."""
    props = ReaderConfigProps()
    for child in ctx.children:
        props.add(self.visit(child))
    return ReaderConfig(
        input_type=props.get(InputType) or InputType("JSON"),
        max_items_decl=props.get(MaxItemsDecl),
        csv_header_location=props.get(CSVHeaderLocation),
        csv_headers=props.get(CSVHeaders),
    )


def _refuse_fraction(env: Any, reader: Any) -> None:
    """Raises States.Runtime for a MaxItemsPath that leads to anything but a whole number."""
    most = reader.reader_config.max_items_decl if reader and reader.reader_config else None
    if not isinstance(most, MaxItemsPath):
        return
    most.string_sampler.eval(env=env)
    value = env.stack.pop()
    whole = isinstance(value, int) or (isinstance(value, str) and value.removeprefix("-").isdecimal())
    if not whole or isinstance(value, bool):
        shown = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        wrong = f'The MaxItemsPath field refers to value "{shown}" which is not a valid integer'
        raise failures.runtime_error(env, f"{wrong}: {most.string_sampler.literal_value}", of_map=True)


def install(aws: Aws) -> None:
    """Lists objects as Step Functions does, and as many as are wanted."""
    lists = resource_eval_s3.ResourceEvalS3
    replaces(lists, "_handle_list_objects_v2", digest="0cd4e126604e")(staticmethod(_list_objects))
    replaces(Preprocessor, "visitReader_config_decl", digest="00a9377f87df")(_config)
    json_type = transformer_json.ResourceOutputTransformerJson
    parse, begin = json_type._eval_body, DistributedIterationComponent._eval_body

    @replaces(json_type, "_eval_body", digest="12d85d97b466")
    def eval_items(self: Any, env: Any) -> None:
        config, read = env.stack[-1], env.stack[-2]
        if isinstance(read, list):
            # Objects that were listed: there is nothing to parse.
            del env.stack[-2:]
            env.stack.append(read[: config["MaxItemsValue"]])
        else:
            parse(self, env)

    @replaces(DistributedIterationComponent, "_eval_body", digest="abe201523711")
    def eval_body(self: Any, env: Any) -> None:
        # A path is followed in what is on top of the stack: the state's input lies below what it evaluates to.
        given = env.stack.pop()
        _refuse_fraction(env, given.item_reader)
        env.stack.append(given)
        begin(self, env)
