"""The directory, referrals and what came of them, told as stories: community 5.1 and 5.3, with 1.7 for referrals.

Tonight is Tuesday 2026-06-30. Everyone is 41, in Austin (78701), Texas, and has food on record, unless told otherwise.
"""

from __future__ import annotations

from tests.stories.maternal import ago, claim, claims, table

MODEL = "gaps.community_resource"
AS_OF = "2026-06-30"
MATCH = "facts.service_match"
REFERRAL = "facts.referral"
HOLD = "facts.referral_hold"
WORD = "facts.closing_word"
ANY = "sdoh-category-unspecified"
FOOD = "food-insecurity"

QUIET = {
    "facts.maternal_episode": "member_key",
    "facts.suppression": "member_key",
    "facts.maternal_gate": "missing_value_sets\n0",
}


def people(*names: str, **columns: str) -> str:
    """Eligibility of adults of 41 in Austin."""
    shared = {"birth_date": "1985-01-01", "enrollment_start_date": "2015-01-01", "state": "TX", "zip_code": "78701"}
    return table([{"person_id": name} | shared | columns for name in names])


def hungry(*names: str) -> str:
    """A claim of five days ago that documents a need for food."""
    return claims(*(claim(name, 5, "Z5941") for name in names))


def said(*lines: tuple[str, str, str, int] | tuple[str, str, str, int, str]) -> str:
    """Outcomes: who, which gap code, which outcome, how many days ago, and of which category."""
    rows = [
        {
            "person_id": who, "gap_code": code, "outcome_code": outcome, "attempted_at": f"{ago(days)} 15:00:00",
            "subject": subject[0] if subject else "-", "pharmacy_npi": "north",
        }
        for who, code, outcome, days, *subject in lines
    ]  # fmt: skip
    return table(rows)


# The directory ----------------------------------------------------------------------------------------------------

# Half a degree of latitude is 34.5 miles, three quarters 51.8 (3,958.8 miles times pi over 180: 69.09 a degree).
ZCTA = """
    zcta  | latitude | longitude | state
    78701 | 30.00    | -97.00    | TX
    78702 | 30.01    | -97.00    | TX
    78613 | 30.50    | -97.00    | TX
    76501 | 30.75    | -97.00    | TX
"""


def directory(*lines: dict[str, str]) -> dict[str, str]:
    """Services for food, confirmed a month ago, in the member's ZIP code unless told otherwise."""
    shared = {"category": FOOD, "zip_code": "78701", "state": "TX", "assured_date": ago(30)}
    return {"raw.community_service": table([shared | line for line in lines]), "raw.zcta": ZCTA}


def matched(story, services: list[dict[str, str]], expect: str, **member: str) -> None:
    """One member, and the service that is proposed."""
    given = {"raw.eligibility": people("ann", **member), "raw.medical_claim": hungry("ann"), **directory(*services)}
    story(given=QUIET | given, model=MATCH, expect=expect)


def test_an_entry_is_fresh_for_twelve_months(story):
    """5.3: assured more than 12 months ago is stale (2025-06-29); 2025-06-30 is not. Without a day it comes last."""
    stale, fresh, unknown = (
        {"service_id": "a-stale", "assured_date": "2025-06-29"},
        {"service_id": "c-fresh", "assured_date": "2025-06-30"},
        {"service_id": "b-unknown", "assured_date": "-"},
    )
    matched(story, [stale], "member_key")
    matched(story, [stale, fresh, unknown], "service_id | distance_miles | is_same_zip\nc-fresh | 0 | yes")
    matched(story, [stale, unknown], "service_id\nb-unknown")


def test_only_services_of_the_category_are_proposed(story):
    """5.3: by category; a service of two categories stands in the directory twice."""
    matched(
        story,
        [
            {"service_id": "a", "category": "transportation-insecurity"},
            {"service_id": "b", "category": "transportation-insecurity"},
            {"service_id": "b"},
        ],
        f"category | service_id\n{FOOD} | b",
    )


