"""Who may be contacted, how often, and what a reported outcome does: domain rules 6.2 to 6.4, 6.7, interface 2.2.

As of 30 June 2026 in every story. Each member of a story is one case and bears its name; the gap is named after them.
"""

from __future__ import annotations

import hashlib

import pytest

from tests.stories.outreach import members, rows

MODEL = "outreach.eligible_gap"
AS_OF = "2026-06-30"


def gaps_of(names: list[str], codes: dict[str, str] | None = None, subjects: dict[str, str] | None = None) -> dict:
    """One open gap each, opened on 1 May, given to north and reachable; ADHERENCE_LATE unless said otherwise."""
    codes, subjects = codes or {}, subjects or {}
    ledger = [
        f"{name} | {name} | {key} | {codes.get(name, 'ADHERENCE_LATE')} | {subjects.get(name, 'pdc_statins')} | open | 2026-05-01"
        for key, name in enumerate(names, start=1)
    ]
    return {
        "core.member": members(names),
        "core.fill": "fill_key",
        "core.pharmacy": "npi | is_open\nnorth | yes",
        "outreach.contact_block": "member_key",
        "outreach.ledger": rows("gap_id | person_id | member_key | gap_code | subject | status | opened_date", *ledger),
        "outreach.scored_gap": rows("gap_id | score | channel_reach", *(f"{name} | 10 | 1" for name in names)),
        "outreach.attribution": rows(
            "person_id | gap_family | subject | pharmacy_npi | state",
            *(f"{name} | adherence | {subjects.get(name, 'pdc_statins')} | north | TX" for name in names),
        ),
    }


def judged(cases: dict[str, tuple[str, ...]]) -> str:
    """The expected table: each case's reason stands first in it."""
    return rows("person_id | block_reason", *(f"{name} | {case[0]}" for name, case in cases.items()))


REPORT = "person_id | gap_code | subject | outcome_code | attempted_at | channel | next_contact_date | pharmacy_npi"


