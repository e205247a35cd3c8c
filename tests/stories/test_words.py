"""What pharmacies and members write, and what of it is understood: domain rules 6.2, 6.3, 6.7, maternal 1.7 and 1.8.

As of 30 June 2026 in every story. A word that somebody wrote for a person not to be called is never lost for its spelling.
"""

from __future__ import annotations

import pytest

from tests.stories.outreach import members, rows
from tests.stories.test_outreach import gaps_of, judged, reported
from tests.story import build_models, empty_warehouse, rows_of

MODEL = "facts.contact_attempt"
AS_OF = "2026-06-30"

# What came in, and the registered code that it means.
MEANT = {
    "OPT_OUT": [
        "OPTOUT",
        "Opted out",
        "DO_NOT_CONTACT",
        "DNC",
        "do-not-call!",
        "OPT\u00a0OUT\u00a0.",
        "OPT_OUT (she) yes",
    ],
    "MISCARRIAGE": ["MISCARRIED"],
    "STILLBIRTH": ["STILLBORN", "still birth"],
    "PREGNANCY_LOSS": ["TERMINATED"],
    "NOT_ELIGIBLE": ["NOT_ELIGIBLE.", "Not eligible"],
    "REACHED_DECLINED": ["REACHED_DECLINED (cost)", "REACHED_DECLINED(+reason: cost)", "reached/declined"],
    "NO_ANSWER": ["NO_ANSWER", "(second time) NO_ANSWER"],
    # Nobody registered these; they keep what is legible of them.
    "SPOKE_TO_HUSBAND": ["Spoke to husband (he was angry)"],
    "(2)": ["(2)"],
}


def test_a_code_is_known_by_whatever_it_is_written_as(story):
    """Rule 6.7, which itself writes `REACHED_DECLINED(+reason: ...)`: capitals, signs, white space and what stands in
    brackets are no part of a code, whether it comes in a file, in a refused row or in the state of an earlier night."""
    words = [(code, word) for code, spellings in MEANT.items() for word in spellings]
    story(
        given={
            "core.member": members(["ann"]),
            "raw.outreach_outcome": rows(
                "person_id | gap_code | outcome_code | attempted_at",
                *(f"ann | SUPD | {word} | 2026-06-01 10:00:{n:02}" for n, (_, word) in enumerate(words)),
            ),
            "raw.refused_word": """
                source_table     | person_id | gap_code | outcome_code | attempted_at
                outreach_outcome | ann       | SUPD     | OPTED-OUT    | 2026-06-02 10:00:00
            """,
            "raw.state_contact_attempt": """
                person_id | gap_code | outcome_code | attempted_at
                ann       | SUPD     | OPTOUT       | 2019-06-02 10:00:00
            """,
        },
        expect=rows(
            "outcome_code | attempted_at",
            *(f"{code} | 2026-06-01 10:00:{n:02}" for n, (code, _) in enumerate(words)),
            "OPT_OUT | 2026-06-02 10:00:00",
            "OPT_OUT | 2019-06-02 10:00:00",
        ),
    )


@pytest.mark.parametrize("word", ["MISCARRIED", "STILLBORN", "TERMINATED", "Infant death (NICU)", "NOT_ELIGIBLE."])
def test_a_word_of_a_loss_is_one_however_it_is_written(story, word):
    """Maternal 1.7, L1: one word is enough. The row depends on a pregnancy, so that NOT_ELIGIBLE says as much."""
    story(
        model="facts.loss_trigger",
        given={
            "core.member": members(["ann"]),
            "raw.outreach_outcome": rows(
                "person_id | gap_code | outcome_code | attempted_at", f"ann | TDAP | {word} | 2026-06-20 10:00:00"
            ),
        },
        expect="member_key | trigger_date | trigger_source\n1 | 2026-06-20 | report",
    )