def test_the_nearest_within_fifty_miles(story):
    """5.3: the member's own ZIP code, then the nearest; 51.8 miles are too far. 0.01 degrees are 0.691 miles."""
    own, next_door = {"service_id": "z-own"}, {"service_id": "b-next", "zip_code": "78702"}
    north, far = {"service_id": "a-north", "zip_code": "78613"}, {"service_id": "a-far", "zip_code": "76501"}
    matched(story, [far], "member_key")
    matched(story, [far, north], "service_id | distance_miles | is_same_zip\na-north | 34.547 | no")
    matched(story, [far, north, next_door], "service_id | distance_miles\nb-next | 0.691")
    matched(story, [far, north, next_door, own], "service_id | is_same_zip\nz-own | yes")
    # An own ZIP code that no map knows is still one's own; another one is not near.
    unmapped = {"service_id": "u", "zip_code": "78999"}
    matched(story, [unmapped], "service_id | distance_miles\nu | -", zip_code="78999")
    matched(story, [unmapped], "member_key")


def test_a_service_by_telephone_is_for_its_state(story):
    """5.3: without a ZIP code the state decides; without either it is for everyone. A place comes before it."""
    texas, ohio = {"service_id": "t", "zip_code": "-"}, {"service_id": "o", "zip_code": "-", "state": "OH"}
    nation, place = {"service_id": "n", "zip_code": "-", "state": "-"}, {"service_id": "z", "zip_code": "78613"}
    matched(story, [ohio], "member_key")
    matched(story, [ohio, texas], "service_id | distance_miles\nt | -")
    matched(story, [ohio, nation], "service_id\nn")
    matched(story, [texas, nation, place], "service_id\nz")


def test_the_members_language_comes_first(story):
    """5.3: a service in it goes before a nearer one; where nobody speaks it, the nearest is proposed. Wishes count."""
    english, spanish = {"service_id": "a"}, {"service_id": "b", "languages": "en;es", "zip_code": "78613"}
    matched(story, [english, spanish], "service_id | is_in_language\nb | yes", language="es")
    matched(story, [english, spanish], "service_id | is_in_language\na | no", language="vi")
    matched(story, [english, spanish], "service_id | is_in_language\na | no")
    given = {
        "raw.eligibility": people("ann", language="en"),
        "raw.medical_claim": hungry("ann"),
        **directory(english, spanish),
    }
    story(
        given=QUIET | given | {"raw.member_preference": "person_id | language\nann | es"},
        model=MATCH,
        expect="service_id\nb",
    )


def test_ties_are_settled(story):
    """Of two alike the one confirmed last, then the lower id, in whatever order they are delivered."""
    two = [{"service_id": "b"}, {"service_id": "a"}]
    matched(story, two, "service_id\na")
    matched(story, two[::-1], "service_id\na")
    matched(story, [two[1], two[0] | {"assured_date": ago(29)}], "service_id\nb")


def test_the_sentence_names_the_service(story):
    """The pharmacist reads whom to call; an entry without a name or a number is not one to read out."""
    given = {
        "raw.eligibility": people("ann", "bea"),
        "raw.medical_claim": claims(claim("ann", 5, "Z5941"), claim("bea", 5, "Z5982")),
        **directory(
            {"service_id": "s1", "organization_name": "Example Pantry", "name": "Food boxes", "phone": "512-555-0100"},
            {"service_id": "s2", "category": "transportation-insecurity"},
        ),
    }
    story(
        given=QUIET | given | {HOLD: "member_key"},
        expect=f"""
            member_key | service_id | reason
            1          | s1         | A claim of {ago(5)} tells of a need for help with food. Ask whether it still stands, and offer to connect: Example Pantry, Food boxes, 512-555-0100.
            2          | -          | A claim of {ago(5)} tells of a need for help with transport. Ask whether it still stands, and offer to connect.
        """,
    )


# What was said, and when to ask again -----------------------------------------------------------------------------

CONSENT = "person_id | scope | valid_from"


