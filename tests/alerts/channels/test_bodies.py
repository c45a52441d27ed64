"""The words and the bodies of messages: what each service gets of the same alerts."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from dashboard.alerts.channels.compose import (
    about_of,
    compose_alerts,
    compose_channel_digest,
    compose_channel_test,
    compose_first_sync,
)
from dashboard.alerts.channels.message import (
    REPEATED,
    AlertPart,
    ChannelMessage,
    more_line,
    shorten_message,
    write_as_text,
)
from dashboard.alerts.channels.services.registry import FORMATS
from dashboard.alerts.channels.services.service_format import cut_text, encode_body
from dashboard.fielding.models import (
    Channel,
    ExchangeAccount,
    Incident,
    Item,
    Notice,
    Project,
    TargetGroup,
    User,
)
from tests import factories

NOW = factories.NOW
HOME = "https://f.example/"


def part(number: int = 1, state: Any = "warning", **fields: str) -> AlertPart:
    given = {
        "project": "Tracker",
        "group": "Japan",
        "headline": f"Stalled: {number}",
        "sentence": "None for 5 h.",
        "at_stake": "",
        "link": f"https://f.example/items/{number}/",
    }
    return AlertPart(state, **(given | fields))


FEW = ChannelMessage(
    kind="alerts", title="A & <b>", parts=(part(1, "critical"), part(2)), link=HOME
)
MANY = ChannelMessage(
    kind="alerts", title="T" * 151, parts=(part(),), lines=("x", "y"), more=1_200, link=HOME
)
LONE = ChannelMessage(kind="alerts", title="Alone", parts=(part(sentence=""),), link=HOME)
TEST = ChannelMessage(kind="test", title="Test", link=HOME)


def body(service: str, message: ChannelMessage, *, unanswered: bool = False) -> Any:
    return json.loads(encode_body(FORMATS[service], message, unanswered=unanswered))


def slack_texts(message: ChannelMessage, *, unanswered: bool = False) -> list[str]:
    blocks = body("slack", message, unanswered=unanswered)["blocks"]
    for block in blocks:
        if block["type"] != "context":
            assert block["text"]["emoji"] is False
    return [
        each["text"]["text"] if "text" in each else each["elements"][0]["text"] for each in blocks
    ]


def test_slack_gets_blocks() -> None:
    few = body("slack", FEW)
    assert few.keys() == {"text", "blocks", "unfurl_links", "unfurl_media"}
    assert (few["text"], few["unfurl_links"], few["unfurl_media"]) == (
        "A &amp; &lt;b&gt;",
        False,
        False,
    )
    assert slack_texts(FEW) == [
        "A & <b>",
        "Stalled: 1\nNone for 5 h.",
        "<https://f.example/items/1/|Open in Fieldwatch>",
        "Stalled: 2\nNone for 5 h.",
        "<https://f.example/items/2/|Open in Fieldwatch>",
    ]
    assert slack_texts(MANY, unanswered=True) == [
        "T" * 149 + "…",
        "T" * 151,
        "• x\n• y",
        "Stalled: 1\nNone for 5 h.",
        "<https://f.example/items/1/|Open in Fieldwatch>",
        "And 1,200 more.",
        REPEATED,
    ]
    assert slack_texts(LONE) == ["Alone", "<https://f.example/items/1/|Open in Fieldwatch>"]
    assert slack_texts(TEST) == ["Test", f"<{HOME}|Open Fieldwatch>"]
    assert len(slack_texts(ChannelMessage(kind="test", title="T" * 150))) == 1


def teams_lines(message: ChannelMessage, *, unanswered: bool = False) -> list[Any]:
    (attachment,) = body("teams", message, unanswered=unanswered)["attachments"]
    card = attachment["content"]
    assert card["msteams"] == {"width": "Full"}
    lines = []
    for block in card["body"]:
        run = block["inlines"][0] if "inlines" in block else block["actions"][0]
        lines.append({key: value for key, value in run.items() if key != "type"})
    return lines


def test_teams_gets_a_card_in_the_colour_of_the_worst() -> None:
    assert teams_lines(FEW) == [
        {"text": "A & <b>", "weight": "bolder", "size": "medium", "color": "attention"},
        {"text": "Stalled: 1"},
        {"text": "None for 5 h."},
        {"title": "Open in Fieldwatch", "url": "https://f.example/items/1/"},
        {"text": "Stalled: 2"},
        {"text": "None for 5 h."},
        {"title": "Open in Fieldwatch", "url": "https://f.example/items/2/"},
    ]
    assert teams_lines(MANY, unanswered=True)[1:] == [
        {"text": "• x"},
        {"text": "• y"},
        {"text": "Stalled: 1"},
        {"text": "None for 5 h."},
        {"title": "Open in Fieldwatch", "url": "https://f.example/items/1/"},
        {"text": "And 1,200 more."},
        {"text": REPEATED, "isSubtle": True},
    ]
    assert teams_lines(TEST) == [
        {"text": "Test", "weight": "bolder", "size": "medium", "color": "default"},
        {"title": "Open Fieldwatch", "url": HOME},
    ]


def test_discord_gets_embeds_whose_markdown_is_escaped_and_mentions_nobody() -> None:
    few = body("discord", FEW)
    assert few == {
        "content": "**A & \\<b\\>**",
        "allowed_mentions": {"parse": []},
        "embeds": [
            {
                "description": "Stalled\\: 1\nNone for 5 h.\n"
                "[Open in Fieldwatch](https://f.example/items/1/)",
                "color": 0xC62828,
            },
            {
                "description": "Stalled\\: 2\nNone for 5 h.\n"
                "[Open in Fieldwatch](https://f.example/items/2/)",
                "color": 0xE08A00,
            },
        ],
    }
    assert body("discord", MANY, unanswered=True)["content"] == (
        f"**{'T' * 151}**\n- x\n- y\nAnd 1,200 more.\n-# {REPEATED}"
    )
    assert body("discord", TEST) == {
        "content": f"**Test**\n<{HOME}>",
        "allowed_mentions": {"parse": []},
    }
    calm = ChannelMessage(kind="alerts", title="t", parts=(part(1, "notice"), part(2, "resolved")))
    assert [each["color"] for each in body("discord", calm)["embeds"]] == [0x3367B0, 0x2E7D32]


def test_discord_gets_fewer_alerts_where_they_are_too_long_together() -> None:
    parts = tuple(part(number, sentence="s" * 600) for number in range(1, 13))
    long = body("discord", ChannelMessage(kind="alerts", title="t", parts=parts))
    length = sum(len(each["description"]) for each in long["embeds"])
    each = len(long["embeds"][0]["description"])
    assert 6000 - each < length <= 6000
    assert f"And {12 - len(long['embeds'])} more." in long["content"]


def test_google_chat_gets_text_with_other_brackets() -> None:
    assert body("google_chat", FEW) == {
        "text": "A & ‹b›\n\nStalled: 1\nNone for 5 h.\nhttps://f.example/items/1/\n\n"
        "Stalled: 2\nNone for 5 h.\nhttps://f.example/items/2/"
    }
    parts = tuple(part(number, sentence="s" * 600) for number in range(1, 9))
    text = body("google_chat", ChannelMessage(kind="alerts", title="t", parts=parts))["text"]
    assert text.endswith("And 2 more.")
    assert len(text) <= 4096


def test_a_webhook_gets_everything_by_name() -> None:
    sent = body("webhook", FEW, unanswered=True)
    alerts = sent.pop("alerts")
    assert sent == {
        "version": 1,
        "sent_again": True,
        "kind": "alerts",
        "title": "A & <b>",
        "id": "",
        "created_at": "",
        "account": "",
        "lines": [],
        "more": 0,
        "link": HOME,
    }
    assert [each["state"] for each in alerts] == ["critical", "warning"]
    assert body("webhook", FEW)["sent_again"] is False


def test_a_body_has_as_many_alerts_as_the_service_takes() -> None:
    parts = tuple(part(number, sentence="s" * 600) for number in range(12))
    message = ChannelMessage(kind="alerts", title="t", parts=parts)
    raw = encode_body(FORMATS["teams"], message, unanswered=False)
    short = FORMATS["teams"]._replace(longest=len(raw))
    assert encode_body(short, message, unanswered=False) == raw
    shorter = encode_body(short._replace(longest=len(raw) - 1), message, unanswered=False)
    assert shorter == encode_body(short, shorten_message(message), unanswered=False)
    none = encode_body(short._replace(longest=1), message, unanswered=False)
    assert b"And 12 more." in none
    assert (cut_text("abc", 3), cut_text("abcd", 3)) == ("abc", "ab…")


def test_the_text_of_a_message_has_all_of_it() -> None:
    assert write_as_text(MANY, unanswered=True) == (
        f"{'T' * 151}\n\n- x\n- y\n\nStalled: 1\nNone for 5 h.\nhttps://f.example/items/1/\n\n"
        f"And 1,200 more.\n\n{REPEATED}"
    )
    assert write_as_text(TEST) == f"Test\n\n{HOME}"
    assert (FEW.tone, TEST.tone, more_line(FEW)) == ("critical", "", "")


ACCOUNT = ExchangeAccount(pk=1, name="Acme EU")
TRACKER = Project(pk=1, account=ACCOUNT, name="Tracker")
JAPAN = TargetGroup(pk=1, account=ACCOUNT, project=TRACKER, name="Japan", status="live")


def notice(number: int, *, item: int | None = None, kind: str = "fire", **fields: Any) -> Notice:
    """A notice of an incident about 10 completes more than the one before."""
    given = {
        "account": ACCOUNT,
        "project": TRACKER,
        "group": JAPAN,
        "rule": "drop_off",
        "state": "firing",
        "severity": 2,
        "headline": f"No. {number}: Japan",
        "sentence": f"Japan: no. {number} is high.",
        "breached_at": NOW + timedelta(minutes=number),
    }
    critical, remedy = fields.pop("critical", False), fields.pop("remedy", "check_link")
    incident = Incident(pk=number, **(given | fields))
    if item is not None:
        incident.item = Item(
            pk=item,
            remedy=remedy,
            sentence=f"Item {item}.",
            value=item * 10.0,
            money=Decimal(1),
            critical=critical,
            target_group=JAPAN,
            ends_at=NOW + timedelta(hours=30),
        )
    return Notice(pk=number, incident=incident, kind=kind)


def brief(message: ChannelMessage) -> tuple[Any, ...]:
    return (
        message.kind,
        message.title,
        message.account,
        [each.headline for each in message.parts],
        message.lines,
        message.more,
    )


def test_a_lone_alert_is_the_title_and_has_its_page_and_its_stakes(settings: Any) -> None:
    settings.FIELDWATCH_URL = "https://f.example"
    message = compose_alerts([notice(1, item=3, critical=True)], now=NOW)
    assert message == ChannelMessage(
        kind="alerts",
        title="Tracker – No. 1: Japan",
        account="Acme EU",
        parts=(
            AlertPart(
                state="critical",
                project="Tracker",
                group="Japan",
                headline="No. 1: Japan",
                sentence="Japan: no. 1 is high.",
                at_stake="30 completes at risk, 30 h left",
                link="https://f.example/items/3/",
            ),
        ),
        link="https://f.example/",
    )
    resolved = notice(2, item=3, state="resolved", close_reason="recovered", kind="recover")
    (ended,) = compose_alerts([resolved], now=NOW).parts
    assert (ended.state, ended.headline, ended.sentence, ended.at_stake, ended.link) == (
        "resolved",
        "Resolved: No. 2: Japan",
        "The group is live now.",
        "",
        "https://f.example/incidents/2/",
    )
    whole = notice(4, project=None, group=None, severity=3)
    (of_account,) = compose_alerts([whole], now=NOW).parts
    assert (of_account.state, of_account.project, of_account.group) == ("notice", "", "")


@pytest.mark.parametrize(
    ("notices", "expected"),
    [
        (
            [notice(1, item=1), notice(2, item=2, critical=True), notice(3, state="resolved")],
            ("Tracker – 2 alerts, 1 critical, 1 resolved", [2, 1, 3], 0),
        ),
        ([notice(n, state="resolved") for n in (1, 2)], ("Tracker – 2 resolved", [1, 2], 0)),
        ([notice(1), notice(2)], ("Tracker – 2 alerts", [1, 2], 0)),
        (
            [notice(1), notice(2, project=Project(pk=2, account=ACCOUNT, name="B"))],
            ("2 projects – 2 alerts", [1, 2], 0),
        ),
        ([notice(n, project=None) for n in (1, 2)], ("2 alerts", [1, 2], 0)),
        ([notice(n) for n in range(1, 9)], ("Tracker – 8 alerts", [1, 2, 3, 4, 5], 3)),
    ],
)
def test_some_alerts_are_counted_in_the_title(
    notices: list[Notice], expected: tuple[str, list[int], int]
) -> None:
    message = compose_alerts(notices, now=NOW)
    title, numbers, more = expected
    assert (message.title, message.more, message.lines) == (title, more, ())
    shown = [int(each.headline.partition("No. ")[2].partition(":")[0]) for each in message.parts]
    assert shown == numbers


REMEDIES = ("check_link", "fix_redirects", "upload_links", "fix_ir", "fix_loi")
BY_REMEDY = [notice(n, item=n, remedy=remedy) for n, remedy in enumerate(REMEDIES, start=1)]


def test_many_items_are_lines_by_remedy_with_the_worst_group() -> None:
    assert brief(compose_alerts(BY_REMEDY, now=NOW)) == (
        "alerts",
        "Tracker – 1 × LOI above bid, 1 × IR below bid, 1 × survey links run out and 2 more "
        "(150 completes at risk)",
        "Acme EU",
        ["No. 5: Japan"],
        (
            "LOI above bid: shorten the survey or re-bid LOI (1 group, 50 at risk)",
            "IR below bid: re-bid IR or sharpen the targeting (1 group, 40 at risk)",
            "Survey links run out: upload more links (1 group, 30 at risk)",
        ),
        2,
    )


def test_what_a_first_sync_found_is_one_message_with_the_worst_five() -> None:
    more = [notice(6, item=6, remedy="resume"), notice(7, item=6, remedy="resume")]
    assert brief(compose_first_sync([*BY_REMEDY, *more], now=NOW)) == (
        "first_sync",
        "We found 6 open problems in Tracker",
        "Acme EU",
        ["No. 6: Japan", "No. 5: Japan", "No. 4: Japan", "No. 3: Japan", "No. 2: Japan"],
        (
            "Left paused: resume it (1 group, 60 at risk)",
            "LOI above bid: shorten the survey or re-bid LOI (1 group, 50 at risk)",
            "IR below bid: re-bid IR or sharpen the targeting (1 group, 40 at risk)",
        ),
        1,
    )
    lone = compose_first_sync([notice(1, item=1, project=None)], now=NOW)
    assert (lone.title, lone.more) == ("We found 1 open problem", 0)


def test_a_digest_counts_what_is_new_resolved_and_still_open() -> None:
    other = ExchangeAccount(pk=2, name="Other")
    new = [notice(1, item=1), notice(2, state="resolved"), notice(3, account=other)]
    assert brief(compose_channel_digest(new, [notice(4), notice(5, item=5)], now=NOW)) == (
        "digest",
        "Digest: 2 new, 2 still open, 1 resolved",
        "",
        ["No. 1: Japan", "No. 3: Japan", "Closed: No. 2: Japan"],
        ("Entrants but no completes: test the survey links (1 group, 60 at risk)",),
        0,
    )
    assert brief(compose_channel_digest([notice(n) for n in range(1, 8)], [], now=NOW))[3:] == (
        [f"No. {n}: Japan" for n in range(1, 6)],
        (),
        2,
    )
    assert brief(compose_channel_digest([], [notice(5, item=5)], now=NOW))[3:] == (
        [],
        ("Entrants but no completes: test the survey link (1 group, 50 at risk)",),
        0,
    )
    assert compose_channel_digest([], [], now=NOW).title == "Digest: no alerts are open"


def test_a_channel_says_what_it_is_about() -> None:
    owner = User(first_name="Priya", last_name="Raman", username="priya")
    channels = [
        Channel(name="#a", project=TRACKER, account=ACCOUNT, sends="all"),
        Channel(name="#b", account=ACCOUNT, sends="digest"),
        Channel(name="#c", owner=owner, sends="critical"),
    ]
    assert [about_of(channel) for channel in channels] == [
        "Tracker",
        "all projects of Acme EU",
        f"what {owner} is notified about",
    ]
    test = compose_channel_test(channels[0])
    sends = channels[0].get_sends_display()
    assert test.title == f"Fieldwatch test: #a gets {sends} about Tracker"
    assert (test.kind, test.parts) == ("test", ())