def test_a_word_that_nobody_registered_waits_until_somebody_has_looked(story):
    """Rules 6.3, 6.7: somebody said something of this gap, so that it waits as an open outcome does: 14 days from 17 June
    end on 1 July. It is an attempt as before, and one of three."""
    cases = {
        "said_something": ("outcome_pending", "SPOKE_TO_HUSBAND 2026-06-17"),
        "said_it_before": ("-", "SPOKE_TO_HUSBAND 2026-06-16"),
        "then_no_answer": ("-", "SPOKE_TO_HUSBAND 2026-06-17", "NO_ANSWER 2026-06-18"),
        "third_attempt": ("unable_to_reach", "NO_ANSWER 2026-05-01", "NO_ANSWER 2026-05-02", "HUH 2026-06-29"),
        "of_another_gap": ("-", "SPOKE_TO_HUSBAND@SUPD 2026-06-17"),
        "declined_in_other_words": ("declined", "PATIENT_DECLINED 2026-01-02"),
    }
    story(model="outreach.eligible_gap", given=gaps_of(list(cases)) | reported(cases), expect=judged(cases))


# Channels (rules 6.2 and 6.3)

RESTRICTED = {
    # What a member wrote: whether the phone is restricted, whether the mail is, whether every word is known.
    "phone,mail": ("yes", "yes", "yes"),
    "phone/mail": ("yes", "yes", "yes"),
    "phone mail": ("yes", "yes", "yes"),
    "mobile;mail": ("yes", "yes", "yes"),
    "Cell-phone": ("yes", "no", "yes"),
    "SMS;Land line": ("yes", "no", "yes"),
    "letters": ("no", "yes", "yes"),
    "text messages, e-mail and fax": ("no", "no", "yes"),
    "in person": ("no", "no", "yes"),
    "all": ("yes", "yes", "yes"),
    "Everything": ("yes", "yes", "yes"),
    "none": ("no", "no", "yes"),
    "N/A": ("no", "no", "yes"),
    '["phone"]': ("yes", "no", "yes"),
    # To miss one does harm: a word that nobody knows is taken for each of them.
    "carrier pigeon": ("yes", "yes", "no"),
    "mail only": ("yes", "yes", "no"),
    "*": ("yes", "yes", "no"),
}


def test_a_restricted_channel_is_known_by_any_word(story):
    """Rule 6.2: whatever separates the channels; a word that nobody knows restricts all. `|` is told by a test of its own."""
    story(
        model="core.preference",
        given={
            "raw.member_preference": rows(
                "person_id | restricted_channels", *(f"p{n} | {text}" for n, text in enumerate(RESTRICTED))
            )
        },
        expect=rows(
            "person_id | is_phone_restricted | is_mail_restricted",
            *(f"p{n} | {phone} | {mail}" for n, (phone, mail, _) in enumerate(RESTRICTED.values())),
        ),
    )


def test_a_bar_separates_channels_too():
    """Rule 6.2: what no pipe table can tell."""
    con = empty_warehouse()
    con.execute("insert into raw.member_preference (person_id, restricted_channels) values ('ann', 'sms|Phone')")
    build_models(con, ["core.preference"], AS_OF)
    assert rows_of(con, "core.preference", ["is_phone_restricted", "is_mail_restricted"]) == [("yes", "no")]


def test_of_several_rows_every_restricted_channel_counts(story):
    """Rule 6.2: rows tell no time, so that no row takes back another."""
    story(
        model="core.preference",
        given={"raw.member_preference": "person_id | restricted_channels\nann | voice\nann | sms\nann | -\nbob | -"},
        expect="person_id | is_phone_restricted | is_mail_restricted\nann | yes | no\nbob | no | no",
    )


def test_every_attempt_is_a_call_but_those_that_are_known_to_be_none(story):
    """Rule 6.3: a call counts for the week, whatever it is called."""
    calls = ["mobile", "Cell phone", "Phone call", "video", "-", "n/a"]
    others = [
        "sms",
        "Text message",
        "mail",
        "letter",
        "e-mail",
        "fax",
        "portal",
        "app",
        "in person",
        "In-Person",
        "counter",
    ]
    cases = {f"call{n}": ("frequency_cap", word) for n, word in enumerate(calls)}
    cases |= {f"other{n}": ("-", word) for n, word in enumerate(others)}
    story(
        model="outreach.eligible_gap",
        given=gaps_of(list(cases))
        | {
            "raw.outreach_outcome": rows(
                "person_id | gap_code | outcome_code | attempted_at | channel",
                *(f"{name} | SUPD | LEFT_VM | 2026-06-29 10:00:00 | {word}" for name, (_, word) in cases.items()),
            )
        },
        expect=judged(cases),
    )


