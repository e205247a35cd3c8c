"""How a reported outcome closes a gap, and what becomes of rows that are out: domain rule 6.7, interface 3.

As of 30 June 2026. A gap is named after its member, whose family finds it tonight unless a story says that it is gone.
"""

from __future__ import annotations

import hashlib

from tests.stories.outreach import members, rows

MODEL = "outreach.ledger"
AS_OF = "2026-06-30"

STATE = "gap_id | person_id | gap_family | gap_code | subject | status | closing_reason | opened_date | closed_date | window_start_date | window_end_date"


def enrolled(count: int) -> str:
    """`core.enrollment` of the first so many members, whose spans are open."""
    return rows("member_key", *(str(key) for key in range(1, count + 1)))


def judged(count: int) -> str:
    """`facts.adherence` of the first so many members, whom the measure of statins judges."""
    return rows(
        "member_key | measure_key | pdc | exclusion_reason", *(f"{key} | 8 | 0.9 | -" for key in range(1, count + 1))
    )


def night(
    found: list[str], known: list[str], outcomes: list[str] | None = None, remembered: list[str] | None = None
) -> dict[str, str]:
    """Members whose late refill a family finds, what the night before knew, and what was reported.

    A known gap is `name status reason opened closed`; an outcome `name CODE date`.
    """
    names = sorted({*found, *(line.split()[0] for line in known)})
    told = []
    for line in known:
        name, status, reason, opened, closed = line.split()
        told.append(
            f"{name} | {name} | adherence | ADHERENCE_LATE | pdc_statins | {status} | {reason} | {opened} | {closed} | 2026-04-01 | 2026-12-31"
        )
    reports = [
        f"{name} | ADHERENCE_LATE | {code} | {day} 10:00:00" for name, code, day in map(str.split, outcomes or [])
    ]
    return {
        "core.member": members(names),
        "core.enrollment": enrolled(len(names)),
        "facts.adherence": judged(len(names)),
        "facts.maternal_gate": "closed_reason\n-",
        "facts.suppression": "member_key",
        "facts.held_subject": "member_key",
        "outreach.every_gap": rows(
            "member_key | gap_code | gap_family | subject | status | window_start_date | window_end_date",
            *(
                f"{names.index(name) + 1} | ADHERENCE_LATE | adherence | pdc_statins | open | 2026-04-01 | 2026-12-31"
                for name in found
            ),
        ),
        "raw.state_gap": rows(STATE, *told),
        "raw.outreach_outcome": rows("person_id | gap_code | outcome_code | attempted_at", *reports),
    }


def test_a_report_closes_a_gap_until_a_claim_can_have_come(story):
    """Rule 6.7, evidence of closure: claim > pharmacy's record > member's word. 45 days without a claim, and it opens again.

    17 May is 44 days back, 16 May 45. A report of before the gap opened is of an earlier one; nothing else closes.
    """
    story(
        given=night(
            ["record", "word", "both", "agreed", "before", "same_day", "old", "new_today", "tomorrow"],
            [
                f"{name} open - 2026-05-01 -"
                for name in ("record", "word", "both", "agreed", "old", "tomorrow")
            ]
            + ["before open - 2026-06-02 -", "same_day open - 2026-06-01 -"],
            [
                "record REACHED_COMPLETED 2026-05-17", "word GAP_ALREADY_CLOSED 2026-06-01",
                "both GAP_ALREADY_CLOSED 2026-06-03", "both REACHED_COMPLETED 2026-06-02",
                "agreed REACHED_ACCEPTED_PENDING 2026-06-01", "before REACHED_COMPLETED 2026-06-01",
                "same_day REACHED_COMPLETED 2026-06-01", "old REACHED_COMPLETED 2026-05-16",
                "new_today REACHED_COMPLETED 2026-06-29", "tomorrow REACHED_COMPLETED 2026-07-01",
            ],
        ),
        expect="""
            person_id | status | closing_reason | opened_date | closed_date
            record    | closed | documented     | 2026-05-01  | 2026-06-30
            word      | closed | reported       | 2026-05-01  | 2026-06-30
            both      | closed | documented     | 2026-05-01  | 2026-06-30
            agreed    | open   | -              | 2026-05-01  | -
            before    | open   | -              | 2026-06-02  | -
            same_day  | closed | documented     | 2026-06-01  | 2026-06-30
            old       | open   | -              | 2026-05-01  | -
            new_today | closed | documented     | 2026-06-30  | 2026-06-30
            tomorrow  | open   | -              | 2026-05-01  | -
        """,
    )  # fmt: skip


def test_a_gap_that_a_report_closed_lives_on_under_its_id(story):
    """It keeps id and dates while the report stands; a claim that follows is the better proof; without one it opens anew.

    A record after a word is better proof too. What a claim closed and now is there again is another gap.
    """
    known = [
        "standing closed documented 2026-05-01 2026-06-10", "claimed closed documented 2026-05-01 2026-06-10",
        "told closed reported 2026-05-01 2026-06-10", "word_only closed reported 2026-05-01 2026-06-10",
        "nothing closed documented 2026-04-05 2026-05-10", "again closed resolved 2026-05-01 2026-06-10",
    ]  # fmt: skip
    given = night(
        ["standing", "told", "nothing", "again"],
        known,
        [
            "standing REACHED_COMPLETED 2026-06-09", "told GAP_ALREADY_CLOSED 2026-06-09", "told REACHED_COMPLETED 2026-06-20",
            "nothing REACHED_COMPLETED 2026-05-09", "again REACHED_COMPLETED 2026-06-09",
        ],
    )  # fmt: skip
    story(
        given=given,
        expect=f"""
            gap_id    | status | closing_reason | opened_date | closed_date
            standing  | closed | documented     | 2026-05-01  | 2026-06-10
            claimed   | closed | resolved       | 2026-05-01  | 2026-06-10
            told      | closed | documented     | 2026-05-01  | 2026-06-10
            word_only | closed | resolved       | 2026-05-01  | 2026-06-10
            {new_id("nothing", "nothing")} | open | - | 2026-06-30 | -
            {new_id("again", "again")}     | open | - | 2026-06-30 | -
        """,
    )


def new_id(person: str, earlier: str, since: str = "2026-04-01") -> str:
    """Interface 3.1: the digest of a gap that opens again over the same window; the closed one's id keeps them apart."""
    text = f"change-me|{person}|ADHERENCE_LATE|pdc_statins|{since}|{earlier}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def test_an_outcome_that_ends_a_gap_of_a_pregnancy_is_no_claim(story):
    """Families of pregnancies take a pharmacist's word themselves; how such a gap ended is told by the best that was said.

    Ann's was done, bea's declined, cal's prescriber answered. Of dee's nothing was said, and no claim closes it: a birth
    or a stay took it away, which is no closure (6.7). A report of before the gap opened (eve) says nothing of it. A claim
    closes fay's; of ida's it closes what an earlier pregnancy asked, of kim's another code.
    """
    names = ["ann", "bea", "cal", "dee", "eve", "fay", "ida", "kim"]
    story(
        given=night([], [])
        | {
            "core.member": members(names),
            "core.enrollment": enrolled(len(names)),
            "raw.state_gap": rows(
                STATE,
                *(
                    f"{name} | {name} | prenatal_supply | {'FOLIC_HIGH' if name == 'cal' else 'TDAP'} | episode 1 | open | - | 2026-06-01 | - | 2026-05-01 | 2026-07-31"
                    for name in names
                ),
            ),
            "raw.outreach_outcome": """
                person_id | gap_code   | outcome_code        | attempted_at
                ann       | TDAP       | REACHED_DECLINED    | 2026-06-02 10:00:00
                ann       | TDAP       | REACHED_COMPLETED   | 2026-06-20 10:00:00
                bea       | TDAP       | REACHED_DECLINED    | 2026-06-02 10:00:00
                cal       | FOLIC_HIGH | PRESCRIBER_REJECTED | 2026-06-02 10:00:00
                eve       | TDAP       | REACHED_COMPLETED   | 2026-05-31 10:00:00
            """,
            "facts.maternal_rule": rows(
                MATERNAL,
                "4 | 1 | 1 | TDAP | 90 | 2026-01-01 | no",
                "6 | 1 | 1 | TDAP | 90 | 2026-01-01 | yes",
                "7 | 2 | 1 | TDAP | 90 | 2026-01-01 | yes",
                "8 | 1 | 2 | LDA | 90 | 2026-01-01 | yes",
            ),
        },
        expect="""
            person_id | status | closing_reason
            ann       | closed | documented
            bea       | closed | declined
            cal       | closed | documented
            dee       | closed | expired
            eve       | closed | expired
            fay       | closed | resolved
            ida       | closed | expired
            kim       | closed | expired
        """,
    )


MATERNAL = "member_key | episode | prenatal_rule_key | gap_code | recorded_days | lmp_date | is_closed"


