-- Every paid dispensing that stands, dated through the as-of date, of a member in eligibility.
--
-- `fill_key` goes up by member, date, claim id and line: the same-day order that holds everywhere (interface 2.1). The
-- key of the member is in it, and a number within the member, so that no fill of another person changes it. Days supply
-- outside 1 to 365 stays a fill without supply; nothing is defaulted to 30 days.
select
    cast(member.member_key as bigint) * 2147483648 + row_number() over (
        partition by member.member_key
        order by
            pharmacy_claim.dispensing_date,
            pharmacy_claim.claim_id,
            pharmacy_claim.claim_line_number
    ) as fill_key,
    member.member_key,
    pharmacy_claim.dispensing_date as fill_date,
    drug.drug_key,
    case when pharmacy_claim.days_supply between 1 and 365 then pharmacy_claim.days_supply end as days_supply,
    pharmacy_claim.quantity,
    pharmacy_claim.dispensing_provider_npi,
    pharmacy_claim.ndc_code,
    pharmacy_claim.rx_number,
    pharmacy_claim.fill_number,
    pharmacy_claim.claim_id,
    pharmacy_claim.claim_line_number,
    coalesce(pharmacy_claim.pharmacy_service_type = 'mail', false) as is_mail_order,
    coalesce(pharmacy_claim.pharmacy_service_type = 'ltc', false) as is_long_term_care,
    -- NCPDP compound code 2: the pharmacy mixed the product itself.
    coalesce(pharmacy_claim.compound_code in ('2', '02'), false) as is_compound,
    coalesce(
        pharmacy_claim.allowed_amount,
        pharmacy_claim.paid_amount + coalesce(pharmacy_claim.copayment_amount, 0)
    ) as gross_cost
from raw.pharmacy_claim
inner join core.member
    on pharmacy_claim.person_id = member.person_id
left join core.drug
    on pharmacy_claim.ndc_code = drug.ndc_code
where
    coalesce(pharmacy_claim.claim_status, 'paid') in ('paid', 'adjusted')
    and pharmacy_claim.dispensing_date <= $as_of
    and pharmacy_claim.row_id not in (select pharmacy_claim_removed.row_id from core.pharmacy_claim_removed)
    and pharmacy_claim.row_id not in (
        select withheld_claim.row_id
        from core.withheld_claim
        where withheld_claim.source_table = 'pharmacy_claim'
    )
