#!/usr/bin/env python3
"""Makes the dashboards beside it, so that they look alike and can be reviewed: a panel is a line or two here and fifty in Grafana's JSON.

    python3 ops/grafana/dashboards.py            writes them
    python3 ops/grafana/dashboards.py --check    fails when one is not as this would write it

Needs nothing but Python 3.9. Grafana 10 and newer read what it makes.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
SOURCE = {"type": "prometheus", "uid": "${source}"}
WHERE = 'instance=~"$instance"'
GREEN, AMBER, RED, BLUE = "green", "orange", "red", "blue"


def rate(metric, labels="", by="", span="$__rate_interval"):
    """The increase a second, summed."""
    inside = ",".join(part for part in (WHERE, labels) if part)
    return f"sum{f' by ({by})' if by else ''} (rate({metric}{{{inside}}}[{span}]))"


def increase(metric, labels="", by="", span="$__range"):
    return rate(metric, labels, by, span).replace("(rate(", "(increase(", 1)


def quantile(share, metric, labels="", by="", span="$__rate_interval"):
    """A quantile of a histogram."""
    return f"histogram_quantile({share}, {rate(metric + '_bucket', labels, ('le, ' + by) if by else 'le', span)})"


def level(metric, labels="", by="", how="sum"):
    inside = ",".join(part for part in (WHERE, labels) if part)
    return f"{how}{f' by ({by})' if by else ''} ({metric}{{{inside}}})"


def minute(query):
    return f"60 * {query}"


def steps(*pairs):
    """Thresholds: the first colour, then (value, colour)."""
    return {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in pairs]}


def panel(kind, title, queries, unit="short", width=8, height=8, about="", thresholds=None, stack=False, calc="lastNotNull", exemplar=False,
          decimals=None, low=None, high=None, mappings=None):
    """One panel. A query is text, or (text, legend)."""
    queries = [queries] if isinstance(queries, (str, tuple)) else queries
    targets = []
    for number, query in enumerate(queries):
        text, legend = query if isinstance(query, tuple) else (query, "")
        target = {"refId": chr(ord("A") + number), "datasource": SOURCE, "expr": text, "legendFormat": legend or "__auto", "editorMode": "code"}
        if kind in ("stat", "bargauge", "table"):
            target |= {"instant": True, "range": False}
        else:
            target |= {"instant": False, "range": True, "exemplar": exemplar}
        if kind == "table":
            target["format"] = "table"
        targets.append(target)
    defaults = {"unit": unit, "thresholds": thresholds or steps((None, GREEN)), "noValue": "none yet"}
    for name, value in (("decimals", decimals), ("min", low), ("max", high), ("mappings", mappings)):
        if value is not None:
            defaults[name] = value
    options = {}
    if kind == "timeseries":
        defaults["custom"] = {"lineWidth": 1, "fillOpacity": 20 if stack else 6, "showPoints": "never", "stacking": {"mode": "normal" if stack else "none"}}
        options = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
    elif kind in ("stat", "bargauge"):
        defaults["color"] = {"mode": "thresholds"}
        options = {"reduceOptions": {"calcs": [calc], "fields": "", "values": False}, "orientation": "horizontal" if kind == "bargauge" else "auto"}
        if kind == "stat":
            options |= {"colorMode": "value", "graphMode": "none", "textMode": "auto"}
        else:
            options |= {"displayMode": "basic", "showUnfilled": True}
    elif kind == "state-timeline":
        options = {"showValue": "never", "mergeValues": True, "legend": {"displayMode": "list", "placement": "bottom"}}
        defaults["color"] = {"mode": "thresholds"}
    elif kind == "table":
        options = {"showHeader": True}
    made = {"type": kind, "title": title, "datasource": SOURCE, "targets": targets, "fieldConfig": {"defaults": defaults, "overrides": []},
            "options": options, "gridPos": {"w": width, "h": height}}
    if about:
        made["description"] = about
    if kind == "table":
        hidden = {"Time": True, "__name__": True, "job": True}
        made["transformations"] = [{"id": "organize", "options": {"excludeByName": hidden, "renameByName": {"Value": title}}}]
    return made


def stat(title, query, unit="short", **more):
    return panel("stat", title, query, unit, **{"width": 4, "height": 4, **more})


def lines(title, queries, unit="short", **more):
    return panel("timeseries", title, queries, unit, **more)


def bars(title, queries, unit="short", **more):
    return panel("bargauge", title, queries, unit, **more)


def variable(name, label, query):
    return {"type": "query", "name": name, "label": label, "datasource": SOURCE, "query": {"query": query, "refId": name}, "definition": query,
            "refresh": 2, "multi": True, "includeAll": True, "allValue": ".*", "current": {"text": "All", "value": "$__all"}, "sort": 1}


def dashboard(uid, title, about, rows, variables=()):
    """Rows of panels, each row with a heading; panels flow from left to right."""
    panels, at = [], 0
    for heading, content in rows:
        panels.append({"type": "row", "title": heading, "collapsed": False, "panels": [], "gridPos": {"x": 0, "y": at, "w": 24, "h": 1}})
        at, x, tallest = at + 1, 0, 0
        for made in content:
            place = made["gridPos"]
            if x + place["w"] > 24:
                at, x, tallest = at + tallest, 0, 0
            place |= {"x": x, "y": at}
            x, tallest = x + place["w"], max(tallest, place["h"])
            panels.append(made)
        at += tallest
    for number, made in enumerate(panels):
        made["id"] = number + 1
    source = {"type": "datasource", "name": "source", "label": "Data source", "query": "prometheus", "refresh": 1, "current": {}}
    every = variable("instance", "Instance", "label_values(vestibule_build_info, instance)")
    return {
        "uid": f"vestibule-{uid}", "title": f"Vestibule / {title}", "description": about, "tags": ["vestibule"], "schemaVersion": 39, "version": 1,
        "editable": True, "graphTooltip": 1, "refresh": "30s", "time": {"from": "now-6h", "to": "now"}, "timezone": "", "annotations": {"list": []},
        "links": [{"type": "dashboards", "title": "Vestibule", "tags": ["vestibule"], "asDropdown": True, "includeVars": True, "keepTime": True,
                   "icon": "external link", "targetBlank": False, "tooltip": "", "url": ""}],
        "templating": {"list": [source, every, *variables]}, "panels": panels,
    }


HTTP = "http_server_request_duration_seconds"
OURS = 'http_route!~"/livez|/readyz|/metrics"'
TOKEN = 'http_route="/token"'
# A provider's own answer is not in these: people wait for us alone.
AUTH = 'http_route=~"/authorize|/login|/token|/userinfo|/introspect|/revoke|/par|/jwks|/.well-known/.*"'
# A person who said no, or walked away, is no failure of the provider.
COUNTED = 'outcome!="abandoned",reason!="person_declined"'
PROVIDER = variable("provider", "Provider", "label_values(vestibule_upstream_breaker_state, provider)")
OF = 'provider=~"$provider"'
SHARE = steps((None, RED), (0.9, AMBER), (0.99, GREEN))


def success(span, labels=""):
    good = ",".join(part for part in ('outcome="success"', labels) if part)
    counted = ",".join(part for part in (COUNTED, labels) if part)
    return f"{increase('vestibule_login_total', good, 'provider', span)} / {increase('vestibule_login_total', counted, 'provider', span)}"


def share_of_errors(statuses, labels, span="$__rate_interval"):
    bad = rate(HTTP + "_count", f'http_response_status_code=~"{statuses}",{labels}', "", span)
    return f"({bad} or vector(0)) / {rate(HTTP + '_count', labels, '', span)}"


def within(seconds, labels, span="$__rate_interval"):
    """The share of requests answered within a bucket."""
    return f"""{rate(HTTP + '_bucket', f'le="{seconds}",{labels}', '', span)} / {rate(HTTP + '_count', labels, '', span)}"""


CONFIGURATION = [{"type": "value", "options": {"0": {"text": "refused", "color": RED}, "1": {"text": "in force", "color": GREEN}}}]

overview = dashboard("overview", "Overview", "Do people get in, and how fast? Begin here.", [
    ("Service levels", [
        stat("Sign-ins that work, 1 h", (success("1h").replace(" by (provider)", ""), "all providers"), "percentunit", thresholds=SHARE, decimals=1,
             about="Of those who came back from a provider; who refused or left is not counted. Level: 99 %."),
        stat("Own errors, 1 h", share_of_errors("5..", OURS, "1h"), "percentunit", decimals=3, thresholds=steps((None, GREEN), (0.001, AMBER), (0.03, RED)),
             about="Answers 5xx. Level: below 0.1 %."),
        stat("Within 250 ms, 1 h", within("0.25", AUTH, "1h"), "percentunit", decimals=2, thresholds=steps((None, RED), (0.95, GREEN)),
             about="Of requests where nobody waits for a provider. Level: 95 %."),
        stat("Tokens p99, 1 h", quantile(0.99, HTTP, TOKEN, "", "1h"), "s", thresholds=steps((None, GREEN), (0.05, RED)), about="Level: 50 ms."),
        stat("Active sessions", level("vestibule_sessions_active", how="max"), about="Every node counts them in the one database."),
        stat("Nodes", f"count(vestibule_build_info{{{WHERE}}})", about="That were seen by Prometheus."),
    ]),
    ("Signing in", [
        bars("Success by provider, now", (success("5m"), "{{provider}}"), "percentunit", thresholds=SHARE, low=0, high=1, about="The last five minutes."),
        bars("Success by provider, 1 h", (success("1h"), "{{provider}}"), "percentunit", thresholds=SHARE, low=0, high=1),
        bars("Success by provider, 24 h", (success("24h"), "{{provider}}"), "percentunit", thresholds=SHARE, low=0, high=1),
        lines("Logins a minute", (minute(rate('vestibule_login_total', by='outcome')), "{{outcome}}"), stack=True, width=12,
              about="success, denied (by a rule or by the person), failed, abandoned (went to a provider and did not come back)."),
        lines("From the app to its tokens, a minute", [
            (minute(rate(HTTP + "_count", 'http_route=~"/authorize|/par"')), "1 the app asks"),
            (minute(rate('vestibule_login_departures_total')), "2 sent to a provider"),
            (minute(rate('vestibule_login_duration_seconds_count', 'phase="provider"')), "3 back from it"),
            (minute(rate('vestibule_login_total', 'outcome="success"')), "4 signed in"),
            (minute(rate('vestibule_tokens_issued_total', 'grant="authorization_code"')), "5 tokens"),
        ], width=12, about="Where people are lost. Who has a session here is not sent to a provider, so 5 may lie above 4."),
        bars("Why logins did not succeed", ("topk(10, " + increase("vestibule_login_total", 'outcome=~"failed|denied"', "reason") + " > 0)", "{{reason}}"),
             width=12, about="Ten most frequent reasons in the range above. `vestibule explain` tells of a single one."),
        lines("Time at the provider", [(quantile(share, "vestibule_login_duration_seconds", 'phase="provider"'), f"p{round(share * 100)}")
                                        for share in (0.5, 0.95)], "s", width=12, about="The person included: passwords, second factors, consent."),
    ]),
    ("People", [
        stat("Today", level("vestibule_active_accounts", 'window="day"', how="max"), about="Different accounts that signed in, were let in by a session, or had a token refreshed; by days in UTC."),
        stat("In 7 days", level("vestibule_active_accounts", 'window="week"', how="max"), about="Today and the six days before."),
        stat("In 30 days", level("vestibule_active_accounts", 'window="month"', how="max"), about="Today and the 29 days before."),
        lines("People who were here", (level("vestibule_active_accounts", by="window", how="max"), "{{window}}"), width=12, low=0,
              about="Every node counts them in the one database, every ten minutes."),
    ]),
    ("Requests", [
        lines("Requests a second", (rate(HTTP + "_count", OURS, "http_route"), "{{http_route}}"), "reqps", stack=True, width=12),
        lines("Answers that are errors", [(share_of_errors("5..", OURS), "5xx"), (share_of_errors("4..", OURS + ',http_route!="unmatched"'), "4xx")],
              "percentunit", width=12),
        lines("How long answers take", [(quantile(share, HTTP, AUTH), f"p{round(share * 100)}") for share in (0.5, 0.95, 0.99)], "s", width=12, exemplar=True,
              about="Where nobody waits for a provider. A point is one request: it leads to its trace."),
        lines("Limits reached, a minute", (minute(rate('vestibule_rate_limited_total', by='limit')), "{{limit}}"), stack=True, width=12),
        lines("Requests under way", (level("http_server_active_requests", by="instance"), "{{instance}}"), width=12),
        panel("table", "Builds", f"count by (instance, version, revision) (vestibule_build_info{{{WHERE}}})", width=12),
        panel("state-timeline", "Configuration", (level("vestibule_config_last_reload_success", by="instance", how="min"), "{{instance}}"), width=12,
              mappings=CONFIGURATION, thresholds=steps((None, RED), (1, GREEN)), about="refused: what is written now can't be used, and what was read before holds."),
        lines("Since the configuration was read", ("time() - " + level("vestibule_config_last_reload_success_timestamp_seconds", by="instance", how="max"), "{{instance}}"),
              "s", width=12, about="When it was last read and found good."),
    ]),
])

UPSTREAM = "http_client_request_duration_seconds"
BREAKER = [{"type": "value", "options": {"0": {"text": "well", "color": GREEN}, "1": {"text": "looks", "color": AMBER}, "2": {"text": "paused", "color": RED}}}]

providers = dashboard("providers", "Providers", "Each identity provider: whether people get in by it, how fast it answers, and what will expire.", [
    ("Signing in", [
        lines("Success", (success("$__rate_interval", OF), "{{provider}}"), "percentunit", width=12, low=0, high=1,
              about="Of those who came back; who refused or left is not counted."),
        lines("Logins a minute", (minute(rate('vestibule_login_total', OF, 'provider, outcome')), "{{provider}} {{outcome}}"), width=12, stack=True),
        lines("Left for good", (increase("vestibule_login_total", OF + ',outcome="abandoned"', "provider", "1h"), "{{provider}}"), width=12,
              about="Went to the provider and did not come back within the lifetime of a login; counted when that is over. By the hour."),
        lines("Time at the provider", [(quantile(share, "vestibule_login_duration_seconds", OF + ',phase="provider"', "provider"), f"{{{{provider}}}} p{round(share * 100)}")
                                        for share in (0.5, 0.95)], "s", width=12, about="The person included."),
    ]),
    ("What we ask them", [
        panel("state-timeline", "Breaker", (level("vestibule_upstream_breaker_state", OF, "provider", "max"), "{{provider}}"), width=12, mappings=BREAKER,
              thresholds=steps((None, GREEN), (1, AMBER), (2, RED)), about="paused: nothing is asked, people hear at once that it does not answer."),
        lines("Requests that did not go well, a minute", (minute(rate('vestibule_upstream_requests_total', OF + ',result!~"ok|declined"', 'provider, phase, result')),
                                                           "{{provider}} {{phase}} {{result}}"), width=12, stack=True),
        lines("p95 by step", (quantile(0.95, UPSTREAM, OF, "provider, phase"), "{{provider}} {{phase}}"), "s", width=12, exemplar=True),
        lines("p50 by step", (quantile(0.5, UPSTREAM, OF, "provider, phase"), "{{provider}} {{phase}}"), "s", width=12),
        lines("Discovery and keys, a minute", (minute(rate('vestibule_upstream_requests_total', OF + ',phase=~"discovery|keys"', 'provider, result')), "{{provider}} {{result}}"),
              width=12, about="Looked at about every minute, so that people are not the first to find out."),
        lines("Our refreshes at providers that failed, a minute",
              (minute(rate('vestibule_refresh_total', 'result=~"upstream_denied|upstream_unreachable"', 'result')), "{{result}}"), width=12),
    ]),
    ("What expires", [
        bars("Time left", (f"{level('vestibule_upstream_secret_expiry_timestamp_seconds', OF, 'provider', 'min')} - time() or label_replace("
                           f"{level('vestibule_tls_certificate_expiry_timestamp_seconds', how='min')} - time(), 'provider', 'our certificate', '', '')", "{{provider}}"),
             "s", width=24, thresholds=steps((None, RED), (7 * 86400, AMBER), (21 * 86400, GREEN)),
             about="Our secrets at providers whose `secret_expires` is set, and our own certificate where TLS is ours."),
    ]),
], [PROVIDER])

tokens = dashboard("tokens", "Tokens", "What apps get: tokens, refreshes, sessions and the news of their end.", [
    ("Tokens", [
        lines("Given, a minute", (minute(rate('vestibule_tokens_issued_total', by='grant')), "{{grant}}"), stack=True, width=12),
        lines("Refused, a minute", (minute(rate('vestibule_token_errors_total', by='grant, error')), "{{grant}} {{error}}"), stack=True, width=12),
        lines("How long /token takes", [(quantile(share, HTTP, TOKEN), f"p{round(share * 100)}") for share in (0.5, 0.95, 0.99)], "s", width=12, exemplar=True,
              thresholds=steps((None, GREEN), (0.05, RED)), about="Level: p99 below 50 ms."),
        lines("Unauthorized at /token", share_of_errors("401", TOKEN), "percentunit", width=12, about="Wrong secrets, or an app whose secret has gone."),
        lines("Introspection and userinfo, a second", (rate(HTTP + "_count", 'http_route=~"/introspect|/userinfo"', "http_route"), "{{http_route}}"), "reqps", width=12),
    ]),
    ("Refresh tokens", [
        lines("What became of them, a minute", (minute(rate('vestibule_refresh_total', by='result')), "{{result}}"), stack=True, width=12,
              about="replayed: answered with the same successor once more. reused: an old one came back, and its grant ended."),
        lines("Refused", f"""{rate('vestibule_refresh_total', 'result=~"expired|reused|revoked|upstream_denied"')} / {rate('vestibule_refresh_total')}""", "percentunit", width=12,
              about="Level: below 1 %."),
        stat("Reused, in this range", increase("vestibule_refresh_total", 'result="reused"'), thresholds=steps((None, GREEN), (1, AMBER), (5, RED)), width=12, decimals=0,
             about="Each is a stolen token or an app that loses answers."),
    ]),
    ("Sessions", [
        lines("Active", (level("vestibule_sessions_active", how="max"), "sessions"), width=12),
        lines("Sign-ins and ends, a minute", [(minute(rate('vestibule_sessions_created_total')), "signed in"),
                                               (minute(rate('vestibule_logout_total', by='kind')), "ended: {{kind}}")], width=12),
        lines("Apps told of the end, a minute", (minute(rate('vestibule_logout_deliveries_total', by='result')), "{{result}}"), width=12,
              about="failed: given up after the last attempt, about 21 hours."),
    ]),
    ("By app", [
        lines("Logins a minute", (minute('topk(10, ' + rate('vestibule_client_logins_total', by='client') + ')'), "{{client}}"), width=12,
              about="Only with `by_client = true` in [metrics]."),
        lines("Tokens a minute", (minute('topk(10, ' + rate('vestibule_client_tokens_issued_total', by='client') + ')'), "{{client}}"), width=12,
              about="Only with `by_client = true` in [metrics]."),
    ]),
])

DATABASE = "db_client_operation_duration_seconds"

store = dashboard("store", "Store", "The database: how fast it commits, whether it keeps up, and whether it has room.", [
    ("Commits", [
        lines("Transactions a second", (rate("db_commit_batch_size_count", by="instance"), "{{instance}}"), width=8, about="Each holds the changes of all who waited."),
        lines("Changes a second", (rate("db_commit_batch_size_sum", by="instance"), "{{instance}}"), width=8),
        lines("Changes in one transaction", [(quantile(share, "db_commit_batch_size"), f"p{round(share * 100)}") for share in (0.5, 0.95)], width=8,
              about="At most 256. It grows under load, which is well; at 256 all the time the database does not keep up."),
        lines("How long a transaction takes", [(quantile(share, DATABASE, 'operation="commit"'), f"p{round(share * 100)}") for share in (0.5, 0.95, 0.99)], "s", width=12,
              about="With the disk's word that it is there."),
        lines("Waiting", (level("db_commits_waiting", by="instance"), "{{instance}}"), width=12, about="Changes that waited for the writer when it last committed."),
    ]),
    ("Reads", [
        lines("Reads a second", (rate(DATABASE + "_count", 'operation="read"', "instance"), "{{instance}}"), width=12, about="What no cache could answer."),
        lines("How long a read takes", [(quantile(share, DATABASE, 'operation="read"'), f"p{round(share * 100)}") for share in (0.5, 0.95, 0.99)], "s", width=12),
    ]),
    ("Room", [
        lines("Size", (level("vestibule_store_size_bytes", by="instance", how="max"), "{{instance}}"), "bytes", width=12, about="SQLite: the file and its write-ahead log."),
        lines("Free where it lies", (level("vestibule_store_free_bytes", by="instance", how="min"), "{{instance}}"), "bytes", width=12, low=0, about="SQLite."),
    ]),
])

audit = dashboard("audit", "Audit", "What operators changed, the chain of the record, keys, and what looks like an attack.", [
    ("Changes", [
        lines("Changes by operators, an hour", (increase("vestibule_admin_changes_total", by="object", span="1h"), "{{object}}"), width=12, stack=True,
              about="Who it was and what they changed is in the audit log."),
        lines("Admin API, answers a minute", (minute(rate(HTTP + '_count', 'http_route=~"/api/v1.*"', 'http_response_status_code')), "{{http_response_status_code}}"),
              width=12, stack=True),
    ]),
    ("The chain", [
        lines("Events that wait to be sealed", (level("vestibule_audit_unsealed", how="max"), "waiting"), width=12, about="Every node counts them in the one database."),
        lines("The oldest of them has waited", (level("vestibule_audit_oldest_unsealed_seconds", how="max"), "waited"), "s", width=12,
              thresholds=steps((None, GREEN), (300, RED)), about="Mostly a second; five minutes are an alert."),
    ]),
    ("Where events are sent on to", [
        lines("Events that a sink has not had", (level("vestibule_audit_sink_lag_events", by="sink", how="max"), "{{sink}}"), width=12,
              about="Every node counts them in the one database."),
        lines("The oldest of them is so old", (level("vestibule_audit_sink_lag_seconds", by="sink", how="max"), "{{sink}}"), "s", width=12,
              thresholds=steps((None, GREEN), (900, RED)), about="Mostly two seconds; a quarter of an hour is an alert."),
        lines("Batches a minute, by what came of them", (minute(rate("vestibule_audit_sink_deliveries_total", by="sink, result")), "{{sink}} {{result}}"),
              width=12, stack=True),
        lines("Events lost to a sink, an hour", (increase("vestibule_audit_sink_missed_events_total", by="sink", span="1h"), "{{sink}}"), width=12,
              about="Kept no more, although the sink has not had them (audit.keep_for_sinks)."),
    ]),
    ("Keys", [
        stat("Age of the signing key", level("vestibule_signing_key_age_seconds", how="max"), "s", width=8),
        stat("It is to sign for", level("vestibule_signing_key_period_seconds", how="max"), "s", width=8),
        stat("The next one takes over in", f"{level('vestibule_signing_key_next_rotation_timestamp_seconds', how='min')} - time()", "s", width=8,
             thresholds=steps((None, RED), (0, GREEN))),
    ]),
    ("Suspicious", [
        lines("Unusual activity, an hour", (increase("vestibule_detections_total", by="detection", span="1h"), "{{detection}}"), width=24, stack=True,
              about="Each is an event detection.* of the audit log, which says whom it is about."),
        lines("Refresh tokens reused, an hour", (increase("vestibule_refresh_total", 'result="reused"', span="1h"), "reused"), width=12),
        lines("Limits reached, an hour", (increase("vestibule_rate_limited_total", by="limit", span="1h"), "{{limit}}"), width=12, stack=True,
              about="admin: wrong keys at the admin API; client: wrong secrets of apps; user_code: wrong codes of devices."),
        lines("Logins denied by a rule, an hour", (increase("vestibule_login_total", 'outcome="denied",reason!="person_declined"', "provider, reason", "1h"),
                                                    "{{provider}} {{reason}}"), width=12, stack=True),
        lines("Sessions ended by other than the person, an hour", (increase("vestibule_logout_total", 'kind!="user"', "kind", "1h"), "{{kind}}"), width=12, stack=True),
    ]),
])


def main():
    stale = []
    for made in (overview, providers, tokens, store, audit):
        path = HERE / f"{made['uid']}.json"
        text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
        if sys.argv[1:] == ["--check"]:
            if not path.exists() or path.read_text() != text:
                stale.append(path.name)
        else:
            path.write_text(text)
    if stale:
        sys.exit(f"not as ops/grafana/dashboards.py writes them: {', '.join(stale)}; run it, and commit what it writes")


main()