# Consents (rule 6.2)

SCOPES = {
    # What somebody called it, whether the consent still holds, and what follows.
    "program": (False, "do_not_contact"),
    "Programme.": (False, "do_not_contact"),
    "all": (False, "do_not_contact"),
    "TCPA": (False, "do_not_contact"),
    "contact": (False, "do_not_contact"),
    "newsletter": (False, "do_not_contact"),
    "newsletters": (True, "-"),
    "phone": (False, "-"),
    "sms": (False, "-"),
    "42 CFR part 2": (False, "-"),
    "marketing": (False, "-"),
    "adherence": (False, "-"),
    "medication_adherence": (False, "-"),
}


def test_a_consent_that_is_over_holds_what_it_names(story):
    """Rule 6.2: without a programme and of a scope that nobody knows it holds all contact. What names a channel, a family,
    a programme or a use of data is read where that is decided."""
    story(
        model="outreach.contact_block",
        given={
            "core.member": members([f"p{n}" for n in range(len(SCOPES))]),
            "core.enrollment": rows(
                "member_key | enrollment_start_date | enrollment_end_date",
                *(f"{n + 1} | 2025-01-01 | 2026-12-31" for n in range(len(SCOPES))),
            ),
            "core.coverage_status": "member_key",
            "raw.member_consent": rows(
                "person_id | scope | valid_to",
                *(
                    f"p{n} | {scope} | {'2026-06-30' if is_valid else '2026-06-29'}"
                    for n, (scope, (is_valid, _)) in enumerate(SCOPES.items())
                ),
            ),
        },
        expect=rows(
            "member_key | block_reason",
            *(f"{n + 1} | {reason}" for n, (_, reason) in enumerate(SCOPES.values()) if reason != "-"),
        ),
    )


def test_one_scope_of_all_contact_does_not_renew_another(story):
    """Rule 6.2: `program` renews `programme`; that all contact is agreed to takes back no opt-out of TCPA's."""
    story(
        model="outreach.contact_block",
        given={
            "core.member": members(["renewed", "tcpa_over"]),
            "core.enrollment": """
                member_key | enrollment_start_date | enrollment_end_date
                1          | 2025-01-01            | 2026-12-31
                2          | 2025-01-01            | 2026-12-31
            """,
            "core.coverage_status": "member_key",
            "raw.member_consent": """
                person_id | scope     | valid_to
                renewed   | programme | 2026-06-29
                renewed   | program   | -
                tcpa_over | tcpa      | 2026-06-29
                tcpa_over | all       | -
            """,
        },
        expect="member_key | block_reason\n2 | do_not_contact",
    )


def test_a_consent_to_a_channel_that_is_over_takes_the_channel(story):
    """Rule 6.2: channels are scopes by any of their names."""
    names = ["phone_over", "calls_over", "mail_over", "sms_over"]
    story(
        model="outreach.contact_channel",
        given={
            "core.member": members(
                names,
                phone=dict.fromkeys(names, "512-555-0100"),
                address=dict.fromkeys(names, "1 Main St"),
                zip_code=dict.fromkeys(names, "79901"),
            ),
            "raw.member_consent": """
                person_id  | scope        | valid_to
                phone_over | phone        | 2026-06-29
                calls_over | Phone calls  | 2026-06-29
                mail_over  | mail         | 2026-06-29
                sms_over   | sms          | 2026-06-29
            """,
        },
        expect="""
            member_key | is_phone_usable | is_mail_usable
            1          | no              | yes
            2          | no              | yes
            3          | yes             | no
            4          | yes             | yes
        """,
    )


def test_a_member_may_leave_one_programme(story):
    """Rule 6.2, opt-out by programme: a consent whose scope is the programme that a row is raised under, and that is over."""
    cases = {"programme_over": ("do_not_contact",), "programme_on": ("-",), "another_over": ("-",)}
    story(
        model="outreach.eligible_gap",
        given=gaps_of(list(cases))
        | {
            "outreach.gap_programme": rows(
                "gap_id | programme | is_held_back", *(f"{name} | medication_adherence | no" for name in cases)
            ),
            "raw.member_consent": """
                person_id      | scope                | valid_to
                programme_over | Medication-Adherence | 2026-06-29
                programme_on   | medication_adherence | 2026-06-30
                another_over   | family_health        | 2026-06-29
            """,
        },
        expect=judged(cases),
    )