def pregnancies(*lines: str) -> dict[str, str]:
    """Members in one pregnancy since 1 January: `name state found|gone asked|closed|over [CODE days]`, and their gaps.

    A state is what the night before knew of a gap of Tdap; asked is what claims leave open tonight, closed what a claim
    closes, over a pregnancy of which nobody speaks any more.
    """
    known, found, rules, reports = [], [], [], []
    for key, line in enumerate(lines, start=1):
        name, state, presence, claims, *words = line.split()
        opened = {"open": "open | - | 2026-03-01 | -"}.get(state, f"closed | {state} | 2026-03-01 | 2026-03-20")
        known.append(f"{name} | {name} | prenatal_supply | TDAP | episode 1 | {opened} | 2026-02-01 | 2026-12-31")
        if presence == "found":
            found.append(f"{key} | TDAP | prenatal_supply | episode 1 | open | 2026-02-01 | 2026-12-31")
        if claims != "over":
            rules.append(f"{key} | 1 | 1 | TDAP | 90 | 2026-01-01 | {'yes' if claims == 'closed' else 'no'}")
        if words:
            code, day = words
            reports.append(f"{name} | TDAP | {code} | {day} 10:00:00")
    names = [line.split()[0] for line in lines]
    return night([], []) | {
        "core.member": members(names),
        "core.enrollment": enrolled(len(names)),
        "facts.maternal_rule": rows(MATERNAL, *rules),
        "facts.maternal_episode": "member_key",
        "facts.pregnancy_review": "member_key",
        "outreach.every_gap": rows(
            "member_key | gap_code | gap_family | subject | status | window_start_date | window_end_date", *found
        ),
        "raw.state_gap": rows(STATE, *known),
        "raw.outreach_outcome": rows("person_id | gap_code | outcome_code | attempted_at", *reports),
    }


def test_a_claim_that_follows_a_word_in_a_pregnancy_is_seen(story):
    """Rule 6.7, maternal 2: a later claim, then the pharmacy's record, then the member's word, then a decline.

    A word closes what claims leave open, for 90 days here (2 April is the first of them), and stands where the pregnancy
    is over or spoken of no more: that is no claim. A claim is the better proof, also of the same night, also of a
    decline. Without one the gap opens again under a new id.
    """
    anew = hashlib.sha256(b"change-me|anew|TDAP|episode 1|2026-02-01|anew").hexdigest()[:16]
    story(
        given=pregnancies(
            "done open found asked REACHED_COMPLETED 2026-06-29", "told open found asked GAP_ALREADY_CLOSED 2026-06-29",
            "declined open found asked REACHED_DECLINED 2026-06-29", "sent open found asked REFERRED 2026-06-29",
            "called open found asked NO_ANSWER 2026-06-29",
            "stands documented found asked REACHED_COMPLETED 2026-04-02",
            "anew documented found asked REACHED_COMPLETED 2026-04-01",
            "refused declined found asked REACHED_DECLINED 2026-03-19",
            "claimed documented gone closed REACHED_COMPLETED 2026-04-02",
            "claimed_after_word reported gone closed GAP_ALREADY_CLOSED 2026-04-02",
            "claimed_after_all declined gone closed REACHED_DECLINED 2026-03-19",
            "same_night open gone closed REACHED_COMPLETED 2026-06-29",
            "born documented gone over REACHED_COMPLETED 2026-04-02",
            "in_doubt documented gone asked REACHED_COMPLETED 2026-04-02",
            "born_that_night open gone over GAP_ALREADY_CLOSED 2026-06-29",
        ),
        expect={
            MODEL: f"""
                gap_id             | status | closing_reason | opened_date | closed_date
                done               | closed | documented     | 2026-03-01  | 2026-06-30
                told               | closed | reported       | 2026-03-01  | 2026-06-30
                declined           | closed | declined       | 2026-03-01  | 2026-06-30
                sent               | closed | documented     | 2026-03-01  | 2026-06-30
                called             | open   | -              | 2026-03-01  | -
                stands             | closed | documented     | 2026-03-01  | 2026-03-20
                {anew}             | open   | -              | 2026-06-30  | -
                refused            | closed | declined       | 2026-03-01  | 2026-03-20
                claimed            | closed | resolved       | 2026-03-01  | 2026-03-20
                claimed_after_word | closed | resolved       | 2026-03-01  | 2026-03-20
                claimed_after_all  | closed | resolved       | 2026-03-01  | 2026-03-20
                same_night         | closed | resolved       | 2026-03-01  | 2026-06-30
                born               | closed | documented     | 2026-03-01  | 2026-03-20
                in_doubt           | closed | documented     | 2026-03-01  | 2026-03-20
                born_that_night    | closed | reported       | 2026-03-01  | 2026-06-30
            """,
            # 16 lives, since `anew` has two; of the claims four, of records six (with `anew`'s first), of words two.
            "outreach.closure_rate": """
                gap_code | opened_count | claim_count | documentation_count | report_count
                TDAP     | 16           | 4           | 6                   | 2
            """,
        },
    )  # fmt: skip


def test_a_review_that_the_prescriber_answered_stays_found(story):
    """Maternal 2.3: acknowledged by the prescriber, it is closed for 90 days (1 April is the first), by record and not by
    a claim; whatever the urgency has become. What was said of another medicine, and a word to the member, is no answer.
    """
    cases = {
        "first_day": "lisinopril PRESCRIBER_ACCEPTED 2026-04-01", "too_long_ago": "lisinopril PRESCRIBER_REJECTED 2026-03-31",
        "asked": "lisinopril PRESCRIBER_CONTACTED 2026-06-29", "other": "atenolol PRESCRIBER_ACCEPTED 2026-06-29",
    }  # fmt: skip
    names = list(cases)
    keys = range(1, len(names) + 1)
    story(
        given=pregnancies()
        | {
            "core.member": members(names),
            "core.enrollment": enrolled(len(names)),
            "facts.pregnancy_review": rows(
                "member_key | ingredient | gap_code", *(f"{key} | lisinopril | MED_REVIEW_TODAY" for key in keys)
            ),
            "outreach.every_gap": rows(
                "member_key | gap_code | gap_family | subject | status | window_start_date | window_end_date",
                *(
                    f"{key} | MED_REVIEW_TODAY | medication_review | lisinopril | open | 2026-02-01 | 2026-12-31"
                    for key in keys
                ),
            ),
            "raw.state_gap": rows(
                STATE,
                *(
                    f"{name} | {name} | medication_review | MED_REVIEW_TODAY | lisinopril | open | - | 2026-03-01 | - | 2026-02-01 | 2026-12-31"
                    for name in names
                ),
            ),
            "raw.outreach_outcome": rows(
                "person_id | gap_code | subject | outcome_code | attempted_at",
                *(f"{name} | MED_REVIEW_SOON | {' | '.join(text.split())} 10:00:00" for name, text in cases.items()),
            ),
        },
        expect="""
            gap_id       | status | closing_reason
            first_day    | closed | documented
            too_long_ago | open   | -
            asked        | open   | -
            other        | open   | -
        """,
    )


def test_a_word_on_a_familys_own_terms_closes_what_claims_leave_open(story):
    """Rule 6.7, claim > pharmacy's record > member's word: such families tell what claims say, and the ledger hears the word.

    `done` was open when it came, `stands` closed by it; `claimed` is no longer found: a claim. `over`: the word stands no
    more. `before`: the word came before there was a gap. What claims had closed (`earlier`) a word does not open. Where the
    window is over no claim can follow: the last word is the proof of `late` and of `late_by_report`, and `too_late` had none.
    """
    names = ["done", "told", "stands", "claimed", "over", "before", "earlier", "late", "late_by_report", "too_late"]
    words = {"done": "documented", "told": "reported"} | dict.fromkeys(
        ("stands", "claimed", "before", "earlier", "late"), "documented"
    )
    known = [
        "done open - 2026-06-01 - -", "told open - 2026-06-01 - -", "stands closed documented 2026-05-01 2026-06-10 -",
        "claimed closed documented 2026-05-01 2026-06-10 -", "over closed documented 2026-01-05 2026-02-10 -",
        "earlier closed resolved 2026-05-01 2026-06-10 -", "late open - 2026-06-01 - 2026-06-29",
        "late_by_report open - 2026-06-01 - 2026-06-29", "too_late open - 2026-06-01 - 2026-06-29",
    ]  # fmt: skip
    told = []
    for line in known:
        name, status, reason, opened, closed, end = line.split()
        told.append(
            f"{name} | {name} | provider_desert | PD_PCP | - | {status} | {reason} | {opened} | {closed} | 2026-04-01 | {end}"
        )
    over = hashlib.sha256(b"change-me|over|PD_PCP||2026-04-01|over").hexdigest()[:16]
    story(
        given=night([], [])
        | {
            "core.member": members(names),
            "core.enrollment": enrolled(len(names)),
            "outreach.every_gap": rows(
                "member_key | gap_code | gap_family | subject | status | window_start_date | window_end_date",
                *(
                    f"{names.index(name) + 1} | PD_PCP | provider_desert | - | open | 2026-04-01 | -"
                    for name in ("done", "told", "stands", "over", "before", "earlier")
                ),
            ),
            "facts.closing_word": rows(
                "member_key | gap_code | subject | closing_reason",
                *(f"{names.index(name) + 1} | PD_PCP | - | {reason}" for name, reason in words.items()),
            ),
            "raw.state_gap": rows(STATE, *told),
            "raw.outreach_outcome": """
                person_id      | gap_code | outcome_code       | attempted_at
                late_by_report | PD_PCP    | GAP_ALREADY_CLOSED | 2026-06-28 10:00:00
            """,
        },
        expect=f"""
            gap_id         | status | closing_reason | opened_date | closed_date
            done           | closed | documented     | 2026-06-01  | 2026-06-30
            told           | closed | reported       | 2026-06-01  | 2026-06-30
            stands         | closed | documented     | 2026-05-01  | 2026-06-10
            claimed        | closed | resolved       | 2026-05-01  | 2026-06-10
            {over}         | open   | -              | 2026-06-30  | -
            earlier        | closed | resolved       | 2026-05-01  | 2026-06-10
            late           | closed | documented     | 2026-06-01  | 2026-06-30
            late_by_report | closed | reported       | 2026-06-01  | 2026-06-30
            too_late       | closed | expired        | 2026-06-01  | 2026-06-30
        """,
    )  # fmt: skip


