-- Specialty medicines: refills that are due or late, first fills that were never picked up, laboratory tests that are
-- missing.
--
-- A refill counts from the last day supplied; its phases are those of data_contracts/specialty_rules.yaml. Oral cancer
-- medicines have a code and words of their own, for pauses are often ordered. Nothing is asked of a member in a
-- facility, after a switch within the class, while an authorization is decided, in hospice, or while care after a
-- hospital stay asks the prescriber about the same supply. A first fill that was not picked up is read from claims that
-- were reversed or refused. What tells of HIV, mental health or substance use stands under a public name.
with

members as (
    select active_member.member_key
    from facts.active_member
    where
        not exists (
            select 1
            from core.stay
            where
                stay.member_key = active_member.member_key
                and stay.admission_date <= cast($as_of as date)
                and stay.discharge_date >= cast($as_of as date)
        )
),

authorizations as (
    select
        refused_claim.member_key,
        followed_drug.product_class,
        max(refused_claim.claim_date) as claim_date
    from facts.refused_claim
    inner join facts.followed_drug
        on refused_claim.drug_key = followed_drug.drug_key
    cross join raw.first_fill_rule
    left join raw.first_fill_reject
        on
            first_fill_reject.is_authorization
            and concat(';', refused_claim.reject_codes, ';') like concat('%;', first_fill_reject.reject_code, ';%')
    where
        refused_claim.claim_date > cast($as_of as date) - first_fill_rule.authorization_wait_days
        and (refused_claim.kind = 'pended' or first_fill_reject.reject_code is not null)
    group by
        refused_claim.member_key,
        followed_drug.product_class
),

refills as (
    select
        therapy.member_key,
        therapy.product,
        therapy.last_fill_date,
        therapy.last_claim_id,
        therapy.last_days_supply,
        therapy.supply_end_date,
        therapy.is_sensitive,
        cast(cast($as_of as date) - therapy.supply_end_date as integer) as days_late,
        therapy.is_oncology
    from facts.therapy
    inner join members
        on therapy.member_key = members.member_key
    left join authorizations
        on
            therapy.member_key = authorizations.member_key
            and therapy.product_class = authorizations.product_class
            and therapy.last_fill_date <= authorizations.claim_date
    where
        (therapy.is_specialty or therapy.is_oncology)
        and not therapy.is_switched
        and therapy.supply_end_date is not null
        and authorizations.member_key is null
        and not exists (
            select 1
            from facts.discharge
            where
                discharge.member_key = therapy.member_key
                and discharge.not_asked_reason is null
                and cast($as_of as date) <= discharge.discharge_date + 45
                and therapy.supply_end_date between discharge.admission_date and discharge.discharge_date + 30
        )
),

first_claims as (
    select
        refused_claim.member_key,
        drug.ingredients as product,
        coalesce(drug.product_class, drug.ingredients) as product_class,
        min(refused_claim.claim_date) as first_date,
        min(concat(refused_claim.claim_date, refused_claim.claim_id)) as first_claim,
        max(coalesce(drug.is_specialty, refused_claim.is_specialty_pharmacy)) as is_specialty,
        max(coalesce(drug.is_maintenance, false)) as is_maintenance,
        max(sensitive_drug.drug_key is not null) as is_sensitive
    from facts.refused_claim
    inner join members
        on refused_claim.member_key = members.member_key
    inner join core.drug
        on refused_claim.drug_key = drug.drug_key
    left join facts.sensitive_drug
        on refused_claim.drug_key = sensitive_drug.drug_key
    left join raw.first_fill_reject
        on concat(';', refused_claim.reject_codes, ';') like concat('%;', first_fill_reject.reject_code, ';%')
    where
        refused_claim.kind = 'reversed'
        -- A denial that tells no code may be any of them.
        or (
            refused_claim.kind = 'denied'
            and (refused_claim.reject_codes is null or first_fill_reject.reject_code is not null)
        )
    group by
        refused_claim.member_key,
        drug.ingredients,
        coalesce(drug.product_class, drug.ingredients)
),

