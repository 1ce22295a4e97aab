"""A client of the admin API that openapi-python-client makes of its document: it registers an app, changes its secret, and deletes it.

    openapi_client.py FOLDER DOCUMENT API KEY

Writes the client into FOLDER and what the API answered as one line of JSON. The words are those of the document; none of the calls is written by hand.
"""

import importlib
import json
import subprocess
import sys
from pathlib import Path

folder, document, api, key = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
generator = Path(sys.executable).with_name("openapi-python-client")
made = subprocess.run(
    [generator, "generate", "--url", document, "--output-path", folder / "made", "--meta", "none"], capture_output=True, text=True, check=False
)
if made.returncode != 0:
    sys.exit(f"no client could be made of the document:\n{made.stdout}\n{made.stderr}")
sys.path.insert(0, str(folder))


def call(group, operation):
    return importlib.import_module(f"made.api.{group}.{operation}").sync_detailed


def model(name):
    return getattr(importlib.import_module("made.models"), name)


client = importlib.import_module("made").AuthenticatedClient(base_url=api, token=key)
registration = model("Registration").from_dict(
    {"client_id": "made", "client_name": "Made", "redirect_uris": ["https://app.example.com/cb"]}
)

created = call("clients", "create_client")(client=client, body=registration)
asked = model("SecretRequest").from_dict({"others_expire_in": 3600})
rotated = call("secrets", "add_secret")("made", client=client, body=asked)
shown = call("clients", "read_client")("made", client=client)
deleted = call("clients", "delete_client")("made", client=client, if_match=shown.headers["etag"])
gone = call("clients", "read_client")("made", client=client)

print(
    json.dumps(
        {
            "warnings": made.stdout.count("WARNING") + made.stderr.count("WARNING"),
            "created": [created.status_code, type(created.parsed).__name__, created.parsed.client_id, bool(created.parsed.client_secret)],
            "rotated": [rotated.status_code, type(rotated.parsed).__name__, bool(rotated.parsed.client_secret)],
            "secrets": [[secret.id, bool(secret.expires_at)] for secret in shown.parsed.secrets],
            "deleted": deleted.status_code,
            "gone": [gone.status_code, type(gone.parsed).__name__, gone.parsed.code],
        }
    )
)
