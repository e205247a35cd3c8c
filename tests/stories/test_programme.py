"""Programmes as data, and what they pay for: interface 3 and rules 6.8, roll-out by state and date.

As of 30 June 2026. A gap is named after its member, who lives in the state that is told.
"""

from __future__ import annotations

import hashlib

from assets.engine.contract import contract_for
from assets.engine.outreach_registry import read_outreach_outcomes
from assets.engine.warehouse import violations
from tests.stories.outreach import members, rows
from tests.story import build_models, empty_warehouse, give

MODEL = "outreach.gap_programme"
AS_OF = "2026-06-30"

PROGRAMMES = "programme_id | gap_family | population | phase | state | start_date"
SERVICES = "programme_id | gap_code | service_code | weekly_capacity"


def gaps(*lines: str) -> dict[str, str]:
    """Open gaps `name state code [sensitive]`; the family is the code's own. `-` is a home that nobody knows."""
    told = [line.split() for line in lines]
    family = {
        "ADHERENCE_LATE": "adherence",
        "PNV_NONE": "prenatal_supply",
        "COB": "medication_review",
        "SUPD": "diabetes",
    }
    return {
        "core.member": rows(
            "member_key | person_id | state",
            *(f"{key} | {name} | {state}" for key, (name, state, *_) in enumerate(told, start=1)),
        ),
        "outreach.ledger": rows(
            "gap_id | person_id | member_key | gap_family | gap_code | is_sensitive",
            *(
                f"{name} | {name} | {key} | {family[code]} | {code} | {'yes' if marks else 'no'}"
                for key, (name, _, code, *marks) in enumerate(told, start=1)
            ),
        ),
        "facts.programme_member": "member_key | programme_id | gap_family | population",
    }


# Where and from when


def test_a_programme_begins_on_its_day_in_its_states(story):
    """Launch states, then the nation: TX began yesterday, NC begins today, OH tomorrow, CA is in no phase.

    A member whose home nobody knows is in no state. A phase without a start has not begun.
    """
    story(
        given=gaps("ann TX PNV_NONE", "bea NC PNV_NONE", "cal OH PNV_NONE", "dee CA PNV_NONE", "fay - PNV_NONE")
        | {
            "raw.programme": rows(
                PROGRAMMES,
                "early | prenatal_supply | everyone | 1 | TX | 2026-06-29",
                "early | prenatal_supply | everyone | 2 | NC | 2026-06-30",
                "early | prenatal_supply | everyone | 3 | OH | 2026-07-01",
                "early | prenatal_supply | everyone | 4 | -  | -",
            ),
            "raw.programme_service": rows(SERVICES, "early | PNV_NONE | SUPPLY | 7"),
        },
        expect="""
            gap_id | programme | service_code | weekly_capacity | is_held_back
            ann    | early     | SUPPLY       | 7               | no
            bea    | early     | SUPPLY       | 7               | no
            cal    | -         | -            | -               | yes
            dee    | -         | -            | -               | yes
            fay    | -         | -            | -               | yes
        """,
    )  # fmt: skip


def test_a_nationwide_phase_holds_for_a_home_that_nobody_knows(story):
    """Everywhere is everywhere; one line without states starts the nation."""
    story(
        given=gaps("ann - PNV_NONE", "bea PR PNV_NONE")
        | {"raw.programme": rows(PROGRAMMES, "all | prenatal_supply | everyone | 1 | - | 2026-06-30")},
        expect="gap_id | programme | is_held_back\nann | all | no\nbea | all | no",
    )


def test_a_family_that_no_programme_names_is_free(story):
    """Adherence is named by none: raised everywhere, as nobody's. Of two that have begun the first by name counts."""
    story(
        given=gaps("ann CA ADHERENCE_LATE", "bea CA PNV_NONE", "cal TX PNV_NONE")
        | {
            "raw.programme": rows(
                PROGRAMMES,
                "beta  | prenatal_supply | everyone | 1 | - | 2020-01-01",
                "alpha | prenatal_supply | everyone | 1 | TX | 2026-01-01",
            ),
            "raw.programme_service": rows(SERVICES, "beta | PNV_NONE | B | -"),
        },
        expect="""
            gap_id | programme | service_code | is_held_back
            ann    | -         | -            | no
            bea    | beta      | B            | no
            cal    | alpha     | -            | no
        """,
    )