-- Of several claims of one medicine the first decides; a paid one since, of the medicine or its class, is a start.
unfilled_starts as (
    select
        first_claims.member_key,
        first_claims.product,
        first_claims.first_date,
        first_claims.first_claim,
        first_claims.is_specialty,
        first_claims.is_sensitive,
        first_claims.first_date + case
            when first_claims.is_specialty then first_fill_rule.specialty_wait_days
            else first_fill_rule.maintenance_wait_days
        end as window_start_date,
        first_fill_rule.window_days
    from first_claims
    cross join raw.first_fill_rule
    where
        (first_claims.is_specialty or first_claims.is_maintenance)
        and not exists (
            select 1
            from core.fill
            inner join core.drug as filled_drugs
                on fill.drug_key = filled_drugs.drug_key
            where
                fill.member_key = first_claims.member_key
                and (
                    (
                        filled_drugs.ingredients = first_claims.product
                        and fill.fill_date >= first_claims.first_date - first_fill_rule.clean_days
                    )
                    or (
                        coalesce(filled_drugs.product_class, filled_drugs.ingredients) = first_claims.product_class
                        and fill.fill_date >= first_claims.first_date
                    )
                )
        )
)

select
    refills.member_key,
    refill_phase.gap_code,
    refills.product as subject,
    case
        when refill_phase.is_lost then 'lost'
        else 'open'
    end as status,
    refills.supply_end_date + refill_phase.window_first_day as window_start_date,
    refills.supply_end_date + refill_phase.window_last_day as window_end_date,
    refills.supply_end_date as due_date,
    refill_phase.severity,
    cast(0.7 as decimal(9, 4)) as confidence,
    case
        when refills.is_sensitive then 'Check in, and go through the refills together.'
        else replace(refill_phase.reason, '{end}', cast(refills.supply_end_date as varchar))
    end as reason,
    concat(
        '{"claims":[', rtrim(cast(cast({ 'claim_id': refills.last_claim_id } as json) as varchar), '}'),
        ',"fill_date":"', refills.last_fill_date,
        '","days_supply":', coalesce(cast(refills.last_days_supply as varchar), 'null'),
        '}],"supply_end_date":"', refills.supply_end_date,
        '","days_late":', refills.days_late,
        ',', substr(
            cast(
                cast(
                    {
                        'rule': concat(refill_phase.refill_rule_id, ' ', refill_phase.phase),
                        'source': refill_phase.source
                    } as json
                ) as varchar
            ),
            2
        )
    ) as evidence,
    refills.is_sensitive,
    concat(refill_phase.refill_rule_id, ' ', refill_phase.phase) as rule_id
from refills
inner join raw.refill_phase
    on
        refills.is_oncology = refill_phase.is_oncology
        and refills.days_late between refill_phase.from_day and refill_phase.last_day
union all
select
    unfilled_starts.member_key,
    first_fill_rule.gap_code,
    unfilled_starts.product as subject,
    case when unfilled_starts.window_start_date <= cast($as_of as date) then 'open' else 'prospective' end as status,
    unfilled_starts.window_start_date,
    unfilled_starts.window_start_date + unfilled_starts.window_days as window_end_date,
    unfilled_starts.window_start_date + 14 as due_date,
    cast(null as decimal(9, 4)) as severity,
    first_fill_rule.confidence,
    case
        when unfilled_starts.is_sensitive then 'Check in, and go through the refills together.'
        else replace(
            case
                when unfilled_starts.is_specialty then first_fill_rule.specialty_reason
                else first_fill_rule.maintenance_reason
            end,
            '{date}', cast(unfilled_starts.first_date as varchar)
        )
    end as reason,
    concat(
        '{"claims":[',
        rtrim(cast(cast({ 'claim_id': substr(unfilled_starts.first_claim, 11) } as json) as varchar), '}'),
        ',"date":"', unfilled_starts.first_date,
        '"}],',
        substr(
            cast(cast({ 'rule': 'first_fill', 'source': first_fill_rule.source } as json) as varchar),
            2
        )
    ) as evidence,
    unfilled_starts.is_sensitive,
    'first_fill' as rule_id
from unfilled_starts
cross join raw.first_fill_rule
where unfilled_starts.window_start_date + unfilled_starts.window_days >= cast($as_of as date)
union all
select
    told_need.member_key,
    told_need.gap_code,
    told_need.subject,
    told_need.status,
    told_need.window_start_date,
    told_need.window_end_date,
    told_need.due_date,
    cast(null as decimal(9, 4)) as severity,
    told_need.confidence,
    told_need.reason,
    told_need.evidence,
    told_need.is_sensitive,
    told_need.monitoring_rule_id as rule_id
from facts.told_need
where told_need.gap_family = 'specialty'
