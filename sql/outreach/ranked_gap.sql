-- Every open gap with its pharmacy, its place on that pharmacy's list and, where it is not listed, the reason.
--
-- The order is total: score, due date, gap code, person, subject, in byte order of published values (interface 3.1);
-- rows that public names make alike are told apart by their id. A member is on one pharmacy's list at a time: that of
-- the pharmacy that agreed on a call with them, else whose list held them this week, else of the row that comes first;
-- two would both call. A conversation has at most three gaps; a programme may set how many rows of it a list holds.
-- What may not wait, urgent rows and then calls that were agreed on, takes places before anything else. Of the places
-- that are left the rural floor keeps a share for members in rural counties; what is listed stays in the order of
-- scores.
with

-- Members of the comparison group, as far as nobody may be held out of the gap (rules 6.9).
held_out_gaps as (
    select eligible_gap.gap_id
    from outreach.eligible_gap
    inner join outreach.holdout_arm
        on
            eligible_gap.gap_family = holdout_arm.programme
            and eligible_gap.person_id = holdout_arm.person_id
    where
        holdout_arm.arm = 'control'
        and not eligible_gap.is_holdout_exempt
        and $control_percent > 0
),

recent_lists as (
    select
        state_release.person_id,
        state_release.pharmacy_npi
    from raw.state_release
    where
        state_release.last_listed_date > cast($as_of as date) - $call_interval_days
        and state_release.recalled_date is null
    group by
        state_release.person_id,
        state_release.pharmacy_npi
),

queued_gaps as (
    select
        eligible_gap.gap_id,
        eligible_gap.person_id,
        eligible_gap.queue,
        eligible_gap.is_weekly_cap_exempt,
        eligible_gap.is_agreed_call,
        case
            when eligible_gap.is_urgent then 1
            when eligible_gap.is_agreed_call then 2
            else 3
        end as precedence,
        eligible_gap.is_urgent or eligible_gap.is_agreed_call as is_first,
        eligible_gap.is_rural,
        eligible_gap.pharmacy_npi,
        eligible_gap.programme,
        eligible_gap.programme_capacity,
        pharmacy.weekly_capacity,
        row_number() over (
            order by
                eligible_gap.score desc,
                eligible_gap.due_date asc nulls last,
                eligible_gap.list_code asc,
                eligible_gap.person_id asc,
                eligible_gap.list_subject asc nulls first,
                eligible_gap.gap_id asc
        ) as place
    from outreach.eligible_gap
    inner join core.pharmacy
        on eligible_gap.pharmacy_npi = pharmacy.npi
    left join held_out_gaps
        on eligible_gap.gap_id = held_out_gaps.gap_id
    where
        eligible_gap.block_reason is null
        and held_out_gaps.gap_id is null
),

conversations as (
    select
        queued_gaps.*,
        row_number() over (
            partition by queued_gaps.pharmacy_npi, queued_gaps.person_id, queued_gaps.queue
            order by
                queued_gaps.is_weekly_cap_exempt desc,
                queued_gaps.precedence asc,
                queued_gaps.place asc
        ) as bundle_place
    from queued_gaps
),

-- What a conversation has no room for takes no place from others.
numbered_gaps as (
    select
        conversations.*,
        row_number() over (
            partition by conversations.pharmacy_npi
            order by
                conversations.precedence asc,
                conversations.place asc
        ) as queue_number
    from conversations
    where conversations.bundle_place <= $max_gaps_per_conversation
),

-- A list that has no place for a member does not keep them from another pharmacy's, unless they agreed on its call.
member_choices as (
    select
        numbered_gaps.person_id,
        numbered_gaps.pharmacy_npi,
        row_number() over (
            partition by numbered_gaps.person_id
            order by
                numbered_gaps.is_agreed_call desc,
                numbered_gaps.queue_number <= numbered_gaps.weekly_capacity desc,
                recent_lists.person_id is not null desc,
                numbered_gaps.place asc
        ) as choice
    from numbered_gaps
    left join recent_lists
        on
            numbered_gaps.person_id = recent_lists.person_id
            and numbered_gaps.pharmacy_npi = recent_lists.pharmacy_npi
    where not numbered_gaps.is_weekly_cap_exempt
),

