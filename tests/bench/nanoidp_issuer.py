"""A second issuer that others wrote: PyPI `nanoidp`, with its own sign-in page and keys that rotate.

    python nanoidp_issuer.py '{"port": 4000, "folder": "/tmp/x", "redirect_uri": "http://127.0.0.1:9/callback/second"}'

Prints `ready http://127.0.0.1:4000` when it answers. Its one person is dora, whose password is `dora-password`. `POST /api/keys/rotate` signs with a
new key from then on; what the old one signed stays good.
"""

import json
import os
import sys
from pathlib import Path

from werkzeug.serving import make_server

asked = json.loads(sys.argv[1])
issuer = f"http://127.0.0.1:{asked['port']}"
folder = Path(asked["folder"])
folder.mkdir(parents=True, exist_ok=True)
# It keeps its keys where it is started.
os.chdir(folder)

SETTINGS = {
    "config_version": 1,
    "server": {"host": "127.0.0.1", "port": asked["port"]},
    "oauth": {
        "issuer": issuer,
        "audience": "vestibule",
        "clients": [
            {
                "client_id": "vestibule",
                "client_secret": "upstream-secret-0123456789abcdef0123456789",
                "redirect_uris": [asked["redirect_uri"]],
            }
        ],
    },
}
USERS = {
    "config_version": 1,
    "users": {"dora": {"password": "dora-password", "email": "dora@second.example", "groups": ["crew"]}},
}
# JSON is YAML.
(folder / "settings.yaml").write_text(json.dumps(SETTINGS))
(folder / "users.yaml").write_text(json.dumps(USERS))

from nanoidp.app import create_app  # noqa: E402  (it reads its configuration while it is made)

server = make_server("127.0.0.1", asked["port"], create_app(str(folder), strict_config=True), threaded=True)
print(f"ready {issuer}", flush=True)
server.serve_forever()
