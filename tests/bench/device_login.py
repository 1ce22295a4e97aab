"""Signs in from a terminal by RFC 8628 and nothing else: no library of ours, none for OAuth, only what Python comes with.

    python3 device_login.py https://login.example.com CLIENT_ID "openid profile"

Says on standard error what to do, and prints the token response on standard output.
"""

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def post(url, **form):
    """The status and the JSON of the answer, whatever the status is."""
    request = urllib.request.Request(url, urllib.parse.urlencode(form).encode(), {"Accept": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def main(issuer, client_id, scope):
    with urllib.request.urlopen(f"{issuer.rstrip('/')}/.well-known/openid-configuration", timeout=10) as answer:
        metadata = json.load(answer)
    status, started = post(metadata["device_authorization_endpoint"], client_id=client_id, scope=scope)
    if status != 200:
        sys.exit(f"{status}: {started}")
    print(f"Open {started['verification_uri']} and type {started['user_code']}", file=sys.stderr, flush=True)
    print(f"or open {started['verification_uri_complete']}", file=sys.stderr, flush=True)
    interval = started.get("interval", 5)
    while True:
        time.sleep(interval)
        status, answer = post(metadata["token_endpoint"], grant_type=GRANT, device_code=started["device_code"], client_id=client_id)
        match answer.get("error"):
            case None if status == 200:
                print(json.dumps(answer))
                return
            case "authorization_pending":
                pass
            case "slow_down":
                interval += 5
            case error:
                sys.exit(f"{error}: {answer.get('error_description', '')}")


if __name__ == "__main__":
    main(*sys.argv[1:])
