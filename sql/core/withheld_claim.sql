-- Claims of providers whose records 42 CFR Part 2 protects, of members who have not consented to their use.
--
-- Nothing is found from them and none is shown: they count as claims that were not paid, where a loss alone is looked
-- for (rules 6.4). A consent of scope `part2` that holds on the as-of date lets them in.
with

protected_providers as (
    select distinct provider.npi
    from raw.provider
    where provider.is_part2
),

protected_claims as (
    select
        'medical_claim' as source_table,
        medical_claim.row_id,
        medical_claim.person_id
    from raw.medical_claim
    inner join protected_providers
        on medical_claim.rendering_npi = protected_providers.npi
    union
    select
        'medical_claim' as source_table,
        medical_claim.row_id,
        medical_claim.person_id
    from raw.medical_claim
    inner join protected_providers
        on medical_claim.billing_npi = protected_providers.npi
    union
    select
        'medical_claim' as source_table,
        medical_claim.row_id,
        medical_claim.person_id
    from raw.medical_claim
    inner join protected_providers
        on medical_claim.facility_npi = protected_providers.npi
    union
    select
        'pharmacy_claim' as source_table,
        pharmacy_claim.row_id,
        pharmacy_claim.person_id
    from raw.pharmacy_claim
    inner join protected_providers
        on pharmacy_claim.prescribing_provider_npi = protected_providers.npi
    union
    select
        'pharmacy_claim' as source_table,
        pharmacy_claim.row_id,
        pharmacy_claim.person_id
    from raw.pharmacy_claim
    inner join protected_providers
        on pharmacy_claim.dispensing_provider_npi = protected_providers.npi
)

select
    protected_claims.source_table,
    protected_claims.row_id
from protected_claims
where
    protected_claims.person_id not in (
        select consent.person_id
        from core.consent
        where
            consent.scope = 'part2'
            and consent.is_valid
    )
order by
    protected_claims.source_table,
    protected_claims.row_id
