"""How long a pharmacy stays a member's: domain rule 6.5, interface 2.2. The rules themselves are in `test_worklist.py`.

As of 30 June 2026. Whoever the night before had at north fills at south now.
"""

from __future__ import annotations

from tests.stories.outreach import members, rows

MODEL = "outreach.attribution"
AS_OF = "2026-06-30"

PHARMACIES = """
    npi       | ncpdp_id | is_open | is_mail_order | is_valid_npi | is_specialty | state | is_in_network | zip_code
    north     | 300      | yes     | no            | yes          | no           | TX    | yes           | 78701
    south     | 200      | yes     | no            | yes          | no           | OK    | yes           | 73301
    shut      | 100      | no      | no            | yes          | no           | TX    | yes           | 78701
    specialty | 400      | yes     | no            | yes          | yes          | AZ    | yes           | 85001
    mail      | 500      | yes     | yes           | yes          | yes          | AZ    | yes           | 85001
"""


def situation(names: list[str], fills: str, state: str = "", status: str = "open") -> dict[str, str]:
    """One gap of `pdc_statins` each."""
    return {
        "core.member": members(names),
        "core.pharmacy": PHARMACIES,
        "core.drug": "drug_key | product_class | is_specialty\n1 | - | no\n2 | - | yes\n3 | vaccine | no",
        "core.fill": fills,
        "facts.subject_fill": "member_key | subject | fill_key",
        "outreach.ledger": rows(
            "gap_id | person_id | member_key | gap_family | subject | status",
            *(f"{n} | {n} | {key} | adherence | pdc_statins | {status}" for key, n in enumerate(names, start=1)),
        ),
        "raw.state_attribution": rows(
            "person_id | gap_family | subject | pharmacy_npi | attribution_rule | fill_count | last_fill_date | attributed_date",
            *state.strip().splitlines(),
        ),
    }


def fills_at(npi: str, count: int, day: str = "2026-06-01") -> str:
    """One retail fill each of the first `count` members at one pharmacy."""
    return rows(
        "fill_key | member_key | dispensing_provider_npi | fill_date | drug_key | is_mail_order | rx_number",
        *(f"{key} | {key} | {npi} | {day} | 1 | no | 7" for key in range(1, count + 1)),
    )


def kept(name: str, npi: str, rule: str, day: str) -> str:
    return f"{name} | adherence | pdc_statins | {npi} | {rule} | {'-' if rule in ('preferred', 'assigned_by_distance') else 1} | - | {day}"


def test_an_open_gap_keeps_its_pharmacy_for_thirty_days(story):
    """Rule 6.5: re-attribute monthly, freeze open rows 30 days. 1 June is in this month; 31 May is 30 days back.

    Of gaps that were given out on 31 May and before, everyone is asked again; nobody else is.
    """
    cases = {
        "this_month": ("2026-06-01", "north"),
        "thirty_days": ("2026-05-31", "south"),
        "longer": ("2026-01-10", "south"),
    }
    names = [*cases, "new"]
    state = "\n".join(kept(name, "north", "most_fills", day) for name, (day, _) in cases.items())
    story(
        given=situation(names, fills_at("south", 4), state),
        expect=rows(
            "person_id | pharmacy_npi | attribution_rule | attributed_date",
            *(
                f"{name} | {npi} | most_fills | {day if npi == 'north' else AS_OF}"
                for name, (day, npi) in cases.items()
            ),
            f"new | south | most_fills | {AS_OF}",
        ),
    )


def test_the_turn_of_the_month_frees_what_is_not_open(story):
    """On 5 July: what was given out on 10 June is 25 days old. Open, it stays; else a new month is a new choice.

    The first day of the freeze counts: given out on 6 June it is 29 days old and stays, on 5 June 30 and goes.
    """
    cases = {"ten": ("2026-06-10", "north"), "six": ("2026-06-06", "north"), "five": ("2026-06-05", "south")}
    state = "\n".join(kept(name, "north", "most_fills", day) for name, (day, _) in cases.items())
    for status in ("open", "prospective"):
        story(
            as_of="2026-07-05",
            given=situation(list(cases), fills_at("south", 3), state, status),
            expect=rows(
                "person_id | pharmacy_npi",
                *(f"{name} | {npi if status == 'open' else 'south'}" for name, (_, npi) in cases.items()),
            ),
        )


def test_what_ends_a_freeze(story):
    """A pharmacy that closed or is gone, the member's own wish, a wish that is withdrawn, and `NOT_MY_PATIENT` (6.7).

    A wish stands as of the day on which it was first followed. North said on 10 June that ann is not its patient; it
    has been given bea after such a word of 1 June.
    """
    names = ["ann", "bea", "closed", "gone", "wish", "same_wish", "no_wish"]
    state = "\n".join([
        kept("ann", "north", "most_fills", "2026-06-10"), kept("bea", "north", "most_fills", "2026-06-10"),
        kept("closed", "shut", "most_fills", "2026-06-10"), kept("gone", "elsewhere", "most_fills", "2026-06-10"),
        kept("wish", "south", "most_fills", "2026-06-10"), kept("same_wish", "north", "preferred", "2026-06-10"),
        kept("no_wish", "north", "preferred", "2026-06-10"),
    ])  # fmt: skip
    story(
        given=situation(names, fills_at("south", 7), state)
        | {
            "raw.member_preference": """
                person_id | preferred_pharmacy_npi
                wish      | north
                same_wish | north
                no_wish   | -
            """,
            "raw.outreach_outcome": """
                person_id | gap_code       | outcome_code   | attempted_at        | pharmacy_npi
                ann       | ADHERENCE_LATE | NOT_MY_PATIENT | 2026-06-10 10:00:00 | north
                bea       | ADHERENCE_LATE | NOT_MY_PATIENT | 2026-06-01 10:00:00 | north
            """,
        },
        expect=f"""
            person_id | pharmacy_npi | attribution_rule | attributed_date
            ann       | south        | most_fills       | {AS_OF}
            bea       | north        | most_fills       | 2026-06-10
            closed    | south        | most_fills       | {AS_OF}
            gone      | south        | most_fills       | {AS_OF}
            wish      | north        | preferred        | {AS_OF}
            same_wish | north        | preferred        | 2026-06-10
            no_wish   | south        | most_fills       | {AS_OF}
        """,
    )