def test_settled_for_90_days_declined_for_180(story):
    """5.3, both sides of both; another category is another matter, and an unanswered call settles nothing.

    What is settled is closed by a word in the ledger; what was declined stays open there, and on no list (rules 6.3, 6.7).
    """
    names = ["a-done89", "b-done90", "c-no179", "d-no180", "e-other", "f-call", "g-known"]
    story(
        given=QUIET
        | {
            "raw.eligibility": people(*names),
            "raw.medical_claim": hungry(*names),
            "raw.outreach_outcome": said(
                ("a-done89", "COMMUNITY_NEED", "REACHED_COMPLETED", 89, FOOD),
                ("b-done90", "COMMUNITY_NEED", "REACHED_COMPLETED", 90, FOOD),
                ("c-no179", "COMMUNITY_NEED", "REACHED_DECLINED", 179, FOOD),
                ("d-no180", "COMMUNITY_NEED", "REACHED_DECLINED", 180, FOOD),
                ("e-other", "COMMUNITY_NEED", "REACHED_DECLINED", 1, "utility-insecurity"),
                ("f-call", "COMMUNITY_NEED", "NO_ANSWER", 1, FOOD),
                ("g-known", "COMMUNITY_NEED", "GAP_ALREADY_CLOSED", 1, FOOD),
            ),
        },
        expect={
            HOLD: f"""
                member_key | category           | hold_reason | proof
                1          | {FOOD}             | completed   | documented
                3          | {FOOD}             | declined    | -
                5          | utility-insecurity | declined    | -
                7          | {FOOD}             | completed   | reported
            """,
            WORD: f"""
                member_key | gap_code                 | subject | closing_reason
                1          | COMMUNITY_NEED           | {FOOD}  | documented
                1          | COMMUNITY_OFFER          | {FOOD}  | documented
                1          | COMMUNITY_OFFER_MATERNAL | {FOOD}  | documented
                7          | COMMUNITY_NEED           | {FOOD}  | reported
                7          | COMMUNITY_OFFER          | {FOOD}  | reported
                7          | COMMUNITY_OFFER_MATERNAL | {FOOD}  | reported
            """,
            MODEL: "member_key | status\n" + "\n".join(f"{key} | open" for key in range(1, 8)),
        },
    )


def test_an_outcome_may_name_the_gap_alone(story):
    """Interface 3.1: the sheet that goes with a delivery carries the gap_id."""
    story(
        given=QUIET
        | {
            "raw.eligibility": people("ann", "bea"),
            "raw.medical_claim": hungry("ann", "bea"),
            "raw.state_gap": f"gap_id | person_id | gap_code | gap_family | subject\ng1 | ann | COMMUNITY_NEED | community_resource | {FOOD}",
            "raw.outreach_outcome": f"gap_id | outcome_code | attempted_at\ng1 | REACHED_DECLINED | {ago(3)} 10:00:00",
        },
        expect={
            HOLD: f"member_key | category | hold_reason | hold_until_date\n1 | {FOOD} | declined | {ago(-177)}",
            WORD: "member_key",
        },
    )


def test_a_declined_offer_is_not_made_again_and_no_need_falls_back_to_an_offer(story):
    """5.1 and 5.3: who has something on record hears of it, or of nothing; the offer is a matter of its own.

    Both rows stay open, and say `declined` (rules 6.3).
    """
    sugar = [claim(who, days, code) for who in ("ann", "bea") for days, code in ((400, "E119"), (30, "E1165"))]
    given = QUIET | {
        "raw.eligibility": people("ann", "bea"),
        "raw.medical_claim": claims(*sugar, claim("bea", 5, "Z5941")),
        "raw.outreach_outcome": said(
            ("ann", "COMMUNITY_OFFER", "REACHED_DECLINED", 100),
            ("bea", "COMMUNITY_NEED", "REACHED_DECLINED", 100, FOOD),
        ),
    }
    story(
        given=given,
        expect=f"""
            member_key | gap_code        | subject
            1          | COMMUNITY_OFFER | {ANY}
            2          | COMMUNITY_NEED  | {FOOD}
        """,
    )
    story(
        model=HOLD,
        given=given,
        expect=f"member_key | category | hold_reason\n1 | {ANY} | declined\n2 | {FOOD} | declined",
    )


