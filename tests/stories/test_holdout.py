"""The comparison group and what it tells: domain rule 6.9, interface 3.1. As of 30 June 2026."""

from __future__ import annotations

import hashlib

import pytest

from tests.stories import deserts
from tests.stories.outreach import members, rows

MODEL = "outreach.holdout_arm"
AS_OF = "2026-06-30"

STATE = "programme | person_id | arm | bucket | assigned_date | subject | score | age | claim_closed_date"


def drawn(programme: str, person: str) -> int:
    """Rule 6.9: md5(salt, programme, member) as a number, modulo 100; of its digits the first eight."""
    return int(hashlib.md5(f"change-me|{programme}|{person}".encode()).hexdigest()[:8], 16) % 100


# Two members on either side of ten, found by trying names: the draw cannot be chosen.
NAMES = [f"m{n:03}" for n in range(1000)]
INSIDE = next(name for name in NAMES if drawn("adherence", name) == 9)
OUTSIDE = next(name for name in NAMES if drawn("adherence", name) == 10)


def eligible(*lines: str) -> dict[str, str]:
    """Open gaps `gap person programme score [reason] [exempt]`; everyone was born on 1 July 1960."""
    told = [[*line.split(), "-", "-"][:6] for line in lines]
    people = sorted({person for _, person, *_ in told})
    return {
        "core.member": members(people, birth_date=dict.fromkeys(people, "1960-07-01")),
        "outreach.eligible_gap": rows(
            "gap_id | person_id | member_key | gap_family | score | block_reason | is_holdout_exempt",
            *(
                f"{gap} | {person} | {people.index(person) + 1} | {family} | {score} | {reason} | {'yes' if exempt == 'exempt' else 'no'}"
                for gap, person, family, score, reason, exempt in told
            ),
        ),
        "outreach.ledger": rows(
            "gap_id | person_id | gap_family | subject", *(f"{gap} | {p} | {f} | {gap}" for gap, p, f, *_ in told)
        ),
    }


def test_the_draw_is_deterministic_and_ten_percent(story):
    """Rule 6.9: control = bucket < 10 (a setting), for each programme on its own. Thousand members: about a hundred."""
    assert drawn("adherence", INSIDE) < 10 <= drawn("adherence", OUTSIDE)
    people = [INSIDE, OUTSIDE]
    story(
        control_percent=10,
        given=eligible(*(f"{f}-{p} {p} {f} 10" for p in people for f in ("adherence", "diabetes"))),
        expect=rows(
            "programme | person_id | bucket | arm | assigned_date | age",
            *(
                f"{f} | {p} | {drawn(f, p)} | {'control' if drawn(f, p) < 10 else 'outreach'} | {AS_OF} | 65"
                for f in ("adherence", "diabetes")
                for p in people
            ),
        ),
    )
    assert 70 <= sum(drawn("adherence", f"person {n}") < 10 for n in range(1000)) <= 130


def test_who_is_drawn_and_for_what(story):
    """Rule 6.9: at first eligibility, so not while something holds the gap back; nobody is held out of an exempt code.

    Of two gaps the one with the higher score; 0 draws nobody.
    """
    given = eligible(
        "low ann adherence 10", "high ann adherence 20", "held bob adherence 10 frequency_cap", "kit cal adherence 90 - exempt",
    )  # fmt: skip
    story(control_percent=10, given=given, expect="person_id | subject | score\nann | high | 20")
    story(control_percent=0, given=given, expect="")


def test_the_draw_stands(story):
    """Rule 6.9: sticky, whatever the share or the bucket says now, eligible or not; another programme is another draw."""
    story(
        control_percent=10,
        given=eligible(f"g1 {OUTSIDE} adherence 10", f"g2 {INSIDE} adherence 10")
        | {
            "raw.state_holdout_arm": rows(
                STATE,
                f"adherence | {OUTSIDE} | control | 3 | 2026-03-01 | g1 | 5 | 65 | -",
                f"adherence | {INSIDE} | outreach | 50 | 2026-03-01 | g2 | 5 | 65 | -",
                "adherence | gone | control | 7 | 2026-03-01 | g3 | 5 | 65 | 2026-05-01",
            )
        },
        expect=f"""
            person_id | arm      | bucket | assigned_date | score | claim_closed_date
            {OUTSIDE} | control  | 3      | 2026-03-01    | 5     | -
            {INSIDE}  | outreach | 50     | 2026-03-01    | 5     | -
            gone      | control  | 7      | 2026-03-01    | 5     | 2026-05-01
        """,
    )


