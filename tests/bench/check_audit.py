"""Holds an audit log against what is published of it.

usage: check_audit.py schema SCHEMA EXPORT   each record against the JSON Schema of its kind
       check_audit.py ocsf EXPORT            each line against OCSF's own schema of its class
       check_audit.py ecs EXPORT             each line against the fields of ECS that we use
"""

import ipaddress
import json
import sys
from datetime import datetime


def lines(path):
    return [json.loads(line) for line in open(path, encoding="utf-8")]


def schema(schema, export):
    from jsonschema import Draft202012Validator

    schema = json.load(open(schema, encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    checked = 0
    for record in lines(export):
        if "checkpoint" in record:
            continue
        one = {**schema["$defs"][record["name"]], "$defs": schema["$defs"]}
        faults = [f"{'/'.join(map(str, fault.path))}: {fault.message}" for fault in Draft202012Validator(one).iter_errors(record)]
        assert not faults, f"{record['name']}: {faults}: {record}"
        checked += 1
    return checked


def unknown(model, at):
    """Names that the schema does not have, wherever they stand; what is unmapped may have any."""
    from pydantic import BaseModel

    if isinstance(model, BaseModel):
        yield from (f"{at}.{name}" for name in model.model_extra or {})
        for name in type(model).model_fields:
            if name != "unmapped":
                yield from unknown(getattr(model, name), f"{at}.{name}")
    elif isinstance(model, list):
        for one in model:
            yield from unknown(one, at)


def ocsf(export):
    from ocsf.v1_7_0 import events

    classes = {
        2004: events.DetectionFinding,
        3001: events.AccountChange,
        3002: events.Authentication,
        3004: events.EntityManagement,
        3005: events.UserAccess,
        6003: events.ApiActivity,
    }
    checked = 0
    for line in lines(export):
        model = classes[line["class_uid"]].model_validate(line)
        assert not list(unknown(model, "")), f"{list(unknown(model, ''))}: {line}"
        assert line["type_uid"] == line["class_uid"] * 100 + line["activity_id"], line
        if line["class_uid"] == 3002:
            assert "service" in line or "dst_endpoint" in line, line
        checked += 1
    return checked


def text(value):
    return isinstance(value, str) and value != ""


def whole(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


# The fields of ECS 9.1 that we use, and what their types hold (https://www.elastic.co/docs/reference/ecs/ecs-field-reference).
ECS = {
    "@timestamp": lambda value: datetime.fromisoformat(value.replace("Z", "+00:00")),
    "ecs.version": text,
    "event.action": text,
    "event.category": text,
    "event.code": text,
    "event.dataset": text,
    "event.duration": whole,
    "event.hash": text,
    "event.id": text,
    "event.kind": lambda value: value in ("alert", "event"),
    "event.module": text,
    "event.outcome": lambda value: value in ("success", "failure", "unknown"),
    "event.reason": text,
    "event.sequence": whole,
    "event.type": text,
    "message": text,
    "service.name": text,
    "service.type": text,
    "source.address": text,
    "source.geo.country_iso_code": lambda value: text(value) and len(value) == 2 and value.isupper(),
    "source.ip": ipaddress.ip_address,
    "trace.id": text,
    "user.id": text,
    "user.name": text,
    "user.target.id": text,
    "user_agent.original": text,
}
# Those that are lists.
LISTS = {"event.category", "event.type"}
# What ECS leaves to whoever writes records: a name that is none of its own.
OURS = "vestibule"


def fields(record, at=""):
    for name, value in record.items():
        path = f"{at}{name}"
        if isinstance(value, dict):
            yield from fields(value, f"{path}.")
        else:
            yield path, value


def ecs(export):
    checked = 0
    for line in lines(export):
        assert isinstance(line.pop(OURS), dict), line
        for path, value in fields(line):
            assert path in ECS, f"{path} is no field of ECS: {line}"
            assert isinstance(value, list) == (path in LISTS), f"{path}: {value}"
            assert all(ECS[path](one) for one in (value if path in LISTS else [value])), f"{path}: {value}"
        checked += 1
    return checked


checks = {"schema": schema, "ocsf": ocsf, "ecs": ecs}
print(json.dumps({"checked": checks[sys.argv[1]](*sys.argv[2:])}))
