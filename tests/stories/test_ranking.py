"""Conversations, capacity and the rural floor: domain rules 6.3 and 6.6, interface 3.1.

Stories begin with gaps that a pharmacy may raise. Scores are told; a row's name is its gap.
"""

from __future__ import annotations

from tests.stories.outreach import rows

MODEL = "outreach.ranked_gap"
AS_OF = "2026-06-30"

HEADER = "gap_id | person_id | pharmacy_npi | score | queue | is_urgent | is_weekly_cap_exempt | is_rural | is_agreed_call | list_code | state | due_date"


def contenders(*lines: str, capacity: dict[str, int] | None = None) -> dict[str, str]:
    """Gaps `name person pharmacy score [routine|review] [urgent] [rural] [agreed]`, and the capacity of each pharmacy."""
    told = []
    for line in lines:
        gap, person, npi, score, *marks = line.split()
        queue = "medication_review" if "review" in marks else "routine"
        urgent = "yes" if "urgent" in marks else "no"
        exempt = "yes" if {"urgent", "review"} & set(marks) else "no"
        rural = "yes" if "rural" in marks else "no"
        agreed = "yes" if "agreed" in marks else "no"
        told.append(
            f"{gap} | {person} | {npi} | {score} | {queue} | {urgent} | {exempt} | {rural} | {agreed} | CODE | TX | 2026-08-01"
        )
    capacity = {"north": 25, "south": 25} | (capacity or {})
    return {
        "outreach.eligible_gap": rows(HEADER, *told),
        "outreach.holdout_arm": "programme | person_id",
        "core.pharmacy": rows("npi | weekly_capacity", *(f"{npi} | {slots}" for npi, slots in capacity.items())),
    }


# Conversations (rule 6.3)


def test_a_conversation_has_three_gaps_and_one_lead_ask(story):
    """Rule 6.3: at most three gaps per conversation. Ann's fourth waits; bob's are another conversation.

    A review is talked over with the prescriber: a conversation of its own.
    """
    story(
        given=contenders(
            "a1 ann north 40", "a2 ann north 30", "a3 ann north 20", "a4 ann north 10", "a5 ann north 5 review",
            "b1 bob north 35", "b2 bob north 15",
        ),
        expect="""
            gap_id | list_rank | bundle_rank | status_reason
            a1     | 1         | 1           | -
            b1     | 2         | 1           | -
            a2     | 3         | 2           | -
            a3     | 4         | 3           | -
            a4     | -         | -           | conversation_cap
            b2     | 5         | 2           | -
            a5     | 6         | 1           | -
        """,
    )  # fmt: skip


def test_an_urgent_gap_leads_whatever_its_score(story):
    """The one that may not wait is the lead ask; its place on the list is that of its score (interface 3.1)."""
    story(
        given=contenders(
            "a1 ann north 40", "a2 ann north 30", "a3 ann north 20", "kit ann north 10 urgent",
        ),
        expect="""
            gap_id | list_rank | bundle_rank | status_reason
            a1     | 1         | 2           | -
            a2     | 2         | 3           | -
            a3     | -         | -           | conversation_cap
            kit    | 3         | 1           | -
        """,
    )  # fmt: skip


def test_what_capacity_cuts_is_no_part_of_the_conversation(story):
    """Two places: ann's urgent row has the lowest score and leads all the same; her second row is cut."""
    story(
        given=contenders("a1 ann north 40", "a2 ann north 30", "kit ann north 10 urgent", capacity={"north": 2}),
        expect="""
            gap_id | list_rank | bundle_rank | status_reason
            a1     | 1         | 2           | -
            a2     | -         | -           | capacity
            kit    | 2         | 1           | -
        """,
    )


