"""An app that is not ours: Flask + Authlib, as the tutorials on third-party login write it.

It knows its issuer by the discovery address and nothing else about it. Run with OIDC_DISCOVERY, OIDC_CLIENT_ID,
OIDC_CLIENT_SECRET, OIDC_SCOPE, PORT and HOST in the environment; prints `ready http://HOST:PORT` when it answers.
"""

import json
import os
import secrets
from html import escape
from urllib.parse import urlencode

from authlib.integrations.flask_client import OAuth, OAuthError
from flask import Flask, redirect, session, url_for
from werkzeug.serving import make_server

app = Flask(__name__)
app.secret_key = secrets.token_hex(32)
# A cookie name of its own: cookies know no ports, and everything here stands on one host.
app.config.update(SESSION_COOKIE_NAME="flask_app", SESSION_COOKIE_SAMESITE="Lax")

oauth = OAuth(app)
oauth.register(
    name="sso",
    client_id=os.environ["OIDC_CLIENT_ID"],
    client_secret=os.environ["OIDC_CLIENT_SECRET"],
    server_metadata_url=os.environ["OIDC_DISCOVERY"],
    client_kwargs={"scope": os.environ.get("OIDC_SCOPE", "openid profile email offline_access"), "code_challenge_method": "S256"},
    # OpenID Connect Core §11: offline access is asked for together with consent.
    authorize_params={"prompt": "consent"},
)

# The tokens of whoever is signed in. They don't fit a cookie, and a cookie is no place for them.
vault: dict[str, dict] = {}


@app.get("/")
def index():
    person = session.get("person")
    if not person:
        return page('<a id="login" href="/login">Log in</a>')
    return page(
        f"<p id='person'>{escape(person.get('name') or person['sub'])}</p>"
        f"<p><a id='me' href='/me'>userinfo</a> <a id='refresh' href='/refresh'>refresh</a>"
        f" <a id='logout' href='/logout'>Log out</a></p>"
    )


@app.get("/login")
def login():
    return oauth.sso.authorize_redirect(url_for("callback", _external=True))


@app.get("/callback")
def callback():
    try:
        token = oauth.sso.authorize_access_token()
    except OAuthError as error:
        return page(f"<p id='error'>{escape(error.error)}</p>"), 403
    keep(token)
    session["person"] = dict(token["userinfo"])
    return redirect(url_for("index"))


@app.get("/me")
def me():
    answer = oauth.sso.get(metadata("userinfo_endpoint"), token=vault[session["vault"]])
    return page(f"<pre id='userinfo'>{escape(json.dumps(answer.json()))}</pre>"), answer.status_code


@app.get("/refresh")
def refresh():
    before = vault[session["vault"]]
    after = oauth.sso.fetch_access_token(grant_type="refresh_token", refresh_token=before["refresh_token"])
    keep({**before, **after})
    rotated = after.get("refresh_token", before["refresh_token"]) != before["refresh_token"]
    renewed = after["access_token"] != before["access_token"]
    return page(f"<p id='refreshed'>{json.dumps({'renewed': renewed, 'rotated': rotated})}</p>")


@app.get("/logout")
def logout():
    """OpenID Connect RP-Initiated Logout 1.0 §2."""
    token = vault.pop(session.get("vault"), {})
    session.clear()
    query = {"id_token_hint": token.get("id_token", ""), "post_logout_redirect_uri": url_for("goodbye", _external=True)}
    return redirect(metadata("end_session_endpoint") + "?" + urlencode(query))


@app.get("/goodbye")
def goodbye():
    return page("<p id='goodbye'>You are logged out.</p>")


def keep(token):
    session["vault"] = session.get("vault") or secrets.token_hex(16)
    vault[session["vault"]] = token


def metadata(name):
    return oauth.sso.load_server_metadata()[name]


def page(body):
    return f"<!doctype html><html lang='en'><title>Flask app</title><h1>Flask app</h1>{body}</html>"


if __name__ == "__main__":
    server = make_server(os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "0")), app, threaded=True)
    print(f"ready http://{os.environ.get('HOST', '127.0.0.1')}:{server.server_port}", flush=True)
    server.serve_forever()
