-- Every class fill of the measurement year as evidence: what was dispensed when, and the days that its supply is
-- counted for after the same-ingredient shift. A fill without usable days supply, or outside the period, has none.
select
    member.person_id,
    measure.measure_id,
    fill.fill_date,
    fill.claim_id,
    fill.claim_line_number,
    ingredient.ingredient,
    fill.days_supply,
    fill.dispensing_provider_npi as pharmacy_npi,
    adherence.index_date + supply.start_day as supply_start_date,
    adherence.index_date + supply.end_day as supply_end_date
from facts.class_fill
inner join core.fill
    on class_fill.fill_key = fill.fill_key
inner join core.ingredient
    on class_fill.ingredient_key = ingredient.ingredient_key
inner join core.member
    on class_fill.member_key = member.member_key
inner join raw.measure
    on class_fill.measure_key = measure.measure_key
inner join facts.adherence
    on
        class_fill.member_key = adherence.member_key
        and class_fill.measure_key = adherence.measure_key
left join facts.supply
    on
        adherence.period_key = supply.period_key
        and class_fill.fill_key = supply.fill_key
        and class_fill.ingredient_key = supply.ingredient_key
order by
    member.person_id,
    measure.measure_id,
    fill.fill_date,
    fill.claim_id,
    fill.claim_line_number,
    ingredient.ingredient
