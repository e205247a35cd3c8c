-- Accepted rows that a rule sets apart without refusing them, counted per input table and reason (interface 2.1).
--
-- A row may be set apart for several reasons. Load times never hide a row; dates of service, discharge and attempt do.
with

accepted_pharmacy_claims as (
    select
        pharmacy_claim.person_id,
        pharmacy_claim.dispensing_date,
        pharmacy_claim.ndc_code,
        pharmacy_claim.days_supply,
        pharmacy_claim.dispensing_provider_npi
    from raw.pharmacy_claim
    where pharmacy_claim.row_id not in (select pharmacy_claim_removed.row_id from core.pharmacy_claim_removed)
),

accepted_medical_claims as (
    select
        medical_claim.person_id,
        coalesce(medical_claim.claim_line_start_date, medical_claim.claim_start_date) as service_date,
        medical_claim.claim_type,
        medical_claim.bill_type_code,
        medical_claim.row_id
    from raw.medical_claim
    where medical_claim.row_id not in (select medical_claim_removed.row_id from core.medical_claim_removed)
),

-- Where a rule takes some forms of an ingredient and not others: a row of a value set that names a form, and what a
-- review of concurrent use leaves forms out of.
formed_codes as (
    select
        value_set.code,
        coalesce(value_set.last_code, value_set.code) as last_code
    from raw.value_set
    where
        value_set.code_system = 'ingredient'
        and value_set.form is not null
        and value_set.value_set not in (
            select concurrent_use.left_out_value_set
            from raw.concurrent_use
            where concurrent_use.left_out_value_set is not null
        )
    union
    select
        value_set.code,
        coalesce(value_set.last_code, value_set.code) as last_code
    from raw.value_set
    inner join raw.concurrent_use
        on
            value_set.value_set in (concurrent_use.index_value_set, concurrent_use.other_value_set)
            and concurrent_use.left_out_value_set is not null
    where value_set.code_system = 'ingredient'
),

formless_drugs as (
    select distinct drug.ndc_code
    from core.drug
    inner join core.drug_ingredient
        on drug.drug_key = drug_ingredient.drug_key
    inner join core.ingredient
        on drug_ingredient.ingredient_key = ingredient.ingredient_key
    inner join formed_codes
        on
            ingredient.ingredient >= formed_codes.code
            and ingredient.ingredient <= formed_codes.last_code
    where
        drug.route is null
        and drug.dose_form is null
),

-- One pass over each table of claims, whatever the number of reasons.
pharmacy_counts as (
    select
        count(*) filter (where member.person_id is null) as unlinked,
        count(*) filter (
            where accepted_pharmacy_claims.days_supply is null
            or accepted_pharmacy_claims.days_supply not between 1 and 365
        ) as unusable_days_supply,
        count(*) filter (where accepted_pharmacy_claims.dispensing_date > $as_of) as after_as_of,
        count(*) filter (where drug.ndc_code is null) as unknown_ndc,
        count(formless_drugs.ndc_code) as unknown_route,
        count(*) filter (where not npi.is_valid) as invalid_npi
    from accepted_pharmacy_claims
    left join core.member
        on accepted_pharmacy_claims.person_id = member.person_id
    left join core.drug
        on accepted_pharmacy_claims.ndc_code = drug.ndc_code
    left join formless_drugs
        on accepted_pharmacy_claims.ndc_code = formless_drugs.ndc_code
    left join core.npi
        on accepted_pharmacy_claims.dispensing_provider_npi = npi.npi
),

-- A replacement or void that stands beside no other bill of its stay found nothing to adjust.
adjusting_bills as (
    select distinct accepted_bills.row_id
    from raw.medical_claim
    inner join core.medical_claim_removed
        on
            medical_claim.row_id = medical_claim_removed.row_id
            and medical_claim_removed.bucket = 'netted'
    inner join raw.medical_claim as accepted_bills
        on
            medical_claim.person_id = accepted_bills.person_id
            and medical_claim.facility_npi is not distinct from accepted_bills.facility_npi
            and medical_claim.claim_start_date = accepted_bills.claim_start_date
            and substr(medical_claim.bill_type_code, 1, 2) = substr(accepted_bills.bill_type_code, 1, 2)
    where substr(accepted_bills.bill_type_code, 3, 1) in ('7', '8')
),

medical_counts as (
    select
        count(*) filter (where member.person_id is null) as unlinked,
        count(*) filter (where accepted_medical_claims.service_date > $as_of) as after_as_of,
        count(*) filter (
            where accepted_medical_claims.claim_type = 'institutional'
            and substr(accepted_medical_claims.bill_type_code, 3, 1) in ('7', '8')
            and adjusting_bills.row_id is null
        ) as no_original
    from accepted_medical_claims
    left join core.member
        on accepted_medical_claims.person_id = member.person_id
    left join adjusting_bills
        on accepted_medical_claims.row_id = adjusting_bills.row_id
),

