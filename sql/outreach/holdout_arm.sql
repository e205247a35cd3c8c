-- The arm of each member in each programme: drawn once, on the first night on which a pharmacy could have raised a gap.
--
-- The draw is a salted digest of programme and person, so that it can be repeated and tells nothing; it stands whatever
-- is known later, and whether anybody was contacted. A gap family is a programme. Codes that nobody may be held out of
-- draw nobody. `claim_closed_date` is the night on which claims first said that what the member was drawn for, or what
-- followed it, is closed: reports count for neither arm, since only one of them is talked to, and whoever died or left
-- stays in the arm, unclosed (intention to treat). Only the code of the draw tells of it, or, where one code at a time
-- stands for a subject, any of the family that somebody may be held out of: of an exempt code both arms are called
-- (rules 6.9). A gap that closed and opened again has closed, whatever its new life is.
--
-- Whoever was on a list of the programme before, while the draw was off, is in the arm that is talked to, whatever the
-- draw says: nobody is taken off the phone for the comparison. No draw decided on them (`is_randomised`), so that they
-- are no part of it. A list under a code that nobody may be held out of tells nothing of that.
with

eligible_members as (
    select
        eligible_gap.gap_family as programme,
        eligible_gap.person_id,
        eligible_gap.member_key,
        ledger.gap_code,
        ledger.subject,
        eligible_gap.score,
        row_number() over (
            partition by eligible_gap.gap_family, eligible_gap.person_id
            order by
                eligible_gap.score desc,
                eligible_gap.due_date asc nulls last,
                eligible_gap.gap_id asc
        ) as choice
    from outreach.eligible_gap
    inner join outreach.ledger
        on eligible_gap.gap_id = ledger.gap_id
    where
        eligible_gap.block_reason is null
        and not eligible_gap.is_holdout_exempt
        and $control_percent > 0
),

new_members as (
    select
        eligible_members.programme,
        eligible_members.person_id,
        eligible_members.gap_code,
        eligible_members.subject,
        eligible_members.score,
        md5(concat_ws('|', $salt, eligible_members.programme, eligible_members.person_id)) as digest,
        cast(
            extract(year from cast($as_of as date)) - extract(year from member.birth_date)
            - case
                when
                    extract(month from cast($as_of as date)) * 100 + extract(day from cast($as_of as date))
                    < extract(month from member.birth_date) * 100 + extract(day from member.birth_date)
                    then 1
                else 0
            end as integer
        ) as age,
        member.state,
        member.is_dual_or_lis
    from eligible_members
    inner join core.member
        on eligible_members.member_key = member.member_key
    left join raw.state_holdout_arm
        on
            eligible_members.programme = state_holdout_arm.programme
            and eligible_members.person_id = state_holdout_arm.person_id
    where
        eligible_members.choice = 1
        and state_holdout_arm.person_id is null
),

drawn_members as (
    select
        new_members.programme,
        new_members.person_id,
        new_members.gap_code,
        new_members.subject,
        new_members.score,
        new_members.age,
        new_members.state,
        new_members.is_dual_or_lis,
        -- The first eight hexadecimal digits as a number, and its last two decimal places.
        cast(
            (
                cast(strpos('0123456789abcdef', substr(new_members.digest, 1, 1)) - 1 as bigint) * 268435456
                + (strpos('0123456789abcdef', substr(new_members.digest, 2, 1)) - 1) * 16777216
                + (strpos('0123456789abcdef', substr(new_members.digest, 3, 1)) - 1) * 1048576
                + (strpos('0123456789abcdef', substr(new_members.digest, 4, 1)) - 1) * 65536
                + (strpos('0123456789abcdef', substr(new_members.digest, 5, 1)) - 1) * 4096
                + (strpos('0123456789abcdef', substr(new_members.digest, 6, 1)) - 1) * 256
                + (strpos('0123456789abcdef', substr(new_members.digest, 7, 1)) - 1) * 16
                + (strpos('0123456789abcdef', substr(new_members.digest, 8, 1)) - 1)
            ) % 100 as integer
        ) as bucket
    from new_members
),

listed_members as (
    select distinct
        gap_code.gap_family as programme,
        state_release.person_id
    from raw.state_release
    inner join raw.gap_code
        on
            state_release.gap_code = gap_code.gap_code
            and not gap_code.is_holdout_exempt
),

arms as (
    select
        drawn_members.programme,
        drawn_members.person_id,
        case
            when listed_members.person_id is null and drawn_members.bucket < $control_percent then 'control'
            else 'outreach'
        end as arm,
        drawn_members.bucket,
        cast($as_of as date) as assigned_date,
        drawn_members.gap_code,
        drawn_members.subject,
        drawn_members.score,
        drawn_members.age,
        drawn_members.state,
        drawn_members.is_dual_or_lis,
        cast(null as date) as claim_closed_date,
        listed_members.person_id is null as is_randomised
    from drawn_members
    left join listed_members
        on
            drawn_members.programme = listed_members.programme
            and drawn_members.person_id = listed_members.person_id
    union all
    select
        state_holdout_arm.programme,
        state_holdout_arm.person_id,
        state_holdout_arm.arm,
        state_holdout_arm.bucket,
        state_holdout_arm.assigned_date,
        state_holdout_arm.gap_code,
        state_holdout_arm.subject,
        state_holdout_arm.score,
        state_holdout_arm.age,
        state_holdout_arm.state,
        state_holdout_arm.is_dual_or_lis,
        state_holdout_arm.claim_closed_date,
        -- An older version kept no word on it: who is called against the draw was put there.
        coalesce(
            state_holdout_arm.is_randomised,
            state_holdout_arm.arm = 'control' or state_holdout_arm.bucket >= $control_percent
        ) as is_randomised
    from raw.state_holdout_arm
),

closed_lives as (
    select
        ledger.person_id,
        ledger.gap_code,
        ledger.subject,
        ledger.closing_reason,
        ledger.closed_date
    from outreach.ledger
    union all
    select
        earlier_life.person_id,
        earlier_life.gap_code,
        earlier_life.subject,
        earlier_life.closing_reason,
        earlier_life.closed_date
    from outreach.earlier_life
),

claim_closures as (
    select distinct
        arms.programme,
        arms.person_id
    from closed_lives
    inner join raw.gap_code
        on closed_lives.gap_code = gap_code.gap_code
    inner join arms
        on
            gap_code.gap_family = arms.programme
            and closed_lives.person_id = arms.person_id
            and closed_lives.subject is not distinct from arms.subject
            and (
                closed_lives.gap_code = arms.gap_code
                -- An older version kept no code: there any that somebody may be held out of tells, as it did.
                or (
                    not gap_code.is_holdout_exempt
                    and (gap_code.is_one_per_subject or arms.gap_code is null)
                )
            )
    where
        closed_lives.closing_reason = 'resolved'
        and closed_lives.closed_date > arms.assigned_date
)

select
    arms.programme,
    arms.person_id,
    arms.arm,
    arms.bucket,
    arms.assigned_date,
    arms.gap_code,
    arms.subject,
    arms.score,
    arms.age,
    arms.state,
    arms.is_dual_or_lis,
    coalesce(
        arms.claim_closed_date, case when claim_closures.person_id is not null then cast($as_of as date) end
    ) as claim_closed_date,
    arms.is_randomised
from arms
left join claim_closures
    on
        arms.programme = claim_closures.programme
        and arms.person_id = claim_closures.person_id