def test_what_a_programme_cuts_is_no_part_of_the_conversation(story):
    """The programme `p` has one place, which is bob's: of ann's two rows the second leads."""
    story(
        given={
            "outreach.eligible_gap": """
                gap_id | person_id | pharmacy_npi | score | programme | programme_capacity | is_urgent
                b1     | bob       | north        | 50    | p         | 1                  | no
                a1     | ann       | north        | 40    | p         | 1                  | no
                a2     | ann       | north        | 30    | q         | -                  | no
            """,
            "outreach.holdout_arm": "programme | person_id",
            "core.pharmacy": "npi | weekly_capacity\nnorth | 25",
        },
        expect="""
            gap_id | list_rank | bundle_rank | status_reason
            b1     | 1         | 1           | -
            a1     | -         | -           | programme_capacity
            a2     | 2         | 1           | -
        """,
    )


def test_what_a_conversation_leaves_out_takes_no_place_of_its_programme(story):
    """Rules 6.3 and 6.6: the programme has four places. Ann's fourth row is none of her conversation, so bob has one."""
    header = "gap_id | person_id | pharmacy_npi | score | programme | programme_capacity | is_urgent"
    story(
        given={
            "outreach.eligible_gap": rows(
                header,
                *(f"a{n} | ann | north | {50 - n} | p | 4 | no" for n in range(1, 5)),
                "b1 | bob | north | 10 | p | 4 | no",
            ),
            "outreach.holdout_arm": "programme | person_id",
            "core.pharmacy": "npi | weekly_capacity\nnorth | 25",
        },
        expect="""
            gap_id | list_rank | status_reason
            a1     | 1         | -
            a2     | 2         | -
            a3     | 3         | -
            a4     | -         | conversation_cap
            b1     | 4         | -
        """,
    )


def test_a_programme_gives_its_places_to_urgent_rows_first(story):
    """Rule 6.3: the one place that the programme has is that of the row that may not wait."""
    story(
        given={
            "outreach.eligible_gap": """
                gap_id | person_id | pharmacy_npi | score | programme | programme_capacity | is_urgent
                b1     | bob       | north        | 50    | p         | 1                  | no
                a1     | ann       | north        | 10    | p         | 1                  | yes
            """,
            "outreach.holdout_arm": "programme | person_id",
            "core.pharmacy": "npi | weekly_capacity\nnorth | 25",
        },
        expect="""
            gap_id | list_rank | status_reason
            b1     | -         | programme_capacity
            a1     | 1         | -
        """,
    )


# One pharmacy at a time (rule 6.3: one call in seven days across programmes)


def test_a_member_is_on_one_pharmacys_list(story):
    """The row that comes first decides; an urgent row and a review go to their own pharmacy."""
    story(
        given=contenders(
            "a1 ann north 40", "a2 ann south 50", "a3 ann north 30 urgent", "a4 ann north 20 review", "b1 bob north 10",
        ),
        expect="""
            gap_id | list_rank | status_reason
            a1     | -         | other_pharmacy
            a2     | 1         | -
            a3     | 1         | -
            a4     | 2         | -
            b1     | 3         | -
        """,
    )  # fmt: skip


def test_the_pharmacy_that_had_the_member_this_week_keeps_them(story):
    """It may have called already. 24 June is six nights back, 23 June seven; a recalled row keeps nobody."""
    for listed, recalled, npi in (
        ("2026-06-24", "-", "north"),
        ("2026-06-23", "-", "south"),
        ("2026-06-29", "2026-06-29", "south"),
    ):
        reason = {"north": "-", "south": "other_pharmacy"}
        story(
            given=contenders("a1 ann north 40", "a2 ann south 50")
            | {
                "raw.state_release": f"""
                    gap_id | pharmacy_npi | person_id | last_listed_date | recalled_date
                    old    | north        | ann       | {listed}         | {recalled}
                """
            },
            expect=f"""
                gap_id | status_reason
                a1     | {reason[npi]}
                a2     | {reason["north" if npi == "south" else "south"]}
            """,
        )


