MODEL="outreach.adherence"
AS_OF="2026-12-31"
GIVEN={"raw.eligibility":"""
person_id
ann
bob
""","raw.drug":"""
ndc_code | ingredients
statin | atorvastatin
"""}
def test_a(story):
    story(given={"raw.pharmacy_claim":"""
      person_id | dispensing_date | ndc_code | days_supply
      ann | 2026-01-01 | statin | 30
      ann | 2026-02-01 | statin | 30
    """}, expect="""
      person_id | measure_id | covered_days | pdc
      ann | pdc_statins | 60 | 0.1644
      bob | pdc_statins | 60 | -
    """)