def test_rows_of_a_programme_that_a_member_left_are_taken_back(story):
    """Rules 6.2 and 6.7: what may not be worked any more is recalled; under another programme it stands."""
    names = ["left", "stayed"]
    story(
        model="outreach.release",
        given={
            "core.member": members(names),
            "raw.state_release": """
                gap_id | pharmacy_npi | person_id | gap_code       | first_listed_date | last_listed_date | programme            | recalled_date
                g1     | north        | left      | ADHERENCE_LATE | 2026-06-01        | 2026-06-29       | medication_adherence | -
                g2     | north        | stayed    | ADHERENCE_LATE | 2026-06-01        | 2026-06-29       | medication_adherence | -
                g3     | north        | left      | ADHERENCE_LATE | 2026-06-01        | 2026-06-29       | family_health        | -
            """,
            "outreach.contact_block": "member_key",
            "outreach.worklist": "gap_id",
            "outreach.ledger": "gap_id | status\ng1 | open\ng2 | open\ng3 | open",
            "outreach.scored_gap": "gap_id | channel_reach\ng1 | 1\ng2 | 1\ng3 | 1",
            "raw.member_consent": """
                person_id | scope                | valid_to
                left      | medication_adherence | 2026-06-29
                stayed    | medication_adherence | -
            """,
        },
        expect="gap_id | recalled_date\ng1 | 2026-06-30\ng2 | -\ng3 | -",
    )


# Words without a day (rule 6.7)


def test_a_word_without_a_day_counts_from_the_night_that_reads_it(story):
    """Rules 6.3 and 6.7: a refusal whose date cannot be read is a refusal. Dan's was read on 3 May: told again it is no
    newer. Of a day to come only what binds counts at once; what lifts a protection needs its own day."""
    story(
        given={
            "core.member": members(["ann", "bob", "cleo", "dan", "eve", "fay"]),
            "raw.outreach_outcome": """
                person_id | gap_code       | outcome_code     | attempted_at        | staff_role
                cleo      | ADHERENCE_LATE | REACHED_DECLINED | 2026-07-01 10:00:00 | -
            """,
            "raw.refused_word": """
                source_table     | person_id | gap_code       | outcome_code            | attempted_at        | staff_role
                outreach_outcome | ann       | ADHERENCE_LATE | REACHED_DECLINED (cost) | -                   | -
                outreach_outcome | bob       | ADHERENCE_LATE | NOT_MY_PATIENT          | 0026-06-29 00:00:00 | -
                outreach_outcome | dan       | ADHERENCE_LATE | LEFT_VM                 | -                   | -
                outreach_outcome | eve       | ADHERENCE_LATE | ALIVE_CONFIRMED         | -                   | care_manager
                outreach_outcome | eve       | TDAP           | LOSS_MISCODED_CONFIRMED | -                   | care_manager
                outreach_outcome | fay       | ADHERENCE_LATE | SPOKE_TO_HUSBAND        | -                   | -
            """,
            "raw.state_contact_attempt": """
                person_id | gap_code       | outcome_code | attempted_at        | is_undated | is_of_any_subject | subject
                dan       | ADHERENCE_LATE | LEFT_VM      | 2026-05-03 00:00:00 | yes        | yes               | -
            """,
        },
        expect="""
            person_id | outcome_code     | attempted_at        | is_undated
            ann       | REACHED_DECLINED | 2026-06-30 00:00:00 | yes
            bob       | NOT_MY_PATIENT   | 2026-06-30 00:00:00 | yes
            dan       | LEFT_VM          | 2026-05-03 00:00:00 | yes
            fay       | SPOKE_TO_HUSBAND | 2026-06-30 00:00:00 | yes
        """,
    )