def reported(cases: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """The outcomes of all cases: `CODE date [channel] [next date]`, of ADHERENCE_LATE, or of a code named `CODE@GAP`."""
    lines = []
    for name, (_, *outcomes) in cases.items():
        for outcome in outcomes:
            code, day, *more = outcome.split()
            code, _, gap_code = code.partition("@")
            channel, following = [*more, "-", "-"][:2]
            lines.append(
                f"{name} | {gap_code or 'ADHERENCE_LATE'} | - | {code} | {day} 10:00:00 | {channel} | {following} | north"
            )
    return {"raw.outreach_outcome": rows(REPORT, *lines)}


# What a report says, and of whom (rule 6.7, interface 2.2)


def test_an_outcome_is_known_by_its_gap_or_by_its_person(story):
    """Interface section 2: gap_id, or person_id with gap_code; without a subject it means all of the code.

    The sheet that comes back carries the id alone: of a row of last week the subject is known, of one that closed long
    ago only what was on the list, and by whom. An id that nobody knows, without a person, is of nobody.
    """
    story(
        model="facts.contact_attempt",
        given={
            "core.member": members(["ann"]),
            "raw.state_gap": """
                gap_id | person_id | gap_code       | subject
                live   | ann       | ADHERENCE_LATE | pdc_ras
            """,
            "raw.state_release": """
                gap_id | pharmacy_npi | person_id | gap_code       | last_listed_date
                past   | north        | ann       | ADHERENCE_LATE | 2026-03-01
                past   | south        | ann       | ADHERENCE_LATE | 2026-03-02
            """,
            "raw.outreach_outcome": """
                gap_id | person_id | gap_code | subject     | outcome_code | attempted_at
                live   | -         | -        | -           | NO_ANSWER    | 2026-06-30 23:59:00
                past   | -         | -        | -           | LEFT_VM      | 2026-06-01 10:00:00
                -      | ann       | SUPD     | -           | NO_ANSWER    | 2026-06-02 10:00:00
                -      | ann       | COB      | cob         | NEW_CODE     | 2026-06-03 10:00:00
                lost   | -         | -        | -           | NO_ANSWER    | 2026-06-04 10:00:00
                live   | -         | -        | -           | NO_ANSWER    | 2026-07-01 00:00:00
            """,
        },
        expect="""
            person_id | gap_id | gap_code       | subject | is_of_any_subject | pharmacy_npi | outcome_code | is_attempt | is_live_contact
            ann       | live   | ADHERENCE_LATE | pdc_ras | no                | -            | NO_ANSWER    | yes        | no
            ann       | past   | ADHERENCE_LATE | -       | yes               | south        | LEFT_VM      | yes        | no
            ann       | -      | SUPD           | -       | yes               | -            | NO_ANSWER    | yes        | no
            ann       | -      | COB            | cob     | no                | -            | NEW_CODE     | yes        | no
        """,
    )


def test_what_was_reported_is_remembered_without_its_file(story):
    """Interface 2.2: contact counts are state. 400 days, an opt-out for ever; a file that is still there tells nothing new."""
    story(
        model="facts.contact_attempt",
        given={
            "core.member": members(["ann"]),
            "raw.state_contact_attempt": """
                person_id | gap_code       | subject | is_of_any_subject | outcome_code      | attempted_at        | pharmacy_npi
                ann       | ADHERENCE_LATE | -       | yes               | NO_ANSWER         | 2025-05-26 10:00:00 | north
                ann       | ADHERENCE_LATE | -       | yes               | LEFT_VM           | 2025-05-27 10:00:00 | north
                ann       | ADHERENCE_LATE | -       | yes               | OPT_OUT           | 2019-05-27 10:00:00 | north
                ann       | ADHERENCE_LATE | -       | yes               | DECEASED_REPORTED | 2019-05-28 10:00:00 | north
            """,
            "raw.outreach_outcome": """
                person_id | gap_code       | outcome_code | attempted_at
                ann       | ADHERENCE_LATE | LEFT_VM      | 2025-05-27 10:00:00
                ann       | ADHERENCE_LATE | LEFT_VM      | 2025-05-27 10:01:00
            """,
        },
        expect="""
            outcome_code      | attempted_date | pharmacy_npi
            LEFT_VM           | 2025-05-27     | north
            LEFT_VM           | 2025-05-27     | -
            OPT_OUT           | 2019-05-27     | north
            DECEASED_REPORTED | 2019-05-28     | north
        """,
    )


def test_a_word_that_binds_counts_whatever_is_wrong_with_its_day(story):
    """Rules 6.2, 6.3, 6.7: an opt-out without a day, of a day to come or in a refused row counts from its first night.

    Cleo's was read on 3 May: told again it is no newer. Of a day to come, what does no harm when it waits, such as an
    attempt, waits for its day; without one it counts as well.
    """
    story(
        model="facts.contact_attempt",
        given={
            "core.member": members(["ann", "bob", "cleo", "dan", "eve"]),
            "raw.outreach_outcome": """
                person_id | gap_code       | outcome_code | attempted_at
                ann       | ADHERENCE_LATE | OPT_OUT      | 2027-06-30 10:00:00
                dan       | ADHERENCE_LATE | NO_ANSWER    | 2026-07-01 10:00:00
            """,
            "raw.refused_word": """
                source_table     | person_id | gap_code       | outcome_code      | attempted_at
                outreach_outcome | bob       | ADHERENCE_LATE | DECEASED_REPORTED | -
                outreach_outcome | cleo      | ADHERENCE_LATE | OPT_OUT           | -
                outreach_outcome | dan       | SUPD           | LEFT_VM           | -
                outreach_outcome | eve       | SUPD           | LEFT_VM           | 2026-06-01 10:00:00
                outreach_outcome | eve       | SUPD           | -                 | 2026-06-02 10:00:00
                outreach_outcome | -         | SUPD           | OPT_OUT           | -
            """,
            "raw.state_contact_attempt": """
                person_id | gap_code       | outcome_code | attempted_at        | is_of_any_subject | subject | told_subject
                cleo      | ADHERENCE_LATE | OPT_OUT      | 2026-05-03 00:00:00 | yes               | -       | -
            """,
        },
        expect="""
            person_id | outcome_code      | attempted_at
            ann       | OPT_OUT           | 2026-06-30 00:00:00
            bob       | DECEASED_REPORTED | 2026-06-30 00:00:00
            cleo      | OPT_OUT           | 2026-05-03 00:00:00
            dan       | LEFT_VM           | 2026-06-30 00:00:00
            eve       | LEFT_VM           | 2026-06-01 10:00:00
        """,
    )


def test_what_lies_ahead_is_kept_until_its_day(story):
    """Rule 6.7: a file need not be delivered again. Bob's attempt of 30 June was told on the night of the 29th."""
    given = {
        "core.member": members(["ann", "bob"]),
        "raw.outreach_outcome": """
            person_id | gap_code | outcome_code | attempted_at
            ann       | SUPD     | NO_ANSWER    | 2026-07-01 00:00:00
        """,
        "raw.state_contact_attempt": """
            person_id | gap_code | outcome_code | attempted_at
            bob       | SUPD     | NO_ANSWER    | 2026-06-30 23:59:00
        """,
    }
    story(
        model="facts.known_attempt",
        given=given,
        expect="person_id | attempted_date | is_to_come\nann | 2026-07-01 | yes\nbob | 2026-06-30 | no",
    )
    story(model="facts.contact_attempt", given=given, expect="person_id | attempted_date\nbob | 2026-06-30")


def test_the_code_that_a_list_shows_means_the_rows_it_stood_for(story):
    """Interface 3.1: lists show a public code in place of a sensitive one, and a report may name the code it reads.

    Of ann's rows two stood under it; her Tdap row stood under its own name. What was on bob's list months ago may have;
    cal has none. A report that names a row by its id means that row alone.
    """
    story(
        model="facts.contact_attempt",
        given={
            "core.member": members(["ann", "bob", "cal"]),
            "raw.state_gap": """
                gap_id | person_id | gap_code             | subject   | is_sensitive
                screen | ann       | PP_DEPRESSION_SCREEN | episode 1 | yes
                pump   | ann       | BREAST_PUMP          | episode 1 | yes
                tdap   | ann       | TDAP                 | episode 1 | no
                kit    | ann       | NALOXONE_COPREG      | episode 1 | yes
            """,
            "raw.state_release": """
                gap_id | person_id | gap_code
                pump   | ann       | BREAST_PUMP
                tdap   | ann       | TDAP
                seat   | bob       | CAR_SEAT
            """,
            "raw.outreach_outcome": """
                gap_id | person_id | gap_code | subject | outcome_code     | attempted_at
                -      | ann       | CHECK_IN | -       | REACHED_DECLINED | 2026-06-28 10:00:00
                -      | bob       | CHECK_IN | home    | REACHED_DECLINED | 2026-06-28 10:00:00
                -      | cal       | CHECK_IN | -       | REACHED_DECLINED | 2026-06-28 10:00:00
                kit    | ann       | CHECK_IN | -       | NO_ANSWER        | 2026-06-28 10:00:00
            """,
        },
        expect="""
            person_id | gap_code             | subject   | is_of_any_subject | outcome_code
            ann       | CHECK_IN             | -         | yes               | REACHED_DECLINED
            ann       | PP_DEPRESSION_SCREEN | -         | yes               | REACHED_DECLINED
            ann       | BREAST_PUMP          | -         | yes               | REACHED_DECLINED
            ann       | NALOXONE_COPREG      | episode 1 | no                | NO_ANSWER
            bob       | CHECK_IN             | home      | no                | REACHED_DECLINED
            bob       | CAR_SEAT             | -         | yes               | REACHED_DECLINED
            cal       | CHECK_IN             | -         | yes               | REACHED_DECLINED
        """,
    )


# What was said of this gap (rules 6.3 and 6.7)

SAID = {
    "never_tried": ("-",),
    # 2 January is 179 days back, 1 January 180.
    "declined": ("declined", "REACHED_DECLINED 2026-01-02"),
    "declined_long_ago": ("-", "REACHED_DECLINED 2026-01-01"),
    "prescriber_said_no": ("declined", "PRESCRIBER_REJECTED 2026-01-02"),
    "declined_another": ("-", "REACHED_DECLINED@SUPD 2026-03-02"),
    "three_attempts": ("unable_to_reach", "NO_ANSWER 2026-05-01", "LEFT_VM 2026-05-10", "NO_ANSWER 2026-05-20"),
    "two_attempts": ("-", "NO_ANSWER 2026-05-01", "NO_ANSWER 2026-05-10"),
    "one_before_it_opened": ("-", "NO_ANSWER 2026-04-30", "NO_ANSWER 2026-05-10", "NO_ANSWER 2026-05-20"),
    "two_and_an_answer": ("-", "NO_ANSWER 2026-05-01", "NO_ANSWER 2026-05-10", "PRESCRIBER_CONTACTED 2026-06-01"),
    "given_up": ("unable_to_reach", "UTR3 2026-05-01"),
    "given_up_before": ("-", "UTR3 2026-04-30"),
    "the_same_row": ("duplicate", "DUPLICATE 2026-05-01"),
    # Fourteen days from 17 June end on 1 July.
    "agreed": ("outcome_pending", "REACHED_ACCEPTED_PENDING 2026-06-17"),
    "agreed_and_nothing_came": ("-", "REACHED_ACCEPTED_PENDING 2026-06-16"),
    "referred": ("outcome_pending", "REFERRED 2026-06-17"),
    # What is agreed for 1 July is read on the morning of 1 July, from this list.
    "call_back_tomorrow": ("-", "REACHED_CALLBACK 2026-05-02 phone 2026-07-01"),
    "call_back_the_day_after": ("outcome_pending", "REACHED_CALLBACK 2026-05-02 phone 2026-07-02"),
    # 90 days from 2 April end on 1 July, from 3 April on 2 July.
    "call_back_in_2099": ("-", "REACHED_CALLBACK 2026-04-02 phone 2099-12-31"),
    "call_back_in_2098": ("outcome_pending", "REACHED_CALLBACK 2026-04-03 phone 2098-12-31"),
    "two_attempts_and_then_reached": ("-", "NO_ANSWER 2026-05-01", "LEFT_VM 2026-05-10", "REACHED_CALLBACK 2026-05-20 phone 2026-05-25"),
    "reached_and_three_attempts": ("unable_to_reach", "REACHED_CALLBACK 2026-05-01 phone 2026-05-05", "NO_ANSWER 2026-05-05", "LEFT_VM 2026-05-15", "NO_ANSWER 2026-05-25"),
    "reached_and_two_attempts": ("-", "NO_ANSWER 2026-05-01", "REACHED_CALLBACK 2026-05-02 phone 2026-05-05", "NO_ANSWER 2026-05-05", "LEFT_VM 2026-05-15"),
    "call_back_today": ("-", "REACHED_CALLBACK 2026-06-20 phone 2026-06-30"),
    "later_word": ("-", "REACHED_ACCEPTED_PENDING 2026-06-20", "NO_ANSWER 2026-06-21"),
}  # fmt: skip


def test_what_was_said_of_a_gap_holds_it(story):
    """Rule 6.3: three attempts per gap, then UTR3; after a decline 180 days (same gap); open outcomes are waited for."""
    story(given=gaps_of(list(SAID)) | reported(SAID), expect=judged(SAID))


def test_an_attempt_is_counted_once_however_often_it_is_told(story):
    """Two rows of one moment are one attempt: by id and by name. Of ann's two gaps the report means the statin's."""
    story(
        given=gaps_of(["ann", "bob"])
        | {
            "raw.state_gap": "gap_id | person_id | gap_code | subject\nann | ann | ADHERENCE_LATE | pdc_statins",
            "raw.outreach_outcome": """
                gap_id | person_id | gap_code       | subject     | outcome_code | attempted_at
                ann    | -         | -              | -           | NO_ANSWER    | 2026-05-01 10:00:00
                -      | ann       | ADHERENCE_LATE | pdc_statins | NO_ANSWER    | 2026-05-01 10:00:00
                -      | ann       | ADHERENCE_LATE | -           | NO_ANSWER    | 2026-05-02 10:00:00
                -      | ann       | ADHERENCE_LATE | pdc_ras     | NO_ANSWER    | 2026-05-03 10:00:00
                -      | bob       | ADHERENCE_LATE | pdc_statins | NO_ANSWER    | 2026-05-01 10:00:00
                -      | bob       | ADHERENCE_LATE | pdc_statins | NO_ANSWER    | 2026-05-01 10:00:01
                -      | bob       | ADHERENCE_LATE | pdc_statins | NO_ANSWER    | 2026-05-01 10:00:02
            """,
        },
        expect="person_id | block_reason\nann | -\nbob | unable_to_reach",
    )


SISTERS = {
    # ADHERENCE_LATE since 20 June, of pdc_statins; the row before it, of ADHERENCE_AT_RISK, opened on 1 June and was:
    # superseded on 20 June, superseded earlier, or resolved.
    "declined_then": ("declined", "superseded 2026-06-20", "REACHED_DECLINED pdc_statins 2026-06-10 -"),
    "declined_long_before": ("declined", "- -", "REACHED_DECLINED pdc_statins 2026-01-02 -"),
    "declined_of_any": ("declined", "superseded 2026-06-20", "REACHED_DECLINED - 2026-06-10 -"),
    "declined_of_another": ("-", "superseded 2026-06-20", "REACHED_DECLINED pdc_ras 2026-06-10 -"),
    "declined_of_any_but_this": ("-", "- -", "REACHED_DECLINED - 2026-06-10 -"),
    "given_up_then": ("unable_to_reach", "superseded 2026-06-20", "UTR3 pdc_statins 2026-06-10 -"),
    "given_up_earlier": ("-", "superseded 2026-06-15", "UTR3 pdc_statins 2026-06-10 -"),
    "refilled_since": ("-", "resolved 2026-06-20", "UTR3 pdc_statins 2026-06-10 -"),
    "the_same_row_then": ("duplicate", "superseded 2026-06-20", "DUPLICATE pdc_statins 2026-06-10 -"),
    "three_over_both": ("unable_to_reach", "superseded 2026-06-20", "NO_ANSWER pdc_statins 2026-06-02 -", "NO_ANSWER pdc_statins 2026-06-12 -", "NO_ANSWER@ADHERENCE_LATE pdc_statins 2026-06-22 -"),
    "three_over_both_of_two_asks": ("-", "superseded 2026-06-15", "NO_ANSWER pdc_statins 2026-06-02 -", "NO_ANSWER pdc_statins 2026-06-12 -", "NO_ANSWER@ADHERENCE_LATE pdc_statins 2026-06-22 -"),
    "call_back_agreed_then": ("outcome_pending", "superseded 2026-06-20", "REACHED_CALLBACK pdc_statins 2026-06-19 2026-07-10"),
}  # fmt: skip


def test_another_code_of_the_subject_is_the_same_ask(story):
    """Rule 6.3, "after declined 180 d (same gap)": the reminder and the late refill of one measure are one ask.

    A decline counts whenever it was said; attempts and giving up as long as one row took over from the other.
    """
    given = gaps_of(list(SISTERS))
    late, before, said = [], [], []
    for key, (name, (_, end, *words)) in enumerate(SISTERS.items(), start=1):
        late.append(f"{name} | {name} | {key} | ADHERENCE_LATE | pdc_statins | open | - | 2026-06-20 | -")
        reason, day = end.split()
        if reason != "-":
            before.append(
                f"{name}-1 | {name} | {key} | ADHERENCE_AT_RISK | pdc_statins | closed | {reason} | 2026-06-01 | {day}"
            )
        for word in words:
            code, subject, on, following = word.split()
            code, _, gap_code = code.partition("@")
            said.append(
                f"{name} | {gap_code or 'ADHERENCE_AT_RISK'} | {subject} | {code} | {on} 10:00:00 | {following}"
            )
    header = (
        "gap_id | person_id | member_key | gap_code | subject | status | closing_reason | opened_date | closed_date"
    )
    story(
        given=given
        | {
            "outreach.ledger": rows(header, *late, *before),
            "raw.outreach_outcome": rows(
                "person_id | gap_code | subject | outcome_code | attempted_at | next_contact_date", *said
            ),
        },
        expect=judged(SISTERS),
    )


def test_urgent_medicine_safety_hears_no_word_but_its_own(story):
    """Rule 6.3: what the member said of a medicine to look at soon was not said of one that harms today."""
    given = gaps_of(["ann", "bob"])
    header = "gap_id | person_id | member_key | gap_family | gap_code | subject | status | closing_reason | opened_date | closed_date"
    before = "medication_review | MED_REVIEW_INFO | warfarin | closed | superseded | 2026-06-01 | 2026-06-20"
    now = "warfarin | open | - | 2026-06-20 | -"
    attributed = given["outreach.attribution"].replace("adherence | pdc_statins", "medication_review | warfarin")
    story(
        given=given
        | {
            "outreach.attribution": attributed,
            "outreach.ledger": rows(
                header,
                f"ann | ann | 1 | medication_review | MED_REVIEW_TODAY | {now}", f"ann-1 | ann | 1 | {before}",
                f"bob | bob | 2 | medication_review | MED_REVIEW_SOON | {now}", f"bob-1 | bob | 2 | {before}",
            ),
            "raw.outreach_outcome": """
                person_id | gap_code        | subject  | outcome_code     | attempted_at
                ann       | MED_REVIEW_INFO | warfarin | REACHED_DECLINED | 2026-06-10 10:00:00
                bob       | MED_REVIEW_INFO | warfarin | REACHED_DECLINED | 2026-06-10 10:00:00
            """,
        },
        expect="person_id | block_reason\nann | -\nbob | declined",
    )  # fmt: skip


def test_a_need_that_was_declined_says_so(story):
    """Community 5.3, 180 days after declined, whoever heard it; issue 6: an open gap on no list says why."""
    names = ["told_us", "told_the_service", "waits"]
    given = gaps_of(names, dict.fromkeys(names, "COMMUNITY_NEED"), dict.fromkeys(names, "food-insecurity"))
    story(
        given=given
        | {
            "outreach.ledger": given["outreach.ledger"]
            .replace("| status ", "| gap_family | status ")
            .replace("| open |", "| community_resource | open |"),
            "outreach.attribution": given["outreach.attribution"].replace("adherence", "community_resource"),
            "outreach.gap_programme": "gap_id",
            "facts.referral_hold": """
                member_key | category        | hold_reason | hold_until_date
                1          | food-insecurity | declined    | 2026-12-01
                2          | food-insecurity | declined    | 2026-12-01
                3          | food-insecurity | under_way   | 2026-12-01
            """,
        },
        expect="person_id | block_reason\ntold_us | declined\ntold_the_service | declined\nwaits | -",
    )


# How often a member is contacted, whoever does it (rule 6.3)

TALKS = ("REACHED_CALLBACK@SUPD 2026-04-20", "LANGUAGE_BARRIER@COB 2026-05-10", "REACHED_COMPLETED@SUPD 2026-06-01")
URGENT = {"safety_kit": "NALOXONE_COPREG", "review": "MED_REVIEW_SOON", "kit_again": "NALOXONE_COPREG", "review_again": "MED_REVIEW_TODAY"}  # fmt: skip
OFTEN = {
    # A call of another programme counts; 24 June is six days back, 23 June seven.
    "called_this_week": ("frequency_cap", "NO_ANSWER@SUPD 2026-06-24 phone"),
    "called_a_week_ago": ("-", "NO_ANSWER@SUPD 2026-06-23 phone"),
    "channel_unknown": ("frequency_cap", "NO_ANSWER@SUPD 2026-06-29"),
    "a_text_message": ("-", "NO_ANSWER@SUPD 2026-06-29 sms"),
    "seen_at_the_counter": ("-", "REACHED_COMPLETED@SUPD 2026-06-29 in_person"),
    "prescriber_called": ("-", "PRESCRIBER_CONTACTED@COB 2026-06-29 phone"),
    # 2 April is 89 days back, 1 April 90.
    "four_talks": ("frequency_cap", "REACHED_DECLINED@SUPD 2026-04-02", *TALKS),
    "three_and_one_before": ("-", "REACHED_DECLINED@SUPD 2026-04-01", *TALKS),
    "three_and_a_message": ("-", "LEFT_VM@SUPD 2026-04-02", *TALKS),
    "one_talk_of_two_gaps": ("-", "REACHED_DECLINED@COB 2026-06-01", *TALKS),
    # The member asked for this call: a day agreed in a conversation, until somebody calls.
    "agreed_for_tomorrow": ("-", "REACHED_CALLBACK 2026-06-28 phone 2026-07-01"),
    "agreed_for_yesterday": ("-", "REACHED_CALLBACK 2026-06-26 phone 2026-06-29"),
    "agreed_and_called_on_that_day": ("frequency_cap", "REACHED_CALLBACK 2026-06-26 phone 2026-06-29", "NO_ANSWER@SUPD 2026-06-29 phone"),
    "agreed_of_another_gap": ("frequency_cap", "REACHED_CALLBACK@SUPD 2026-06-28 phone 2026-07-01"),
    "planned_by_a_voice_mail": ("frequency_cap", "LEFT_VM 2026-06-28 phone 2026-07-01"),
    "agreed_after_four_talks": ("frequency_cap", "REACHED_CALLBACK 2026-06-28 phone 2026-07-01", *TALKS),
    "safety_kit": ("-", "NO_ANSWER@SUPD 2026-06-29 phone"),
    "review": ("-", "NO_ANSWER@SUPD 2026-06-29 phone"),
    "kit_again": ("frequency_cap", "REACHED_DECLINED@SUPD 2026-04-02", *TALKS),
    "review_again": ("-", "REACHED_DECLINED@SUPD 2026-04-02", *TALKS),
}  # fmt: skip


def test_how_often_a_member_is_contacted(story):
    """Rule 6.3: one phone call in 7 days across programmes, four live contacts in 90; urgent medicine safety is exempt
    from the weekly cap alone, and so is the call that the member asked for; a review is talked over with the prescriber
    and no call to the member."""
    story(given=gaps_of(list(OFTEN), URGENT) | reported(OFTEN), expect=judged(OFTEN))


def test_the_caps_are_settings(story):
    """Rule 6.3, with other numbers: both members would be held by the numbers of the house."""
    cases = {"ann": ("-", "NO_ANSWER@SUPD 2026-06-24"), "bob": ("-", "REACHED_DECLINED@SUPD 2026-04-02", *TALKS)}
    story(
        given=gaps_of(list(cases)) | reported(cases),
        call_interval_days=6,
        max_live_contacts=5,
        expect=judged(cases),
    )


# Whom no list may name (rule 6.2)

WISHES = {
    "nobody_asked": "-",
    "opted_out_once": "do_not_contact",
    "opted_out_after": "do_not_contact",
    "litigation": "do_not_contact",
    "mail_came_back": "-",
    "guardian_unasked": "do_not_contact",
    "guardian_agreed": "-",
    "guardian_agreed_once": "do_not_contact",
    "consent_ends_today": "-",
    "consent_ended": "do_not_contact",
    "consent_to_come": "do_not_contact",
    "consent_renewed": "-",
    "said_to_be_dead": "deceased",
    "left_the_plan": "not_enrolled",
    "alive_after_all": "-",
    "alive_says_a_pharmacist": "deceased",
    "alive_and_then_dead": "deceased",
    "wish_unread": "do_not_contact",
    "one_wish_of_two_unread": "do_not_contact",
}


def test_whom_no_list_may_name(story):
    """Rule 6.2: opt-out for ever (6.3), litigation and other holds, guardianship without authorised contact, a programme
    whose consent is over. Returned mail alone blocks nobody who can be called; a reported death blocks at once, until
    a care manager says later that it is none (6.7). A wish that cannot be read blocks; so does an opt-out of a day to come."""
    names = list(WISHES)
    story(
        model="outreach.contact_block",
        given={
            "core.member": members(names),
            "core.enrollment": rows(
                "member_key | enrollment_start_date | enrollment_end_date",
                *(
                    f"{key} | 2025-01-01 | {'2026-06-29' if name == 'left_the_plan' else '2026-06-30'}"
                    for key, name in enumerate(names, start=1)
                ),
            ),
            "core.coverage_status": "member_key",
            "raw.member_preference": """
                person_id            | contact_block_reason
                litigation           | litigation
                mail_came_back       | returned_mail
                guardian_unasked     | guardianship
                guardian_agreed      | guardianship
                guardian_agreed_once | guardianship
                one_wish_of_two_unread | -
            """,
            "raw.member_consent": """
                person_id            | scope              | valid_from | valid_to
                guardian_agreed      | authorised_contact | -          | 2026-06-30
                guardian_agreed_once | authorised_contact | 2025-01-01 | 2026-06-29
                consent_ends_today   | programme          | 2026-06-30 | 2026-06-30
                consent_ended        | programme          | 2025-01-01 | 2026-06-29
                consent_to_come      | programme          | 2026-07-01 | -
                consent_renewed      | programme          | 2025-01-01 | 2026-06-29
                consent_renewed      | programme          | 2026-06-01 | -
                nobody_asked         | part2              | 2025-01-01 | 2025-12-31
            """,
            "raw.state_contact_attempt": """
                person_id      | outcome_code | attempted_at        | is_of_any_subject
                opted_out_once | OPT_OUT      | 2019-01-01 10:00:00 | yes
            """,
            "raw.outreach_outcome": """
                person_id               | gap_code       | outcome_code      | attempted_at        | staff_role
                opted_out_after         | ADHERENCE_LATE | OPT_OUT           | 2026-07-01 10:00:00 | -
                said_to_be_dead         | ADHERENCE_LATE | DECEASED_REPORTED | 2026-06-30 10:00:00 | -
                left_the_plan           | ADHERENCE_LATE | NO_ANSWER         | 2026-06-30 10:00:00 | -
                alive_after_all         | ADHERENCE_LATE | DECEASED_REPORTED | 2026-06-01 10:00:00 | -
                alive_after_all         | ADHERENCE_LATE | ALIVE_CONFIRMED   | 2026-06-01 10:00:01 | care_manager
                alive_says_a_pharmacist | ADHERENCE_LATE | DECEASED_REPORTED | 2026-06-01 10:00:00 | -
                alive_says_a_pharmacist | ADHERENCE_LATE | ALIVE_CONFIRMED   | 2026-06-02 10:00:00 | pharmacist
                alive_and_then_dead     | ADHERENCE_LATE | ALIVE_CONFIRMED   | 2026-06-02 10:00:00 | care_manager
                alive_and_then_dead     | ADHERENCE_LATE | DECEASED_REPORTED | 2026-06-02 10:00:00 | -
            """,
            "raw.refused_word": """
                source_table      | person_id
                member_preference | wish_unread
                member_preference | one_wish_of_two_unread
                outreach_outcome  | nobody_asked
            """,
        },
        expect=rows(
            "member_key | block_reason",
            *(f"{key} | {reason}" for key, reason in enumerate(WISHES.values(), start=1) if reason != "-"),
        ),
    )


def digest(number: str) -> str:
    """What is kept of a wrong number: a salted digest of its digits."""
    return hashlib.sha256(f"change-me|{number}".encode()).hexdigest()[:16]


@pytest.mark.parametrize("required", [False, True])
def test_how_a_member_may_be_reached(story, required):
    """Rule 6.2: restrictions and consents by channel, returned mail; 6.7: two reports of a wrong number, until it changes.

    Where the house asks for a consent to calls (TCPA), only a valid one makes the phone a channel.
    """
    #          phone without and with a required consent, mail
    cases = {
        "plain": ("yes", "no", "yes"),
        "no_calls": ("no", "no", "yes"),
        "no_mail": ("yes", "no", "no"),
        "mail_came_back": ("yes", "no", "no"),
        "call_consent": ("yes", "yes", "yes"),
        "call_consent_over": ("no", "no", "yes"),
        "no_calls_at_all": ("no", "no", "yes"),
        "no_calls_of_two_rows": ("no", "no", "no"),
        "one_wrong": ("yes", "no", "yes"),
        "two_wrong": ("no", "no", "yes"),
        "new_number": ("yes", "no", "yes"),
        "no_number": ("no", "no", "yes"),
    }
    names = list(cases)
    story(
        model="outreach.contact_channel",
        phone_consent_required=required,
        given={
            "core.member": members(
                names,
                phone={name: "512-555-0100" for name in names if name != "no_number"},
                address=dict.fromkeys(names, "1 Main St"),
                zip_code=dict.fromkeys(names, "79901"),
            ),
            "raw.member_preference": """
                person_id      | restricted_channels | contact_block_reason
                no_calls       | sms;phone           | -
                no_mail        | mail                | -
                mail_came_back | sms                 | returned_mail
                no_calls_at_all      | Email; Voice | -
                no_calls_of_two_rows | Call         | -
                no_calls_of_two_rows | sms          | returned_mail
            """,
            "raw.member_consent": """
                person_id         | scope | valid_from | valid_to
                call_consent      | phone | 2026-06-30 | 2026-06-30
                call_consent_over | phone | 2025-01-01 | 2026-06-29
            """,
            "raw.state_contact_attempt": f"""
                person_id  | outcome_code | attempted_at        | phone_digest
                two_wrong  | WRONG_NUMBER | 2026-05-01 10:00:00 | {digest("5125550100")}
                new_number | WRONG_NUMBER | 2026-05-01 10:00:00 | {digest("5125550199")}
                new_number | WRONG_NUMBER | 2026-05-02 10:00:00 | {digest("5125550199")}
            """,
            "raw.outreach_outcome": """
                person_id | gap_code       | outcome_code | attempted_at
                one_wrong | ADHERENCE_LATE | WRONG_NUMBER | 2026-06-01 10:00:00
                two_wrong | ADHERENCE_LATE | WRONG_NUMBER | 2026-06-01 10:00:00
            """,
        },
        expect=rows(
            "member_key | is_phone_usable | is_mail_usable",
            *(f"{key} | {case[required]} | {case[2]}" for key, case in enumerate(cases.values(), start=1)),
        ),
    )


def test_consents_to_a_family_and_to_what_a_manufacturer_pays_for(story):
    """Rule 6.2: opt-out by programme; what a manufacturer funds is blocked without the member's authorisation."""
    codes = {"funded": "FUNDED", "funded_and_authorised": "FUNDED", "authorised_once": "FUNDED"}
    cases = {
        "plain": ("-",),
        "family_over": ("do_not_contact",),
        "family_on": ("-",),
        "other_family_over": ("-",),
        "funded": ("no_authorisation",),
        "funded_and_authorised": ("-",),
        "authorised_once": ("no_authorisation",),
    }
    story(
        given=gaps_of(list(cases), codes)
        | {
            "raw.gap_code": """
                gap_code       | is_manufacturer_funded
                ADHERENCE_LATE | no
                FUNDED         | yes
            """,
            "raw.member_consent": """
                person_id             | scope     | valid_to
                family_over           | adherence | 2026-06-29
                family_on             | adherence | 2026-06-30
                other_family_over     | diabetes  | 2026-06-29
                funded_and_authorised | marketing | 2026-06-30
                authorised_once       | marketing | 2026-06-29
            """,
        },
        expect=judged(cases),
    )


def test_the_first_reason_stands(story):
    """One row, one reason: the member's wish before what was said of the gap, that before what cannot be done."""
    cases = {
        "blocked": ("do_not_contact", "REACHED_DECLINED 2026-06-29"),
        "declined": ("declined", "REACHED_DECLINED 2026-06-29"),
        "unreachable": ("no_channel", "NO_ANSWER@SUPD 2026-06-29"),
        "unplaced": ("no_pharmacy", "NO_ANSWER@SUPD 2026-06-29"),
    }
    given = gaps_of(list(cases))
    story(
        given=given
        | reported(cases)
        | {
            "outreach.contact_block": "member_key | block_reason\n1 | do_not_contact",
            "outreach.scored_gap": given["outreach.scored_gap"].replace("unreachable | 10 | 1", "unreachable | 0 | 0"),
            "outreach.attribution": given["outreach.attribution"].replace("unplaced |", "somebody |"),
        },
        expect=judged(cases),
    )


def test_of_several_wishes_the_strictest_counts(story):
    """Rule 6.2: rows of preferences tell no time, so that none takes back another. What restricts nobody is of the row
    that is last in byte order. Dan's wish cannot be read, and eve's other one cannot."""
    story(
        model="core.preference",
        given={
            "raw.member_preference": """
                person_id | do_not_contact | contact_block_reason | consent_until | language | best_contact_time
                ann       | no             | -                    | 2026-12-31    | en       | -
                ann       | -              | litigation           | 2026-06-01    | -        | evening
                bob       | yes            | -                    | -             | es       | -
                bob       | no             | returned_mail        | -             | en       | noon
                cleo      | -              | guardianship         | -             | -        | -
                cleo      | -              | returned_mail        | -             | -        | -
                eve       | -              | -                    | -             | fr       | -
            """,
            "raw.refused_word": """
                source_table      | person_id | scope
                member_preference | dan       | -
                member_preference | eve       | -
                member_preference | -         | -
                member_consent    | bob       | programme
            """,
        },
        expect="""
            person_id | is_do_not_contact | contact_block_reason | is_mail_returned | consent_until | is_readable | language | best_contact_time
            ann       | no             | litigation           | no               | 2026-06-01    | yes         | en       | -
            bob       | yes            | returned_mail        | yes              | -             | yes         | es       | -
            cleo      | no             | guardianship         | yes              | -             | yes         | -        | -
            dan       | no             | -                    | no               | -             | no          | -        | -
            eve       | no             | -                    | no               | -             | no          | fr       | -
        """,
    )


def test_a_consent_that_cannot_be_read_may_be_the_one_that_withdraws(story):
    """Rule 6.2: a refused row withdraws what it names, unless another consent to it holds; without a scope it names none."""
    story(
        model="core.consent",
        given={
            "raw.member_consent": "person_id | scope | valid_to\nbob | phone | -",
            "raw.refused_word": """
                source_table   | person_id | scope
                member_consent | ann       | phone
                member_consent | bob       | phone
                member_consent | cal       | -
            """,
        },
        expect="person_id | scope | is_valid | consent_date\nann | phone | no | -\nbob | phone | yes | -",
    )


# What a state keeps off lists (rule 6.4)


def test_a_state_keeps_a_sensitive_class_off_every_list(story):
    """Rule 6.4, driven by configuration: by code or by subject, in the state of the pharmacy or of the member's home."""
    codes = {"kit": "NALOXONE_COPREG", "kit_across": "NALOXONE_COPREG", "kit_elsewhere": "NALOXONE_COPREG"}
    subjects = {"therapy": "pdc_arv"}
    given = gaps_of(["kit", "kit_across", "kit_elsewhere", "therapy", "statin"], codes, subjects)
    across = given["outreach.attribution"].replace("| TX", "| OK")
    home = given["core.member"].replace("kit_elsewhere | TX", "kit_elsewhere | NM")
    policy = """
        state | sensitive_class | gap_code        | subject
        TX    | substance_use   | NALOXONE_COPREG | -
        OK    | hiv             | -               | pdc_arv
    """
    story(
        given=given | {"core.member": home, "outreach.attribution": across, "raw.state_policy": policy},
        expect="""
            person_id     | block_reason
            kit           | state_policy
            kit_across    | state_policy
            kit_elsewhere | -
            therapy       | state_policy
            statin        | -
        """,
    )


def test_a_member_is_of_their_home_wherever_their_pharmacy_is(story):
    """Rule 6.4, the stricter of two states: Texas keeps the kit off lists of Oklahoma."""
    names = ["texan", "neighbour", "nowhere"]
    given = gaps_of(names, dict.fromkeys(names, "NALOXONE_COPREG"))
    story(
        given=given
        | {
            "core.member": members(names, state={"texan": "TX", "neighbour": "OK", "nowhere": "-"}),
            "outreach.attribution": given["outreach.attribution"].replace("| TX", "| OK"),
            "raw.state_policy": "state | sensitive_class | gap_code | subject\nTX | substance_use | NALOXONE_COPREG | -",
        },
        expect="""
            person_id | block_reason
            texan     | state_policy
            neighbour | -
            nowhere   | -
        """,
    )


def test_claims_of_a_part_2_provider_need_consent(story):
    """Rule 6.4, 42 CFR Part 2: without a consent of that scope on the as-of date nothing is found from them.

    Whoever of the claim's providers is protected, and whoever prescribed or dispensed. A loss on such a claim is still
    seen: the claim counts as one that was not paid, which only holds messages back (maternal 1.7).
    """
    consent = {"agreed": "2026-06-30", "agreed_once": "2026-06-29"}
    names = ["agreed", "agreed_once", "other_scope", "unprotected"]
    medical, pharmacy = [], []
    for name in names:
        medical += [
            f"{name} | {'open' if name == 'unprotected' else npi} | {role}"
            for role, npi in (("rendering", "clinic"), ("billing", "clinic"), ("facility", "clinic"))
        ]
        pharmacy += [f"{name} | {'open' if name == 'unprotected' else 'clinic'}"]
    lines = []
    for line in medical:
        name, npi, role = line.split(" | ")
        places = [npi if role == kind else "open" for kind in ("rendering", "billing", "facility")]
        lines.append(f"{name} | {' | '.join(places)} | F1120 | 2026-06-01 | paid")
    story(
        given={
            "core.member": members(names),
            "raw.provider": "npi | is_part2\nclinic | yes\nopen | no",
            "raw.member_consent": rows(
                "person_id | scope | valid_from | valid_to",
                *(f"{name} | part2 | 2025-01-01 | {day}" for name, day in consent.items()),
                "other_scope | programme | 2025-01-01 | -",
            ),
            "raw.medical_claim": rows(
                "person_id | rendering_npi | billing_npi | facility_npi | diagnosis_code_1 | claim_start_date | claim_status",
                *lines,
            ),
            "raw.pharmacy_claim": rows(
                "person_id | prescribing_provider_npi | dispensing_provider_npi | dispensing_date",
                *(f"{line} | open | 2026-06-01" for line in pharmacy),
                *(f"{line.replace(' | ', ' | open | ')} | 2026-06-02" for line in pharmacy),
            ),
        },
        expect={
            "core.diagnosis": rows(
                "member_key | is_paid | is_voided",
                *(
                    f"{key} | {paid} | no"
                    for key, paid in ((1, "yes"), (2, "no"), (3, "no"), (4, "yes"))
                    for _ in range(3)
                ),
            ),
            "core.medical_line": rows(
                "member_key | is_paid",
                *(f"{key} | {paid}" for key, paid in ((1, "yes"), (2, "no"), (3, "no"), (4, "yes")) for _ in range(3)),
            ),
            "core.fill": "member_key\n1\n1\n4\n4",
        },
    )
