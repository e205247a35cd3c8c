-- What tonight's delivery looks like as a whole: one number per input table, measure and detail, never a claim row.
--
-- The raw border of the quality suites reads this table and nothing else. `row_count` is the number of rows that the
-- value rests on, so that a suite can ignore a share of five rows. A measure that the delivery cannot support (unknown
-- NDCs without a drug table, states without a state column) has no row: absent is not zero.
with

tables as (
    select
        reconciliation.source_table,
        max(reconciliation.row_count) filter (where reconciliation.bucket = 'read') as read_rows,
        max(reconciliation.row_count) filter (where reconciliation.bucket = 'accepted') as accepted_rows
    from core.reconciliation
    group by reconciliation.source_table
),

drugs as (
    select count(*) as row_count
    from core.drug
),

pharmacies as (
    select count(*) as row_count
    from core.pharmacy
),

-- 28 and 84 days are four and twelve weeks of packs that hold whole weeks; plans count them as 30 and 90.
sized_fills as (
    select
        case
            when fill.days_supply between 28 and 31 then '30'
            when fill.days_supply between 84 and 93 then '90'
            else 'other'
        end as pack,
        count(*) as row_count
    from core.fill
    where fill.days_supply is not null
    group by pack
),

packs as (
    select '30' as pack
    union all
    select '90' as pack
    union all
    select 'other' as pack
),

supplied_fills as (
    select cast(sum(sized_fills.row_count) as bigint) as row_count
    from sized_fills
),

yearly_fills as (
    select
        count(*) as row_count,
        count(distinct fill.member_key) as member_count
    from core.fill
    where fill.fill_date > cast($as_of as date) - 365
),

dispensed as (
    select
        count(*) as row_count,
        max(fill.fill_date) as latest_date
    from core.fill
),

billed as (
    select
        count(*) as row_count,
        max(medical_line.claim_start_date) as latest_date
    from core.medical_line
),

named_fills as (
    select
        count(*) as row_count,
        count(distinct fill.dispensing_provider_npi) as pharmacy_count,
        count(*) filter (where pharmacy.npi is null) as unknown_count
    from core.fill
    left join core.pharmacy
        on fill.dispensing_provider_npi = pharmacy.npi
    where fill.dispensing_provider_npi is not null
),

residents as (
    select
        count(*) as row_count,
        count(distinct member.state) as state_count,
        count(*) filter (where member.state is null) as unknown_count
    from core.member
),

measures as (
    select
        reconciliation.source_table,
        'rows' as measure,
        reconciliation.bucket as detail,
        cast(reconciliation.row_count as double) as value,
        tables.read_rows as row_count
    from core.reconciliation
    inner join tables
        on reconciliation.source_table = tables.source_table
    union all
    select
        reconciliation.source_table,
        'share_of_read' as measure,
        reconciliation.bucket as detail,
        reconciliation.row_count / cast(tables.read_rows as double) as value,
        tables.read_rows as row_count
    from core.reconciliation
    inner join tables
        on reconciliation.source_table = tables.source_table
    where
        tables.read_rows > 0
        and reconciliation.bucket <> 'read'
    union all
    select
        set_apart.source_table,
        'share_of_accepted' as measure,
        set_apart.reason as detail,
        set_apart.row_count / cast(tables.accepted_rows as double) as value,
        tables.accepted_rows as row_count
    from core.set_apart
    inner join tables
        on set_apart.source_table = tables.source_table
    cross join drugs
    where
        tables.accepted_rows > 0
        and (set_apart.reason <> 'unknown_ndc' or drugs.row_count > 0)
    union all
    select
        'pharmacy_claim' as source_table,
        'share_of_fills' as measure,
        'days_supply_' || packs.pack as detail,
        coalesce(sized_fills.row_count, 0) / cast(supplied_fills.row_count as double) as value,
        supplied_fills.row_count
    from packs
    cross join supplied_fills
    left join sized_fills
        on packs.pack = sized_fills.pack
    where supplied_fills.row_count > 0
    union all
    select
        'pharmacy_claim' as source_table,
        'fills_per_member' as measure,
        'last_365_days' as detail,
        yearly_fills.row_count / cast(yearly_fills.member_count as double) as value,
        yearly_fills.row_count
    from yearly_fills
    where yearly_fills.member_count > 0
    union all
    select
        'pharmacy_claim' as source_table,
        'age_days' as measure,
        'latest_dispensing_date' as detail,
        cast(cast(cast($as_of as date) - dispensed.latest_date as integer) as double) as value,
        dispensed.row_count
    from dispensed
    where dispensed.row_count > 0
    union all
    select
        'medical_claim' as source_table,
        'age_days' as measure,
        'latest_claim_start_date' as detail,
        cast(cast(cast($as_of as date) - billed.latest_date as integer) as double) as value,
        billed.row_count
    from billed
    where billed.row_count > 0
    union all
    select
        'pharmacy_claim' as source_table,
        'distinct' as measure,
        'dispensing_provider_npi' as detail,
        cast(named_fills.pharmacy_count as double) as value,
        named_fills.row_count
    from named_fills
    where named_fills.row_count > 0
    union all
    select
        'pharmacy_claim' as source_table,
        'share_of_fills' as measure,
        'unknown_pharmacy' as detail,
        named_fills.unknown_count / cast(named_fills.row_count as double) as value,
        named_fills.row_count
    from named_fills
    cross join pharmacies
    where
        named_fills.row_count > 0
        and pharmacies.row_count > 0
    union all
    select
        'eligibility' as source_table,
        'distinct' as measure,
        'state' as detail,
        cast(residents.state_count as double) as value,
        residents.row_count
    from residents
    where residents.state_count > 0
    union all
    select
        'eligibility' as source_table,
        'share_of_members' as measure,
        'unknown_state' as detail,
        residents.unknown_count / cast(residents.row_count as double) as value,
        residents.row_count
    from residents
    where residents.state_count > 0
    union all
    select
        'eligibility' as source_table,
        'members_by_state' as measure,
        member.state as detail,
        cast(count(*) as double) as value,
        count(*) as row_count
    from core.member
    where member.state is not null
    group by member.state
)

select
    measures.source_table,
    measures.measure,
    measures.detail,
    round(measures.value, 4) as value,
    cast(measures.row_count as bigint) as row_count
from measures
order by
    measures.source_table,
    measures.measure,
    measures.detail
