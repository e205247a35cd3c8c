-- Enrolment spans of Medicare beneficiaries, from the yearly beneficiary files.
--
-- One row per beneficiary row (a person and year) and run of consecutive months with Part D. A run never crosses a
-- year; spans that touch are one enrolment further on. A person-year without an enrolled month gives no row. A file
-- that names no Part D contract at all, as one without those columns does, counts months entitled to Part A or B.
with

months as (
    select month_rows.month_number
    from (
        values (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)
    ) as month_rows (month_number)
),

-- SSA state codes, which are not FIPS codes: 05 is California here and Arkansas there. Codes of foreign residence
-- (54 to 63) have no state.
states as (
    select
        state_rows.ssa_code,
        state_rows.state
    from (
        values
        ('01', 'AL'), ('02', 'AK'), ('03', 'AZ'), ('04', 'AR'), ('05', 'CA'), ('06', 'CO'),
        ('07', 'CT'), ('08', 'DE'), ('09', 'DC'), ('10', 'FL'), ('11', 'GA'), ('12', 'HI'),
        ('13', 'ID'), ('14', 'IL'), ('15', 'IN'), ('16', 'IA'), ('17', 'KS'), ('18', 'KY'),
        ('19', 'LA'), ('20', 'ME'), ('21', 'MD'), ('22', 'MA'), ('23', 'MI'), ('24', 'MN'),
        ('25', 'MS'), ('26', 'MO'), ('27', 'MT'), ('28', 'NE'), ('29', 'NV'), ('30', 'NH'),
        ('31', 'NJ'), ('32', 'NM'), ('33', 'NY'), ('34', 'NC'), ('35', 'ND'), ('36', 'OH'),
        ('37', 'OK'), ('38', 'OR'), ('39', 'PA'), ('40', 'PR'), ('41', 'RI'), ('42', 'SC'),
        ('43', 'SD'), ('44', 'TN'), ('45', 'TX'), ('46', 'UT'), ('47', 'VT'), ('48', 'VI'),
        ('49', 'VA'), ('50', 'WA'), ('51', 'WV'), ('52', 'WI'), ('53', 'WY'), ('64', 'AS'),
        ('65', 'GU'), ('66', 'MP'), ('97', 'MP'), ('98', 'GU')
    ) as state_rows (ssa_code, state)
),

postal_states as (
    select distinct states.state
    from states
),

