"""Runs what the console writes for Flask with Authlib, as it is written: the file that SNIPPET names.

The snippet says in a remark how the person who comes back is read; that line is run at the redirect address. Run with SNIPPET and PORT in
the environment; prints `ready http://127.0.0.1:PORT` when it answers.
"""

import os
import re
import secrets
from pathlib import Path

from flask import Flask
from werkzeug.serving import make_server

app = Flask(__name__)
app.secret_key = secrets.token_hex(32)
# A cookie name of its own: cookies know no ports, and everything here stands on one host.
app.config.update(SESSION_COOKIE_NAME="snippet_app", SESSION_COOKIE_SAMESITE="Lax")

text = Path(os.environ["SNIPPET"]).read_text(encoding="utf-8")
exec(compile(text, "snippet", "exec"), globals())
[remark] = re.findall(r"^#\s+(person = .+)$", text, re.MULTILINE)


@app.get("/callback")
def callback():
    found = {}
    exec(remark, globals(), found)
    return found["person"]["name"]


if __name__ == "__main__":
    server = make_server("127.0.0.1", int(os.environ["PORT"]), app, threaded=True)
    print(f"ready http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
