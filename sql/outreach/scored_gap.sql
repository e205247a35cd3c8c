-- The priority of every gap as an inspectable product: each factor a column, rounded before it is multiplied.
--
-- score = severity * impactability * urgency * confidence * (1 + social weight * social) * channel reach
-- (interface 3.1). Income never excludes anyone: it can only raise `social`. A shortage area of HRSA, scored 0 to 25,
-- counts in its mean with the weight that settings give it, which is none by default.
with

contexts as (
    select
        member.member_key,
        case
            when contact_channel.is_phone_usable then $reach_phone
            when contact_channel.is_mail_usable then $reach_mail
            else 0.0
        end as channel_reach,
        coalesce(zcta.county_type in ('Rural', 'CEAC'), false) as is_rural,
        case
            when
                zcta.svi is null
                and zcta.households_without_vehicle is null
                and member.is_dual_or_lis is null
                and (zcta.hpsa_score is null or $shortage_weight = 0)
                then 0.0
            else (
                coalesce(zcta.svi, 0)
                + coalesce(zcta.households_without_vehicle, 0)
                + case when member.is_dual_or_lis then 1 else 0 end
                + $shortage_weight * coalesce(zcta.hpsa_score, 0) / cast(25 as double)
            ) / (
                cast(
                    case when zcta.svi is null then 0 else 1 end
                    + case when zcta.households_without_vehicle is null then 0 else 1 end
                    + case when member.is_dual_or_lis is null then 0 else 1 end as double
                )
                + case when zcta.hpsa_score is null then 0.0 else $shortage_weight end
            )
        end as social
    from core.member
    inner join outreach.contact_channel
        on member.member_key = contact_channel.member_key
    left join core.zip_area
        on member.zip_code = zip_area.zip_code
    left join raw.zcta
        on zip_area.zcta = zcta.zcta
),

factors as (
    select
        ledger.gap_id,
        ledger.member_key,
        cast(ledger.due_date - cast($as_of as date) as integer) as days_left,
        cast(ledger.severity as decimal(9, 4)) as severity,
        cast(ledger.impactability as decimal(9, 4)) as impactability,
        cast(
            round(
                case
                    when ledger.due_date is null then $urgency_without_due_date
                    else least(
                        greatest(
                            1 - cast(ledger.due_date - cast($as_of as date) as integer)
                            / cast(
                                greatest(
                                    1, cast(ledger.window_end_date - ledger.window_start_date as integer)
                                ) as double
                            ),
                            $urgency_floor
                        ),
                        1
                    )
                end,
                4
            ) as decimal(9, 4)
        ) as urgency,
        cast(ledger.confidence as decimal(9, 4)) as confidence,
        cast(round(coalesce(contexts.social, 0), 4) as decimal(9, 4)) as social,
        cast(round(coalesce(contexts.channel_reach, 0), 4) as decimal(9, 4)) as channel_reach,
        coalesce(contexts.is_rural, false) as is_rural
    from outreach.ledger
    left join contexts
        on ledger.member_key = contexts.member_key
)

select
    factors.gap_id,
    factors.days_left,
    factors.severity,
    factors.impactability,
    factors.urgency,
    factors.confidence,
    factors.social,
    factors.channel_reach,
    cast(
        round(
            cast(factors.severity as double)
            * cast(factors.impactability as double)
            * cast(factors.urgency as double)
            * cast(factors.confidence as double)
            * (1 + $social_weight * cast(factors.social as double))
            * cast(factors.channel_reach as double),
            4
        ) as decimal(9, 4)
    ) as score,
    factors.is_rural
from factors