def test_help_from_a_navigator_holds_everything_back_for_90_days(story):
    """5.1: G0019 and its kin say that somebody helps already; paid ones only, both sides of 90 days."""
    names = ["a-89", "b-90", "c-denied", "d-2023", "e-pin"]
    story(
        given=QUIET
        | {
            "raw.eligibility": people(*names),
            "raw.medical_claim": claims(
                *(claim(name, 5, "Z5941 Z5982") for name in names),
                claim("a-89", 89, hcpcs_code="G0019"),
                claim("b-90", 90, hcpcs_code="G0022"),
                claim("c-denied", 1, hcpcs_code="G0019", claim_status="denied"),
                claim("e-pin", 10, hcpcs_code="G0140"),
            ),
        },
        expect="""
            member_key | subject
            2          | food-insecurity
            2          | transportation-insecurity
            3          | food-insecurity
            3          | transportation-insecurity
            4          | food-insecurity
            4          | transportation-insecurity
        """,
    )


# Referrals --------------------------------------------------------------------------------------------------------

# Ids are digests; `state_referral` gives each referral here a plain one that statuses can name.
KNOWN = "referral_id | person_id | category | gap_code | created_at | pharmacy_npi | service_id | status | status_reason | status_at | declined_by"


def known(*lines: str) -> str:
    """Referrals that the night before knew."""
    return "\n".join([KNOWN, *lines])


def test_a_referral_waits_for_consent(story):
    """5.3: consent, its scope and date stand on the record; without one that holds tonight it is a draft.

    A draft goes nowhere, so the need is asked about still; a referral under way makes it wait for 30 days.
    """
    names = ["a-yes", "b-none", "c-over", "d-other", "e-later"]
    story(
        given=QUIET
        | {
            "raw.eligibility": people(*names),
            "raw.medical_claim": hungry(*names),
            "raw.member_consent": f"""
                person_id | scope     | valid_from | valid_to
                a-yes     | programme | {ago(40)}  | {ago(0)}
                c-over    | programme | {ago(40)}  | {ago(1)}
                d-other   | part2     | -          | -
                e-later   | referral  | {ago(-1)}  | -
            """,
            "raw.outreach_outcome": said(*((name, "COMMUNITY_NEED", "REFERRED", 2, FOOD) for name in names)),
            **directory({"service_id": "s1"}),
        },
        expect={
            REFERRAL: f"""
                member_key | category | service_id | status    | status_reason   | consent_scope | consent_date | created_at          | is_closed_loop
                1          | {FOOD}   | s1         | requested | -               | programme     | {ago(40)}    | {ago(2)} 15:00:00   | no
                2          | {FOOD}   | s1         | draft     | consent_missing | -             | -            | {ago(2)} 15:00:00   | no
                3          | {FOOD}   | s1         | draft     | consent_missing | -             | -            | {ago(2)} 15:00:00   | no
                4          | {FOOD}   | s1         | draft     | consent_missing | -             | -            | {ago(2)} 15:00:00   | no
                5          | {FOOD}   | s1         | draft     | consent_missing | -             | -            | {ago(2)} 15:00:00   | no
            """,
            MODEL: f"""
                member_key | status      | window_start_date
                1          | prospective | {ago(-28)}
                2          | open        | {ago(5)}
                3          | open        | {ago(5)}
                4          | open        | {ago(5)}
                5          | open        | {ago(5)}
            """,
        },
    )


