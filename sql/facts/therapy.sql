-- How far each medicine lasts that specialty rules or monitoring rules follow: one row per member and medicine.
--
-- A medicine is its ingredients, in any strength. A run begins with a fill after more than 180 days without one; early
-- refills queue within it. Days in a facility after the last fill are not taken from the supply at home. A last fill
-- without usable days supply tells no end. A medicine is specialty where the drug table says so; where the table is
-- silent, where a specialty pharmacy (NUCC 3336S0011X) dispensed it or 30 days cost the specialty-tier amount of the
-- year. `is_switched`: another medicine of the class was filled later (specialty 4.2). Compounds are left out.
with

followed_fills as (
    select
        fill.member_key,
        fill.fill_key,
        fill.fill_date,
        fill.days_supply,
        fill.claim_id,
        fill.drug_key,
        followed_drug.product,
        followed_drug.product_class,
        followed_drug.is_oncology,
        followed_drug.is_monitored,
        followed_drug.is_sensitive,
        coalesce(
            followed_drug.is_specialty,
            coalesce(pharmacy.is_specialty, false)
            or coalesce(fill.gross_cost * 30 >= specialty_tier.tier_amount * fill.days_supply, false)
        ) as is_specialty
    from core.fill
    inner join facts.followed_drug
        on fill.drug_key = followed_drug.drug_key
    left join core.pharmacy
        on fill.dispensing_provider_npi = pharmacy.npi
    left join raw.specialty_tier
        on specialty_tier.tier_year = extract(year from fill.fill_date)
    where not fill.is_compound
),

followed_products as (
    select
        followed_fills.member_key,
        followed_fills.product,
        max(followed_fills.is_specialty) as is_specialty,
        max(followed_fills.is_oncology) as is_oncology,
        max(followed_fills.is_monitored) as is_monitored,
        max(followed_fills.is_sensitive) as is_sensitive
    from followed_fills
    group by
        followed_fills.member_key,
        followed_fills.product
    having max(followed_fills.is_specialty or followed_fills.is_oncology or followed_fills.is_monitored)
),

spaced_fills as (
    select
        followed_fills.*,
        lag(followed_fills.fill_date) over (
            partition by followed_fills.member_key, followed_fills.product
            order by followed_fills.fill_key
        ) as previous_date
    from followed_fills
    inner join followed_products
        on
            followed_fills.member_key = followed_products.member_key
            and followed_fills.product = followed_products.product
),

numbered_fills as (
    select
        spaced_fills.*,
        sum(
            case when cast(spaced_fills.fill_date - spaced_fills.previous_date as integer) <= 180 then 0 else 1 end
        ) over (
            partition by spaced_fills.member_key, spaced_fills.product
            order by spaced_fills.fill_key
            rows unbounded preceding
        ) as run_number
    from spaced_fills
),

queued_fills as (
    select
        numbered_fills.*,
        cast(
            coalesce(
                sum(coalesce(numbered_fills.days_supply, 0)) over (
                    partition by numbered_fills.member_key, numbered_fills.product, numbered_fills.run_number
                    order by numbered_fills.fill_key
                    rows between unbounded preceding and 1 preceding
                ),
                0
            ) as integer
        ) as supplied_before
    from numbered_fills
),

supplies as (
    select
        queued_fills.*,
        max(queued_fills.fill_date - queued_fills.supplied_before) over (
            partition by queued_fills.member_key, queued_fills.product, queued_fills.run_number
            order by queued_fills.fill_key
            rows unbounded preceding
        ) + queued_fills.supplied_before + queued_fills.days_supply - 1 as supply_end_date,
        min(queued_fills.fill_date) over (
            partition by queued_fills.member_key, queued_fills.product, queued_fills.run_number
        ) as start_date,
        count(*) over (
            partition by queued_fills.member_key, queued_fills.product, queued_fills.run_number
        ) as fill_count,
        row_number() over (
            partition by queued_fills.member_key, queued_fills.product
            order by queued_fills.fill_key desc
        ) as recency
    from queued_fills
),

last_fills as (
    select
        supplies.member_key,
        supplies.product,
        supplies.product_class,
        supplies.drug_key,
        supplies.start_date,
        supplies.fill_count,
        supplies.fill_date,
        supplies.fill_key,
        supplies.claim_id,
        supplies.days_supply,
        supplies.supply_end_date,
        max(supplies.fill_key) over (
            partition by supplies.member_key, supplies.product_class
        ) as last_class_fill_key
    from supplies
    where supplies.recency = 1
),

stay_days as (
    select
        last_fills.member_key,
        last_fills.product,
        sum(cast(stay.discharge_date - greatest(stay.admission_date, last_fills.fill_date) as integer)) as stay_days
    from last_fills
    inner join core.stay
        on
            last_fills.member_key = stay.member_key
            and last_fills.supply_end_date >= stay.admission_date
            and last_fills.fill_date < stay.discharge_date
    group by
        last_fills.member_key,
        last_fills.product
)

select
    last_fills.member_key,
    last_fills.product,
    last_fills.product_class,
    last_fills.drug_key as last_drug_key,
    last_fills.start_date,
    cast(last_fills.fill_count as integer) as fill_count,
    last_fills.fill_date as last_fill_date,
    last_fills.fill_key as last_fill_key,
    last_fills.claim_id as last_claim_id,
    last_fills.days_supply as last_days_supply,
    last_fills.supply_end_date + cast(coalesce(stay_days.stay_days, 0) as integer) as supply_end_date,
    followed_products.is_specialty,
    followed_products.is_oncology,
    followed_products.is_monitored,
    followed_products.is_sensitive,
    last_fills.fill_key < last_fills.last_class_fill_key as is_switched
from last_fills
inner join followed_products
    on
        last_fills.member_key = followed_products.member_key
        and last_fills.product = followed_products.product
left join stay_days
    on
        last_fills.member_key = stay_days.member_key
        and last_fills.product = stay_days.product
order by
    last_fills.member_key,
    last_fills.product
