-- The pharmacy with the most fills of each measure's class in the measurement year, per member: where a rate belongs.
--
-- Ties go to the latest fill, then to the lowest NPI (EQuIPP counts most claims of the class in the period).
with

pharmacy_fills as (
    select
        class_fill.measure_key,
        class_fill.member_key,
        fill.dispensing_provider_npi as pharmacy_npi,
        count(distinct class_fill.fill_key) as fill_count,
        max(class_fill.fill_date) as last_fill_date
    from facts.class_fill
    inner join core.fill
        on class_fill.fill_key = fill.fill_key
    where fill.dispensing_provider_npi is not null
    group by
        class_fill.measure_key,
        class_fill.member_key,
        fill.dispensing_provider_npi
),

ranked_pharmacies as (
    select
        pharmacy_fills.*,
        row_number() over (
            partition by pharmacy_fills.measure_key, pharmacy_fills.member_key
            order by
                pharmacy_fills.fill_count desc,
                pharmacy_fills.last_fill_date desc,
                pharmacy_fills.pharmacy_npi asc
        ) as pharmacy_rank
    from pharmacy_fills
)

select
    ranked_pharmacies.measure_key,
    ranked_pharmacies.member_key,
    ranked_pharmacies.pharmacy_npi
from ranked_pharmacies
where ranked_pharmacies.pharmacy_rank = 1
order by
    ranked_pharmacies.measure_key,
    ranked_pharmacies.member_key