def test_the_category_of_a_referral(story):
    """5.3: the outcome's own word, else that of its gap, else none; a word that is no category is none.

    Twice on one day is one referral; another day is another. Outcomes of other families are no referrals.
    """
    story(
        given=QUIET
        | {
            "raw.eligibility": people("ann", "bea", "cal", "dee", "eve"),
            "raw.state_gap": f"gap_id | person_id | gap_code | gap_family | subject\ng1 | ann | COMMUNITY_NEED | community_resource | {FOOD}",
            "raw.outreach_outcome": f"""
                gap_id | person_id | gap_code        | subject                   | outcome_code | attempted_at
                g1     | -         | -               | -                         | REFERRED     | {ago(9)} 09:00:00
                g1     | -         | -               | -                         | REFERRED     | {ago(9)} 10:00:00
                g1     | -         | -               | transportation-insecurity | REFERRED     | {ago(9)} 09:00:00
                -      | bea       | COMMUNITY_OFFER | utility-insecurity        | REFERRED     | {ago(3)} 09:00:00
                -      | bea       | COMMUNITY_OFFER | utility-insecurity        | REFERRED     | {ago(2)} 09:00:00
                -      | cal       | COMMUNITY_OFFER | help                      | REFERRED     | {ago(2)} 09:00:00
                -      | cal       | COMMUNITY_OFFER | -                         | NO_ANSWER    | {ago(3)} 09:00:00
                -      | dee       | DIAPER_RESOURCE | episode 1                 | REFERRED     | {ago(2)} 09:00:00
                -      | eve       | SUPD            | supd                      | REFERRED     | {ago(2)} 09:00:00
                -      | eve       | COMMUNITY_OFFER | intimate-partner-violence | REFERRED     | {ago(2)} 09:00:00
                -      | eve       | COMMUNITY_OFFER | {FOOD}                    | REFERRED     | {ago(-1)} 09:00:00
            """,
        },
        model="facts.referral_request",
        expect=f"""
            member_key | category                  | created_at
            1          | {FOOD}                    | {ago(9)} 09:00:00
            1          | transportation-insecurity | {ago(9)} 09:00:00
            2          | utility-insecurity        | {ago(3)} 09:00:00
            2          | utility-insecurity        | {ago(2)} 09:00:00
            3          | {ANY}                     | {ago(2)} 09:00:00
            4          | diaper-bank               | {ago(2)} 09:00:00
            5          | {ANY}                     | {ago(2)} 09:00:00
        """,
    )


def test_the_loop_is_closed_when_the_service_says_what_it_did(story):
    """5.3: completed and an output. Without one it is unverified, and its gap waits. The newest status holds.

    90 days after completed, both sides; `failed` and `entered-in-error` leave the need as it was.
    """
    names = ["a-closed", "b-unsaid", "c-failed", "d-back", "e-89", "f-90", "g-later"]
    story(
        given=QUIET
        | {
            "raw.eligibility": people(*names),
            "raw.medical_claim": hungry(*names),
            "raw.state_referral": known(
                *(
                    f"{name} | {name} | {FOOD} | COMMUNITY_NEED | {ago(120)} 09:00:00 | north | s1 | requested | - | {ago(120)} 09:00:00 | -"
                    for name in names
                )
            ),
            "raw.referral_status": f"""
                referral_id | status_at          | status           | outcome_code
                a-closed    | {ago(20)} 09:00:00 | accepted         | -
                a-closed    | {ago(10)} 09:00:00 | completed        | 467681000124101
                b-unsaid    | {ago(10)} 09:00:00 | completed        | -
                c-failed    | {ago(10)} 09:00:00 | failed           | -
                d-back      | {ago(10)} 09:00:00 | completed        | 467681000124101
                d-back      | {ago(9)} 09:00:00  | entered-in-error | -
                e-89        | {ago(89)} 09:00:00 | completed        | 467681000124101
                f-90        | {ago(90)} 09:00:00 | completed        | 467681000124101
                g-later     | {ago(-1)} 09:00:00 | completed        | 467681000124101
            """,
        },
        expect={
            REFERRAL: f"""
                referral_id | status           | is_closed_loop | closed_at
                a-closed    | completed        | yes            | {ago(10)} 09:00:00
                b-unsaid    | completed        | no             | {ago(10)} 09:00:00
                c-failed    | failed           | no             | {ago(10)} 09:00:00
                d-back      | entered-in-error | no             | {ago(9)} 09:00:00
                e-89        | completed        | yes            | {ago(89)} 09:00:00
                f-90        | completed        | yes            | {ago(90)} 09:00:00
                g-later     | requested        | no             | -
            """,
            HOLD: """
                member_key | hold_reason | proof
                1          | completed   | documented
                2          | unverified  | -
                5          | completed   | documented
            """,
            # Of g, under way for 120 days, the pharmacist asks again whether it helped. What a service says closes a row
            # in the ledger, no claim does.
            MODEL: f"""
                member_key | status      | window_start_date
                1          | open        | {ago(5)}
                2          | prospective | {ago(-80)}
                3          | open        | {ago(5)}
                4          | open        | {ago(5)}
                5          | open        | {ago(5)}
                6          | open        | {ago(5)}
                7          | open        | {ago(5)}
            """,
        },
    )