def test_nobody_who_is_being_called_is_held_out(story):
    """Rule 6.9, at first eligibility: who was on a list of the programme while the draw was off goes on being called.

    A list of another programme, or of a code that nobody is held out of, says nothing of it.
    """
    people = [name for name in NAMES if drawn("diabetes", name) < 10][:3]
    gaps = [f"g{n} {person} diabetes 10" for n, person in enumerate(people)]
    story(
        control_percent=10,
        given=eligible(*gaps)
        | {
            "raw.state_release": rows(
                "gap_id | pharmacy_npi | person_id | gap_code",
                f"r0 | north | {people[0]} | SUPD",
                f"r1 | north | {people[1]} | ADHERENCE_LATE",
            )
        },
        expect=rows(
            "person_id | arm | bucket | is_randomised",
            f"{people[0]} | outreach | {drawn('diabetes', people[0])} | no",
            f"{people[1]} | control | {drawn('diabetes', people[1])} | yes",
            f"{people[2]} | control | {drawn('diabetes', people[2])} | yes",
        ),
    )
    people = [name for name in NAMES if drawn("prenatal_supply", name) < 10][:2]
    story(
        control_percent=10,
        given=eligible(*(f"g{n} {person} prenatal_supply 10" for n, person in enumerate(people)))
        | {
            "raw.state_release": rows(
                "gap_id | pharmacy_npi | person_id | gap_code",
                f"r0 | north | {people[0]} | TDAP",
                f"r1 | north | {people[1]} | BP_MONITOR",
            )
        },
        expect=f"person_id | arm\n{people[0]} | outreach\n{people[1]} | control",
    )


def test_only_claims_close_for_the_comparison(story):
    """Intention to treat: a report is of one arm alone. What closed before the draw, or of another subject, is not meant."""
    names = ["claim", "record", "before", "other"]
    story(
        control_percent=10,
        given={
            "core.member": members(names),
            "outreach.eligible_gap": "gap_id",
            "outreach.ledger": """
                gap_id | person_id | gap_family | subject     | status | closing_reason | closed_date
                g1     | claim     | adherence  | pdc_statins | closed | resolved       | 2026-06-30
                g2     | record    | adherence  | pdc_statins | closed | documented     | 2026-06-30
                g3     | before    | adherence  | pdc_statins | closed | resolved       | 2026-06-01
                g4     | other     | adherence  | pdc_ras     | closed | resolved       | 2026-06-30
            """,
            "raw.state_holdout_arm": rows(
                STATE, *(f"adherence | {name} | control | 7 | 2026-06-01 | pdc_statins | 5 | 65 | -" for name in names)
            ),
        },
        expect="person_id | claim_closed_date\nclaim | 2026-06-30\nrecord | -\nbefore | -\nother | -",
    )


def test_what_a_claim_closed_stays_closed_for_the_comparison(story):
    """Rule 6.9: closed within so many days, whatever follows. Ann's refill, made by 20 June, is late again under a new id
    (`two`); so is bob's, whose first life only a report had closed.
    """
    story(
        control_percent=10,
        given={
            "core.member": members(["ann", "bob"]),
            "outreach.eligible_gap": "gap_id",
            "outreach.ledger": """
                gap_id | person_id | gap_family | subject     | status | closing_reason | closed_date
                two    | ann       | adherence  | pdc_statins | open   | -              | -
                three  | bob       | adherence  | pdc_statins | open   | -              | -
            """,
            "raw.state_holdout_arm": rows(
                STATE,
                "adherence | ann | control | 7 | 2026-06-01 | pdc_statins | 5 | 65 | 2026-06-20",
                "adherence | bob | control | 7 | 2026-06-01 | pdc_statins | 5 | 65 | -",
            ),
        },
        expect="person_id | claim_closed_date\nann | 2026-06-20\nbob | -",
    )