def test_a_pharmacy_that_says_not_my_patient(story):
    """Rule 6.7: reattribute. Its fills up to that day count no more, a later one does; nor is it asked by wish or place."""
    fills = rows(
        "fill_key | member_key | dispensing_provider_npi | fill_date | drug_key | is_mail_order | rx_number",
        "1 | 1 | north | 2026-06-09 | 1 | no | 1", "2 | 1 | north | 2026-06-10 | 1 | no | 2", "3 | 1 | south | 2026-03-01 | 1 | no | 3",
        "4 | 2 | north | 2026-06-11 | 1 | no | 4", "5 | 2 | north | 2026-06-12 | 1 | no | 5", "6 | 2 | south | 2026-06-13 | 1 | no | 6",
        "7 | 3 | south | 2026-03-01 | 1 | no | 7",
    )  # fmt: skip
    names = ["before", "after", "by_wish", "by_place"]
    story(
        given=situation(names, fills)
        | {
            "core.member": members(names, zip_code={"by_place": "78701"}),
            "raw.member_preference": "person_id | preferred_pharmacy_npi\nby_wish | north",
            "raw.outreach_outcome": rows(
                "person_id | gap_code | outcome_code | attempted_at | pharmacy_npi",
                *(f"{name} | ADHERENCE_LATE | NOT_MY_PATIENT | 2026-06-10 10:00:00 | north" for name in names),
            ),
        },
        expect="""
            person_id | pharmacy_npi | attribution_rule
            before    | south        | most_fills
            after     | north        | most_fills
            by_wish   | south        | most_fills
        """,
    )


def test_a_specialty_drug_goes_to_the_specialty_pharmacy(story):
    """Rule 2, before most class fills: fills of a specialty drug at a specialty pharmacy, mailed ones too.

    A drug that is none, and a mail-order pharmacy, do not count; 180 days back: 2 January does, 1 January does not.
    """
    lines = [
        "1 | 1 | specialty | 2026-01-02 | 2 | yes | 1", "2 | 1 | north | 2026-05-01 | 2 | no | 2", "3 | 1 | north | 2026-06-01 | 2 | no | 3",
        "4 | 2 | specialty | 2026-01-01 | 2 | no | 4", "5 | 2 | north | 2026-05-01 | 2 | no | 5",
        "6 | 3 | specialty | 2026-05-01 | 1 | no | 6", "7 | 3 | north | 2026-04-01 | 1 | no | 7", "8 | 3 | north | 2026-04-02 | 1 | no | 8",
        "9 | 4 | mail | 2026-05-01 | 2 | yes | 9", "10 | 4 | south | 2026-04-01 | 2 | no | 10",
    ]  # fmt: skip
    keys = {1: (1, 2, 3), 2: (4, 5), 3: (6, 7, 8), 4: (9, 10)}
    names = ["specialty_drug", "too_long_ago", "common_drug", "by_mail_order"]
    story(
        given=situation(
            names,
            rows(
                "fill_key | member_key | dispensing_provider_npi | fill_date | drug_key | is_mail_order | rx_number",
                *lines,
            ),
        )
        | {
            "facts.subject_fill": rows(
                "member_key | subject | fill_key",
                *(f"{member} | pdc_statins | {key}" for member, found in keys.items() for key in found),
            )
        },
        expect="""
            person_id      | pharmacy_npi | attribution_rule | fill_count
            specialty_drug | specialty    | specialty_fills  | 1
            too_long_ago   | north        | most_class_fills | 1
            common_drug    | north        | most_class_fills | 2
            by_mail_order  | south        | most_class_fills | 1
        """,
    )


def test_which_pharmacy_is_a_specialty_pharmacy(story):
    """NUCC 3336S0011X among its taxonomies; mail order is told by the first alone."""
    story(
        given={
            "raw.pharmacy": """
                npi | taxonomy_code
                a   | 3336S0011X
                b   | 3336S0011X;3336M0002X
                c   | 3336M0002X;3336S0011X
                d   | 3336C0003X
                e   | -
            """,
            "core.npi": "npi | is_valid\na | yes\nb | yes\nc | yes\nd | yes\ne | yes",
        },
        expect={
            "core.pharmacy": """
                npi | is_specialty | is_mail_order
                a   | yes          | no
                b   | yes          | no
                c   | yes          | yes
                d   | no           | no
                e   | no           | no
            """
        },
    )