def test_the_pharmacy_that_agreed_on_a_call_makes_it(story):
    """Rule 6.7: a day that was agreed to is kept, whatever another pharmacy has, or had on its list this week."""
    story(
        given=contenders("a1 ann north 40 agreed", "a2 ann south 50", "a3 ann north 10")
        | {
            "raw.state_release": """
                gap_id | pharmacy_npi | person_id | last_listed_date
                a2     | south        | ann       | 2026-06-29
            """
        },
        expect="gap_id | status_reason\na1 | -\na2 | other_pharmacy\na3 | -",
    )


def test_a_full_list_keeps_no_member_from_another(story):
    """Ann's better row finds no place at south, whose one place is bob's: north has her."""
    story(
        given=contenders("b1 bob south 60", "a1 ann south 50", "a2 ann north 40", capacity={"south": 1}),
        expect="""
            gap_id | pharmacy_npi | list_rank | status_reason
            b1     | south        | 1         | -
            a1     | south        | -         | other_pharmacy
            a2     | north        | 1         | -
        """,
    )


def test_a_full_list_gives_an_agreed_call_a_place(story):
    """Rule 6.7: north has two places and two better rows, and ann agreed on its call: she is not handed to south.

    Her other row at north waits like anyone's.
    """
    story(
        given=contenders(
            "b1 bob north 90", "c1 cat north 80", "a1 ann north 20 agreed", "a2 ann south 10", "a3 ann north 15",
            capacity={"north": 2},
        ),
        expect="""
            gap_id | list_rank | status_reason
            b1     | 1         | -
            c1     | -         | capacity
            a1     | 2         | -
            a2     | -         | other_pharmacy
            a3     | -         | capacity
        """,
    )  # fmt: skip


def test_an_agreed_call_is_one_of_the_three_of_its_conversation(story):
    """Rules 6.3 and 6.7: what was agreed on is not left out for three better rows, and the conversation begins with it."""
    story(
        given=contenders("a1 ann north 40", "a2 ann north 30", "a3 ann north 20", "a4 ann north 10 agreed"),
        expect="""
            gap_id | list_rank | bundle_rank | status_reason
            a1     | 1         | 2           | -
            a2     | 2         | 3           | -
            a3     | -         | -           | conversation_cap
            a4     | 3         | 1           | -
        """,
    )


def test_rows_that_a_conversation_leaves_out_fill_no_list(story):
    """Rule 6.3: bob's fourth and fifth row take no place, so the fourth of north is free for ann, who stays there."""
    story(
        given=contenders(
            *(f"b{n} bob north {90 - n}" for n in range(1, 6)), "a1 ann north 50", "a2 ann south 10",
            capacity={"north": 4},
        ),
        expect="""
            gap_id | list_rank | status_reason
            b1     | 1         | -
            b2     | 2         | -
            b3     | 3         | -
            b4     | -         | conversation_cap
            b5     | -         | conversation_cap
            a1     | 4         | -
            a2     | -         | other_pharmacy
        """,
    )  # fmt: skip


def test_who_has_no_room_for_another_row_is_not_said_to_be_elsewhere(story):
    """Three urgent rows are a conversation: ann's fourth is left out of it, and no other pharmacy has her."""
    story(
        given=contenders(*(f"a{n} ann north {n} urgent" for n in range(1, 4)), "a4 ann north 90"),
        expect="gap_id | status_reason\na1 | -\na2 | -\na3 | -\na4 | conversation_cap",
    )


# Capacity and the rural floor (rule 6.6, interface 3.1)


def test_the_rural_floor_keeps_places_when_capacity_cuts(story):
    """20 % of ten places are two: the two best rural rows take them, in the order of scores; the last city row goes.

    One of nine or fewer places below ten is 1.8, rounded down: one. Of four none is kept.
    """
    city = [f"c{n} c{n} north {100 - n}" for n in range(1, 11)]
    rural = ["r1 r1 north 50 rural", "r2 r2 north 40 rural", "r3 r3 north 30 rural"]
    for capacity, city_count, rural_names in ((10, 8, ("r1", "r2")), (9, 8, ("r1",)), (4, 4, ())):
        listed = [*(f"c{n}" for n in range(1, city_count + 1)), *rural_names]
        others = [line.split()[0] for line in (*city, *rural) if line.split()[0] not in listed]
        story(
            given=contenders(*city, *rural, capacity={"north": capacity}),
            rural_floor=0.2,
            expect=rows(
                "gap_id | list_rank | status_reason",
                *(f"{gap} | {rank} | -" for rank, gap in enumerate(listed, start=1)),
                *(f"{gap} | - | capacity" for gap in others),
            ),
        )