def test_a_word_closes_nothing_for_the_comparison_in_any_family(story):
    """Rules 6.7, 6.9: far care that was arranged is `documented`, a decline closes nothing; a claim that follows counts.

    Ann, bea and cal live where everything is too far. Cal's visit came after the word: a claim.
    """
    people = {"ann": "-", "bea": "-", "cal": "C1"}
    story(
        control_percent=10,
        given={
            **deserts.PLACES,
            "facts.adherence": "",
            "outreach.eligible_gap": "gap_id",
            "raw.eligibility": rows(
                "person_id | birth_date | enrollment_start_date | zip_code | state",
                *(f"{name} | 1960-01-01 | 2018-01-01 | 00001 | TX" for name in people),
            ),
            "raw.medical_claim": """
                claim_id | person_id | claim_type   | claim_start_date | hcpcs_code | rendering_npi
                C1       | cal       | professional | 2026-06-29       | 99213      | pcp
            """,
            "raw.state_gap": rows(
                "gap_id | person_id | gap_family | gap_code | subject | status | closing_reason | window_start_date | window_end_date | opened_date | closed_date",
                "ann | ann | provider_desert | PD_PCP | - | open | - | 2026-02-24 | - | 2026-06-01 | -",
                "bea | bea | provider_desert | PD_PCP | - | open | - | 2026-02-24 | - | 2026-06-01 | -",
                "cal | cal | provider_desert | PD_PCP | - | closed | documented | 2026-02-24 | - | 2026-06-01 | 2026-06-20",
            ),
            "raw.outreach_outcome": """
                person_id | gap_code | outcome_code      | attempted_at
                ann       | PD_PCP   | REACHED_COMPLETED | 2026-06-29 10:00:00
                bea       | PD_PCP   | REACHED_DECLINED  | 2026-06-29 10:00:00
                cal       | PD_PCP   | REFERRED          | 2026-06-19 10:00:00
            """,
            "raw.state_holdout_arm": rows(
                f"gap_code | {STATE}",
                *(
                    f"PD_PCP | provider_desert | {name} | outreach | 70 | 2026-06-01 | - | 5 | 65 | -"
                    for name in people
                ),
            ),
        },
        expect={
            "outreach.ledger": """
                gap_id | status | closing_reason | closed_date
                ann    | closed | documented     | 2026-06-30
                bea    | open   | -              | -
                cal    | closed | resolved       | 2026-06-20
            """,
            MODEL: "person_id | claim_closed_date\nann | -\nbea | -\ncal | 2026-06-30",
        },
    )


def test_another_gap_of_the_subject_closes_nothing_for_the_comparison(story):
    """Rule 6.9: what counts is the gap of the draw. Of a need that an exempt code asks for, both arms are called.

    Ann was drawn for PD_RX, and PD_PCP closes; bea for PNV_NONE, and BP_MONITOR closes, which nobody is held out of; cal's
    own code closes. The reminder that dan was drawn for became a late refill, the same ask (one code per subject); eve's
    review is beside an interaction (DDI), which is exempt.
    """
    story(
        control_percent=10,
        given={
            "core.member": members(["ann", "bea", "cal", "dan", "eve"]),
            "outreach.eligible_gap": "gap_id",
            "outreach.ledger": """
                gap_id | person_id | gap_family        | gap_code          | subject     | status | closing_reason | closed_date
                a1     | ann       | provider_desert   | PD_RX             | -           | open   | -              | -
                a2     | ann       | provider_desert   | PD_PCP            | -           | closed | resolved       | 2026-06-30
                b1     | bea       | prenatal_supply   | PNV_NONE          | episode 1   | open   | -              | -
                b2     | bea       | prenatal_supply   | BP_MONITOR        | episode 1   | closed | resolved       | 2026-06-30
                c1     | cal       | provider_desert   | PD_RX             | -           | closed | resolved       | 2026-06-30
                d1     | dan       | adherence         | ADHERENCE_AT_RISK | pdc_statins | closed | superseded     | 2026-06-20
                d2     | dan       | adherence         | ADHERENCE_LATE    | pdc_statins | closed | resolved       | 2026-06-30
                e1     | eve       | medication_review | COB               | s           | open   | -              | -
                e2     | eve       | medication_review | DDI               | s           | closed | resolved       | 2026-06-30
            """,
            "raw.state_holdout_arm": rows(
                f"gap_code | {STATE}",
                "PD_RX | provider_desert | ann | control | 7 | 2026-06-01 | - | 5 | 65 | -",
                "PNV_NONE | prenatal_supply | bea | control | 7 | 2026-06-01 | episode 1 | 5 | 30 | -",
                "PD_RX | provider_desert | cal | control | 7 | 2026-06-01 | - | 5 | 65 | -",
                "ADHERENCE_AT_RISK | adherence | dan | control | 7 | 2026-06-01 | pdc_statins | 5 | 65 | -",
                "COB | medication_review | eve | control | 7 | 2026-06-01 | s | 5 | 65 | -",
            ),
        },
        expect="""
            person_id | gap_code          | claim_closed_date
            ann       | PD_RX             | -
            bea       | PNV_NONE          | -
            cal       | PD_RX             | 2026-06-30
            dan       | ADHERENCE_AT_RISK | 2026-06-30
            eve       | COB               | -
        """,
    )