def test_who_may_close_a_reconciliation_its_rule_says(story):
    """Transitions 3.2: medicines are compared by a pharmacist, a prescriber or a nurse; a technician's word closes nothing."""
    names = ["technician", "pharmacist"]
    story(
        given=night([], [])
        | {
            "core.member": members(names),
            "core.enrollment": enrolled(2),
            "outreach.every_gap": rows(
                "member_key | gap_code | gap_family | subject | status | window_start_date | window_end_date",
                *(f"{key} | MRP | care_transition | discharge 2026-06-11 | open | 2026-06-11 | 2026-07-11" for key in (1, 2)),
            ),
            "facts.discharge": """
                member_key | subject              | discharge_date | not_asked_reason
                1          | discharge 2026-06-11 | 2026-06-11     | -
                2          | discharge 2026-06-11 | 2026-06-11     | -
            """,
            "facts.ended_subject": "member_key",
            "raw.state_gap": rows(
                STATE,
                *(
                    f"{name} | {name} | care_transition | MRP | discharge 2026-06-11 | open | - | 2026-06-12 | - | 2026-06-11 | 2026-07-11"
                    for name in names
                ),
            ),
            "raw.outreach_outcome": rows(
                "person_id | gap_code | outcome_code | staff_role | attempted_at",
                *(f"{name} | MRP | REACHED_COMPLETED | {name} | 2026-06-20 10:00:00" for name in names),
            ),
        },
        expect="person_id | status | closing_reason\ntechnician | open | -\npharmacist | closed | documented",
    )  # fmt: skip


def test_what_is_reported_of_a_reminder_is_reported_of_the_late_refill(story):
    """Rules 6.3, 6.7: of one measure one code stands at a time. It was done under the first name: it is not asked under the next.

    The reminder stood from 1 June. What was said before, of another measure or 45 days ago closes nothing; nor does what
    was said before a claim.
    """
    cases = {
        "done": "pdc_statins REACHED_COMPLETED 2026-06-25", "done_of_any": "- GAP_ALREADY_CLOSED 2026-06-25",
        "before": "pdc_statins REACHED_COMPLETED 2026-05-31", "other": "pdc_ras REACHED_COMPLETED 2026-06-25",
        "claimed_since": "pdc_statins REACHED_COMPLETED 2026-06-05",
    }  # fmt: skip
    names = list(cases)
    known = {name: "open | - | 2026-06-01 | -" for name in names} | {
        "claimed_since": "closed | resolved | 2026-06-01 | 2026-06-10"
    }
    reminders = rows(
        STATE,
        *(
            f"{n} | {n} | adherence | ADHERENCE_AT_RISK | pdc_statins | {was} | 2026-04-01 | 2026-12-31"
            for n, was in known.items()
        ),
    )
    story(
        given=night(names, [])
        | {
            "core.member": members(names),
            "core.enrollment": enrolled(len(names)),
            "outreach.every_gap": rows(
                "member_key | gap_code | gap_family | subject | status | window_start_date | window_end_date",
                *(
                    f"{key} | ADHERENCE_LATE | adherence | pdc_statins | open | 2026-06-28 | 2026-12-31"
                    for key in range(1, len(names) + 1)
                ),
            ),
            "raw.state_gap": reminders,
            "raw.outreach_outcome": rows(
                "person_id | gap_code | subject | outcome_code | attempted_at",
                *(f"{name} | ADHERENCE_AT_RISK | {' | '.join(text.split())} 10:00:00" for name, text in cases.items()),
            ),
        },
        expect="""
            person_id     | gap_code          | status | closing_reason
            done          | ADHERENCE_LATE    | closed | documented
            done          | ADHERENCE_AT_RISK | closed | superseded
            done_of_any   | ADHERENCE_LATE    | closed | reported
            done_of_any   | ADHERENCE_AT_RISK | closed | superseded
            before        | ADHERENCE_LATE    | open   | -
            before        | ADHERENCE_AT_RISK | closed | superseded
            other         | ADHERENCE_LATE    | open   | -
            other         | ADHERENCE_AT_RISK | closed | superseded
            claimed_since | ADHERENCE_LATE    | open   | -
            claimed_since | ADHERENCE_AT_RISK | closed | resolved
        """,
    )


def test_rates_of_closure_keep_the_proofs_apart(story):
    """Rule 6.7: report both rates. Five of six late refills closed, two of them by claims: 2/6 = 0.3333, 5/6 = 0.8333.

    A row that another stands for is no gap of its own; one that never opened, and a sensitive one, are left out.
    """
    story(
        model="outreach.closure_rate",
        given={
            "outreach.ledger": """
                gap_id | gap_code       | gap_family | opened_date | closing_reason | is_sensitive
                g1     | ADHERENCE_LATE | adherence  | 2026-05-01  | resolved       | no
                g2     | ADHERENCE_LATE | adherence  | 2026-05-01  | resolved       | no
                g3     | ADHERENCE_LATE | adherence  | 2026-05-01  | documented     | no
                g4     | ADHERENCE_LATE | adherence  | 2026-05-01  | documented     | no
                g5     | ADHERENCE_LATE | adherence  | 2026-05-01  | reported       | no
                g6     | ADHERENCE_LATE | adherence  | 2026-05-01  | -              | no
                g7     | ADHERENCE_LATE | adherence  | 2026-05-01  | superseded     | no
                g8     | ADHERENCE_LATE | adherence  | -           | -              | no
                g9     | ADHERENCE_LATE | adherence  | 2026-05-01  | resolved       | yes
                g0     | SUPD           | diabetes   | 2026-05-01  | expired        | no
            """
        },
        expect="""
            gap_code       | opened_count | claim_count | documentation_count | report_count | claim_rate | rate
            ADHERENCE_LATE | 6            | 2           | 2                   | 1            | 0.3333     | 0.8333
            SUPD           | 1            | 0           | 0                   | 0            | 0          | 0
        """,
    )


LIFE = (
    "gap_id | person_id | gap_family | gap_code | subject | opened_date | closed_date | closing_reason | is_sensitive"
)