counts as (
    select
        'pharmacy_claim' as source_table,
        reasons.reason,
        case reasons.reason
            when 'unlinked' then pharmacy_counts.unlinked
            when 'unusable_days_supply' then pharmacy_counts.unusable_days_supply
            when 'after_as_of' then pharmacy_counts.after_as_of
            when 'unknown_ndc' then pharmacy_counts.unknown_ndc
            when 'unknown_route' then pharmacy_counts.unknown_route
            when 'invalid_npi' then pharmacy_counts.invalid_npi
        end as row_count
    from pharmacy_counts
    cross join (
        values
        ('unlinked'),
        ('unusable_days_supply'),
        ('after_as_of'),
        ('unknown_ndc'),
        ('unknown_route'),
        ('invalid_npi')
    ) as reasons (reason)
    union all
    select
        'medical_claim',
        reasons.reason,
        case reasons.reason
            when 'unlinked' then medical_counts.unlinked
            when 'after_as_of' then medical_counts.after_as_of
            when 'no_original' then medical_counts.no_original
        end as row_count
    from medical_counts
    cross join (
        values
        ('unlinked'),
        ('after_as_of'),
        ('no_original')
    ) as reasons (reason)
    union all
    select
        'pharmacy',
        'invalid_npi',
        count(*) filter (where not npi.is_valid)
    from raw.pharmacy
    inner join core.npi
        on pharmacy.npi = npi.npi
    union all
    select
        'provider',
        'invalid_npi',
        count(*) filter (where not npi.is_valid)
    from raw.provider
    inner join core.npi
        on provider.npi = npi.npi
    union all
    select
        'discharge_notice',
        'unlinked',
        count(*) filter (where member.person_id is null)
    from raw.discharge_notice
    left join core.member
        on discharge_notice.person_id = member.person_id
    union all
    select
        'discharge_notice',
        'after_as_of',
        count(*) filter (where cast(discharge_notice.discharged_at as date) > $as_of)
    from raw.discharge_notice
    union all
    select
        'outreach_outcome',
        'after_as_of',
        count(*) filter (where cast(outreach_outcome.attempted_at as date) > $as_of)
    from raw.outreach_outcome
    union all
    select
        kinds.source_table,
        'withheld_part2',
        count(withheld_claim.row_id)
    from (values ('medical_claim'), ('pharmacy_claim')) as kinds (source_table)
    left join core.withheld_claim
        on kinds.source_table = withheld_claim.source_table
    group by kinds.source_table
    union all
    -- It names a row that nobody knows, and no member.
    select
        'outreach_outcome',
        'unlinked',
        count(*) filter (
            where member.person_id is null
            and known_gaps.gap_id is null
        )
    from raw.outreach_outcome
    left join core.member
        on outreach_outcome.person_id = member.person_id
    left join (
        select state_gap.gap_id
        from raw.state_gap
        union
        select state_release.gap_id
        from raw.state_release
        union
        select state_contact_attempt.gap_id
        from raw.state_contact_attempt
        where state_contact_attempt.gap_id is not null
    ) as known_gaps
        on outreach_outcome.gap_id = known_gaps.gap_id
    union all
    -- Somebody said something: it counts as an attempt, and its gap waits until a person has looked.
    select
        'outreach_outcome',
        'unknown_outcome',
        count(*) filter (where not outcome_word.is_registered)
    from raw.outreach_outcome
    inner join core.outcome_word
        on outreach_outcome.outcome_code = outcome_word.word
    union all
    -- It restricts every channel.
    select
        'member_preference',
        'unknown_channel',
        count(*) filter (where not restricted_channel.is_known)
    from raw.member_preference
    inner join core.restricted_channel
        on member_preference.restricted_channels = restricted_channel.restricted_channels
    union all
    -- Over, it holds all contact.
    select
        'member_consent',
        'unknown_scope',
        count(*) filter (where not consent_scope.is_known)
    from raw.member_consent
    inner join core.consent_scope
        on member_consent.scope = consent_scope.word
    union all
    select
        'member_preference',
        'unlinked',
        count(*) filter (where member.person_id is null)
    from raw.member_preference
    left join core.member
        on member_preference.person_id = member.person_id
    union all
    -- What is unknown of an area leaves travel times, classes and limits unknown (interface 2).
    select
        'zcta',
        'unknown_density',
        count(*) filter (where zcta.density is null)
    from core.zcta
    union all
    select
        'zcta',
        'unknown_county_type',
        count(*) filter (where zcta.county_type is null)
    from core.zcta
    union all
    select
        'zcta',
        'unknown_income',
        count(*) filter (where zcta.is_low_income is null)
    from core.zcta
    union all
    -- Neither coordinates nor a ZIP code that lies in a ZCTA.
    select
        'pharmacy',
        'unknown_place',
        count(*) filter (where pharmacy.latitude is null)
    from core.pharmacy
    union all
    select
        'provider',
        'unknown_place',
        count(*) filter (
            where (provider.latitude is null or provider.longitude is null)
            and zip_area.zip_code is null
        )
    from raw.provider
    left join core.zip_area
        on provider.zip_code = zip_area.zip_code
    union all
    select
        'eligibility',
        'unknown_area',
        count(*) filter (where zip_area.zip_code is null)
    from raw.eligibility
    left join core.zip_area
        on eligibility.zip_code = zip_area.zip_code
)

select
    counts.source_table,
    counts.reason,
    counts.row_count
from counts
order by
    counts.source_table,
    counts.reason