def test_an_older_night_kept_no_code_of_the_draw(story):
    """Rule 6.9: of such an arm any code of the subject tells, as it did, but none that nobody is held out of.

    Who is drawn tonight keeps the code: ann's PD_RX, which goes before her PD_PCP.
    """
    given = eligible("rx ann provider_desert 20", "pcp ann provider_desert 10")
    story(
        control_percent=10,
        given=given
        | {
            "outreach.ledger": """
                gap_id | person_id | gap_family      | gap_code   | subject   | status | closing_reason | closed_date
                rx     | ann       | provider_desert | PD_RX      | -         | open   | -              | -
                pcp    | ann       | provider_desert | PD_PCP     | -         | open   | -              | -
                b2     | bea       | prenatal_supply | BP_MONITOR | episode 1 | closed | resolved       | 2026-06-30
                c2     | cal       | provider_desert | PD_PCP     | -         | closed | resolved       | 2026-06-30
            """,
            "raw.state_holdout_arm": rows(
                f"gap_code | {STATE}",
                "- | prenatal_supply | bea | control | 7 | 2026-06-01 | episode 1 | 5 | 30 | -",
                "- | provider_desert | cal | control | 7 | 2026-06-01 | - | 5 | 65 | -",
            ),
        },
        expect="person_id | gap_code | claim_closed_date\nann | PD_RX | -\nbea | - | -\ncal | - | 2026-06-30",
    )


def test_a_gap_that_closed_and_opened_again_has_closed_for_the_comparison(story):
    """Rules 6.7, 6.9: a life that a claim closed counts, though a new one began that night (`gap` tells of the new alone).

    Bob's first life a report closed; cal's closed before the draw; dan's was of another code.
    """
    names = ["ann", "bob", "cal", "dan"]
    story(
        control_percent=10,
        given={
            "core.member": members(names),
            "outreach.eligible_gap": "gap_id",
            "outreach.ledger": rows(
                "gap_id | person_id | gap_family | gap_code | subject | status | opened_date",
                *(f"{name}2 | {name} | diabetes | KED | 2026 | open | 2026-06-30" for name in names),
            ),
            "outreach.earlier_life": """
                gap_id | person_id | gap_family | gap_code | subject | opened_date | closed_date | closing_reason
                ann1   | ann       | diabetes   | KED      | 2026    | 2026-02-01  | 2026-06-30  | resolved
                bob1   | bob       | diabetes   | KED      | 2026    | 2026-02-01  | 2026-06-30  | documented
                cal1   | cal       | diabetes   | KED      | 2026    | 2026-02-01  | 2026-06-01  | resolved
                dan1   | dan       | diabetes   | EYE      | 2026    | 2026-02-01  | 2026-06-30  | resolved
            """,
            "raw.state_holdout_arm": rows(
                f"gap_code | {STATE}",
                *(f"KED | diabetes | {name} | control | 7 | 2026-06-01 | 2026 | 5 | 65 | -" for name in names),
            ),
        },
        expect="person_id | claim_closed_date\nann | 2026-06-30\nbob | -\ncal | -\ndan | -",
    )


