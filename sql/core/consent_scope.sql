-- What each text that names the scope of a consent means (rules 6.2).
--
-- A scope is known by its letters and digits, under any of its names; gap families and programmes are scopes by their
-- own. One that nobody knows may mean anything: it stays by itself, and over it holds all contact.
with

words as (
    select member_consent.scope as word
    from raw.member_consent
    union
    select refused_word.scope as word
    from raw.refused_word
    where refused_word.scope is not null
),

lettered_words as (
    select
        words.word,
        regexp_replace(lower(words.word), '[^a-z0-9]+', '', 'g') as letters
    from words
),

known_scopes as (
    select
        consent_word.word as letters,
        consent_word.scope,
        consent_word.is_of_all_contact
    from raw.consent_word
    union
    select
        replace(gap_code.gap_family, '_', '') as letters,
        gap_code.gap_family as scope,
        false as is_of_all_contact
    from raw.gap_code
    union
    select
        replace(programme.programme_id, '_', '') as letters,
        programme.programme_id as scope,
        false as is_of_all_contact
    from raw.programme
),

-- A programme of the plan's own may bear the name of a scope: the wider meaning stands.
ranked_scopes as (
    select
        known_scopes.letters,
        known_scopes.scope,
        known_scopes.is_of_all_contact,
        row_number() over (
            partition by known_scopes.letters
            order by
                known_scopes.is_of_all_contact desc,
                known_scopes.scope asc
        ) as scope_rank
    from known_scopes
)

select
    lettered_words.word,
    coalesce(ranked_scopes.scope, nullif(lettered_words.letters, ''), lettered_words.word) as scope,
    coalesce(ranked_scopes.is_of_all_contact, true) as is_of_all_contact,
    ranked_scopes.scope is not null as is_known
from lettered_words
left join ranked_scopes
    on
        lettered_words.letters = ranked_scopes.letters
        and ranked_scopes.scope_rank = 1
order by lettered_words.word