def test_a_population_limits_a_programme(story):
    """Ann is of the population of this programme and family; bea of another programme's, cal of another family's."""
    story(
        given=gaps("ann TX SUPD", "bea TX SUPD", "cal TX SUPD")
        | {
            "raw.programme": rows(
                PROGRAMMES,
                "sugar | diabetes  | diabetes | 1 | - | 2026-01-01",
                "sugar | adherence | diabetes | 1 | - | 2026-01-01",
            ),
            "facts.programme_member": rows(
                "member_key | programme_id | gap_family | population",
                "1 | sugar | diabetes | diabetes",
                "2 | other | diabetes | diabetes",
                "3 | sugar | adherence | diabetes",
            ),
        },
        expect="gap_id | programme | is_held_back\nann | sugar | no\nbea | - | yes\ncal | - | yes",
    )


def test_a_sensitive_row_shows_the_programme_of_what_it_shows(story):
    """Interface 3.1: what the list calls REFILL_REVIEW of `medication_review` is paid as that, not as what it is.

    Whether it may be raised its own family decides: in CA adherence has not begun.
    """
    story(
        given=gaps("ann TX ADHERENCE_LATE sensitive", "bea CA ADHERENCE_LATE sensitive", "cal TX ADHERENCE_LATE")
        | {
            "raw.programme": rows(
                PROGRAMMES,
                "refills | adherence         | everyone | 1 | TX | 2026-01-01",
                "reviews | medication_review | everyone | 1 | -  | 2026-01-01",
            ),
            "raw.programme_service": rows(
                SERVICES, "refills | ADHERENCE_LATE | CALL | 3", "reviews | REFILL_REVIEW | REVIEW | 5",
            ),
        },
        expect="""
            gap_id | programme | service_code | weekly_capacity | is_held_back
            ann    | reviews   | REVIEW       | 5               | no
            bea    | reviews   | REVIEW       | 5               | yes
            cal    | refills   | CALL         | 3               | no
        """,
    )  # fmt: skip


def test_what_has_not_begun_is_open_and_on_no_list(story):
    """An open gap that is on no list has a reason: `no_programme`, after what the member wished and before the caps."""
    contact = rows(
        "member_key | block_reason", "1 | -", "2 | hospice", "3 | -",
    )  # fmt: skip
    story(
        model="outreach.eligible_gap",
        given=gaps("ann TX PNV_NONE", "bea TX PNV_NONE", "cal TX PNV_NONE")
        | {
            "outreach.gap_programme": rows(
                "gap_id | is_held_back | programme | service_code | weekly_capacity",
                "ann | yes | - | - | -", "bea | yes | - | - | -", "cal | no | p | S | 4",
            ),
            "outreach.contact_block": contact,
            "outreach.contact_pressure": "member_key | live_contact_count | last_call_date\n1 | 9 | 2026-06-30",
            "outreach.scored_gap": "gap_id\nann\nbea\ncal",
            "outreach.attribution": rows(
                "person_id | gap_family | subject | pharmacy_npi | state",
                *(f"{name} | prenatal_supply | pdc_statins | north | TX" for name in ("ann", "bea", "cal")),
            ),
            "core.fill": "member_key",
            "core.pharmacy": "npi",
            "facts.contact_attempt": "person_id",
        },
        expect="""
            gap_id | block_reason | programme | service_code | programme_capacity
            ann    | no_programme | -         | -            | -
            bea    | hospice      | -         | -            | -
            cal    | -            | p         | S            | 4
        """,
    )  # fmt: skip


