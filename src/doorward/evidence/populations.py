"""The populations that auditors ask for, each as one query over the tables of the log. The queries are printed in the pack.

One table because a population is nothing but its name, its meaning and its query.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Population:
    """Everything of one kind in a window. The first column of *query* is the index of the entry that proves the row.

    Queries know :from_us and :until_us, and the settings of the pack.
    """

    name: str
    title: str
    query: str


_WINDOW = "at_us >= :from_us AND at_us < :until_us"

POPULATIONS = (
    Population(
        "inventory",
        "Who had access at the end of the window: people, services and agents, their groups, and whom agents act for",
        """SELECT added AS entry, added_us, name, id, kind, acting_for, added_by,
            (SELECT json_extract(g.details, '$.groups') FROM changes g WHERE g.subject = p.name AND g.at_us < :until_us
                AND g.act IN ('principal.added', 'principal.regrouped') ORDER BY g.entry DESC LIMIT 1) AS groups,
            (SELECT max(s.opened_us) FROM sessions s JOIN chains c ON c.id = s.chain
                WHERE s.opened_us < :until_us AND instr(c.parties, '"' || p.id || '"')) AS last_used_us
        FROM principals p WHERE added_us < :until_us AND (revoked_us IS NULL OR revoked_us >= :until_us) ORDER BY added""",
    ),
    Population(
        "access-granted",
        "Access that was given in the window: principals added, groups changed, secrets minted, access for a time begun",
        f"""SELECT entry, at_us, act, subject, by, details FROM changes
        WHERE act IN ('principal.added', 'principal.regrouped', 'secret.minted') AND {_WINDOW}
        UNION ALL SELECT entry, at_us, 'access.begun', speaker, by, json_object('access', access, 'kind', kind,
            'labels', labels, 'actions', actions, 'tables', tables, 'until_us', until_us, 'reason', reason, 'request', request)
        FROM accesses WHERE {_WINDOW} ORDER BY entry""",
    ),
    Population(
        "access-removed",
        "Access that was taken in the window: principals and secrets revoked, access for a time over",
        f"""SELECT entry, at_us, act, subject, by, details FROM changes
        WHERE act IN ('principal.revoked', 'secret.revoked') AND {_WINDOW}
        UNION ALL SELECT e.entry, e.at_us, 'access.ended', coalesce(a.speaker, ''), e.by,
            json_object('access', e.access, 'state', e.state, 'reason', e.reason)
        FROM access_ends e LEFT JOIN accesses a ON a.access = e.access
        WHERE e.at_us >= :from_us AND e.at_us < :until_us ORDER BY entry""",
    ),
    Population(
        "access-for-a-time",
        "Access for a time that was in force in the window: what, to whom, by whom, until when, and how often it was used",
        """SELECT a.entry, a.at_us, a.access, a.kind, a.speaker, a.speaker_kind, a.by, a.request, a.upstream, a.labels,
            a.actions, a.tables, a.row_limit, a.until_us, e.at_us AS ended_us, e.state, a.reason, a.ticket,
            (SELECT count(*) FROM access_uses u WHERE u.access = a.access) AS statements
        FROM accesses a LEFT JOIN access_ends e ON e.access = a.access
        WHERE a.at_us < :until_us AND a.until_us >= :from_us ORDER BY a.entry""",
    ),
    Population(
        "broken-glass",
        "Emergencies: who broke the glass and why, what was run, and who looked at it afterwards",
        """SELECT a.entry, a.at_us, a.access, a.speaker, a.upstream, a.reason, a.ticket, a.until_us, e.at_us AS ended_us,
            e.state, (SELECT count(*) FROM access_uses u WHERE u.access = a.access) AS statements,
            r.at_us AS reviewed_us, r.by AS reviewed_by, r.word
        FROM accesses a LEFT JOIN access_ends e ON e.access = a.access
            LEFT JOIN glass_reviews r ON r.entry = (SELECT min(x.entry) FROM glass_reviews x
                WHERE x.access = a.access AND x.by_id <> a.speaker_id)
        WHERE a.kind = 'break-glass' AND a.at_us < :until_us AND a.until_us >= :from_us ORDER BY a.entry""",
    ),
    Population(
        "sign-ins",
        "Sessions that were opened in the window, with how identity was proven and the encryption in use",
        f"""SELECT entry, at_us, chain, speaker_kind, upstream, session, client, application, tls, proven_by, credential,
            closed_us, cause FROM sign_ins WHERE {_WINDOW} ORDER BY entry""",
    ),
    Population(
        "refused-sign-ins",
        "Attempts to sign in that were refused",
        f"SELECT entry, at_us, claimed, told FROM refused_sign_ins WHERE {_WINDOW} ORDER BY entry",
    ),
    Population(
        "approvals",
        "What was asked of people, held statements and access for a time, and the answers",
        f"""SELECT a.entry, a.at_us, a.request, a.state, a.by, a.reason, coalesce(r.entry, q.entry) AS held_entry,
            coalesce(r.chain, q.subject) AS chain, coalesce(r.statement, json_extract(q.details, '$.what')) AS statement,
            r.objects
        FROM answers a LEFT JOIN statement_runs r ON r.request = a.request AND r.verdict = 'hold'
            LEFT JOIN changes q ON q.act = 'access.asked' AND json_extract(q.details, '$.request') = a.request
        WHERE a.{_WINDOW.replace(" AND at_us", " AND a.at_us")} ORDER BY a.entry""",
    ),
    Population(
        "schema-changes",
        "Changes of schema and privileges that ran: create, alter, drop, grant. ANALYZE and VACUUM are not among them",
        f"""SELECT entry, at_us, chain, action, tags, statement, objects, rules, status, request FROM statement_runs
        WHERE verdict = 'allow' AND action IN ('define', 'destroy', 'grant') AND tags NOT IN ('ANALYZE', 'VACUUM')
            AND status NOT IN ('refused', 'skipped') AND {_WINDOW} ORDER BY entry""",
    ),
    Population(
        "writes-by-people",
        "Changes of rows that people, or agents for them, made by hand",
        f"""SELECT entry, at_us, chain, tags, statement, objects, row_count, rules, status, request FROM statement_runs
        WHERE verdict = 'allow' AND action = 'write' AND principal_kind = 'human' AND {_WINDOW} ORDER BY entry""",
    ),
    Population(
        "denied",
        "Statements that were denied",
        f"""SELECT entry, at_us, chain, action, statement, objects, labels, rules, status FROM statement_runs
        WHERE verdict = 'deny' AND {_WINDOW} ORDER BY entry""",
    ),
    Population(
        "seen-in-clear",
        "Protected columns whose values were given in clear",
        f"""SELECT entry, at_us, chain, source, label, treatment, purpose, row_count FROM disclosed
        WHERE treatment IN ('clear', 'cleared') AND label <> 'proposed' AND row_count > 0 AND {_WINDOW} ORDER BY entry""",
    ),
    Population(
        "disclosures",
        "The ledger of disclosures: labelled columns by who was given them, in clear or masked",
        f"""SELECT max(entry) AS entry, min(at_us) AS first_us, max(at_us) AS last_us, chain, source, label, treatment, purpose,
            count(*) AS times, sum(row_count) AS row_count FROM disclosed WHERE {_WINDOW}
        GROUP BY chain, source, label, treatment, purpose ORDER BY chain, source, treatment, purpose, label""",
    ),
    Population(
        "label-changes",
        "What people said that columns hold",
        f"SELECT entry, at_us, act, subject, by, details FROM changes WHERE act LIKE 'label.%' AND {_WINDOW} ORDER BY entry",
    ),
    Population(
        "policy-versions",
        "Versions of the rules that statements were decided with",
        """SELECT first AS entry, first_us, last_us, version, uses FROM policies
        WHERE last_us >= :from_us AND first_us < :until_us ORDER BY first""",
    ),
    Population(
        "policy-changes",
        "Changes of the rules",
        f"SELECT entry, at_us, act, subject, by, details FROM changes WHERE act LIKE 'policy.%' AND {_WINDOW} ORDER BY entry",
    ),
    Population(
        "agents",
        "Agents that existed in the window, and whom they act for",
        """SELECT added AS entry, added_us, name, id, acting_for, added_by, revoked_us FROM principals
        WHERE kind = 'agent' AND added_us < :until_us AND (revoked_us IS NULL OR revoked_us >= :from_us) ORDER BY added""",
    ),
    Population(
        "agent-activity",
        "What agents did: statements, denials, holds and rows",
        f"""SELECT max(entry) AS entry, chain, count(*) AS statements, sum(verdict = 'deny') AS denied,
            sum(verdict = 'hold') AS held, sum(action NOT IN ('read', 'session')) AS changes,
            sum(coalesce(row_count, 0)) AS row_count, sum(coalesce(masked, 0)) AS masked_columns
        FROM statement_runs WHERE speaker_kind = 'agent' AND {_WINDOW} GROUP BY chain ORDER BY chain""",
    ),
    Population(
        "interventions",
        "Sessions that were ended for the people in them: revocations, and what was cut off",
        """SELECT closed AS entry, closed_us AS at_us, chain, session, client, cause FROM sign_ins
        WHERE closed_us >= :from_us AND closed_us < :until_us AND instr(lower(cause), 'revoked') ORDER BY closed""",
    ),
    Population(
        "starts-and-stops",
        "Starts and stops of the gateways",
        f"""SELECT h.entry, h.at_us, k.name AS kind, t.text AS told FROM happenings h JOIN names k ON k.id = h.kind
            JOIN texts t ON t.id = h.text WHERE k.name LIKE 'service.%' AND {_WINDOW} ORDER BY h.entry""",
    ),
    Population(
        "unknown-outcomes",
        "Statements of which nobody knows what became of them: they were forwarded and cut off",
        f"""SELECT entry, at_us, chain, statement, objects, status FROM statement_runs WHERE verdict = 'allow'
            AND (status IN ('unknown', 'lost') OR (status = 'open' AND at_us < :until_us - 3600000000)) AND {_WINDOW}
        ORDER BY entry""",
    ),
    Population(
        "probes",
        "Forbidden statements that were tried on schedule, to see them refused",
        f"""SELECT entry, at_us, subject AS probe, by, json_extract(details, '$.refused') AS refused,
            json_extract(details, '$.round') AS round, json_extract(details, '$.told') AS told
        FROM changes WHERE act = 'probe.tried' AND {_WINDOW} ORDER BY entry""",
    ),
    Population(
        "coverage-checks",
        "Comparisons with the database's own list of sessions",
        f"""SELECT entry, at_us, subject AS upstream, by, json_extract(details, '$.sessions') AS sessions,
            json_extract(details, '$.beside') AS beside, json_extract(details, '$.told') AS told
        FROM changes WHERE act = 'coverage.checked' AND {_WINDOW} ORDER BY entry""",
    ),
    Population(
        "access-reviews",
        "Access reviews: started, decided line by line, closed",
        f"SELECT entry, at_us, act, subject, by, details FROM changes WHERE act LIKE 'review.%' AND {_WINDOW} ORDER BY entry",
    ),
)

BY_NAME = {population.name: population for population in POPULATIONS}
