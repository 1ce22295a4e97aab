"""An API that is not ours, admitting by keys alone: PyJWT, as the guides on RFC 9068 write it.

It never asks the issuer about a token: what was revoked is good here until it expires. Run with ISSUER, AUDIENCE and SCOPE in the environment; prints
`ready http://127.0.0.1:PORT` when it answers.
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import urlopen

import jwt

ISSUER, AUDIENCE, SCOPE = (os.environ[name] for name in ("ISSUER", "AUDIENCE", "SCOPE"))
with urlopen(f"{ISSUER}/.well-known/oauth-authorization-server") as document:
    keys = jwt.PyJWKClient(json.load(document)["jwks_uri"])


def claims_of(token):
    """RFC 9068 §4: the type, the signature, the issuer, the audience and the time."""
    if jwt.get_unverified_header(token).get("typ", "").lower() not in ("at+jwt", "application/at+jwt"):
        raise jwt.InvalidTokenError("not an access token")
    key = keys.get_signing_key_from_jwt(token).key
    required = ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"]
    return jwt.decode(token, key, algorithms=["RS256", "ES256"], audience=AUDIENCE, issuer=ISSUER, options={"require": required})


class Api(BaseHTTPRequestHandler):
    def do_GET(self):
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return self.answer(401, {"error": "no token"}, "Bearer")
        try:
            claims = claims_of(token)
        except jwt.PyJWTError as error:
            return self.answer(401, {"error": type(error).__name__}, 'Bearer error="invalid_token"')
        if SCOPE not in claims.get("scope", "").split():
            return self.answer(403, {"error": "scope"}, f'Bearer error="insufficient_scope", scope="{SCOPE}"')
        return self.answer(200, {"sub": claims["sub"], "client_id": claims["client_id"]})

    def answer(self, status, body, challenge=None):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    print(f"ready http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
