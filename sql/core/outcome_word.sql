-- What each text that stands for an outcome means, in tonight's files and in what earlier nights knew (rules 6.7).
--
-- A code is known by its letters and digits: capitals, signs, white space of any kind and whatever stands in brackets
-- are no part of it, and other words for it may be registered. Of a text that nobody registered what is legible stays.
with

words as (
    select outreach_outcome.outcome_code as word
    from raw.outreach_outcome
    union
    select refused_word.outcome_code as word
    from raw.refused_word
    where refused_word.outcome_code is not null
    union
    select state_contact_attempt.outcome_code as word
    from raw.state_contact_attempt
),

legible_words as (
    select
        words.word,
        trim(regexp_replace(split_part(upper(words.word), '(', 1), '[^A-Z0-9]+', '_', 'g'), '_') as before_brackets,
        trim(regexp_replace(regexp_replace(upper(words.word), '[(][^)]*[)]', ' ', 'g'), '[^A-Z0-9]+', '_', 'g'), '_')
            as beside_brackets
    from words
),

lettered_words as (
    select
        legible_words.word,
        coalesce(nullif(legible_words.before_brackets, ''), legible_words.beside_brackets) as legible,
        replace(coalesce(nullif(legible_words.before_brackets, ''), legible_words.beside_brackets), '_', '') as letters
    from legible_words
)

select
    lettered_words.word,
    coalesce(outcome_alias.outcome_code, nullif(lettered_words.legible, ''), lettered_words.word) as outcome_code,
    outcome_alias.outcome_code is not null as is_registered
from lettered_words
left join raw.outcome_alias
    on lettered_words.letters = outcome_alias.word
order by lettered_words.word