def test_a_referral_under_way_makes_the_need_wait_for_30_days(story):
    """Then the pharmacist asks whether it helped; both sides, in every status that is under way."""
    names = ["a-29", "b-30", "c-hold", "d-progress"]
    days = {"a-29": 29, "b-30": 30, "c-hold": 1, "d-progress": 1}
    story(
        given=QUIET
        | {
            "raw.eligibility": people(*names),
            "raw.medical_claim": hungry(*names),
            "raw.state_referral": known(
                *(
                    f"{n} | {n} | {FOOD} | COMMUNITY_NEED | {ago(d)} 09:00:00 | north | s1 | requested | - | {ago(d)} 09:00:00 | -"
                    for n, d in days.items()
                )
            ),
            "raw.referral_status": f"""
                referral_id | status_at          | status
                a-29        | {ago(9)} 09:00:00  | accepted
                c-hold      | {ago(0)} 09:00:00  | on-hold
                d-progress  | {ago(0)} 09:00:00  | in-progress
            """,
        },
        expect=f"""
            member_key | status      | window_start_date
            1          | prospective | {ago(-1)}
            2          | open        | {ago(5)}
            3          | prospective | {ago(-29)}
            4          | prospective | {ago(-29)}
        """,
    )


def test_who_declined_decides(story):
    """5.3: declined holds the category for 180 days, both sides. An organization that declines leaves the need open.

    That organization is not proposed again for 180 days; another is.
    """
    names = ["a-179", "b-180", "c-member", "d-org", "e-org180"]
    story(
        given=QUIET
        | {
            "raw.eligibility": people(*names),
            "raw.medical_claim": hungry(*names),
            "raw.state_referral": known(
                *(f"{name} | {name} | {FOOD} | COMMUNITY_NEED | {ago(200)} 09:00:00 | north | s1 | requested | - | {ago(200)} 09:00:00 | -" for name in names)
            ),
            "raw.referral_status": f"""
                referral_id | status_at           | status    | declined_by
                a-179       | {ago(179)} 09:00:00 | rejected  | -
                b-180       | {ago(180)} 09:00:00 | rejected  | -
                c-member    | {ago(10)} 09:00:00  | cancelled | member
                d-org       | {ago(10)} 09:00:00  | rejected  | organization
                e-org180    | {ago(180)} 09:00:00 | rejected  | organization
            """,
            **directory(
                {"service_id": "s1", "name": "Example Pantry"}, {"service_id": "s2", "name": "Other Pantry", "zip_code": "78702"}
            ),
        },
        expect={
            HOLD: f"member_key | category | hold_reason\n1 | {FOOD} | declined\n3 | {FOOD} | declined",
            MODEL: """
                member_key | status | service_id
                1          | open   | s1
                2          | open   | s1
                3          | open   | s1
                4          | open   | s2
                5          | open   | s1
            """,
        },
    )  # fmt: skip


# After a loss -----------------------------------------------------------------------------------------------------

LOST = f"""
    member_key | rule | trigger_date | released_by
    1          | L1   | {ago(3)}     | -
    2          | L1   | {ago(3)}     | -
    3          | L1   | {ago(3)}     | -
    4          | L1   | {ago(3)}     | -
    5          | L1   | {ago(3)}     | L4
    6          | L1   | {ago(3)}     | L4
"""