def test_a_gap_that_opens_again_keeps_the_closure_of_its_earlier_life(story):
    """Rule 6.7, interface 3.1: new id on reopening. Ann's refill was late, made (a claim) and is late again; bob's was
    only reported, and no claim followed within 45 days. Cal's has closed and opened twice, dee's only closed.

    Of 7 lives that were opened this year 4 closed, 3 of them by a claim: 3/7 = 0.4286, 4/7 = 0.5714. Last year's life of
    cal (`old`) is out of the count, as any gap that closed last year is. Nothing of it hides in the history.
    """
    given = night(
        ["ann", "bob", "cal"],
        [
            "ann closed resolved 2026-05-01 2026-06-10", "bob closed reported 2026-04-05 2026-05-10",
            "cal open - 2026-06-01 -", "dee closed resolved 2026-05-01 2026-06-10",
        ],
        ["bob GAP_ALREADY_CLOSED 2026-05-09"],
    )  # fmt: skip
    given["raw.state_earlier_life"] = rows(
        LIFE,
        "first | cal | adherence | ADHERENCE_LATE | pdc_statins | 2026-02-01 | 2026-03-01 | resolved | no",
        "old   | cal | adherence | ADHERENCE_LATE | pdc_statins | 2025-11-01 | 2025-12-31 | resolved | no",
    )
    anew = {name: new_id(name, name) for name in ("ann", "bob")}
    story(
        given=given
        | {
            "raw.state_gap_history": """
                gap_id | valid_from | status | valid_to   | is_restricted
                ann    | 2026-05-01 | open   | 2026-06-10 | no
                ann    | 2026-06-10 | closed | -          | no
            """,
            "outreach.gap_state": rows(
                "gap_id | gap_code | status | is_sensitive",
                *(f"{gap} | ADHERENCE_LATE | open | no" for gap in (*anew.values(), "cal")),
                "dee | ADHERENCE_LATE | closed | no",
            ),
        },
        expect={
            "outreach.earlier_life": """
                gap_id | person_id | opened_date | closed_date | closing_reason | is_restricted
                ann    | ann       | 2026-05-01  | 2026-06-10  | resolved       | no
                bob    | bob       | 2026-04-05  | 2026-05-10  | reported       | no
                first  | cal       | 2026-02-01  | 2026-03-01  | resolved       | no
            """,
            "outreach.ledger": f"""
                gap_id       | status | closing_reason | opened_date | closed_date
                {anew["ann"]} | open  | -              | 2026-06-30  | -
                {anew["bob"]} | open  | -              | 2026-06-30  | -
                cal          | open   | -              | 2026-06-01  | -
                dee          | closed | resolved       | 2026-05-01  | 2026-06-10
            """,
            "outreach.closure_rate": """
                gap_code       | opened_count | claim_count | documentation_count | report_count | claim_rate | rate
                ADHERENCE_LATE | 7            | 3           | 0                   | 1            | 0.4286     | 0.5714
            """,
            "outreach.gap_history": f"""
                gap_id        | valid_from | status | valid_to
                ann           | 2026-05-01 | open   | 2026-06-10
                ann           | 2026-06-10 | closed | -
                {anew["ann"]} | 2026-06-30 | open   | -
                {anew["bob"]} | 2026-06-30 | open   | -
                cal           | 2026-06-30 | open   | -
                dee           | 2026-06-30 | closed | -
            """,
        },
    )


def test_an_earlier_life_is_no_more_said_than_the_gap_itself(story):
    """Maternal 1.7, L2: after ann's loss nothing is left of what depends on the pregnancy, nor of cal's, whom eligibility
    no longer names. Of bea's it is restricted, as a sensitive one is, which counts in no rate. What nobody may look for
    tonight (no `drug`: no adherence) is kept and not counted (6.7), and so is no life that another code stood for.
    """
    names = ["ann", "bea"]
    story(
        given={
            "core.member": members(names),
            "facts.standing_loss": "member_key\n1",
            "facts.maternal_gate": "closed_reason\n-",
            "raw.ingested": """
                source_table | measure | detail | row_count
                drug         | stored  | rows   | 0
            """,
            "outreach.ledger": "gap_id",
            "raw.state_gap": rows(STATE),
            "raw.state_earlier_life": rows(
                LIFE,
                *(
                    f"{name} | {name} | prenatal_supply | TDAP | e1 | 2026-02-01 | 2026-03-01 | resolved | no"
                    for name in ("ann", "bea", "cal")
                ),
                "late | ann | adherence | ADHERENCE_LATE | pdc_statins | 2026-02-01 | 2026-03-01 | resolved | no",
                "far | ann | provider_desert | PD_PCP | - | 2026-02-01 | 2026-03-01 | documented | no",
                "hidden | ann | provider_desert | PD_BH | - | 2026-02-01 | 2026-03-01 | resolved | yes",
                "other | ann | provider_desert | PD_PCP | - | 2026-01-01 | 2026-01-02 | superseded | no",
            ),
        },
        expect={
            "outreach.earlier_life": """
                gap_id | is_restricted
                bea    | yes
                far    | no
                hidden | yes
                late   | no
                other  | no
            """,
            "outreach.closure_rate": """
                gap_code | opened_count | claim_count | documentation_count
                PD_PCP   | 1            | 0           | 1
                TDAP     | 1            | 1           | 0
            """,
        },
    )


def test_a_refill_closes_what_was_late_and_is_due_again_later(story):
    """Rule 6.7: a later claim resolves; interface 3.1: new id on reopening. A refill puts the day on which it is due ahead.

    `late`, `said` (its pharmacy's record), `asked` (a report of the same week) and `held` (suppressed since) were open for
    the refill of 1 April; it came, and the next is due on 8 July. Each closes by that claim, and the next life begins, of
    which nothing was reported yet. `ahead` was never open, `waits` is late still, `moved` is due no later than before.
    `expired` was over before, and of `over` the window ended yesterday: what comes after it answers nothing.
    """
    names = ["ahead", "asked", "expired", "held", "late", "moved", "over", "said", "waits"]
    given = night(
        [],
        [
            "ahead prospective - - -", "asked open - 2026-05-01 -", "expired closed expired 2026-05-01 2026-06-10",
            "held suppressed - 2026-05-01 -", "late open - 2026-05-01 -", "moved open - 2026-05-01 -",
            "over open - 2026-05-01 -", "said closed documented 2026-05-01 2026-06-10", "waits open - 2026-05-01 -",
        ],
        ["said REACHED_COMPLETED 2026-06-09", "asked REACHED_COMPLETED 2026-06-25"],
    )  # fmt: skip
    ahead = {name: "2026-07-08" for name in names} | {"moved": "2026-04-01"}
    anew = {name: new_id(name, name, "2026-07-08") for name in ("asked", "expired", "held", "late", "said")}
    told = given["raw.state_gap"].splitlines()
    story(
        given=given
        | {
            "raw.state_gap": "\n".join(
                line.replace("2026-12-31", "2026-06-29") if line.startswith("over") else line for line in told
            ),
            "outreach.every_gap": rows(
                "member_key | gap_code | gap_family | subject | status | window_start_date | window_end_date",
                *(
                    f"{key} | ADHERENCE_LATE | adherence | pdc_statins | {'open' if name == 'waits' else 'prospective'} | {ahead[name]} | 2026-12-31"
                    for key, name in enumerate(names, start=1)
                ),
            ),
            "raw.state_gap_history": """
                gap_id | valid_from | status | valid_to   | is_restricted
                late   | 2026-05-01 | open   | -          | no
                said   | 2026-05-01 | open   | 2026-06-10 | no
                said   | 2026-06-10 | closed | -          | no
            """,
            "outreach.gap_state": rows(
                "gap_id | gap_code | status | is_sensitive", f"{anew['late']} | ADHERENCE_LATE | prospective | no"
            ),
        },
        expect={
            MODEL: f"""
                gap_id            | person_id | status      | closing_reason | opened_date | closed_date
                ahead             | ahead     | prospective | -              | -           | -
                {anew["asked"]}   | asked     | prospective | -              | -           | -
                {anew["expired"]} | expired   | prospective | -              | -           | -
                {anew["held"]}    | held      | prospective | -              | -           | -
                {anew["late"]}    | late      | prospective | -              | -           | -
                moved             | moved     | prospective | -              | 2026-05-01  | -
                over              | over      | prospective | -              | 2026-05-01  | -
                {anew["said"]}    | said      | prospective | -              | -           | -
                waits             | waits     | open        | -              | 2026-05-01  | -
            """,
            "outreach.earlier_life": """
                gap_id  | opened_date | closed_date | closing_reason
                asked   | 2026-05-01  | 2026-06-30  | resolved
                expired | 2026-05-01  | 2026-06-10  | expired
                held    | 2026-05-01  | 2026-06-30  | resolved
                late    | 2026-05-01  | 2026-06-30  | resolved
                said    | 2026-05-01  | 2026-06-10  | resolved
            """,
            # Eight lives were opened, `ahead` never was; four closed by a claim.
            "outreach.closure_rate": """
                gap_code       | opened_count | claim_count | documentation_count | report_count | claim_rate
                ADHERENCE_LATE | 8            | 4           | 0                   | 0            | 0.5
            """,
            "outreach.gap_history": f"""
                gap_id         | valid_from | status      | valid_to
                asked          | 2026-06-30 | closed      | -
                held           | 2026-06-30 | closed      | -
                late           | 2026-05-01 | open        | 2026-06-30
                late           | 2026-06-30 | closed      | -
                said           | 2026-05-01 | open        | 2026-06-10
                said           | 2026-06-10 | closed      | -
                {anew["late"]} | 2026-06-30 | prospective | -
            """,
        },
    )