def test_a_word_without_a_day_takes_that_of_no_other_word(story):
    """Rule 6.7, maternal 1.7: ann was not pregnant a year ago, and again tonight. What an older version kept says nothing
    of whether it had a day; one of midnight may have had none. Cal's report of a day of its own stands beside it."""
    story(
        given={
            "core.member": members(["ann", "bob", "cal"]),
            "raw.refused_word": """
                source_table     | person_id | gap_code | outcome_code | attempted_at
                outreach_outcome | ann       | TDAP     | NOT_PREGNANT | -
                outreach_outcome | bob       | TDAP     | NOT_PREGNANT | -
                outreach_outcome | cal       | TDAP     | NOT_PREGNANT | -
            """,
            "raw.state_contact_attempt": """
                person_id | gap_code | outcome_code | attempted_at        | is_undated | is_of_any_subject | subject
                ann       | TDAP     | NOT_PREGNANT | 2025-06-30 00:00:00 | no         | yes               | -
                bob       | TDAP     | NOT_PREGNANT | 2026-05-03 00:00:00 | -          | yes               | -
                cal       | TDAP     | NOT_PREGNANT | 2026-05-03 16:30:00 | -          | yes               | -
            """,
        },
        expect="""
            person_id | attempted_at        | is_undated
            ann       | 2025-06-30 00:00:00 | no
            ann       | 2026-06-30 00:00:00 | yes
            bob       | 2026-05-03 00:00:00 | yes
            cal       | 2026-05-03 16:30:00 | no
            cal       | 2026-06-30 00:00:00 | yes
        """,
    )


def test_a_death_without_a_day_counts_from_the_night_that_first_read_it(story):
    """Rules 6.2 and 6.7: ann was said to have died on 10 June, was confirmed alive on the 12th, and is said to have died
    again, on no day: tonight. Bob's was first read on 9 June and is told still: that he is alive was confirmed later. So
    it was of hal, whose was first read on the day of another confirmation, and of gil that one alone. Fay was confirmed
    alive on the day of this night, which nobody can say was later; of eve eligibility says that she died, and no word
    lifts that. A confirmation that is no care manager's (ike), or of a day to come (dee), makes no difference.
    """
    names = ["ann", "bob", "cal", "dee", "eve", "fay", "gil", "hal", "ike"]
    told = ["ann", "bob", "dee", "fay", "gil", "hal", "ike"]
    story(
        model="outreach.contact_block",
        given={
            "core.member": members(names, death_date={"eve": "2026-06-01"}),
            "core.enrollment": rows(
                "member_key | enrollment_start_date | enrollment_end_date",
                *(f"{key} | 2025-01-01 | 2026-12-31" for key in range(1, len(names) + 1)),
            ),
            "core.coverage_status": "member_key",
            "raw.outreach_outcome": """
                person_id | gap_code       | outcome_code    | attempted_at        | staff_role
                ann       | ADHERENCE_LATE | ALIVE_CONFIRMED | 2026-06-12 10:00:00 | care_manager
                cal       | ADHERENCE_LATE | ALIVE_CONFIRMED | 2026-06-12 10:00:00 | care_manager
                dee       | ADHERENCE_LATE | ALIVE_CONFIRMED | 2026-07-12 10:00:00 | care_manager
                eve       | ADHERENCE_LATE | ALIVE_CONFIRMED | 2026-06-12 10:00:00 | care_manager
                fay       | ADHERENCE_LATE | ALIVE_CONFIRMED | 2026-06-30 10:00:00 | care_manager
                ike       | ADHERENCE_LATE | ALIVE_CONFIRMED | 2026-06-12 10:00:00 | pharmacist
            """,
            "raw.refused_word": rows(
                "source_table | person_id | gap_code | outcome_code | attempted_at",
                *(f"outreach_outcome | {name} | ADHERENCE_LATE | DECEASED_REPORTED | -" for name in told),
            ),
            "raw.state_contact_attempt": """
                person_id | gap_code       | outcome_code      | attempted_at        | is_undated | staff_role
                ann       | ADHERENCE_LATE | DECEASED_REPORTED | 2026-06-10 00:00:00 | no         | -
                bob       | ADHERENCE_LATE | DECEASED_REPORTED | 2026-06-09 00:00:00 | yes        | -
                bob       | ADHERENCE_LATE | ALIVE_CONFIRMED   | 2026-06-12 10:00:00 | no         | care_manager
                cal       | ADHERENCE_LATE | DECEASED_REPORTED | 2026-06-10 00:00:00 | no         | -
                gil       | ADHERENCE_LATE | DECEASED_REPORTED | 2026-06-12 10:00:00 | yes        | -
                gil       | ADHERENCE_LATE | ALIVE_CONFIRMED   | 2026-06-12 10:00:00 | no         | care_manager
                hal       | ADHERENCE_LATE | DECEASED_REPORTED | 2026-06-12 10:00:00 | yes        | -
                hal       | ADHERENCE_LATE | ALIVE_CONFIRMED   | 2026-06-12 10:00:00 | no         | care_manager
                hal       | ADHERENCE_LATE | ALIVE_CONFIRMED   | 2026-06-20 10:00:00 | no         | care_manager
                ike       | ADHERENCE_LATE | DECEASED_REPORTED | 2026-06-09 00:00:00 | yes        | -
            """,
        },
        expect={
            "outreach.contact_block": rows(
                "member_key | block_reason",
                *(f"{names.index(name) + 1} | deceased" for name in ("ann", "dee", "eve", "fay", "gil", "ike")),
            ),
            # What the plan has to clear up is the same, but for the death that eligibility knows.
            "outreach.contact_data_queue": rows(
                "person_id | queue_reason | last_report_date",
                "ann | deceased_reported | 2026-06-30",
                "dee | deceased_reported | 2026-06-30",
                "fay | deceased_reported | 2026-06-30",
                "gil | deceased_reported | 2026-06-12",
                "ike | deceased_reported | 2026-06-09",
            ),
        },
    )


