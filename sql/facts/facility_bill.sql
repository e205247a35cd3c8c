-- Bills of inpatient care: one row per member and claim, with the kind of stay that type of bill and room tell.
--
-- Hospital bills (types 11x, 12x, 41x, or a diagnosis-related group without a type) are acute unless every room on them
-- is another kind: psychiatric and detoxification beds make a psychiatric stay; rehabilitation, subacute care, swing
-- beds and skilled nursing a post-acute one; nursery a newborn's. Only an admit-through-discharge or last interim bill,
-- or a replacement of one, tells of a discharge (frequency 1, 4 or 7), and only where the patient is not still there
-- (status 30). 400 days back (transitions 3.1).
with

bills as (
    select
        inpatient_line.member_key,
        inpatient_line.claim_id,
        min(inpatient_line.admission_date) as admission_date,
        max(inpatient_line.bill_end_date) as bill_end_date,
        max(inpatient_line.discharge_disposition_code) as discharge_disposition_code,
        max(substr(inpatient_line.bill_type_code, 3, 1)) as frequency,
        max(inpatient_line.facility_npi) as facility_npi,
        max(inpatient_line.drg_code) as drg_code,
        max(inpatient_line.principal_diagnosis_code) as principal_diagnosis_code,
        min(inpatient_line.received_date) as received_date,
        max(bill_types.category) as bill_kind,
        max(newborn_groups.code) as newborn_group,
        max(rooms.category = 'acute') as has_acute_room,
        max(rooms.category in ('psychiatric', 'detoxification')) as has_psychiatric_room,
        max(rooms.category in ('rehabilitation', 'subacute')) as has_post_acute_room,
        max(rooms.category = 'hospice') as has_hospice_room,
        max(rooms.category = 'newborn') as has_newborn_room
    from core.inpatient_line
    left join facts.code_category as bill_types
        on
            bill_types.value_set = 'inpatient_bill'
            and substr(inpatient_line.bill_type_code, 1, 2) = bill_types.code
    left join facts.code_category as rooms
        on
            rooms.value_set = 'inpatient_room'
            and inpatient_line.revenue_center_code = rooms.code
    left join facts.code_category as newborn_groups
        on
            newborn_groups.value_set = 'newborn'
            and newborn_groups.code_system = 'ms_drg'
            and inpatient_line.drg_code = newborn_groups.code
    where
        inpatient_line.bill_end_date > cast($as_of as date) - 400
        and (
            bill_types.code is not null
            or (inpatient_line.bill_type_code is null and inpatient_line.drg_code is not null)
        )
    group by
        inpatient_line.member_key,
        inpatient_line.claim_id
)

select
    bills.member_key,
    bills.claim_id,
    bills.admission_date,
    least(greatest(bills.bill_end_date, bills.admission_date), cast($as_of as date)) as bill_end_date,
    bills.discharge_disposition_code,
    coalesce(bills.frequency, '1') in ('1', '4', '7')
    and coalesce(bills.discharge_disposition_code, '') <> '30'
    and bills.bill_end_date <= cast($as_of as date) as has_discharge,
    case
        when bills.newborn_group is not null or coalesce(bills.has_newborn_room, false) then 'newborn'
        when bills.bill_kind in ('post_acute', 'hospice') then bills.bill_kind
        when coalesce(bills.has_acute_room, false) then 'acute'
        when coalesce(bills.has_psychiatric_room, false) then 'psychiatric'
        when coalesce(bills.has_post_acute_room, false) then 'post_acute'
        when coalesce(bills.has_hospice_room, false) then 'hospice'
        else 'acute'
    end as stay_kind,
    coalesce(bills.has_psychiatric_room, false) as is_psychiatric,
    bills.facility_npi,
    bills.drg_code,
    bills.principal_diagnosis_code,
    bills.received_date
from bills
where bills.admission_date <= cast($as_of as date)
order by
    bills.member_key,
    bills.admission_date,
    bills.claim_id