def test_a_fill_that_brings_another_code_closes_what_was_asked(story):
    """Rule 6.7: a claim resolves. After the second fill the next is not late, after the first of the year the second is not.

    `first` was asked for a second fill, `never` for a first one, `said` reported it: each filled, and a refill is due on
    8 July under another code. `lost` filled nothing: its target went out of reach. Of `hospice` no measure judges anything
    any more, which is no closure, of `safe` the supply lasts to the end of the year, which is. The window of `over` ended
    yesterday, before its fill.
    """
    names = ["first", "hospice", "lost", "never", "over", "safe", "said"]
    codes = {"first": "FIRST_FILL", "never": "NOT_STARTED", "over": "FIRST_FILL", "said": "FIRST_FILL"}
    standing = {"first": "LATE", "lost": "LOST", "never": "FIRST_FILL", "over": "LATE", "said": "AT_RISK"}
    state = {"said": "closed | documented | 2026-05-01 | 2026-06-10"}
    story(
        given=night([], [], ["said REACHED_COMPLETED 2026-06-09"])
        | {
            "core.member": members(names),
            "core.enrollment": enrolled(len(names)),
            "facts.adherence": rows(
                "member_key | measure_key | pdc | exclusion_reason",
                *(f"{key} | 8 | 0.9 | {'hospice' if key == 2 else '-'}" for key in range(1, len(names) + 1)),
            ),
            "outreach.every_gap": rows(
                "member_key | gap_code | gap_family | subject | status | window_start_date | window_end_date",
                *(
                    f"{names.index(name) + 1} | ADHERENCE_{code} | adherence | pdc_statins | "
                    + ("lost | 2026-04-01" if code == "LOST" else "prospective | 2026-07-08")
                    + " | 2026-12-31"
                    for name, code in standing.items()
                ),
            ),
            "raw.state_gap": rows(
                STATE,
                *(
                    f"{name} | {name} | adherence | ADHERENCE_{codes.get(name, 'LATE')} | pdc_statins | "
                    f"{state.get(name, 'open | - | 2026-05-01 | -')} | 2026-04-01 | "
                    + ("2026-06-29" if name == "over" else "2026-12-31")
                    for name in names
                ),
            ),
        },
        expect={
            "outreach.closure_rate": """
                gap_code               | opened_count | claim_count | documentation_count
                ADHERENCE_FIRST_FILL   | 2            | 2           | 0
                ADHERENCE_LATE         | 2            | 1           | 0
                ADHERENCE_NOT_STARTED  | 1            | 1           | 0
            """,
            MODEL: """
                person_id | gap_code              | status      | closing_reason
                first     | ADHERENCE_FIRST_FILL  | closed      | resolved
                first     | ADHERENCE_LATE        | prospective | -
                hospice   | ADHERENCE_LATE        | closed      | expired
                lost      | ADHERENCE_LATE        | closed      | superseded
                lost      | ADHERENCE_LOST        | lost        | -
                never     | ADHERENCE_FIRST_FILL  | prospective | -
                never     | ADHERENCE_NOT_STARTED | closed      | resolved
                over      | ADHERENCE_FIRST_FILL  | closed      | superseded
                over      | ADHERENCE_LATE        | prospective | -
                safe      | ADHERENCE_LATE        | closed      | resolved
                said      | ADHERENCE_AT_RISK     | prospective | -
                said      | ADHERENCE_FIRST_FILL  | closed      | resolved
            """,
        },
    )


def test_what_no_claim_tells_is_not_resolved_by_being_gone(story):
    """Rule 6.7: a gap that nobody asks for any more is closed by a claim only where one can tell: a visit, not an offer."""
    codes = {"offer": "COMMUNITY_OFFER", "need": "COMMUNITY_NEED", "far": "PD_RX", "visit": "PD_PCP"}
    names = list(codes)
    families = {"offer": "community_resource", "need": "community_resource"}
    story(
        given=night([], [])
        | {
            "core.member": members(names),
            "core.enrollment": enrolled(len(names)),
            "raw.state_gap": rows(
                STATE,
                *(
                    f"{name} | {name} | {families.get(name, 'provider_desert')} | {code} | - | open | - | 2026-05-01 | - | 2026-04-01 | -"
                    for name, code in codes.items()
                ),
            ),
        },
        expect="""
            gap_id | status | closing_reason
            far    | closed | expired
            need   | closed | expired
            offer  | closed | expired
            visit  | closed | resolved
        """,
    )


def test_who_died_or_left_closes_nothing_by_a_claim(story):
    """Rule 6.7: a claim is the best proof, and of the dead and the uninsured none can come: a gap that is gone proves nothing.

    Death on 30 June counts tonight, on 1 July not yet; enrolment through 29 June is over, through 30 June not. zoe is in
    no file. Either reason goes before a window that is over (`late`) and another code of the subject (`other`); what had
    closed before keeps its reason, and a report is not made a claim.
    """
    names = [
        "dead", "dies_tomorrow", "left", "leaves_tonight", "both", "late", "other", "record", "word", "claimed",
    ]  # fmt: skip
    given = night(
        [],
        [f"{name} open - 2026-05-01 -" for name in [*names[:7], "zoe"]]
        + [
            "record closed documented 2026-05-01 2026-06-10", "word closed reported 2026-05-01 2026-06-10",
            "claimed closed resolved 2026-05-01 2026-06-10",
        ],
    )  # fmt: skip
    ends = {"left": "2026-06-29", "leaves_tonight": "2026-06-30", "both": "2026-06-20", "late": "2026-06-29"}
    ends |= {"other": "2026-06-29", "word": "2026-06-29"}
    story(
        given=given
        | {
            "core.member": members(
                names,
                death_date={
                    "dead": "2026-06-30", "dies_tomorrow": "2026-07-01", "both": "2026-06-20", "record": "2026-06-29",
                    "claimed": "2026-06-29",
                },
            ),
            "core.enrollment": rows(
                "member_key | enrollment_end_date",
                *(f"{key} | {ends.get(name, '2199-12-31')}" for key, name in enumerate(names, start=1)),
            ),
            "raw.state_gap": given["raw.state_gap"].replace(
                "late | late | adherence | ADHERENCE_LATE | pdc_statins | open | - | 2026-05-01 | - | 2026-04-01 | 2026-12-31",
                "late | late | adherence | ADHERENCE_LATE | pdc_statins | open | - | 2026-05-01 | - | 2026-04-01 | 2026-06-29",
            ),
            "outreach.every_gap": """
                member_key | gap_code       | gap_family | subject     | status
                7          | ADHERENCE_LOST | adherence  | pdc_statins | lost
            """,
        },
        expect="""
            person_id      | gap_code       | status | closing_reason | closed_date
            dead           | ADHERENCE_LATE | closed | deceased       | 2026-06-30
            dies_tomorrow  | ADHERENCE_LATE | closed | resolved       | 2026-06-30
            left           | ADHERENCE_LATE | closed | not_enrolled   | 2026-06-30
            leaves_tonight | ADHERENCE_LATE | closed | resolved       | 2026-06-30
            both           | ADHERENCE_LATE | closed | deceased       | 2026-06-30
            late           | ADHERENCE_LATE | closed | not_enrolled   | 2026-06-30
            other          | ADHERENCE_LATE | closed | not_enrolled   | 2026-06-30
            other          | ADHERENCE_LOST | lost   | -              | -
            zoe            | ADHERENCE_LATE | closed | not_enrolled   | 2026-06-30
            record         | ADHERENCE_LATE | closed | documented     | 2026-06-10
            word           | ADHERENCE_LATE | closed | reported       | 2026-06-10
            claimed        | ADHERENCE_LATE | closed | resolved       | 2026-06-10
        """,
    )  # fmt: skip


def test_a_stay_makes_no_claim_of_a_report_either(story):
    """Ann's call was recorded; bea's is still open. Both are back in hospital: what was closed keeps its reason.

    Cal died in the second stay. A later claim makes dee's record `resolved`, as before (rule 6.7).
    """
    names = ["ann", "bea", "cal", "dee"]
    known = ["closed | documented | 2026-06-12 | 2026-06-20", *["open | - | 2026-06-12 | -"] * 2]
    known.append("closed | documented | 2026-06-12 | 2026-06-20")
    story(
        given=night([], [])
        | {
            "core.member": members(names, death_date={"cal": "2026-06-28"}),
            "core.enrollment": enrolled(len(names)),
            "facts.ended_subject": """
                member_key | subject              | closing_reason
                1          | discharge 2026-06-11 | superseded_readmit
                2          | discharge 2026-06-11 | superseded_readmit
                3          | discharge 2026-06-11 | superseded_readmit
            """,
            "raw.state_gap": rows(
                STATE,
                *(
                    f"{name} | {name} | care_transition | MRP | discharge 2026-06-11 | {was} | 2026-06-11 | 2026-07-11"
                    for name, was in zip(names, known, strict=True)
                ),
            ),
        },
        expect="""
            person_id | status | closing_reason
            ann       | closed | documented
            bea       | closed | superseded_readmit
            cal       | closed | deceased
            dee       | closed | resolved
        """,
    )


def test_a_last_word_on_a_gap_of_a_pregnancy_stands_though_the_member_left(story):
    """Rule 6.7: a pharmacy's record is proof. Ann had the vaccine and left the plan; of bea, who left, nobody said anything."""
    story(
        given=night([], [])
        | {
            "core.member": members(["ann", "bea"]),
            "core.enrollment": "member_key | enrollment_end_date\n1 | 2026-06-29\n2 | 2026-06-29",
            "raw.state_gap": rows(
                STATE,
                *(
                    f"{name} | {name} | prenatal_supply | TDAP | episode 1 | open | - | 2026-06-01 | - | 2026-05-01 | 2026-07-31"
                    for name in ("ann", "bea")
                ),
            ),
            "raw.outreach_outcome": """
                person_id | gap_code | outcome_code      | attempted_at
                ann       | TDAP     | REACHED_COMPLETED | 2026-06-29 10:00:00
            """,
        },
        expect="person_id | closing_reason\nann | documented\nbea | not_enrolled",
    )