programme_places as (
    select
        numbered_gaps.*,
        row_number() over (
            partition by numbered_gaps.pharmacy_npi, numbered_gaps.programme
            order by
                numbered_gaps.precedence asc,
                numbered_gaps.place asc
        ) as programme_number
    from numbered_gaps
    left join member_choices
        on
            numbered_gaps.person_id = member_choices.person_id
            and member_choices.choice = 1
    where
        numbered_gaps.is_weekly_cap_exempt
        or numbered_gaps.pharmacy_npi = member_choices.pharmacy_npi
),

-- A programme takes no more of a list than it has set for itself.
contenders as (
    select
        programme_places.*,
        row_number() over (
            partition by
                programme_places.pharmacy_npi,
                programme_places.is_first,
                programme_places.is_rural and not programme_places.is_first
            order by
                programme_places.precedence asc,
                programme_places.place asc
        ) as kind_number,
        sum(case when programme_places.is_first then 1 else 0 end) over (
            partition by programme_places.pharmacy_npi
        ) as first_count,
        sum(case when programme_places.is_rural and not programme_places.is_first then 1 else 0 end) over (
            partition by programme_places.pharmacy_npi
        ) as rural_count
    from programme_places
    where
        programme_places.programme_capacity is null
        or programme_places.programme_number <= programme_places.programme_capacity
),

left_places as (
    select
        contenders.*,
        greatest(contenders.weekly_capacity - contenders.first_count, 0) as left_count,
        -- In decimals: as a double, 29 % of 100 is less than 29.
        cast(
            floor(
                cast($rural_floor as decimal(9, 4)) * greatest(contenders.weekly_capacity - contenders.first_count, 0)
            ) as bigint
        ) as rural_places
    from contenders
),

kept_rows as (
    select
        left_places.*,
        case
            when left_places.is_first then left_places.kind_number <= left_places.weekly_capacity
            else left_places.is_rural and left_places.kind_number <= left_places.rural_places
        end as is_kept
    from left_places
),

kept_places as (
    select
        kept_rows.*,
        row_number() over (
            partition by
                kept_rows.pharmacy_npi,
                kept_rows.is_kept
            order by kept_rows.place
        ) as kept_number
    from kept_rows
),

listed_gaps as (
    select
        kept_places.gap_id,
        row_number() over (
            partition by kept_places.pharmacy_npi
            order by kept_places.place
        ) as list_rank,
        row_number() over (
            partition by kept_places.pharmacy_npi, kept_places.person_id, kept_places.queue
            order by kept_places.bundle_place
        ) as bundle_rank
    from kept_places
    where
        kept_places.is_kept
        or kept_places.kept_number
        <= kept_places.left_count - least(kept_places.rural_places, kept_places.rural_count)
)

select
    eligible_gap.gap_id,
    eligible_gap.pharmacy_npi,
    eligible_gap.state,
    case
        when eligible_gap.block_reason is not null then eligible_gap.block_reason
        when held_out_gaps.gap_id is not null then 'holdout'
        when eligible_gap.pharmacy_npi <> member_choices.pharmacy_npi and programme_places.gap_id is null
            then 'other_pharmacy'
        when programme_places.gap_id is null then 'conversation_cap'
        when contenders.gap_id is null then 'programme_capacity'
        when listed_gaps.gap_id is null then 'capacity'
    end as status_reason,
    cast(listed_gaps.list_rank as integer) as list_rank,
    cast(listed_gaps.bundle_rank as integer) as bundle_rank
from outreach.eligible_gap
left join held_out_gaps
    on eligible_gap.gap_id = held_out_gaps.gap_id
left join programme_places
    on eligible_gap.gap_id = programme_places.gap_id
left join contenders
    on eligible_gap.gap_id = contenders.gap_id
left join member_choices
    on
        eligible_gap.person_id = member_choices.person_id
        and member_choices.choice = 1
left join listed_gaps
    on eligible_gap.gap_id = listed_gaps.gap_id