def test_who_died_or_left_counts_and_is_closed_by_nothing(story):
    """Rule 6.9, intention to treat: whoever was drawn stays in the arm, and neither a death nor the end of coverage closes."""
    names = ["claim", "dead", "left"]
    story(
        control_percent=10,
        given={
            "core.member": members(names),
            "outreach.eligible_gap": "gap_id",
            "outreach.ledger": """
                gap_id | person_id | gap_family | subject     | status | closing_reason | closed_date
                g1     | claim     | adherence  | pdc_statins | closed | resolved       | 2026-06-30
                g2     | dead      | adherence  | pdc_statins | closed | deceased       | 2026-06-30
                g3     | left      | adherence  | pdc_statins | closed | not_enrolled   | 2026-06-30
            """,
            "raw.state_holdout_arm": rows(
                STATE, *(f"adherence | {name} | control | 7 | 2026-06-01 | pdc_statins | 5 | 65 | -" for name in names)
            ),
        },
        expect="person_id | claim_closed_date\nclaim | 2026-06-30\ndead | -\nleft | -",
    )


@pytest.mark.parametrize("percent", [0, 10])
def test_the_comparison_is_on_no_list(story, percent):
    """Rule 6.9: its open gaps say `holdout`, exempt ones aside; it takes no place from anyone. Switched off, it ends."""
    listed = percent == 0
    story(
        model="outreach.ranked_gap",
        control_percent=percent,
        given={
            "outreach.eligible_gap": """
                gap_id | person_id | gap_family | pharmacy_npi | score | is_holdout_exempt | block_reason
                held   | ann       | adherence  | north        | 50    | no                | -
                kit    | ann       | adherence  | north        | 40    | yes               | -
                other  | ann       | diabetes   | north        | 30    | no                | -
                called | ann       | adherence  | north        | 20    | no                | declined
                bob    | bob       | adherence  | north        | 10    | no                | -
            """,
            "core.pharmacy": "npi | weekly_capacity\nnorth | 25",
            "outreach.holdout_arm": """
                programme | person_id | arm
                adherence | ann       | control
                diabetes  | ann       | outreach
                adherence | bob       | outreach
            """,
        },
        expect=f"""
            gap_id | status_reason                   | list_rank
            held   | {"-" if listed else "holdout"} | {1 if listed else "-"}
            kit    | -                              | {2 if listed else 1}
            other  | -                              | {3 if listed else 2}
            called | declined                       | -
            bob    | -                              | {4 if listed else 3}
        """,
    )


def group(arm: str, count: int, closed: int, day: str, closed_day: str, programme: str = "adherence") -> list[str]:
    """Members of one arm, the first of them closed."""
    return [
        f"{programme} | {arm}{day}{n} | {arm} | 5 | {day} | s | 5 | 65 | {closed_day if n < closed else '-'}"
        for n in range(count)
    ]


def test_the_effect_by_intention_to_treat(story):
    """Rule 6.9: closure at 30, 60 and 90 days with an interval, followed for as long: drawn on 31 May or before for 30.

    50 of 100 against 40 of 100 closed on day 30. Wilson: 0.40383 to 0.59617 and 0.30940 to 0.49800; Newcombe: 0.1 less
    the root of 0.09617^2 + 0.09800^2 = 0.13731, more the root of 0.09617^2 + 0.09060^2 = 0.13212. On day 31 nothing
    counts for 30. Who was drawn on 1 June was not followed for 30 days.
    """
    lines = [
        *group("outreach", 100, 50, "2026-05-31", "2026-06-30"), *group("control", 100, 40, "2026-05-31", "2026-06-30"),
        *group("control", 50, 50, "2026-06-01", "2026-06-20"),
        *group("outreach", 40, 20, "2026-05-01", "2026-06-01", "late"), *group("control", 40, 20, "2026-05-01", "2026-05-31", "late"),
    ]  # fmt: skip
    story(
        model="outreach.effect",
        given={"outreach.holdout_arm": rows(STATE, *lines)},
        expect="""
            programme | horizon_days | is_suppressed | outreach_count | control_count | outreach_rate | control_rate | difference | difference_low | difference_high
            adherence | 30           | no            | 100            | 100           | 0.5           | 0.4          | 0.1        | -0.0373        | 0.2321
            late      | 30           | no            | 40             | 40            | 0             | 0.5          | -0.5       | -0.6480        | -0.3280
            late      | 60           | no            | 40             | 40            | 0.5           | 0.5          | 0          | -0.2093        | 0.2093
        """,
    )