def test_rates_of_closure_keep_who_died_or_left(story):
    """Opened gaps of those who died or left stay in the denominator, closed by nobody: of four one by a claim, 1/4."""
    story(
        model="outreach.closure_rate",
        given={
            "outreach.ledger": """
                gap_id | gap_code       | gap_family | opened_date | closing_reason | is_sensitive
                g1     | ADHERENCE_LATE | adherence  | 2026-05-01  | resolved       | no
                g2     | ADHERENCE_LATE | adherence  | 2026-05-01  | deceased       | no
                g3     | ADHERENCE_LATE | adherence  | 2026-05-01  | not_enrolled   | no
                g4     | ADHERENCE_LATE | adherence  | 2026-05-01  | -              | no
            """
        },
        expect="""
            gap_code       | opened_count | claim_count | documentation_count | report_count | claim_rate | rate
            ADHERENCE_LATE | 4            | 1           | 0                   | 0            | 0.25       | 0.25
        """,
    )


def test_rows_of_who_died_or_left_are_taken_off(story):
    """Interface 3, recall: the dead, who is not enrolled and who is in no file are called by nobody; claims need no recall."""
    names = ["dead", "left", "home"]
    story(
        model="outreach.recall",
        given=night([], [f"{name} open - 2026-05-01 -" for name in [*names, "zoe"]])
        | {
            "core.member": members(names, death_date={"dead": "2026-06-20"}),
            "core.enrollment": "member_key | enrollment_end_date\n1 | 2199-12-31\n2 | 2026-06-29\n3 | 2199-12-31",
            "outreach.worklist": "gap_id",
            "raw.state_release": rows(
                "gap_id | pharmacy_npi | state | person_id | gap_code | first_listed_date | last_listed_date",
                *(
                    f"{name} | north | TX | {name} | ADHERENCE_LATE | 2026-06-01 | 2026-06-29"
                    for name in [*names, "zoe"]
                ),
            ),
        },
        expect={
            "outreach.ledger": """
                gap_id | closing_reason
                dead   | deceased
                left   | not_enrolled
                home   | resolved
                zoe    | not_enrolled
            """,
            "outreach.recall": """
                gap_id | pharmacy_npi | recalled_date | reason
                dead   | north        | 2026-06-30    | NOT_ELIGIBLE
                left   | north        | 2026-06-30    | NOT_ELIGIBLE
                zoe    | north        | 2026-06-30    | NOT_ELIGIBLE
            """,
        },
    )


def test_a_row_that_another_stands_for_is_taken_off(story):
    """Recalled and superseded rows reach the next file as such; so does one that another pharmacy has now.

    A row that is listed again at its pharmacy, one that claims closed and one that was worked need no recall. No reason
    but `NOT_ELIGIBLE` is ever given (interface 3).
    """
    story(
        model="outreach.release",
        given={
            "core.member": members(["ann", "bob"]),
            "outreach.contact_block": "member_key",
            "outreach.ledger": """
                gap_id     | person_id | member_key | gap_code       | status | closing_reason
                superseded | ann       | 1          | ADHERENCE_LATE | closed | superseded
                worked     | ann       | 1          | ADHERENCE_LATE | closed | superseded
                resolved   | ann       | 1          | ADHERENCE_LATE | closed | resolved
                moved      | bob       | 2          | TOC_CONTACT    | open   | -
                stayed     | ann       | 1          | ADHERENCE_LATE | open   | -
                waiting    | ann       | 1          | ADHERENCE_LATE | open   | -
            """,
            "outreach.worklist": """
                gap_id | pharmacy_npi | state | person_id
                moved  | south        | OK    | bob
                stayed | north        | TX    | ann
            """,
            "raw.state_release": rows(
                "gap_id | pharmacy_npi | state | person_id | gap_code | first_listed_date | last_listed_date",
                *(
                    f"{gap} | north | TX | {who} | {code} | 2026-06-01 | 2026-06-29"
                    for gap in ("superseded", "worked", "resolved", "moved", "stayed", "waiting")
                    for who, code in [("bob", "TOC_CONTACT") if gap == "moved" else ("ann", "ADHERENCE_LATE")]
                ),
            ),
            "raw.outreach_outcome": """
                gap_id | outcome_code      | attempted_at
                worked | REACHED_COMPLETED | 2026-06-29 10:00:00
            """,
        },
        expect={
            "outreach.recall": """
                gap_id     | pharmacy_npi | recalled_date | reason
                moved      | north        | 2026-06-30    | NOT_ELIGIBLE
                superseded | north        | 2026-06-30    | NOT_ELIGIBLE
            """
        },
    )


def test_what_another_pharmacy_would_call_about_is_taken_off(story):
    """Rule 6.3 over all programmes: two would both call. South calls ann tonight, so north's rows of her are taken back.

    Not what claims have closed, a review with the prescriber or care after a discharge, which no weekly cap holds; nor
    rows of bob, whom south has for such a row alone, or of cal, whom nobody calls.
    """
    codes = {"review": "MED_REVIEW_INFO", "urgent": "TOC_CONTACT", "only_urgent": "TOC_CONTACT"}
    people = {"bobs": ("bob", 2), "only_urgent": ("bob", 2), "cals": ("cal", 3)}
    gaps = ("listed", "waits", "review", "urgent", "resolved", "bobs", "only_urgent", "cals")
    story(
        model="outreach.recall",
        given={
            "core.member": members(["ann", "bob", "cal"]),
            "outreach.contact_block": "member_key",
            "outreach.ledger": rows(
                "gap_id | person_id | member_key | gap_code | status | closing_reason",
                *(
                    f"{gap} | {' | '.join(map(str, people.get(gap, ('ann', 1))))} | {codes.get(gap, 'ADHERENCE_LATE')} | "
                    + ("closed | resolved" if gap == "resolved" else "open | -")
                    for gap in gaps
                ),
            ),
            "outreach.worklist": """
                gap_id      | pharmacy_npi | state | person_id
                listed      | south        | TX    | ann
                only_urgent | south        | TX    | bob
            """,
            "raw.state_release": rows(
                "gap_id | pharmacy_npi | state | person_id | gap_code | first_listed_date | last_listed_date",
                *(
                    f"{gap} | north | TX | {people.get(gap, ('ann',))[0]} | {codes.get(gap, 'ADHERENCE_LATE')} | 2026-06-01 | 2026-06-29"
                    for gap in gaps
                    if gap not in ("listed", "only_urgent")
                ),
            ),
        },
        expect="""
            gap_id | pharmacy_npi | recalled_date
            waits  | north        | 2026-06-30
        """,
    )


RELEASED = "gap_id | pharmacy_npi | state | person_id | gap_code | first_listed_date | last_listed_date | recalled_date"


def out(*lines: str) -> str:
    """`raw.state_release` of rows `gap person first last [recalled] [pharmacy] [code]`.

    Late refills on north's list unless told; north is in Texas, south in Oklahoma.
    """
    told = []
    for line in lines:
        gap, person, first, last, *rest = line.split()
        recalled, npi, code = [*rest, *("-", "north", "ADHERENCE_LATE")[len(rest) :]]
        told.append(
            f"{gap} | {npi} | {'TX' if npi == 'north' else 'OK'} | {person} | {code} | {first} | {last} | {recalled}"
        )
    return rows(RELEASED, *told)


def known(*lines: str) -> str:
    """`outreach.ledger` of gaps `gap person key status [reason] [subject]`."""
    return rows(
        "gap_id | person_id | member_key | status | closing_reason | subject", *(" | ".join(x.split()) for x in lines)
    )


def test_a_report_finishes_the_listing_that_it_answers(story):
    """Rule 6.7, issue 6.6. A gap declined on 31 December may be listed again 180 days later, on 29 June; no report answers
    that. Who declined on 1 January could not be listed on 29 June again: that list had not heard yet, and is answered.

    A word of before the row was out, or of another pharmacy, is no answer of this one's. All have died meanwhile.
    """
    story(
        model="outreach.recall",
        given={
            "core.member": members(["ann"]),
            "outreach.contact_block": "member_key | block_reason\n1 | deceased",
            "outreach.ledger": known(),
            "outreach.worklist": "gap_id",
            "raw.state_release": out(
                "again ann 2025-12-01 2026-06-29", "unheard ann 2025-12-01 2026-06-29",
                "same_day ann 2026-06-29 2026-06-29", "before ann 2026-06-20 2026-06-29",
                "shared ann 2026-06-20 2026-06-29", "shared ann 2026-06-20 2026-06-29 - south",
            ),
            "raw.outreach_outcome": rows(
                "gap_id | outcome_code | attempted_at | pharmacy_npi",
                "again | REACHED_DECLINED | 2025-12-31 10:00:00",
                "unheard | REACHED_DECLINED | 2026-01-01 10:00:00",
                "same_day | REACHED_COMPLETED | 2026-06-29 10:00:00",
                "before | GAP_ALREADY_CLOSED | 2026-06-19 10:00:00 | north",
                "shared | DECEASED_REPORTED | 2026-06-25 10:00:00 | south",
            ),
        },
        expect="""
            gap_id | pharmacy_npi | recalled_date | reason
            again  | north        | 2026-06-30    | NOT_ELIGIBLE
            before | north        | 2026-06-30    | NOT_ELIGIBLE
            shared | north        | 2026-06-30    | NOT_ELIGIBLE
        """,
    )  # fmt: skip