beneficiary_months as (
    select
        beneficiary.source_file,
        beneficiary.line_number,
        months.month_number,
        case months.month_number
            when 1 then beneficiary.ptd_cntrct_id_01
            when 2 then beneficiary.ptd_cntrct_id_02
            when 3 then beneficiary.ptd_cntrct_id_03
            when 4 then beneficiary.ptd_cntrct_id_04
            when 5 then beneficiary.ptd_cntrct_id_05
            when 6 then beneficiary.ptd_cntrct_id_06
            when 7 then beneficiary.ptd_cntrct_id_07
            when 8 then beneficiary.ptd_cntrct_id_08
            when 9 then beneficiary.ptd_cntrct_id_09
            when 10 then beneficiary.ptd_cntrct_id_10
            when 11 then beneficiary.ptd_cntrct_id_11
            when 12 then beneficiary.ptd_cntrct_id_12
        end as contract_id,
        case months.month_number
            when 1 then beneficiary.mdcr_entlmt_buyin_ind_01
            when 2 then beneficiary.mdcr_entlmt_buyin_ind_02
            when 3 then beneficiary.mdcr_entlmt_buyin_ind_03
            when 4 then beneficiary.mdcr_entlmt_buyin_ind_04
            when 5 then beneficiary.mdcr_entlmt_buyin_ind_05
            when 6 then beneficiary.mdcr_entlmt_buyin_ind_06
            when 7 then beneficiary.mdcr_entlmt_buyin_ind_07
            when 8 then beneficiary.mdcr_entlmt_buyin_ind_08
            when 9 then beneficiary.mdcr_entlmt_buyin_ind_09
            when 10 then beneficiary.mdcr_entlmt_buyin_ind_10
            when 11 then beneficiary.mdcr_entlmt_buyin_ind_11
            when 12 then beneficiary.mdcr_entlmt_buyin_ind_12
        end as entitlement_code,
        case months.month_number
            when 1 then beneficiary.dual_stus_cd_01
            when 2 then beneficiary.dual_stus_cd_02
            when 3 then beneficiary.dual_stus_cd_03
            when 4 then beneficiary.dual_stus_cd_04
            when 5 then beneficiary.dual_stus_cd_05
            when 6 then beneficiary.dual_stus_cd_06
            when 7 then beneficiary.dual_stus_cd_07
            when 8 then beneficiary.dual_stus_cd_08
            when 9 then beneficiary.dual_stus_cd_09
            when 10 then beneficiary.dual_stus_cd_10
            when 11 then beneficiary.dual_stus_cd_11
            when 12 then beneficiary.dual_stus_cd_12
        end as dual_status_code,
        case months.month_number
            when 1 then beneficiary.cst_shr_grp_cd_01
            when 2 then beneficiary.cst_shr_grp_cd_02
            when 3 then beneficiary.cst_shr_grp_cd_03
            when 4 then beneficiary.cst_shr_grp_cd_04
            when 5 then beneficiary.cst_shr_grp_cd_05
            when 6 then beneficiary.cst_shr_grp_cd_06
            when 7 then beneficiary.cst_shr_grp_cd_07
            when 8 then beneficiary.cst_shr_grp_cd_08
            when 9 then beneficiary.cst_shr_grp_cd_09
            when 10 then beneficiary.cst_shr_grp_cd_10
            when 11 then beneficiary.cst_shr_grp_cd_11
            when 12 then beneficiary.cst_shr_grp_cd_12
        end as cost_share_code
    from cms_rif.beneficiary
    cross join months
    -- BFD takes a row back with DELETE.
    where coalesce(beneficiary.dml_ind, '') <> 'DELETE'
),

part_d_files as (
    select distinct beneficiary_months.source_file
    from beneficiary_months
    where beneficiary_months.contract_id is not null
),

enrolled_months as (
    select
        beneficiary_months.source_file,
        beneficiary_months.line_number,
        beneficiary_months.month_number,
        beneficiary_months.contract_id,
        beneficiary_months.dual_status_code,
        beneficiary_months.cost_share_code,
        -- Month less rank is the same all through a run of consecutive months.
        beneficiary_months.month_number - row_number() over (
            partition by beneficiary_months.source_file, beneficiary_months.line_number
            order by beneficiary_months.month_number
        ) as run_number
    from beneficiary_months
    left join part_d_files
        on beneficiary_months.source_file = part_d_files.source_file
    where
        case
            -- ResDAC PTD_CNTRCT_ID: five characters, the first telling the kind of plan (E, H, R, S; X is the LI NET
            -- plan and is drug coverage; synthetic files use Z). N is not enrolled in Part D, 0 not in Medicare.
            when part_d_files.source_file is not null
                then
                    length(beneficiary_months.contract_id) >= 5
                    and substr(beneficiary_months.contract_id, 1, 1) between 'A' and 'Z'
                    and substr(beneficiary_months.contract_id, 1, 1) <> 'N'
            -- ResDAC MDCR_ENTLMT_BUYIN_IND: Part A, B or both, by the person (1, 2, 3) or the state (A, B, C).
            else beneficiary_months.entitlement_code in ('1', '2', '3', 'A', 'B', 'C')
        end
),

run_months as (
    select
        enrolled_months.source_file,
        enrolled_months.line_number,
        enrolled_months.month_number,
        enrolled_months.contract_id,
        enrolled_months.dual_status_code,
        enrolled_months.cost_share_code,
        min(enrolled_months.month_number) over (
            partition by enrolled_months.source_file, enrolled_months.line_number, enrolled_months.run_number
        ) as first_month,
        max(enrolled_months.month_number) over (
            partition by enrolled_months.source_file, enrolled_months.line_number, enrolled_months.run_number
        ) as last_month
    from enrolled_months
),

