-- How many members live in each ZCTA on the as-of date: alive, enrolled, and with a ZIP code that lies in one.
select
    zip_area.zcta,
    cast(count(*) as integer) as member_count
from core.member
inner join core.zip_area
    on member.zip_code = zip_area.zip_code
where
    (member.death_date is null or member.death_date > $as_of)
    and member.member_key in (
        select enrollment.member_key
        from core.enrollment
        where $as_of between enrollment.enrollment_start_date and enrollment.enrollment_end_date
    )
group by zip_area.zcta
order by zip_area.zcta