def test_a_row_that_may_not_be_worked_any_more_is_taken_off(story):
    """Rule 6.7. Who is back in hospital (transitions 3.2), what a rule holds back meanwhile, and members who died or left
    the plan, whether the ledger has closed their gaps for that or the lists just may not name them (6.2).

    What claims closed, whose window is over or has not begun, and what nobody can close any more asks for no recall.
    """
    story(
        model="outreach.recall",
        given={
            "core.member": members(["ann", "bob", "cal"]),
            "outreach.contact_block": "member_key | block_reason\n2 | deceased\n3 | not_enrolled",
            "outreach.ledger": known(
                "readmitted ann 1 closed superseded_readmit", "held ann 1 suppressed",
                "died ann 1 closed deceased", "left ann 1 closed not_enrolled",
                "resolved ann 1 closed resolved", "expired ann 1 closed expired", "documented ann 1 closed documented",
                "early ann 1 prospective", "late ann 1 lost", "open ann 1 open",
                "blocked bob 2 open", "closed cal 3 closed resolved",
            ),
            "outreach.worklist": "gap_id",
            "raw.state_release": out(
                *(
                    f"{gap} ann 2026-06-01 2026-06-29"
                    for gap in (
                        "readmitted", "held", "died", "left", "resolved", "expired", "documented", "early", "late", "open",
                    )
                ),
                "blocked bob 2026-06-01 2026-06-29", "closed cal 2026-06-01 2026-06-29",
            ),
        },
        expect="""
            gap_id     | recalled_date | reason
            blocked    | 2026-06-30    | NOT_ELIGIBLE
            closed     | 2026-06-30    | NOT_ELIGIBLE
            died       | 2026-06-30    | NOT_ELIGIBLE
            held       | 2026-06-30    | NOT_ELIGIBLE
            left       | 2026-06-30    | NOT_ELIGIBLE
            readmitted | 2026-06-30    | NOT_ELIGIBLE
        """,
    )  # fmt: skip


def test_what_the_member_or_a_state_forbids_is_taken_off_and_what_waits_is_not(story):
    """Rules 6.2 and 6.4: a consent to the family that ended yesterday, nothing that allows a manufacturer's gap, no channel
    left, a state that lets no list hold it, by code or subject, the member's (`forbidden`) or that of the pharmacy that
    holds it (`agreed`): who agreed to another call is not called either.

    A consent that holds today, an outcome that is waited for, a call of this week (6.3) and a programme that has not begun
    (programmes.md: recalls know nothing of programmes) take nothing off.
    """
    codes = {"coded": "DSMT", "other": "SUPD", "funded": "PAID", "allowed": "PAID", "unbegun": "TMR_DUE"}
    subjects = {"forbidden": "pdc_arv", "agreed": "pdc_ms"}
    names = ["ended", "forbidden", "agreed", "silent", "holds", "pending", "called", *codes]
    gaps = [
        (n, key, codes.get(n, "ADHERENCE_LATE"), subjects.get(n, "pdc_statins")) for key, n in enumerate(names, start=1)
    ]
    families = {
        "ADHERENCE_LATE": "adherence",
        "DSMT": "diabetes",
        "SUPD": "diabetes",
        "PAID": "specialty",
        "TMR_DUE": "mtm",
    }
    story(
        model="outreach.recall",
        given={
            "core.member": members(names, phone={n: "-" if n == "silent" else "512-555-0100" for n in names}),
            "outreach.ledger": rows(
                "gap_id | person_id | member_key | gap_code | gap_family | subject | status | opened_date",
                *(f"{n} | {n} | {key} | {code} | {families[code]} | {subject} | open | 2026-06-01"
                  for n, key, code, subject in gaps),
            ),
            "outreach.contact_block": "member_key",
            "outreach.attribution": rows(
                "person_id | gap_family | subject | pharmacy_npi | state",
                *(f"{n} | {families[code]} | {subject} | north | TX" for n, _, code, subject in gaps),
            ),
            "outreach.worklist": "gap_id",
            "raw.gap_code": rows(
                "gap_code | gap_family | queue | is_pregnancy_dependent | is_manufacturer_funded",
                *(f"{code} | {family} | routine | no | {'yes' if code == 'PAID' else 'no'}"
                  for code, family in families.items()),
            ),
            "raw.programme": "programme_id | gap_family | population | start_date\nnext | mtm | everyone | 2026-07-01",
            "raw.state_policy": "state | gap_code | subject\nTX | - | pdc_arv\nOK | - | pdc_ms\nTX | DSMT | -",
            "raw.member_consent": rows(
                "person_id | scope | valid_from | valid_to",
                "ended | adherence | 2025-01-01 | 2026-06-29", "holds | adherence | 2025-01-01 | 2026-06-30",
                "other | adherence | 2025-01-01 | 2026-06-29", "allowed | marketing | 2026-06-30 | 2026-06-30",
            ),
            "raw.outreach_outcome": rows(
                "gap_id | outcome_code | attempted_at | next_contact_date",
                "agreed | REACHED_CALLBACK | 2026-06-28 10:00:00 | 2026-07-05",
                "pending | REACHED_CALLBACK | 2026-06-28 10:00:00 | 2026-07-05",
                "called | NO_ANSWER | 2026-06-28 10:00:00",
            ),
            "raw.state_gap": rows("gap_id | person_id | gap_code | subject", *(f"{n} | {n} | {c} | {s}" for n, _, c, s in gaps)),
            "raw.state_release": out(*(f"{n} {n} 2026-06-01 2026-06-29 - {'south' if n == 'agreed' else 'north'} {code}" for n, _, code, _ in gaps)),
        },
        expect={
            "outreach.eligible_gap": """
                gap_id    | block_reason
                ended     | do_not_contact
                forbidden | state_policy
                agreed    | outcome_pending
                silent    | no_channel
                holds     | -
                pending   | outcome_pending
                called    | frequency_cap
                coded     | state_policy
                other     | -
                funded    | no_authorisation
                allowed   | -
                unbegun   | no_programme
            """,
            "outreach.recall": """
                gap_id    | recalled_date | reason
                agreed    | 2026-06-30    | NOT_ELIGIBLE
                coded     | 2026-06-30    | NOT_ELIGIBLE
                ended     | 2026-06-30    | NOT_ELIGIBLE
                forbidden | 2026-06-30    | NOT_ELIGIBLE
                funded    | 2026-06-30    | NOT_ELIGIBLE
                silent    | 2026-06-30    | NOT_ELIGIBLE
            """,
        },
    )  # fmt: skip


def test_a_recall_stands_until_the_row_is_listed_again(story):
    """Interface 3. What was recalled on 20 June keeps that day while its reason lasts and after; listed again it is no
    recall; held back once more it is one of tonight. Half a year after its last list nobody holds a row: no recall.
    """
    story(
        model="outreach.recall",
        given={
            "core.member": members(["ann"]),
            "outreach.contact_block": "member_key",
            "outreach.ledger": known(
                "still ann 1 suppressed", "waits ann 1 open", "back ann 1 open", "twice ann 1 suppressed",
                "edge ann 1 suppressed", "old ann 1 suppressed",
            ),
            "outreach.worklist": "gap_id | pharmacy_npi | state | person_id\nback | north | TX | ann",
            "raw.state_release": out(
                "still ann 2026-06-01 2026-06-19 2026-06-20", "waits ann 2026-06-01 2026-06-19 2026-06-20",
                "back ann 2026-06-01 2026-06-19 2026-06-20", "twice ann 2026-06-01 2026-06-29",
                "edge ann 2025-12-01 2025-12-30", "old ann 2025-12-01 2025-12-29",
            ),
        },
        expect={
            "outreach.recall": """
                gap_id | recalled_date
                edge   | 2026-06-30
                still  | 2026-06-20
                twice  | 2026-06-30
                waits  | 2026-06-20
            """,
            "outreach.release": """
                gap_id | first_listed_date | last_listed_date | recalled_date
                back   | 2026-06-01        | 2026-06-30       | -
                edge   | 2025-12-01        | 2025-12-30       | 2026-06-30
                still  | 2026-06-01        | 2026-06-19       | 2026-06-20
                twice  | 2026-06-01        | 2026-06-29       | 2026-06-30
                waits  | 2026-06-01        | 2026-06-19       | 2026-06-20
            """,
        },
    )  # fmt: skip