def test_an_urgent_row_takes_its_place_before_better_ones(story):
    """Rules 6.3 and 6.6: of three places the one with the lowest score keeps one, for it may not wait.

    The list stays in the order of scores. More urgent rows than places: the best of them.
    """
    story(
        given=contenders(
            "b1 bob north 60", "c1 cat north 59", "d1 dan north 58", "toc tim north 30 urgent",
            "e1 eve south 90", "u1 uma south 20 urgent", "u2 una south 10 urgent",
            capacity={"north": 3, "south": 1},
        ),
        expect="""
            gap_id | list_rank | status_reason
            b1     | 1         | -
            c1     | 2         | -
            d1     | -         | capacity
            toc    | 3         | -
            e1     | -         | capacity
            u1     | 1         | -
            u2     | -         | capacity
        """,
    )  # fmt: skip


def test_a_review_that_can_wait_takes_no_place_before_others(story):
    """Rules 6.3, 6.6: no call of the week holds a review back, for it is the prescriber who is asked; that is no urgency."""
    story(
        given=contenders("review ann north 5 review", "refill bob north 20", capacity={"north": 1}),
        expect="""
            gap_id | list_rank | status_reason
            refill | 1         | -
            review | -         | capacity
        """,
    )


def test_the_rural_floor_is_of_the_places_that_urgent_rows_leave(story):
    """Ten places, five urgent rows: 40 % of the five that are left are two, for r1 and r2; three are c1's to c3's.

    Urgent rural rows are not of the floor: it is for those who would not be listed.
    """
    urgent = [*(f"u{n} u{n} north {n} urgent" for n in range(1, 5)), "u5 u5 north 5 urgent rural"]
    city = [f"c{n} c{n} north {100 - n}" for n in range(1, 6)]
    rural = ["r1 r1 north 50 rural", "r2 r2 north 40 rural", "r3 r3 north 30 rural"]
    story(
        given=contenders(*urgent, *city, *rural, capacity={"north": 10}),
        rural_floor=0.4,
        expect="""
            gap_id | list_rank | status_reason
            c1     | 1         | -
            c2     | 2         | -
            c3     | 3         | -
            c4     | -         | capacity
            c5     | -         | capacity
            r1     | 4         | -
            r2     | 5         | -
            r3     | -         | capacity
            u5     | 6         | -
            u4     | 7         | -
            u3     | 8         | -
            u2     | 9         | -
            u1     | 10        | -
        """,
    )


def test_the_rural_floor_is_counted_in_decimals(story):
    """Rule 6.6: 29 % of 100 places are 29, though as doubles 0.29 * 100 is a little less."""
    city = [f"c{n} c{n} north {500 - n}" for n in range(1, 101)]
    rural = [f"r{n} r{n} north {200 - n} rural" for n in range(1, 31)]
    listed = [*(f"c{n}" for n in range(1, 72)), *(f"r{n}" for n in range(1, 30))]
    story(
        given=contenders(*city, *rural, capacity={"north": 100}),
        rural_floor=0.29,
        expect=rows(
            "gap_id | list_rank",
            *(f"{gap} | {rank}" for rank, gap in enumerate(listed, start=1)),
            *(f"{line.split()[0]} | -" for line in (*city, *rural) if line.split()[0] not in listed),
        ),
    )


