"""The computed controls: what must hold, and the query that lists every case in which it did not.

One table because a control is nothing but its words and its query. Each query gives entry (empty when no single one is to
blame), at_us, about (what the exception is about, for comparing) and told (what is wrong, in words).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Control:
    """A statement that is tested over *population*; *exceptions* gives a row for every time that it does not hold."""

    name: str
    title: str
    words: str
    population: str
    exceptions: str


_WINDOW = "at_us >= :from_us AND at_us < :until_us"
# Every :n days, the first and the last of the window's days included.
_GAPS = """WITH tries AS (
        SELECT at_us FROM ({made}) UNION SELECT :from_us UNION SELECT min(:until_us, :now_us)),
    steps AS (SELECT at_us, lead(at_us) OVER (ORDER BY at_us) AS next_us FROM tries)
    SELECT NULL AS entry, at_us, 'gap from ' || date(at_us / 1000000, 'unixepoch') AS about,
        '{what} for ' || ((next_us - at_us) / 86400000000) || ' days' AS told
    FROM steps WHERE next_us - at_us > :{days} * 86400000000 + 3600000000"""


def _gaps(made: str, what: str, days: str) -> str:
    return _GAPS.format(made=made, what=what, days=days)


CONTROLS = (
    Control(
        "approver-is-never-requester",
        "Nobody answers their own request",
        "A held statement is answered by somebody who is nowhere in the chain that asked for it: not the person, not "
        "the agent's owner.",
        "approvals",
        """WITH words AS (
            SELECT entry, at_us, request, by_id FROM answers WHERE by_id <> ''
            UNION ALL SELECT a.entry, a.at_us, a.request, o.value FROM answers a, json_each(a.others) o
            UNION ALL SELECT entry, at_us, request, by_id FROM moves WHERE event = 'second')
        SELECT min(w.entry) AS entry, min(w.at_us) AS at_us, w.request AS about,
            'somebody in the chain ' || r.chain || ' said yes or no to its request' AS told
        FROM words w JOIN statement_runs r ON r.request = w.request AND r.verdict = 'hold'
        WHERE instr(r.parties, '"' || w.by_id || '"') AND w.at_us >= :from_us AND w.at_us < :until_us
        GROUP BY w.request ORDER BY 1""",
    ),
    Control(
        "held-runs-only-approved",
        "What was held ran only after a yes, and as the statement that was approved",
        "A statement that waited for approval ran only after its request was approved, once, and as the statement that was "
        "approved, its values aside; where it took several, none of them had taken their yes back.",
        "approvals",
        f"""WITH taken_back AS (SELECT a.request FROM answers a, json_each(a.others) o WHERE a.state = 'approved'
            AND 'take back' = (SELECT m.event FROM moves m WHERE m.request = a.request AND m.by_id = o.value
                AND m.entry < a.entry ORDER BY m.entry DESC LIMIT 1))
        SELECT r.entry, r.at_us, r.request AS about, CASE
            WHEN r.verdict = 'hold' THEN 'a held statement was forwarded by itself'
            WHEN NOT EXISTS (SELECT 1 FROM answers a
                WHERE a.request = r.request AND a.state = 'approved' AND a.entry < r.entry)
                THEN 'it ran without an approval before it'
            WHEN EXISTS (SELECT 1 FROM statement_runs b
                WHERE b.request = r.request AND b.verdict = 'allow' AND b.entry < r.entry)
                THEN 'one approval was used twice'
            WHEN r.request IN (SELECT request FROM taken_back) THEN 'a yes that was taken back was counted'
            ELSE 'another statement ran than was approved' END AS told
        FROM statement_runs r WHERE r.request IS NOT NULL AND {_WINDOW} AND (
            (r.verdict = 'hold' AND r.status IN ('done', 'failed')) OR (r.verdict = 'allow' AND (
                NOT EXISTS (SELECT 1 FROM answers a WHERE a.request = r.request AND a.state = 'approved' AND a.entry < r.entry)
                OR EXISTS (SELECT 1 FROM statement_runs b
                    WHERE b.request = r.request AND b.verdict = 'allow' AND b.entry < r.entry)
                OR r.request IN (SELECT request FROM taken_back)
                OR NOT EXISTS (SELECT 1 FROM statement_runs b
                    WHERE b.request = r.request AND b.verdict = 'hold' AND b.statement = r.statement))))
        ORDER BY r.entry""",
    ),
    Control(
        "denied-never-runs",
        "What was denied did not run",
        "No statement that was denied has an outcome that shows that the database saw it.",
        "denied",
        f"""SELECT entry, at_us, execution AS about, 'it was denied, and its outcome is ' || status AS told FROM statement_runs
        WHERE verdict = 'deny' AND status NOT IN ('refused', 'skipped') AND {_WINDOW} ORDER BY entry""",
    ),
    Control(
        "access-approved-before-use",
        "Access was given before it was used",
        "Everybody in the chain of a session was added by an operator before that session, and nobody added themselves.",
        "sign-ins",
        f"""SELECT s.entry, s.at_us, j.value AS about, s.chain || CASE
            WHEN p.added IS NULL THEN ' signed in, and nobody added ' || j.value
            ELSE ' signed in before ' || p.name || ' was added' END AS told
        FROM (SELECT min(entry) AS entry, min(at_us) AS at_us, chain, parties FROM sign_ins WHERE {_WINDOW} GROUP BY parties) s,
            json_each(s.parties) j LEFT JOIN principals p ON p.id = j.value
        WHERE p.added IS NULL OR p.added > s.entry
        UNION ALL SELECT added, added_us, id, added_by || ' added themselves' FROM principals
        WHERE added_by = name AND added_us >= :from_us AND added_us < :until_us ORDER BY 1""",
    ),
    Control(
        "timed-access-in-order",
        "Access for a time was given by somebody else, before it was used, and ended",
        "Access for a time was approved, before it began, by somebody who had not asked for it and does not have it; it was "
        "used only while it lasted, and by whoever has it.",
        "access-for-a-time",
        """WITH begun AS (SELECT a.*, p.acting_for AS owner, coalesce(q.by, '') AS asker,
                min(a.until_us, coalesce((SELECT min(e.at_us) FROM access_ends e WHERE e.access = a.access), a.until_us))
                    AS over_us
            FROM accesses a LEFT JOIN principals p ON p.id = a.speaker_id
                LEFT JOIN changes q ON q.act = 'access.asked' AND json_extract(q.details, '$.request') = a.request),
        voices AS (SELECT request, entry, by_id AS id FROM answers WHERE state = 'approved'
            UNION ALL SELECT a.request, a.entry, o.value FROM answers a, json_each(a.others) o WHERE a.state = 'approved')
        SELECT a.entry, a.at_us, a.access AS about, a.speaker || CASE
            WHEN NOT EXISTS (SELECT 1 FROM voices v WHERE v.request = a.request AND v.entry < a.entry)
                THEN ' was given access that nobody had approved'
            ELSE ' was given access with the yes of somebody who had asked for it or has it' END AS told
        FROM begun a WHERE a.kind <> 'break-glass' AND a.at_us >= :from_us AND a.at_us < :until_us AND (
            NOT EXISTS (SELECT 1 FROM voices v WHERE v.request = a.request AND v.entry < a.entry)
            OR EXISTS (SELECT 1 FROM voices v LEFT JOIN principals p ON p.id = v.id WHERE v.request = a.request
                AND (v.id = a.speaker_id OR p.name IN (a.asker, a.owner))))
        UNION ALL SELECT min(r.entry), min(r.at_us), u.access, r.chain || ' ran ' || count(*) || CASE
            WHEN a.access IS NULL THEN ' statements by access that was never given'
            WHEN r.speaker <> a.speaker THEN ' statements by access that somebody else has'
            ELSE ' statements by access that was over or had not begun' END
        FROM access_uses u JOIN statement_runs r ON r.entry = u.entry LEFT JOIN begun a ON a.access = u.access
        WHERE r.at_us >= :from_us AND r.at_us < :until_us AND (a.access IS NULL OR r.speaker <> a.speaker OR u.entry < a.entry
            OR r.at_us > a.over_us + 5000000) GROUP BY u.access, r.chain ORDER BY 1""",
    ),
    Control(
        "broken-glass-reviewed",
        "Break-glass access was reviewed by somebody else in time",
        "Whenever somebody broke the glass, somebody else looked at what they did and said what they think of it, within "
        ":glass_days days of its end.",
        "broken-glass",
        """WITH glass AS (SELECT a.*, :glass_days * 86400000000
                + coalesce((SELECT min(e.at_us) FROM access_ends e WHERE e.access = a.access), a.until_us) AS due_us,
            (SELECT min(r.at_us) FROM glass_reviews r
                WHERE r.access = a.access AND r.by_id <> a.speaker_id AND r.entry > a.entry) AS reviewed_us
            FROM accesses a WHERE a.kind = 'break-glass')
        SELECT entry, at_us, access AS about, speaker || ' broke the glass (' || reason || '), and ' || CASE
            WHEN reviewed_us IS NOT NULL THEN 'it was looked at ' || ((reviewed_us - due_us) / 86400000000 + 1) || ' days late'
            WHEN EXISTS (SELECT 1 FROM glass_reviews r WHERE r.access = glass.access) THEN 'nobody but themselves looked at it'
            ELSE 'nobody looked at it' END AS told
        FROM glass WHERE due_us >= :from_us AND at_us < :until_us AND due_us < :now_us
            AND (reviewed_us IS NULL OR reviewed_us > due_us) ORDER BY entry""",
    ),
    Control(
        "secrets-good-when-used",
        "Secrets were minted, not expired and not revoked when they were used",
        "Every secret that opened a session was minted before, and the session was opened before the secret expired or "
        "was revoked.",
        "sign-ins",
        f"""WITH used AS (
            SELECT credential, min(entry) AS first, max(entry) AS last, max(at_us) AS last_us, max(chain) AS chain
            FROM sign_ins WHERE credential LIKE 'crd_%' AND {_WINDOW} GROUP BY credential),
        minted AS (SELECT json_extract(details, '$.credential') AS credential, entry, details FROM changes
            WHERE act = 'secret.minted'),
        revoked AS (SELECT json_extract(details, '$.credential') AS credential, min(entry) AS entry FROM changes
            WHERE act = 'secret.revoked' GROUP BY 1)
        SELECT u.last AS entry, u.last_us AS at_us, u.credential AS about, u.chain || CASE
            WHEN m.entry IS NULL THEN ' used a secret that nobody minted'
            WHEN m.entry > u.first THEN ' used a secret before it was minted'
            WHEN r.entry < u.last THEN ' used a secret that was revoked' ELSE ' used a secret that had expired' END AS told
        FROM used u LEFT JOIN minted m ON m.credential = u.credential LEFT JOIN revoked r ON r.credential = u.credential
        WHERE m.entry IS NULL OR m.entry > u.first OR r.entry < u.last
            OR u.last_us >= CAST(json_extract(m.details, '$.expires_us') AS INTEGER) ORDER BY u.last""",
    ),
    Control(
        "leavers-are-out",
        "Nobody did anything after their access was taken",
        "The last statement of somebody whose access was revoked, or of an agent of theirs, lies before the revocation "
        "(:grace_us allow "
        "for what was under way).",
        "access-removed",
        """SELECT max(h.entry) AS entry, max(h.at_us) AS at_us, p.name AS about,
            c.chain || ' ran ' || count(*) || ' statements after ' || p.name || ' was revoked' AS told
        FROM principals p JOIN chains c ON instr(c.parties, '"' || p.id || '"') JOIN happenings h ON h.chain = c.id
            JOIN names v ON v.id = h.verdict AND v.name = 'allow'
        WHERE p.revoked IS NOT NULL AND h.entry > p.revoked AND h.at_us > p.revoked_us + :grace_us
            AND h.at_us >= :from_us AND h.at_us < :until_us GROUP BY p.id ORDER BY 1""",
    ),
    Control(
        "schema-changes-approved",
        "Every change of schema or privileges was approved",
        "Each was held and approved before it ran, or fell under access for a time that was approved for it or under broken "
        "glass (which have controls of their own), or was allowed by a rule that stands for a class of changes (:standing). "
        "All others are listed.",
        "schema-changes",
        f"""SELECT entry, at_us, execution AS about,
            chain || ' ran ' || tags || ' without an approval (' || rules || ')' AS told
        FROM statement_runs r WHERE verdict = 'allow' AND action IN ('define', 'destroy', 'grant')
            AND tags NOT IN ('ANALYZE', 'VACUUM') AND status NOT IN ('refused', 'skipped') AND {_WINDOW}
            AND rules NOT IN (SELECT value FROM json_each(:standing))
            AND NOT EXISTS (SELECT 1 FROM answers a
                WHERE a.request = r.request AND a.state = 'approved' AND a.entry < r.entry)
            AND NOT EXISTS (SELECT 1 FROM access_uses u JOIN accesses g ON g.access = u.access WHERE u.entry = r.entry
                AND g.entry < r.entry AND (g.kind = 'break-glass' OR instr(g.actions, '"' || r.action || '"')))
        ORDER BY entry""",
    ),
    Control(
        "clear-reads-justified",
        "Every unmasked read of protected data has a reason",
        "It was approved, or its purpose was proven, or it fell under access for a time to the label or under broken glass "
        "(which have controls of their own), or the reader was at that time in a group that the organisation cleared for the "
        "label (:clearances). An agent is never cleared by a group.",
        "seen-in-clear",
        """SELECT min(d.entry) AS entry, min(d.at_us) AS at_us, d.chain || ' ' || d.source AS about,
            d.chain || ' saw ' || d.source || ' (' || d.label || ') in clear ' || count(*) || ' times, '
                || sum(d.row_count) || ' rows' AS told
        FROM disclosed d WHERE d.treatment IN ('clear', 'cleared') AND d.label <> 'proposed' AND d.row_count > 0
            AND d.at_us >= :from_us AND d.at_us < :until_us AND (d.purpose = '' OR d.purpose LIKE 'claimed: %')
            AND NOT EXISTS (SELECT 1 FROM happenings h JOIN answers a ON a.request = h.request
                WHERE h.entry = d.entry AND a.state = 'approved' AND a.entry < d.entry)
            AND NOT EXISTS (SELECT 1 FROM access_uses u JOIN accesses g ON g.access = u.access WHERE u.entry = d.entry
                AND g.entry < d.entry AND (g.kind = 'break-glass' OR instr(g.labels, '"' || d.label || '"')))
            AND NOT (d.speaker_kind <> 'agent' AND EXISTS (
                SELECT 1 FROM json_each(:clearances, '$."' || d.label || '"') g WHERE instr(
                    ', ' || (SELECT json_extract(x.details, '$.groups') FROM changes x WHERE x.subject = d.principal
                        AND x.act IN ('principal.added', 'principal.regrouped') AND x.entry < d.entry
                        ORDER BY x.entry DESC LIMIT 1) || ',',
                    ', ' || g.value || ',')))
        GROUP BY d.chain, d.source, d.label ORDER BY 1""",
    ),
    Control(
        "guardrails-proven",
        "The guardrails were tried, and held",
        "Forbidden statements are tried as a service every :probe_days days, and each is refused.",
        "probes",
        f"""SELECT entry, at_us, subject AS about, 'the probe was not refused: ' || json_extract(details, '$.told') AS told
        FROM changes WHERE act = 'probe.tried' AND json_extract(details, '$.refused') <> 'yes' AND {_WINDOW}
        UNION ALL SELECT * FROM ("""
        + _gaps(f"SELECT at_us FROM changes WHERE act = 'probe.tried' AND {_WINDOW}", "no probe was tried", "probe_days")
        + ") ORDER BY 2",
    ),
    Control(
        "rules-reviewed",
        "Changes of the rules were reviewed",
        "Each version of the rules that was first used in the window has a change in the log that names a reviewer "
        "other than its author.",
        "policy-versions",
        """SELECT p.first AS entry, p.first_us AS at_us, p.version AS about, CASE WHEN c.entry IS NULL
            THEN 'these rules were in force, and the log has no change to them'
            ELSE 'the change by ' || c.by || ' was reviewed by nobody else' END AS told
        FROM policies p LEFT JOIN changes c ON c.entry = (SELECT max(x.entry) FROM changes x
            WHERE x.act LIKE 'policy.%' AND x.act <> 'policy.reviewed'
                AND json_extract(x.details, '$.version') = p.version)
        WHERE p.first_us >= :from_us AND p.first_us < :until_us AND p.first > (SELECT min(first) FROM policies)
            AND (c.entry IS NULL OR NOT EXISTS (SELECT 1 FROM changes r WHERE r.act = 'policy.reviewed'
                AND json_extract(r.details, '$.version') = p.version AND r.by <> c.by AND r.at_us < :until_us)) ORDER BY 1""",
    ),
    Control(
        "agents-have-owners",
        "Every agent has an owner who is still there",
        "Each agent that was not revoked acts for a person or service that exists and was not revoked.",
        "agents",
        """SELECT a.added AS entry, a.added_us AS at_us, a.name AS about, CASE WHEN coalesce(a.acting_for, '') = ''
            THEN 'the agent acts for nobody' WHEN o.id IS NULL THEN a.acting_for || ', whom it acts for, is not known'
            ELSE a.acting_for || ', whom it acts for, was revoked' END AS told
        FROM principals a LEFT JOIN principals o ON o.name = a.acting_for
        WHERE a.kind = 'agent' AND a.added_us < :until_us AND (a.revoked_us IS NULL OR a.revoked_us >= :until_us)
            AND (o.id IS NULL OR o.revoked_us < :until_us) ORDER BY 1""",
    ),
    Control(
        "sessions-encrypted",
        "Sessions from other machines were encrypted",
        "Every session whose client is not on the gateway's own machine used TLS.",
        "sign-ins",
        f"""SELECT entry, at_us, session AS about, chain || ' signed in without TLS from ' || client AS told FROM sign_ins
        WHERE tls = '' AND client NOT LIKE '127.%' AND client NOT LIKE '[::1]%' AND client NOT LIKE '::1%'
            AND client NOT LIKE '/%' AND client <> '' AND {_WINDOW} ORDER BY entry""",
    ),
    Control(
        "log-is-complete",
        "The log has no gap, its clock ran on, and every statement has an outcome",
        "Indexes run on without a gap, no entry is more than five seconds older than one before it, and what was "
        "forwarded has an outcome "
        "that is known.",
        "unknown-outcomes",
        f"""SELECT entry, NULL AS at_us, 'entry ' || entry AS about, 'the entry is missing' AS told FROM missing
        UNION ALL SELECT entry, at_us, 'clock at ' || entry,
            'the clock was set back by ' || ((before_us - at_us) / 1000000) || ' seconds' FROM clock_jumps WHERE {_WINDOW}
        UNION ALL SELECT entry, at_us, execution, chain || ' ran it, and nobody knows what became of it' FROM statement_runs
        WHERE verdict = 'allow' AND (status IN ('unknown', 'lost') OR (status = 'open' AND at_us < :until_us - 3600000000))
            AND {_WINDOW} ORDER BY 1""",
    ),
    Control(
        "nothing-passed-beside",
        "Nobody reached the database beside Doorward",
        "At least every :coverage_days days the database's own sessions were compared with Doorward's, and none was "
        "found that did not come "
        "through it.",
        "coverage-checks",
        f"""SELECT entry, at_us, subject || ' ' || entry AS about, json_extract(details, '$.told') AS told FROM changes
        WHERE act = 'coverage.checked' AND json_extract(details, '$.beside') <> '0' AND {_WINDOW}
        UNION ALL SELECT * FROM ("""
        + _gaps(
            f"SELECT at_us FROM changes WHERE act = 'coverage.checked' AND {_WINDOW}", "nothing was compared", "coverage_days"
        )
        + ") ORDER BY 2",
    ),
    Control(
        "access-reviewed",
        "Access was reviewed, with reasons, by others, and what was revoked is gone",
        "At least every :review_days days an access review was closed; each line was decided by somebody else than it "
        "is about, with a "
        "reason; and what was to be revoked was revoked within a day.",
        "access-reviews",
        f"""SELECT d.entry, d.at_us, d.subject || ': ' || json_extract(d.details, '$.whom') AS about, CASE
            WHEN coalesce(json_extract(d.details, '$.reason'), '') = '' THEN d.by || ' gave no reason'
            WHEN d.by = json_extract(d.details, '$.whom') THEN d.by || ' decided on their own access'
            ELSE 'it was to be revoked, and was not' END AS told
        FROM changes d WHERE d.act = 'review.decided' AND d.{_WINDOW.replace(" AND at_us", " AND d.at_us")} AND (
            coalesce(json_extract(d.details, '$.reason'), '') = '' OR d.by = json_extract(d.details, '$.whom')
            OR (json_extract(d.details, '$.decision') = 'revoke' AND NOT EXISTS (
                SELECT 1 FROM changes x WHERE x.act IN ('principal.revoked', 'secret.revoked', 'principal.regrouped')
                    AND x.subject = json_extract(d.details, '$.whom') AND x.at_us < d.at_us + 86400000000
                    AND x.at_us >= d.at_us - 1000000)))
        UNION ALL SELECT s.entry, s.at_us, s.subject, 'the review was not closed' FROM changes s
        WHERE s.act = 'review.started' AND s.at_us >= :from_us AND s.at_us < :until_us - 30 * 86400000000 AND NOT EXISTS (
            SELECT 1 FROM changes c WHERE c.act = 'review.closed' AND c.subject = s.subject)
        UNION ALL SELECT * FROM ("""
        + _gaps(f"SELECT at_us FROM changes WHERE act = 'review.closed' AND {_WINDOW}", "no review was closed", "review_days")
        + ") ORDER BY 2",
    ),
)  # fmt: skip