def test_who_was_called_before_the_draw_is_no_part_of_the_comparison(story):
    """Rule 6.9: intention to treat compares who was drawn. Whoever was on a list before is in `outreach` whatever the draw
    says, also one whom it would have put there: of those nobody is in the comparison.

    40 of 80 and 20 of 40 who were drawn closed. 12 who were not, all closed, count for neither (52 of 92 would be 0.5652):
    on 31 May (30 days) there are 12 of them, of whom 11 were there on 1 May (60 days); telling both would tell of one.
    """

    def called(count: int, day: str) -> list[str]:
        return [f"{line} | no" for line in group("outreach", count, count, day, "2026-05-02")]

    lines = [
        f"{line} | yes"
        for line in (*group("outreach", 80, 40, "2026-05-01", "2026-05-02"), *group("control", 40, 20, "2026-05-01", "2026-05-02"))
    ]  # fmt: skip
    few = [line.replace("adherence", "few") for line in (*lines, *called(10, "2026-05-01"))]
    alone = [line.replace("adherence", "alone") for line in called(20, "2026-05-31")]
    story(
        model="outreach.effect",
        given={
            "outreach.holdout_arm": rows(
                f"{STATE} | is_randomised", *lines, *called(11, "2026-05-01"), *called(1, "2026-05-31"), *few, *alone
            )
        },
        expect="""
            programme | horizon_days | is_suppressed | outreach_count | control_count | left_out_count | outreach_rate | control_rate
            adherence | 30           | no            | 80             | 40            | 12             | 0.5           | 0.5
            adherence | 60           | no            | 80             | 40            | -              | 0.5           | 0.5
            few       | 30           | no            | 80             | 40            | -              | 0.5           | 0.5
            few       | 60           | no            | 80             | 40            | -              | 0.5           | 0.5
            alone     | 30           | yes           | -              | -             | -              | -             | -
        """,
    )


def test_an_older_night_kept_no_word_on_who_was_drawn(story):
    """Who was put into the arm that is called against the draw is known by the number drawn (9 of 10 percent)."""
    story(
        control_percent=10,
        given=eligible()
        | {
            "raw.state_holdout_arm": rows(
                f"{STATE} | is_randomised",
                "adherence | forced | outreach | 9 | 2026-03-01 | g1 | 5 | 65 | - | -",
                "adherence | drawn | outreach | 10 | 2026-03-01 | g1 | 5 | 65 | - | -",
                "adherence | held | control | 9 | 2026-03-01 | g1 | 5 | 65 | - | -",
                "adherence | kept | outreach | 50 | 2026-03-01 | g1 | 5 | 65 | - | no",
            )
        },
        expect="person_id | is_randomised\nforced | no\ndrawn | yes\nheld | yes\nkept | no",
    )


def test_the_effect_hides_small_cells(story):
    """Rule 6.9 and CMS's cell-size policy: n >= 11. Closed or not, in either arm, 1 to 10 hides the row; 0 and 11 do not."""
    cases = {
        "few": (40, 20, 10, 5), "closed_ten": (40, 10, 40, 20), "open_ten": (40, 20, 40, 30), "shown": (40, 11, 40, 29),
        "none": (40, 0, 40, 40), "just": (40, 20, 11, 0),
    }  # fmt: skip
    lines = [
        line
        for name, (n, closed, m, others) in cases.items()
        for line in (
            *group("outreach", n, closed, "2026-05-31", "2026-06-01", name),
            *group("control", m, others, "2026-05-31", "2026-06-01", name),
        )
    ]
    story(
        model="outreach.effect",
        given={"outreach.holdout_arm": rows(STATE, *lines)},
        expect="""
            programme  | is_suppressed | outreach_rate | control_rate | control_count
            few        | yes           | -             | -            | -
            closed_ten | yes           | -             | -            | -
            open_ten   | yes           | -             | -            | -
            shown      | no            | 0.275         | 0.725        | 40
            none       | no            | 0             | 1            | 40
            just       | no            | 0.5           | 0            | 11
        """,
    )


