"""An app that is not ours: Flask-OAuthlib, as the tutorials wrote it before OpenID Connect.

It knows three addresses and one scope; no `openid`, no PKCE. Run with ISSUER, OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET and PORT in the environment; prints
`ready http://127.0.0.1:PORT` when it answers.
"""

import os
import secrets

from flask import Flask, redirect, request, session, url_for
from flask_oauthlib.client import OAuth, OAuthException
from markupsafe import escape
from werkzeug.serving import make_server

# The app and the gateway stand on loopback.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

app = Flask(__name__)
app.secret_key = secrets.token_hex(32)
app.config["SESSION_COOKIE_NAME"] = "old_flask_app"

sso = OAuth(app).remote_app(
    "sso",
    consumer_key=os.environ["OAUTH_CLIENT_ID"],
    consumer_secret=os.environ["OAUTH_CLIENT_SECRET"],
    request_token_params={"scope": "email"},
    base_url=os.environ["ISSUER"] + "/",
    request_token_url=None,
    access_token_method="POST",
    access_token_url="/token",
    authorize_url="/authorize",
)


@sso.tokengetter
def token():
    return session.get("token")


@app.get("/")
def index():
    if "email" not in session:
        return page("<a id='login' href='/login'>Log in</a>")
    return page(f"<p id='person'>{escape(session['email'])}</p>")


@app.get("/login")
def login():
    return sso.authorize(callback=url_for("authorized", _external=True))


@app.get("/authorized")
def authorized():
    answer = sso.authorized_response()
    if answer is None or isinstance(answer, OAuthException):
        reason = escape(request.args.get("error", "")), escape(request.args.get("error_description", ""))
        return page(f"<p id='denied'>Access denied: {reason[0]}: <span id='why'>{reason[1]}</span></p>"), 403
    session["token"] = (answer["access_token"], "")
    me = sso.get("/userinfo")
    session["email"] = me.data["email"]
    return redirect(url_for("index"))


def page(body):
    return f"<!doctype html><html lang='en'><title>Old Flask app</title><h1>Old Flask app</h1>{body}</html>"


if __name__ == "__main__":
    server = make_server("127.0.0.1", int(os.environ.get("PORT", "0")), app, threaded=True)
    print(f"ready http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