def test_a_programme_takes_no_more_of_a_list_than_it_may(story):
    """Capacity of a programme is per pharmacy and in list order; other programmes' rows, and nobody's, go on."""
    story(
        model="outreach.ranked_gap",
        given={
            "outreach.eligible_gap": rows(
                "gap_id | person_id | pharmacy_npi | score | programme | programme_capacity | state",
                "a | ann | north | 50 | few  | 2 | TX",
                "b | bob | north | 40 | few  | 2 | TX",
                "c | cal | north | 30 | few  | 2 | TX",
                "d | dee | north | 20 | free | - | TX",
                "e | eve | north | 10 | -    | - | TX",
                "f | fay | south | 60 | few  | 2 | TX",
                "g | gus | south | 5  | none | 0 | TX",
            ),
            "outreach.holdout_arm": "programme | person_id",
            "core.pharmacy": "npi | weekly_capacity\nnorth | 25\nsouth | 25",
        },
        expect="""
            gap_id | list_rank | status_reason
            a      | 1         | -
            b      | 2         | -
            c      | -         | programme_capacity
            d      | 3         | -
            e      | 4         | -
            f      | 1         | -
            g      | -         | programme_capacity
        """,
    )


# What pays (rules 6.8)

RELEASES = "gap_id | pharmacy_npi | person_id | gap_code | programme | service_code | first_listed_date | recalled_date"
REPORTS = "person_id | gap_id | pharmacy_npi | attempted_at | attempted_date | outcome_code | is_attempt | is_live_contact | hold | is_undated"
OUTCOMES = rows(
    "programme_id | service_code | outcome_code | pays_as | once_per",
    "calls | CALL | REACHED_COMPLETED | completed | quarter",
    "calls | CALL | UTR3 | attempted | quarter",
    "calls | CALL | REACHED_DECLINED | attempted | quarter",
    "monthly | VISIT | REACHED_COMPLETED | completed | month",
    "yearly | TALK | REACHED_COMPLETED | completed | year",
)


def paid(*lines: str, released: tuple[str, ...] = ()) -> dict[str, str]:
    """Reports `gap date outcome [pharmacy]` of north; each gap was listed by north since January unless told.

    A gap is named after its member, with a number behind it. `3xUTR3` is the third attempt of that day, `NO_ANSWER?` an attempt whose day is that of the night that read it.
    """
    lines = tuple(
        told
        for line in lines
        for told in (
            (*(line.replace("3xUTR3", f"NO_ANSWER@{hour:02}") for hour in (8, 9)), line.replace("3xUTR3", "UTR3"))
            if "3xUTR3" in line
            else (line,)
        )
    )
    reports, out = [], dict.fromkeys(line.split()[0] for line in lines)
    for line in lines:
        gap, day, outcome, *npi = line.split()
        undated = outcome.endswith("?")
        outcome, _, hour = outcome.rstrip("?").partition("@")
        registered = read_outreach_outcomes()[outcome]
        reports.append(
            f"{gap.rstrip('0123456789')} | {gap} | {npi[0] if npi else 'north'} | {day} {hour or 10}:00:00 | {day} | {outcome}"
            f" | {'yes' if registered.attempt else 'no'} | {'yes' if registered.live else 'no'} | {registered.hold or '-'}"
            f" | {'yes' if undated else 'no'}"
        )
    told = {line.split()[0] for line in released}
    usual = [
        f"{gap} | north | {gap.rstrip('0123456789')} | ADHERENCE_LATE | calls | CALL | 2026-01-01 | -"
        for gap in out
        if gap not in told
    ]
    special = [" | ".join([gap, "north", gap.rstrip("0123456789"), *rest]) for gap, *rest in map(str.split, released)]
    return {
        "facts.contact_attempt": rows(REPORTS, *reports),
        "outreach.release": rows(RELEASES, *usual, *special),
        "raw.programme_outcome": OUTCOMES,
    }


def test_a_completed_service_pays_and_other_outcomes_do_not(story):
    """Rule 6.8: a qualifying outcome of a row that this pharmacy's list held under the service. A referral never pays."""
    story(
        model="outreach.compensation",
        given=paid(
            "ann 2026-05-04 REACHED_COMPLETED",
            "bea 2026-05-04 REFERRED",
            "cal 2026-05-04 NO_ANSWER",
            "dee 2026-05-04 REACHED_COMPLETED south",
            "eve 2026-05-04 REACHED_COMPLETED",
            released=("eve ADHERENCE_LATE - - 2026-01-01 -",),
        ),
        expect="""
            gap_id | service_code | gap_family | service_date | period_start_date | pays_as   | is_billable | withheld_reason
            ann    | CALL         | adherence  | 2026-05-04   | 2026-04-01        | completed | yes         | -
        """,
    )