def test_balance_of_the_arms(story):
    """Rule 6.9: age, risk, state, dual. A covariate with a level of 1 to 10 members is hidden as a whole.

    30 of 60 drawn for outreach are 64 and the rest 65, all in the same band; of the 20 of the comparison 20 are 65. Who was
    called before the draw (15 of 64) is in neither arm.
    """
    header = "programme | person_id | arm | age | score | state | is_dual_or_lis | is_randomised"
    lines = [
        *(f"adherence | o{n} | outreach | {64 if n < 30 else 65} | 19.9999 | TX | {'yes' if n < 50 else '-'} | yes" for n in range(60)),
        *(f"adherence | f{n} | outreach | 64 | 19.9999 | TX | yes | no" for n in range(15)),
        *(f"adherence | c{n} | control | 65 | {40 if n < 9 else 20} | TX | no | yes" for n in range(20)),
    ]  # fmt: skip
    story(
        model="outreach.holdout_balance",
        given={"outreach.holdout_arm": rows(header, *lines)},
        expect="""
            covariate       | covariate_level | is_suppressed | outreach_count | control_count | outreach_share | control_share
            age             | 45 to 64        | no            | 30             | 0             | 0.5            | 0
            age             | 65 and over     | no            | 30             | 20            | 0.5            | 1
            risk            | routine         | yes           | -              | -             | -              | -
            risk            | high            | yes           | -              | -             | -              | -
            risk            | urgent          | yes           | -              | -             | -              | -
            state           | TX              | no            | 60             | 20            | 1              | 1
            dual_or_subsidy | yes             | yes           | -              | -             | -              | -
            dual_or_subsidy | no              | yes           | -              | -             | -              | -
            dual_or_subsidy | unknown         | yes           | -              | -             | -              | -
        """,
    )


def test_the_effect_hides_what_two_times_would_tell(story):
    """Rule 6.4: what a difference of two shown rows gives is a count too. Ten drawn between 30 and 60 days ago, or ten closed
    between them, hide the longer time; eleven, or none, do not. A time that hides its own cells gives nothing away.

    `drawn`: 30 of each arm were drawn on 1 May (60 days), 10 or 11 more for outreach on 31 May (30 days).
    `closed`: the same 40 at both times, 20 closed within 30 days and 10 or 11 more on day 31.
    """

    def drawn(name: str, more: int) -> list[str]:
        return [
            *group("outreach", 30, 15, "2026-05-01", "2026-05-02", name), *group("control", 30, 15, "2026-05-01", "2026-05-02", name),
            *group("outreach", more, 0, "2026-05-31", "-", name),
        ]  # fmt: skip

    def closed(name: str, early: int, more: int) -> list[str]:
        lines = [*group("control", 40, 20, "2026-05-01", "2026-05-02", name)]
        return lines + [
            f"{name} | o{n} | outreach | 5 | 2026-05-01 | s | 5 | 65 | {'2026-05-31' if n < early else '2026-06-01' if n < early + more else '-'}"
            for n in range(40)
        ]

    story(
        model="outreach.effect",
        given={
            "outreach.holdout_arm": rows(
                STATE,
                *drawn("drawn_ten", 10),
                *drawn("drawn_eleven", 11),
                *closed("closed_ten", 14, 10),
                *closed("closed_eleven", 14, 11),
                *closed("own_cells", 5, 8),
            )
        },
        expect="""
            programme     | horizon_days | is_suppressed | outreach_count | outreach_rate
            drawn_ten     | 30           | no            | 40             | 0.375
            drawn_ten     | 60           | yes           | -              | -
            drawn_eleven  | 30           | no            | 41             | 0.3659
            drawn_eleven  | 60           | no            | 30             | 0.5
            closed_ten    | 30           | no            | 40             | 0.35
            closed_ten    | 60           | yes           | -              | -
            closed_eleven | 30           | no            | 40             | 0.35
            closed_eleven | 60           | no            | 40             | 0.625
            own_cells     | 30           | yes           | -              | -
            own_cells     | 60           | no            | 40             | 0.325
        """,
    )


