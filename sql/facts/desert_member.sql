-- Who may be asked about care that is too far: one row per member with a place on the map whom nothing excludes.
--
-- Excluded are the deceased, hospice, people in a hospital or living in a facility, those whose ZIP code is unknown or
-- lies in another state, those who are not enrolled tonight, and those who fill more than 100 miles beyond the pharmacy
-- nearest to their home: they live elsewhere now (deserts 4.2, 4.6).
with

-- In January the year of the claims is too short to tell.
hospice_members as (
    select member_status.member_key
    from facts.member_status
    where member_status.status = 'hospice'
    union
    select medical_line.member_key
    from core.medical_line
    inner join facts.code_group
        on
            code_group.value_set = 'hospice'
            and code_group.code_system = 'bill_type'
            and substr(medical_line.bill_type_code, 1, 2) = code_group.code
    where
        medical_line.is_paid
        and medical_line.service_date > cast($as_of as date) - 180
),

-- The latest fill tells where somebody lives now.
last_fills as (
    select
        fill.member_key,
        max(fill.fill_key) as fill_key
    from core.fill
    where fill.fill_date > cast($as_of as date) - 180
    group by fill.member_key
),

facility_members as (
    select fill.member_key
    from last_fills
    inner join core.fill
        on
            last_fills.fill_key = fill.fill_key
            and fill.is_long_term_care
    union
    select stay.member_key
    from core.stay
    where cast($as_of as date) between stay.admission_date and stay.discharge_date
),

nearest_pharmacies as (
    select
        zcta.zcta,
        nearest_site.miles
    from facts.nearest_site
    inner join core.zcta
        on nearest_site.zcta_key = zcta.zcta_key
    inner join core.service
        on nearest_site.service_key = service.service_key
    where
        service.service = 'retail_pharmacy'
        and nearest_site.place = 1
),

elsewhere_members as (
    select regular_pharmacy.member_key
    from facts.regular_pharmacy
    inner join nearest_pharmacies
        on regular_pharmacy.zcta = nearest_pharmacies.zcta
    where regular_pharmacy.usual_area_miles > nearest_pharmacies.miles + 100
)

select
    member.member_key,
    zcta.zcta,
    cast(
        extract(year from cast($as_of as date)) - extract(year from member.birth_date)
        - cast(
            substr(cast(cast($as_of as date) as varchar), 6) < substr(cast(member.birth_date as varchar), 6) as integer
        ) as integer
    ) as age,
    enrolled_member.enrollment_start_date
from core.member
inner join core.zip_area
    on member.zip_code = zip_area.zip_code
inner join core.zcta
    on zip_area.zcta = zcta.zcta
inner join facts.enrolled_member
    on member.member_key = enrolled_member.member_key
where
    coalesce(member.death_date > cast($as_of as date), true)
    and not member.is_institutional
    and coalesce(member.state = zcta.state, true)
    and member.member_key not in (select hospice_members.member_key from hospice_members)
    and member.member_key not in (select facility_members.member_key from facility_members)
    and member.member_key not in (select elsewhere_members.member_key from elsewhere_members)
order by member.member_key