def test_only_while_the_pharmacy_holds_the_row(story):
    """From the first night with the row; after a recall of 10 May the delivery of the 11th tells, so the 12th is late."""
    listed = "ADHERENCE_LATE calls CALL 2026-05-01"
    story(
        model="outreach.compensation",
        given=paid(
            "ann 2026-04-30 REACHED_COMPLETED", "bea 2026-05-01 REACHED_COMPLETED",
            "cal 2026-05-11 REACHED_COMPLETED", "dee 2026-05-12 REACHED_COMPLETED",
            released=(f"ann {listed} -", f"bea {listed} -", f"cal {listed} 2026-05-10", f"dee {listed} 2026-05-10"),
        ),
        expect="gap_id\nbea\ncal",
    )  # fmt: skip


def test_a_family_pays_once_in_its_period(story):
    """Rule 6.8: duplicates are blocked by member, family and period; quarters, months and years by the calendar.

    Ann's second gap of the quarter is a duplicate, her next quarter's is not; completed counts before attempted, though
    it came later. Cal's months are two periods, dee's year is one.
    """
    visit, talk = "ADHERENCE_LATE monthly VISIT 2026-01-01 -", "ADHERENCE_LATE yearly TALK 2026-01-01 -"
    story(
        model="outreach.compensation",
        given=paid(
            "ann1 2026-01-01 REACHED_COMPLETED", "ann2 2026-03-31 REACHED_COMPLETED", "ann3 2026-04-01 REACHED_COMPLETED",
            "bea1 2026-04-05 3xUTR3", "bea2 2026-06-30 REACHED_COMPLETED",
            "cal1 2026-02-28 REACHED_COMPLETED", "cal2 2026-03-01 REACHED_COMPLETED",
            "dee1 2026-01-31 REACHED_COMPLETED", "dee2 2026-06-30 REACHED_COMPLETED",
            released=(f"cal1 {visit}", f"cal2 {visit}", f"dee1 {talk}", f"dee2 {talk}"),
        ),
        expect="""
            gap_id | period_start_date | is_billable | withheld_reason
            ann1   | 2026-01-01        | yes         | -
            ann2   | 2026-01-01        | no          | duplicate
            ann3   | 2026-04-01        | yes         | -
            bea1   | 2026-04-01        | no          | duplicate
            bea2   | 2026-04-01        | yes         | -
            cal1   | 2026-02-01        | yes         | -
            cal2   | 2026-03-01        | yes         | -
            dee1   | 2026-01-01        | yes         | -
            dee2   | 2026-01-01        | no          | duplicate
        """,
    )  # fmt: skip


def test_a_year_and_its_first_quarter_begin_on_one_day_and_are_two_periods():
    """Rule 6.8 and programmes.yaml: a review once a year and a targeted one once a quarter are both paid for.

    The contract of the table agrees, though both periods begin on 1 January; two of one quarter it would not let through.
    """
    services = {"TALK": "year", "CALL": "quarter"}
    given = paid(
        "ann1 2026-01-15 REACHED_COMPLETED", "ann2 2026-02-02 REACHED_COMPLETED", "ann3 2026-03-02 REACHED_COMPLETED",
        released=(
            "ann1 CMR_DUE calls TALK 2026-01-01 -", "ann2 TMR_DUE calls CALL 2026-01-01 -",
            "ann3 TMR_DUE calls CALL 2026-01-01 -",
        ),
    ) | {
        "raw.programme_outcome": rows(
            "programme_id | service_code | outcome_code | pays_as | once_per",
            *(f"calls | {code} | REACHED_COMPLETED | completed | {once}" for code, once in services.items()),
        )
    }  # fmt: skip
    with empty_warehouse() as con:
        for name, text in given.items():
            give(con, name, text)
        build_models(con, ["outreach.compensation"], "2026-06-30", given)
        found = "select gap_id, is_billable from outreach.compensation order by gap_id"
        assert con.execute(found).fetchall() == [("ann1", True), ("ann2", True), ("ann3", False)]
        assert violations(con, contract_for("outreach", "compensation")) == {}
        con.execute("update outreach.compensation set is_billable = true")
        assert violations(con, contract_for("outreach", "compensation")) == {"a_family_pays_once_in_a_period": 1}