def test_the_balance_hides_the_few_who_are_new(story):
    """Rule 6.4: the balance counts everyone drawn, the effect those followed for 30 days: ten between them are told of.

    Twenty of each arm were drawn on 31 May. Ten or eleven more for outreach on 1 June; or ten where nobody was before.
    """
    header = "programme | person_id | arm | assigned_date | age | score | state | is_dual_or_lis"

    def drawn(programme: str, arm: str, count: int, day: str) -> list[str]:
        return [f"{programme} | {arm}{day}{n} | {arm} | {day} | 65 | 20 | TX | no" for n in range(count)]

    lines = [
        line
        for name, more in (("ten", 10), ("eleven", 11))
        for line in (
            *drawn(name, "outreach", 20, "2026-05-31"), *drawn(name, "control", 20, "2026-05-31"),
            *drawn(name, "outreach", more, "2026-06-01"),
        )
    ]  # fmt: skip
    lines += [*drawn("new", "outreach", 20, "2026-06-01"), *drawn("new", "control", 11, "2026-06-01")]
    expected = "".join(
        f"\n{name} | {covariate} | {'yes' if name == 'ten' else 'no'} | {count}"
        for name, count in (("ten", "-"), ("eleven", 31), ("new", 20))
        for covariate in ("age", "risk", "state", "dual_or_subsidy")
    )
    story(
        model="outreach.holdout_balance",
        given={"outreach.holdout_arm": rows(header, *lines)},
        expect=f"programme | covariate | is_suppressed | outreach_count{expected}",
    )


def test_the_balance_hides_the_few_drawn_since_any_time_that_the_effect_shows(story):
    """Rule 6.4: 103 of the balance less 100 of the effect at 60 days are the 3 drawn 45 days ago.

    100 and 60 were drawn on 1 April (90 days), 40 and 20 of them closed on 15 May: at 30 days the effect hides its 3 closed of
    103. 3 more for the comparison are hidden as well, 11 of 111 are not. What the effect does not show gives nothing back:
    of `hidden` 5 are closed at 60 and at 90 days.
    """

    def drawn(name: str, arm: str, more: int, closed: int) -> list[str]:
        first, late = (100, closed) if arm == "outreach" else (60, 20)
        return [
            *group(arm, first, late, "2026-04-01", "2026-05-15", name),
            *group(arm, more, more, "2026-05-16", "2026-05-20", name),
        ]

    cases = {"three": (3, 0, 40), "eleven": (11, 0, 40), "control": (0, 3, 40), "hidden": (3, 0, 5), "none": (0, 0, 40)}
    lines = [
        f"{line} | TX | no | yes"
        for name, (more, others, closed) in cases.items()
        for line in (*drawn(name, "outreach", more, closed), *drawn(name, "control", others, closed))
    ]
    story(
        given={"outreach.holdout_arm": rows(f"{STATE} | state | is_dual_or_lis | is_randomised", *lines)},
        expect={
            "outreach.effect": """
                programme | horizon_days | outreach_count | control_count
                three     | 30           | -              | -
                three     | 60           | 100            | 60
                three     | 90           | 100            | 60
                eleven    | 30           | 111            | 60
                eleven    | 60           | 100            | 60
                eleven    | 90           | 100            | 60
                control   | 30           | -              | -
                control   | 60           | 100            | 60
                control   | 90           | 100            | 60
                hidden    | 30           | -              | -
                hidden    | 60           | -              | -
                hidden    | 90           | -              | -
                none      | 30           | 100            | 60
                none      | 60           | 100            | 60
                none      | 90           | 100            | 60
            """,
            "outreach.holdout_balance": rows(
                "programme | covariate | covariate_level | outreach_count | control_count",
                *(
                    f"{name} | {covariate} | {level} | {counts}"
                    for name, counts in {
                        "three": "- | -",
                        "eleven": "111 | 60",
                        "control": "- | -",
                        "hidden": "103 | 60",
                        "none": "100 | 60",
                    }.items()
                    for covariate, level in {
                        "age": "65 and over",
                        "risk": "routine",
                        "state": "TX",
                        "dual_or_subsidy": "no",
                    }.items()
                ),
            ),
        },
    )
