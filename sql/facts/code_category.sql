-- What each clinical code that the claims hold is within the value sets that it belongs to.
--
-- A code that a set sorts under several categories stands once under each, one that it does not sort with none.
select distinct
    code_group.value_set,
    code_group.code_system,
    code_group.code,
    value_set.category
from facts.code_group
inner join raw.value_set
    on
        code_group.value_set = value_set.value_set
        and code_group.code_system = value_set.code_system
        and code_group.code >= value_set.code
        and code_group.code <= coalesce(value_set.last_code, value_set.code)
order by
    code_group.value_set,
    code_group.code_system,
    code_group.code,
    value_set.category