def test_after_a_loss_what_was_sent_is_called_back_and_nothing_says_why(story):
    """1.7, L2 and L7: diapers and the offer of a pregnancy; the food bank of a need on record goes on.

    Sent: called back without its category under the reason of every call-back. Never sent, or over: gone. What was asked
    before the loss is never sent, not even after a new pregnancy (L4).
    """
    names = ["a-sent", "b-done", "c-new", "d-food", "e-old", "f-new"]
    story(
        given=QUIET
        | {
            "facts.suppression": LOST,
            "raw.eligibility": people(*names),
            "raw.member_consent": "\n".join([CONSENT, *(f"{name} | programme | {ago(300)}" for name in names)]),
            "raw.state_referral": known(
                f"r1 | a-sent | diaper-bank | DIAPER_RESOURCE | {ago(20)} 09:00:00 | north | s1 | requested | - | {ago(20)} 09:00:00 | -",
                f"r2 | a-sent | {FOOD} | COMMUNITY_OFFER_MATERNAL | {ago(20)} 09:00:00 | north | s2 | accepted | - | {ago(20)} 09:00:00 | -",
                f"r3 | b-done | car-seat | CAR_SEAT | {ago(20)} 09:00:00 | north | s1 | completed | - | {ago(20)} 09:00:00 | -",
                f"r4 | d-food | {FOOD} | COMMUNITY_NEED | {ago(20)} 09:00:00 | north | s2 | accepted | - | {ago(20)} 09:00:00 | -",
                f"r5 | b-done | {ANY} | DIAPER_RESOURCE | {ago(90)} 09:00:00 | north | s1 | cancelled | NOT_ELIGIBLE | {ago(34)} 00:00:00 | -",
                f"r6 | b-done | {ANY} | DIAPER_RESOURCE | {ago(91)} 09:00:00 | north | s1 | cancelled | NOT_ELIGIBLE | {ago(35)} 00:00:00 | -",
            ),
            "raw.outreach_outcome": said(
                ("c-new", "DIAPER_RESOURCE", "REFERRED", 1),
                ("e-old", "DIAPER_RESOURCE", "REFERRED", 3),
                ("f-new", "DIAPER_RESOURCE", "REFERRED", 2),
            ),
        },
        expect={
            REFERRAL: f"""
                member_key | category    | service_id | status    | status_reason | status_at         | closed_at         | is_recalled
                1          | {ANY}       | s1         | cancelled | NOT_ELIGIBLE  | {ago(0)} 00:00:00 | {ago(0)} 00:00:00 | yes
                1          | {ANY}       | s2         | cancelled | NOT_ELIGIBLE  | {ago(0)} 00:00:00 | {ago(0)} 00:00:00 | yes
                2          | {ANY}       | s1         | cancelled | NOT_ELIGIBLE  | {ago(34)} 00:00:00 | {ago(34)} 00:00:00 | yes
                4          | {FOOD}      | s2         | accepted  | -             | {ago(20)} 09:00:00 | -                | no
                6          | diaper-bank | -          | requested | -             | {ago(2)} 15:00:00 | -                 | no
            """,
            # A call-back is no "no": nothing holds back the offer that diabetes brings.
            HOLD: f"member_key | category | hold_reason\n4 | {FOOD} | under_way\n6 | diaper-bank | under_way",
        },
    )


def test_while_losses_cannot_be_seen_nothing_new_is_sent(story):
    """1.7, L9: a closed gate holds back diapers and not food."""
    story(
        given=QUIET
        | {
            "facts.maternal_gate": "missing_value_sets | closed_reason\n0 | medical_feed_stale",
            "raw.eligibility": people("ann"),
            "raw.member_consent": f"{CONSENT}\nann | programme | {ago(300)}",
            "raw.outreach_outcome": said(("ann", "DIAPER_RESOURCE", "REFERRED", 1), ("ann", "COMMUNITY_OFFER", "REFERRED", 1, FOOD)),
        },
        model=REFERRAL,
        expect=f"category | status\n{FOOD} | requested",
    )  # fmt: skip
