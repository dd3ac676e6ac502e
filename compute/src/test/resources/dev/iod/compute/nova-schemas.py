# Checks answers against the JSON schemas that OpenStack's test suite Tempest has for Nova.
# One answer a line on standard input: {"schema": "servers.get_server", "minor": 1, "status": 200,
# "body": {...}}. Prints a line for each that is wrong and at last the number checked.
import importlib
import json
import sys

import jsonschema

ROOT = "tempest.lib.api_schema.response.compute.v2_"
MODULES = {}


def schema_of(group, name, minor):
    """The schema of the newest microversion that changed it, up to minor."""
    for version in range(minor, 0, -1):
        path = "%s%d.%s" % (ROOT, version, group)
        if path not in MODULES:
            try:
                MODULES[path] = importlib.import_module(path)
            except ModuleNotFoundError:
                MODULES[path] = None
        if MODULES[path] and hasattr(MODULES[path], name):
            return getattr(MODULES[path], name)
    raise LookupError(name)


count = 0
for line in sys.stdin:
    answer = json.loads(line)
    group, name = answer["schema"].split(".")
    where = "%s at 2.%d" % (answer["schema"], answer["minor"])
    schema = schema_of(group, name, answer["minor"])
    count += 1
    if answer["status"] not in schema["status_code"]:
        print("%s: status %s, expected %s" % (where, answer["status"], schema["status_code"]))
        continue
    if "response_body" in schema:
        validator = jsonschema.Draft4Validator(
            schema["response_body"], format_checker=jsonschema.FormatChecker())
        for error in validator.iter_errors(answer["body"]):
            print("%s: %s at %s" % (where, error.message[:300], list(error.path)))
    elif answer["body"] is not None:
        print("%s: has a body" % where)
print("checked %d" % count)
