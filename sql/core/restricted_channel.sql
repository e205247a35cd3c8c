-- What each text in which members restrict channels says, whatever separates its words (rules 6.2).
--
-- A word that nobody knows, and a text without any, restricts the phone and the mail: to miss one does harm.
with

texts as (
    select distinct member_preference.restricted_channels
    from raw.member_preference
    where member_preference.restricted_channels is not null
),

-- A hyphen joins, as in `e-mail`; `n/a` are two words that say nothing.
split_words as (
    select
        texts.restricted_channels,
        unnest(
            string_split(regexp_replace(lower(texts.restricted_channels), '[^a-z0-9_-]+', ';', 'g'), ';')
        ) as word
    from texts
),

words as (
    select
        split_words.restricted_channels,
        translate(split_words.word, '-_', '') as word
    from split_words
),

told_channels as (
    select
        words.restricted_channels,
        coalesce(channel_word.channel, 'unknown') as channel
    from words
    left join raw.channel_word
        on words.word = channel_word.word
    where words.word <> ''
)

select
    texts.restricted_channels,
    coalesce(bool_or(told_channels.channel in ('phone', 'every', 'unknown')), true) as is_phone_restricted,
    coalesce(bool_or(told_channels.channel in ('mail', 'every', 'unknown')), true) as is_mail_restricted,
    coalesce(bool_and(told_channels.channel <> 'unknown'), false) as is_known
from texts
left join told_channels
    on texts.restricted_channels = told_channels.restricted_channels
group by texts.restricted_channels
order by texts.restricted_channels