def test_the_floor_is_a_floor(story):
    """Rural rows with high scores take other places too; places that no rural row asks for are everybody's."""
    story(
        given=contenders(
            "r1 r1 north 90 rural", "r2 r2 north 80 rural", "c1 c1 north 70", "r3 r3 north 60 rural", "c2 c2 north 50",
            "c3 c3 south 90", "c4 c4 south 80", "c5 c5 south 70", "c6 c6 south 60", "c7 c7 south 50", "c8 c8 south 40",
            capacity={"north": 4, "south": 5},
        ),
        rural_floor=0.25,
        expect="""
            gap_id | list_rank | status_reason
            r1     | 1         | -
            r2     | 2         | -
            c1     | 3         | -
            r3     | 4         | -
            c2     | -         | capacity
            c3     | 1         | -
            c4     | 2         | -
            c5     | 3         | -
            c6     | 4         | -
            c7     | 5         | -
            c8     | -         | capacity
        """,
    )  # fmt: skip


def test_who_lives_in_a_rural_county(story):
    """Interface section 2: county types `Rural` and `CEAC` (counties with extreme access considerations)."""
    kinds = {"79901": "Rural", "79902": "CEAC", "79903": "Micro", "79904": "-"}
    story(
        given={
            "core.member": rows(
                "member_key | person_id | zip_code", *(f"{key} | p{key} | {zcta}" for key, zcta in enumerate(kinds, 1))
            ),
            "raw.zcta": rows("zcta | county_type", *(f"{zcta} | {kind}" for zcta, kind in kinds.items())),
            "outreach.ledger": rows(
                "gap_id | person_id | member_key", *(f"g{key} | p{key} | {key}" for key in range(1, 6))
            ),
        },
        expect={"outreach.scored_gap": "gap_id | is_rural\ng1 | yes\ng2 | yes\ng3 | no\ng4 | no\ng5 | no"},
    )


# What the pharmacy reads


def test_a_row_says_whether_it_leads_and_which_row_it_stands_for(story):
    """Rule 6.6: a stated lead ask. A row that takes the place of one that this pharmacy holds names it.

    The latest of them, closed within 35 nights, at this pharmacy, of the same family and subject.
    """
    story(
        model="outreach.worklist",
        given={
            "core.member": "member_key | person_id\n1 | ann",
            "outreach.gap": """
                gap_id | person_id | gap_code       | gap_family | subject     | score
                new    | ann       | ADHERENCE_LATE | adherence  | pdc_statins | 30
                other  | ann       | ADHERENCE_LATE | adherence  | pdc_ras     | 20
                third  | ann       | ADHERENCE_LATE | adherence  | pdc_doac    | 10
            """,
            "outreach.ledger": """
                gap_id | person_id | gap_family | subject     | status | closing_reason | closed_date
                new    | ann       | adherence  | pdc_statins | open   | -              | -
                other  | ann       | adherence  | pdc_ras     | open   | -              | -
                third  | ann       | adherence  | pdc_doac    | open   | -              | -
                old    | ann       | adherence  | pdc_statins | closed | superseded     | 2026-06-30
                older  | ann       | adherence  | pdc_statins | closed | superseded     | 2026-05-27
                done   | ann       | adherence  | pdc_ras     | closed | resolved       | 2026-06-30
                late   | ann       | adherence  | pdc_doac    | closed | superseded     | 2026-05-26
            """,
            "outreach.ranked_gap": """
                gap_id | pharmacy_npi | state | list_rank | bundle_rank
                new    | north        | TX    | 1         | 1
                other  | north        | TX    | 2         | 2
                third  | north        | TX    | 3         | 3
            """,
            "raw.state_release": """
                gap_id | pharmacy_npi | person_id | last_listed_date
                old    | north        | ann       | 2026-06-29
                older  | north        | ann       | 2026-05-26
                done   | north        | ann       | 2026-06-29
                late   | north        | ann       | 2026-05-25
            """,
        },
        expect="""
            gap_id | bundle_rank | is_lead_ask | supersedes_gap_id
            new    | 1           | yes         | old
            other  | 2           | no          | -
            third  | 3           | no          | -
        """,
    )