def test_a_list_on_which_nobody_is_left_is_empty_and_not_the_one_of_before(story):
    """Interface 3, delivery. Of the pharmacies with a row of before, `north` has one tonight and nobody's list of `south`,
    `east` and `west` is left: theirs are empty. 35 nights on, as long as a recall is named (29 June less 34 days is 26
    May): of 26 May is out of mind on 30 June (`west`), of 27 May is not (`east`). It is of the state of its last list.
    A pharmacy that no programme or family ever gave a row has none to replace.
    """
    story(
        model="outreach.emptied_list",
        given={
            "core.member": members(["ann", "bob"]),
            "outreach.contact_block": "member_key",
            "outreach.ledger": known("one ann 1 open", "two ann 1 closed resolved", "three bob 2 closed resolved"),
            "outreach.worklist": "gap_id | pharmacy_npi | state | person_id\none | north | TX | ann",
            "raw.state_release": out(
                "one ann 2026-06-01 2026-06-29", "two ann 2026-06-01 2026-06-20 - south",
                "three bob 2026-06-01 2026-06-29 - south", "two ann 2026-05-01 2026-05-27 - east",
                "two ann 2026-05-01 2026-05-26 - west",
            )
            # South was in Texas while it had a list of an earlier row.
            + "\nfour | south | TX | ann | ADHERENCE_LATE | 2026-06-01 | 2026-06-10 | -",
        },
        expect="""
            pharmacy_npi | state | last_listed_date
            east         | OK    | 2026-05-27
            south        | OK    | 2026-06-29
        """,
    )  # fmt: skip


def test_what_the_plan_has_to_clear_up(story):
    """Rule 6.7: two reports of a wrong number go to the contact-data queue; so does a death that eligibility does not know.

    Until a care manager says that the member is alive (eve's), later than the report (fay's) and no pharmacist (gus's).
    """
    story(
        model="outreach.contact_data_queue",
        given={
            "core.member": members(["ann", "bob", "cal", "dee", "eve", "fay", "gus"], death_date={"dee": "2026-06-20"}),
            "outreach.contact_channel": "member_key | is_wrong_number\n1 | yes\n2 | no\n3 | no\n4 | no\n5 | no\n6 | no\n7 | no",
            "raw.outreach_outcome": """
                person_id | gap_code       | outcome_code      | attempted_at        | staff_role
                ann       | ADHERENCE_LATE | WRONG_NUMBER      | 2026-06-01 10:00:00 | -
                ann       | ADHERENCE_LATE | WRONG_NUMBER      | 2026-06-10 10:00:00 | -
                bob       | ADHERENCE_LATE | WRONG_NUMBER      | 2026-06-10 10:00:00 | -
                cal       | ADHERENCE_LATE | DECEASED_REPORTED | 2026-06-10 10:00:00 | -
                dee       | ADHERENCE_LATE | DECEASED_REPORTED | 2026-06-21 10:00:00 | -
                eve       | ADHERENCE_LATE | DECEASED_REPORTED | 2026-06-10 10:00:00 | -
                eve       | ADHERENCE_LATE | ALIVE_CONFIRMED   | 2026-06-11 10:00:00 | care_manager
                fay       | ADHERENCE_LATE | DECEASED_REPORTED | 2026-06-10 10:00:00 | -
                fay       | ADHERENCE_LATE | ALIVE_CONFIRMED   | 2026-06-09 10:00:00 | care_manager
                gus       | ADHERENCE_LATE | DECEASED_REPORTED | 2026-06-10 10:00:00 | -
                gus       | ADHERENCE_LATE | ALIVE_CONFIRMED   | 2026-06-11 10:00:00 | pharmacist
            """,
        },
        expect="""
            person_id | queue_reason      | report_count | last_report_date
            ann       | wrong_number      | 2            | 2026-06-10
            cal       | deceased_reported | 1            | 2026-06-10
            fay       | deceased_reported | 1            | 2026-06-10
            gus       | deceased_reported | 1            | 2026-06-10
        """,
    )


def test_a_gap_that_is_gone_keeps_what_was_told_of_it(story):
    """Interface 3.1, `gap`: action, reason and evidence of tonight; of what no family finds any more, of the last night.

    A gap that a report closed is still found, and told as it is tonight.
    """
    story(
        model="outreach.gap",
        given={
            "outreach.ledger": """
                gap_id  | person_id | member_key | gap_code       | subject     | status | closing_reason | is_found
                late    | ann       | 1          | ADHERENCE_LATE | pdc_statins | open   | -              | yes
                done    | bea       | 2          | ADHERENCE_LATE | pdc_statins | closed | documented     | yes
                gone    | ann       | 1          | ADHERENCE_RISK | pdc_statins | closed | superseded     | no
                desert  | cal       | 3          | PD_OB          | -           | open   | -              | yes
                unknown | dan       | -          | ADHERENCE_LATE | pdc_statins | closed | resolved       | no
            """,
            "outreach.every_gap": """
                member_key | gap_code       | subject     | action | reason   | evidence
                1          | ADHERENCE_LATE | pdc_statins | call   | tonight  | {"n": 1}
                2          | ADHERENCE_LATE | pdc_statins | call   | tonight  | {"n": 2}
                3          | PD_OB          | -           | offer  | far      | {"n": 3}
            """,
            "raw.state_gap": """
                gap_id  | action | reason    | evidence
                late    | asked  | last week | {"o": 1}
                done    | asked  | last week | {"o": 2}
                gone    | asked  | last week | {"o": 3}
                unknown | asked  | last year | {"o": 4}
            """,
            "outreach.ranked_gap": "gap_id | status_reason\nlate | capacity\ndesert | no_pharmacy",
            "outreach.scored_gap": "gap_id\nlate\ndone\ngone\ndesert\nunknown",
        },
        expect="""
            gap_id  | status_reason | action | reason    | evidence
            late    | capacity      | call   | tonight   | {"n": 1}
            done    | documented    | call   | tonight   | {"n": 2}
            gone    | superseded    | asked  | last week | {"o": 3}
            desert  | no_pharmacy   | offer  | far       | {"n": 3}
            unknown | resolved      | asked  | last year | {"o": 4}
        """,
    )


def test_outcomes_that_say_nothing_are_counted(story):
    """Interface 2.1: `unlinked` names a row that nobody knows and no member; `unknown_outcome` is no registered code by any
    of its names. So with the channels that members restrict (a row of two unknown words is one row) and with scopes."""
    story(
        model="core.set_apart",
        given={
            "core.member": members(["ann"]),
            "raw.state_gap": "gap_id\nknown",
            "raw.state_release": "gap_id\nlisted",
            "raw.state_contact_attempt": "gap_id\nremembered",
            "raw.outreach_outcome": """
                gap_id     | person_id | gap_code | outcome_code
                known      | -         | -        | NO_ANSWER
                listed     | -         | -        | NO_ANSWER
                remembered | -         | -        | NO_ANSWER
                unknown    | ann       | -        | NO_ANSWER
                unknown    | -         | -        | NO_ANSWER
                unknown    | zoe       | -        | SAID_NOTHING
                known      | -         | -        | Opted out (phone)
            """,
            "raw.member_preference": """
                person_id | restricted_channels
                ann       | Phone, carrier pigeon
                ann       | mobile/e-mail
                ann       | -
            """,
            "raw.member_consent": """
                person_id | scope       | valid_to
                ann       | newsletters | -
                ann       | newsletters | 2026-01-01
                ann       | Program     | -
                ann       | diabetes    | -
            """,
        },
        expect=rows(
            "source_table | reason | row_count",
            "discharge_notice | after_as_of | 0", "discharge_notice | unlinked | 0", "medical_claim | after_as_of | 0",
            "medical_claim | no_original | 0", "medical_claim | unlinked | 0", "member_preference | unlinked | 0",
            "outreach_outcome | after_as_of | 0", "outreach_outcome | unknown_outcome | 1", "outreach_outcome | unlinked | 2",
            "pharmacy | invalid_npi | 0", "pharmacy_claim | after_as_of | 0", "pharmacy_claim | invalid_npi | 0",
            "pharmacy_claim | unknown_ndc | 0", "pharmacy_claim | unknown_route | 0", "pharmacy_claim | unlinked | 0",
            "pharmacy_claim | unusable_days_supply | 0", "provider | invalid_npi | 0", "medical_claim | withheld_part2 | 0",
            "pharmacy_claim | withheld_part2 | 0", "eligibility | unknown_area | 0", "pharmacy | unknown_place | 0",
            "provider | unknown_place | 0", "zcta | unknown_county_type | 0", "zcta | unknown_density | 0",
            "zcta | unknown_income | 0", "member_preference | unknown_channel | 1", "member_consent | unknown_scope | 2",
        ),
    )  # fmt: skip