-- The latest month speaks for the run: its plan and subsidy are the ones that still hold.
runs as (
    select
        run_months.source_file,
        run_months.line_number,
        run_months.first_month,
        run_months.last_month,
        run_months.contract_id,
        -- Both codes have two digits; some exports, BFD's among them, drop the leading zero.
        lpad(run_months.dual_status_code, 2, '0') as dual_status_code,
        lpad(run_months.cost_share_code, 2, '0') as cost_share_code
    from run_months
    where run_months.month_number = run_months.last_month
)

select
    beneficiary.bene_id as person_id,
    beneficiary.mbi_num as member_id,
    case beneficiary.bene_sex_ident_cd
        when '1' then 'male'
        when '2' then 'female'
    end as gender,
    -- ResDAC BENE_RACE_CD; 0 is unknown.
    case beneficiary.bene_race_cd
        when '1' then 'white'
        when '2' then 'black'
        when '3' then 'other'
        when '4' then 'asian'
        when '5' then 'hispanic'
        when '6' then 'north american native'
    end as race,
    beneficiary.bene_birth_dt as birth_date,
    beneficiary.death_dt as death_date,
    beneficiary.rfrnc_yr || '-' || lpad(cast(runs.first_month as varchar), 2, '0') || '-01' as enrollment_start_date,
    cast(
        last_day(
            try_cast(beneficiary.rfrnc_yr || '-' || lpad(cast(runs.last_month as varchar), 2, '0') || '-01' as date)
        ) as varchar
    ) as enrollment_end_date,
    'medicare' as payer,
    'medicare' as payer_type,
    case when part_d_files.source_file is not null then runs.contract_id end as plan,
    beneficiary.drvd_line_1_adr as address,
    beneficiary.city_name as city,
    -- BFD's hand-made samples hold letters where the files of CMS hold the SSA code.
    coalesce(states.state, postal_states.state) as state,
    -- The public synthetic files write 00000 where they have no ZIP code.
    nullif(beneficiary.bene_zip_cd, '00000') as zip_code,
    beneficiary.bene_gvn_name as first_name,
    beneficiary.bene_srnm_name as last_name,
    runs.dual_status_code,
    -- ResDAC CST_SHR_GRP_CD: 01 to 08 have a premium or cost-sharing subsidy, 09 has none; 10 to 13 are not in Part D.
    -- 00 (not in Medicare) and placeholders say nothing.
    case
        when runs.cost_share_code in ('01', '02', '03', '04', '05', '06', '07', '08') then '1'
        when runs.cost_share_code in ('09', '10', '11', '12', '13') then '0'
    end as low_income_subsidy_indicator,
    -- ResDAC DUAL_STUS_CD: full duals 02, 04, 08; partial duals 01, 03, 05, 06, whose premiums Medicaid pays. NA is not
    -- Medicaid, 09 a dual without Medicaid coverage; 00, 99 and AA are unknown here.
    case
        when runs.dual_status_code in ('01', '02', '03', '04', '05', '06', '08') then '1'
        when runs.dual_status_code in ('NA', '09') then '0'
    end as medicaid_indicator,
    -- Only Y says something: 0 is the absence of the condition, and any value here would count as a code for it.
    case when beneficiary.bene_esrd_ind = 'Y' then 'Y' end as esrd_status,
    beneficiary.source_file,
    beneficiary.line_number
from runs
inner join cms_rif.beneficiary
    on
        runs.source_file = beneficiary.source_file
        and runs.line_number = beneficiary.line_number
left join part_d_files
    on beneficiary.source_file = part_d_files.source_file
left join states
    on lpad(beneficiary.state_code, 2, '0') = states.ssa_code
left join postal_states
    on upper(beneficiary.state_code) = postal_states.state