def test_what_was_paid_stays_known_through_its_year(story):
    """Rule 6.8: duplicates are blocked by member, family and period, here a year. The review of 15 January was last listed
    that day, more than half a year ago; that of 29 September is its duplicate, and January's row stays in the table.

    A row that no report answers is forgotten 183 days after its list (31 March); one that is paid with its report, after
    400 days: 26 August 2025 is 400 back. What is kept to be counted is not recalled: nobody holds it any more.
    """
    listed = "first_listed_date | last_listed_date | programme | service_code"
    story(
        as_of="2026-09-30",
        given={
            "core.member": members(["ann", "bob", "cal"]),
            "outreach.contact_block": "member_key | block_reason\n1 | deceased\n2 | deceased\n3 | deceased",
            "outreach.ledger": "gap_id",
            "outreach.worklist": "gap_id",
            "raw.programme_outcome": OUTCOMES,
            "raw.state_release": rows(
                f"gap_id | pharmacy_npi | person_id | gap_code | {listed}",
                "january   | north | ann | CMR_DUE | 2026-01-02 | 2026-01-15 | yearly | TALK",
                "september | south | ann | CMR_DUE | 2026-09-01 | 2026-09-28 | yearly | TALK",
                "tried     | north | cal | CMR_DUE | 2026-01-02 | 2026-01-15 | yearly | TALK",
                "silent    | north | bob | CMR_DUE | 2026-01-02 | 2026-03-31 | yearly | TALK",
                "recent    | north | bob | CMR_DUE | 2026-01-02 | 2026-04-01 | yearly | TALK",
                "free      | north | bob | CMR_DUE | 2026-01-02 | 2026-01-15 | -      | -",
                "last_year | north | bob | CMR_DUE | 2025-08-01 | 2025-08-27 | yearly | TALK",
                "too_old   | north | cal | CMR_DUE | 2025-08-01 | 2025-08-26 | yearly | TALK",
                "unreached | north | cal | CMR_DUE | 2026-01-02 | 2026-01-15 | calls  | CALL",
            ),
            "raw.outreach_outcome": rows(
                "gap_id | pharmacy_npi | outcome_code | attempted_at",
                "january | north | REACHED_COMPLETED | 2026-01-15 10:00:00",
                "september | south | REACHED_COMPLETED | 2026-09-29 10:00:00",
                "tried | north | NO_ANSWER | 2026-01-15 10:00:00",
                *(f"unreached | north | NO_ANSWER | 2026-01-{day} 10:00:00" for day in (13, 15)),
                "unreached | north | UTR3 | 2026-01-16 10:00:00",
                "free | north | REACHED_COMPLETED | 2026-01-15 10:00:00",
                "last_year | north | REACHED_COMPLETED | 2025-08-27 10:00:00",
                "too_old | north | REACHED_COMPLETED | 2025-08-26 10:00:00",
            ),
        },
        expect={
            "outreach.compensation": """
                gap_id    | service_date | period_start_date | is_billable | withheld_reason
                january   | 2026-01-15   | 2026-01-01        | yes         | -
                last_year | 2025-08-27   | 2025-01-01        | yes         | -
                september | 2026-09-29   | 2026-01-01        | no          | duplicate
                unreached | 2026-01-16   | 2026-01-01        | no          | unsuccessful_share
            """,
            "outreach.release": """
                gap_id    | recalled_date
                january   | -
                last_year | -
                recent    | 2026-09-30
                september | -
                unreached | -
            """,
        },
    )  # fmt: skip


