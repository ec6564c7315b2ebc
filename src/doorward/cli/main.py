"""The ``doorward`` command. Each command lives in a module of its own, and loads what it needs only when it runs."""

from __future__ import annotations

import os
import sys

import typer

from doorward.cli import (
    access,
    agents,
    approvals,
    audit,
    catalog,
    classify,
    connect,
    coverage,
    demo,
    detectors,
    disclosures,
    doctor,
    evidence,
    explain,
    export,
    keys,
    log,
    login,
    mcp,
    notify,
    on_call,
    people,
    policy,
    proxy,
    reviews,
    scan,
    status,
    timeline,
    up,
)
from doorward.cli.terminal import EXIT_CODES_HELP, say_error
from doorward.errors import DoorwardError

INTERRUPTED = 130

app = typer.Typer(
    name="doorward",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help=(
        "Knows who is behind every statement to your database, masks what they may not see, holds what needs a yes, "
        "and writes a log that anyone can verify.\n\n"
        "[bold]Try it:[/]     doorward demo --tour\n\n"
        "[bold]Protect:[/]    doorward up postgresql://user:password@host/database\n\n"
        "[bold]Let in:[/]     doorward user add alice --group developers\n\n"
        "[bold]Connect:[/]    doorward connect alice\n\n" + EXIT_CODES_HELP
    ),
)

START, PEOPLE, WATCH, ANSWER = "Start", "People, services, agents", "See what happens", "Answer"
DATA, PROVE = "Know your data", "Prove it"
RULES = "Write rules"

app.command("demo", rich_help_panel=START, help=demo.DEMO_HELP)(demo.demo)
app.command("up", rich_help_panel=START, help=up.UP_HELP)(up.up)
app.command("doctor", rich_help_panel=START, help=doctor.DOCTOR_HELP)(doctor.doctor)
app.add_typer(people.user, name="user", rich_help_panel=PEOPLE)
app.add_typer(people.service, name="service", rich_help_panel=PEOPLE)
app.add_typer(keys.key, name="key", rich_help_panel=PEOPLE)
app.add_typer(agents.agent, name="agent", rich_help_panel=PEOPLE)
app.command("mcp", rich_help_panel=PEOPLE, help=mcp.MCP_HELP)(mcp.mcp)
app.command("login", rich_help_panel=PEOPLE, help=login.LOGIN_HELP)(login.login)
app.command("logout", rich_help_panel=PEOPLE)(login.logout)
app.command("whoami", rich_help_panel=PEOPLE)(login.whoami)
app.command("connect", rich_help_panel=PEOPLE, help=connect.CONNECT_HELP, context_settings=connect.PASS_ON)(connect.connect)
app.command("exec", rich_help_panel=PEOPLE, help=connect.EXEC_HELP, context_settings=connect.PASS_ON)(connect.execute)
app.command("proxy", rich_help_panel=PEOPLE, help=proxy.PROXY_HELP)(proxy.proxy)
app.command("approvals", rich_help_panel=ANSWER)(approvals.approvals)
app.command("approve", rich_help_panel=ANSWER)(approvals.approve)
app.command("reject", rich_help_panel=ANSWER)(approvals.reject)
app.command("take-back", rich_help_panel=ANSWER)(approvals.take_back)
app.add_typer(on_call.on_call, name="oncall", rich_help_panel=ANSWER)
app.add_typer(access.access, name="access", rich_help_panel=ANSWER)
app.command("break-glass", rich_help_panel=ANSWER)(access.break_glass)
app.command("status", rich_help_panel=WATCH)(status.status)
app.command("log", rich_help_panel=WATCH, help=log.LOG_HELP)(log.log)
app.command("timeline", rich_help_panel=WATCH, help=timeline.TIMELINE_HELP)(timeline.timeline)
app.command("who-saw", rich_help_panel=WATCH, help=disclosures.WHO_SAW_HELP)(disclosures.who_saw)
app.command("explain", rich_help_panel=WATCH, help=explain.EXPLAIN_HELP)(explain.explain)
app.add_typer(catalog.catalog, name="catalog", rich_help_panel=WATCH)
app.command("evidence", rich_help_panel=PROVE, help=evidence.EVIDENCE_HELP)(evidence.evidence)
app.command("coverage", rich_help_panel=PROVE, help=coverage.COVERAGE_HELP)(coverage.coverage)
app.command("probe", rich_help_panel=PROVE, help=coverage.PROBE_HELP)(coverage.probe)
app.add_typer(reviews.review, name="review", rich_help_panel=PROVE)
app.add_typer(audit.audit, name="audit", rich_help_panel=PROVE)
app.add_typer(export.export, name="export", rich_help_panel=WATCH)
app.add_typer(notify.notify, name="notify", rich_help_panel=ANSWER)
app.add_typer(policy.policy, name="policy", rich_help_panel=RULES)
app.command("classify", rich_help_panel=DATA, help=classify.CLASSIFY_HELP)(classify.classify)
app.command("scan", rich_help_panel=DATA, help=scan.SCAN_HELP)(scan.scan)
app.add_typer(detectors.detectors, name="detectors", rich_help_panel=DATA)
app.command("version", rich_help_panel=START)(status.version)


def main() -> None:
    """Run the command line and end the process with its exit code."""
    try:
        app()
    except DoorwardError as error:
        sys.exit(say_error(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read has seen enough; Python would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