def test_a_service_without_a_day_is_not_paid_for(story):
    """Rule 6.8: of which period it is nobody could say. Told again with its day, it pays."""
    story(
        model="outreach.compensation",
        given={
            "facts.contact_attempt": """
                person_id | gap_id | pharmacy_npi | attempted_at        | attempted_date | outcome_code      | is_undated
                ann       | told   | north        | 2026-06-20 10:00:00 | 2026-06-20     | REACHED_COMPLETED | no
                bob       | guess  | north        | 2026-06-20 00:00:00 | 2026-06-20     | REACHED_COMPLETED | yes
            """,
            "outreach.release": """
                gap_id | pharmacy_npi | person_id | gap_code       | first_listed_date | programme | service_code
                told   | north        | ann       | ADHERENCE_LATE | 2026-06-01        | calls     | CALL
                guess  | north        | bob       | ADHERENCE_LATE | 2026-06-01        | calls     | CALL
            """,
            "raw.programme_outcome": """
                programme_id | service_code | outcome_code      | pays_as   | once_per
                calls        | CALL         | REACHED_COMPLETED | completed | quarter
            """,
        },
        expect="gap_id\ntold",
    )


# Of whom a report may speak (rule 6.7)


def test_an_opt_out_holds_whoever_it_may_speak_of(story):
    """Rules 6.2 and 6.7: it names bob and a row of ann's, cal's is on no list any more, and nobody knows dan's number.
    A decline is of whom it names."""
    story(
        given={
            "core.member": members(["ann", "bob", "cal"]),
            "raw.state_gap": "gap_id | person_id | gap_code | subject\nrow | ann | SUPD | statin",
            "raw.state_release": "gap_id | pharmacy_npi | person_id | gap_code\npast | north | cal | COB",
            "raw.outreach_outcome": """
                person_id | gap_id | outcome_code      | attempted_at
                bob       | row    | OPT_OUT           | 2026-06-01 10:00:00
                12345     | past   | DECEASED_REPORTED | 2026-06-02 10:00:00
                bob       | row    | REACHED_DECLINED  | 2026-06-03 10:00:00
            """,
        },
        expect="""
            person_id | gap_id | outcome_code
            bob       | row    | OPT_OUT
            ann       | row    | OPT_OUT
            12345     | past   | DECEASED_REPORTED
            cal       | past   | DECEASED_REPORTED
            bob       | row    | REACHED_DECLINED
        """,
    )