UNREACHED = {
    "three": ("05-04 NO_ANSWER", "05-06 LEFT_VM", "05-08 UTR3"),
    "told_with_its_result": ("05-04 NO_ANSWER", "05-06 LEFT_VM", "05-08 WRONG_NUMBER", "05-08 UTR3"),
    "one": ("05-08 UTR3",),
    "two": ("05-06 NO_ANSWER", "05-08 UTR3"),
    "told_twice": ("05-06 NO_ANSWER", "05-06 LEFT_VM", "05-08 UTR3"),
    "one_to_come": ("05-06 NO_ANSWER", "05-09 NO_ANSWER", "05-08 UTR3"),
    "before_the_list": ("04-30 NO_ANSWER", "05-06 NO_ANSWER", "05-08 UTR3"),
    "others_call": ("05-06 NO_ANSWER", "05-07 NO_ANSWER south", "05-08 UTR3"),
    "others_result": ("05-04 NO_ANSWER", "05-06 NO_ANSWER", "05-08 UTR3 south"),
    "answered": ("05-05 NO_ANSWER", "05-06 REACHED_CALLBACK", "05-07 NO_ANSWER", "05-08 UTR3"),
    "answered_before": ("05-02 REACHED_CALLBACK", "05-05 NO_ANSWER", "05-07 NO_ANSWER", "05-08 UTR3"),
    "no_attempt": ("05-04 PRESCRIBER_CONTACTED", "05-07 NO_ANSWER", "05-08 UTR3"),
    "on_no_day": ("05-04 NO_ANSWER?", "05-07 NO_ANSWER", "05-08 UTR3"),
    "declined": ("05-08 REACHED_DECLINED",),
}  # fmt: skip


def test_that_nobody_was_reached_pays_after_three_attempts(story):
    """Rules 6.3, 6.8: `UTR3` is the result of the third attempt that reached nobody, of this gap by this pharmacy, while
    its list held the row and since somebody last answered; each at a time of its own, and not after the result.

    The result without the others is heard (6.3), and pays nothing; a decline needs no attempts. One completed service for every
    two, so that none waits.
    """
    done = [f"done_{name} 2026-05-08 REACHED_COMPLETED" for name in UNREACHED]
    lines = [f"{gap} 2026-{report}" for gap, reports in UNREACHED.items() for report in reports]
    listed = "ADHERENCE_LATE calls CALL 2026-05-01 -"
    story(
        model="outreach.compensation",
        given=paid(*lines, *done, released=tuple(f"{gap} {listed}" for gap in UNREACHED)),
        expect=rows(
            "gap_id | outcome_code | pays_as | is_billable",
            *(f"{line.split()[0]} | REACHED_COMPLETED | completed | yes" for line in done),
            "three | UTR3 | attempted | yes",
            "told_with_its_result | UTR3 | attempted | yes",
            "answered_before | UTR3 | attempted | yes",
            "declined | REACHED_DECLINED | attempted | yes",
        ),
    )


def test_at_least_a_third_of_what_is_paid_is_completed(story):
    """Rule 6.8: one completed service carries two fees for attempts, those of the quarter that came first."""
    story(
        model="outreach.compensation",
        given=paid(
            "ann 2026-05-01 REACHED_COMPLETED",
            "bea 2026-05-02 3xUTR3", "cal 2026-05-03 3xUTR3", "dee 2026-05-04 3xUTR3",
            "eve 2026-01-02 3xUTR3",
        ),
        expect="""
            gap_id | is_billable | withheld_reason
            ann    | yes         | -
            bea    | yes         | -
            cal    | yes         | -
            dee    | no          | unsuccessful_share
            eve    | no          | unsuccessful_share
        """,
    )  # fmt: skip


def test_one_row_in_twenty_is_drawn_for_audit(story):
    """Rule 6.8: an audit sample of five percent, by salted digest: below 13 of 256 of the first two digits."""
    names = [f"{a}{b}" for a in "abcdefgh" for b in "klmnopqr"]

    def is_drawn(name: str) -> bool:
        return int(hashlib.md5(f"change-me|{name}|2026-05-01 10:00:00".encode()).hexdigest()[:2], 16) < 13

    assert 1 <= sum(map(is_drawn, names)) <= 8
    story(
        model="outreach.compensation",
        given=paid(*(f"{name} 2026-05-01 REACHED_COMPLETED" for name in names)),
        expect=rows("gap_id | is_audit_sample", *(f"{n} | {'yes' if is_drawn(n) else 'no'}" for n in names)),
    )
