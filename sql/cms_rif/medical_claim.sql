-- Medicare Part A and Part B claim lines, from the carrier, equipment and institutional files.
--
-- One row per row of a source: a line of a professional claim (carrier, dme) or a revenue centre of an institutional
-- claim (inpatient, outpatient, snf, hha, hospice). The layout gives all seven sources the same columns in the same
-- order, so they are stacked whole.
with

professional_lines as (
    select * from cms_rif.carrier
    union all
    select * from cms_rif.dme
),

institutional_lines as (
    select * from cms_rif.inpatient
    union all
    select * from cms_rif.outpatient
    union all
    select * from cms_rif.snf
    union all
    select * from cms_rif.hha
    union all
    select * from cms_rif.hospice
),

paid_lines as (
    select
        professional_lines.*,
        'professional' as claim_type,
        professional_lines.line_nch_pmt_amt as payment_amount
    from professional_lines
    union all
    select
        institutional_lines.*,
        'institutional' as claim_type,
        -- CLM_PMT_AMT is the claim's and repeats on every revenue centre; the claim's first line carries it alone, so
        -- that lines add up to claims. (REV_CNTR_PMT_AMT_AMT is absent from inpatient and snf.)
        case
            when
                try_cast(institutional_lines.clm_line_num as integer)
                = min(try_cast(institutional_lines.clm_line_num as integer)) over (
                    partition by institutional_lines.clm_id
                )
                then institutional_lines.clm_pmt_amt
        end as payment_amount
    from institutional_lines
),

-- The principal diagnosis stands first, and once: most claims repeat it among ICD_DGNS_CD1 to 25, usually but not
-- always as the first. Its place there tells which code to leave out; 26 means that it is not among them.
located_lines as (
    select
        paid_lines.*,
        coalesce(paid_lines.prncpal_dgns_cd, paid_lines.icd_dgns_cd1) as first_diagnosis_code,
        case coalesce(paid_lines.prncpal_dgns_cd, paid_lines.icd_dgns_cd1)
            when paid_lines.icd_dgns_cd1 then 1
            when paid_lines.icd_dgns_cd2 then 2
            when paid_lines.icd_dgns_cd3 then 3
            when paid_lines.icd_dgns_cd4 then 4
            when paid_lines.icd_dgns_cd5 then 5
            when paid_lines.icd_dgns_cd6 then 6
            when paid_lines.icd_dgns_cd7 then 7
            when paid_lines.icd_dgns_cd8 then 8
            when paid_lines.icd_dgns_cd9 then 9
            when paid_lines.icd_dgns_cd10 then 10
            when paid_lines.icd_dgns_cd11 then 11
            when paid_lines.icd_dgns_cd12 then 12
            when paid_lines.icd_dgns_cd13 then 13
            when paid_lines.icd_dgns_cd14 then 14
            when paid_lines.icd_dgns_cd15 then 15
            when paid_lines.icd_dgns_cd16 then 16
            when paid_lines.icd_dgns_cd17 then 17
            when paid_lines.icd_dgns_cd18 then 18
            when paid_lines.icd_dgns_cd19 then 19
            when paid_lines.icd_dgns_cd20 then 20
            when paid_lines.icd_dgns_cd21 then 21
            when paid_lines.icd_dgns_cd22 then 22
            when paid_lines.icd_dgns_cd23 then 23
            when paid_lines.icd_dgns_cd24 then 24
            when paid_lines.icd_dgns_cd25 then 25
            else 26
        end as first_diagnosis_place
    from paid_lines
)

select
    located_lines.clm_id as claim_id,
    located_lines.clm_line_num as claim_line_number,
    located_lines.claim_type,
    located_lines.bene_id as person_id,
    located_lines.clm_from_dt as claim_start_date,
    located_lines.clm_thru_dt as claim_end_date,
    -- Revenue centres of inpatient and snf claims have no date of their own.
    located_lines.clm_line_from_dt as claim_line_start_date,
    located_lines.clm_line_thru_dt as claim_line_end_date,
    -- For home health and hospice the day on which that care began.
    located_lines.clm_admsn_dt as admission_date,
    located_lines.nch_bene_dschrg_dt as discharge_date,
    -- Codes of fixed length get back the zeros that some exports drop: 1 is 01 (home) and no other status.
    -- NCH_PTNT_STATUS_IND_CD (A discharged, B died, C still a patient) is derived from this code and says less.
    lpad(
        located_lines.ptnt_dschrg_stus_cd,
        cast(greatest(length(located_lines.ptnt_dschrg_stus_cd), 2) as integer),
        '0'
    ) as discharge_disposition_code,
    lpad(
        located_lines.line_place_of_srvc_cd,
        cast(greatest(length(located_lines.line_place_of_srvc_cd), 2) as integer),
        '0'
    ) as place_of_service_code,
    located_lines.clm_fac_type_cd
    || located_lines.clm_srvc_clsfctn_type_cd
    || located_lines.clm_freq_cd as bill_type_code,
    lpad(
        located_lines.clm_drg_cd, cast(greatest(length(located_lines.clm_drg_cd), 3) as integer), '0'
    ) as drg_code,
    lpad(
        located_lines.rev_cntr, cast(greatest(length(located_lines.rev_cntr), 4) as integer), '0'
    ) as revenue_center_code,
    located_lines.hcpcs_cd as hcpcs_code,
    located_lines.hcpcs_1st_mdfr_cd as hcpcs_modifier_1,
    located_lines.hcpcs_2nd_mdfr_cd as hcpcs_modifier_2,
    located_lines.hcpcs_3rd_mdfr_cd as hcpcs_modifier_3,
    located_lines.hcpcs_4th_mdfr_cd as hcpcs_modifier_4,
    -- Performing physician (carrier), rendering physician of the line, else attending physician of the stay.
    coalesce(
        located_lines.prf_physn_npi, located_lines.rndrng_physn_npi, located_lines.at_physn_npi
    ) as rendering_npi,
    -- Billing provider (carrier), supplier (dme), else the organisation.
    coalesce(
        located_lines.carr_clm_blg_npi_num, located_lines.prvdr_npi, located_lines.org_npi_num
    ) as billing_npi,
    case when located_lines.claim_type = 'institutional' then located_lines.org_npi_num end as facility_npi,
    -- Day the contractor finished the claim; professional claims have none. NCH_WKLY_PROC_DT is the week in which the
    -- row was loaded, and orders versions.
    located_lines.fi_clm_proc_dt as paid_date,
    -- RIF holds the final action, so an amount below zero is no reversal: the deductible and coinsurance of a stay can
    -- exceed what the prospective payment pays for it (ResDAC, CLM_PMT_AMT).
    case
        when try_cast(located_lines.payment_amount as decimal(18, 2)) < 0 then null
        else located_lines.payment_amount
    end as paid_amount,
    case coalesce(located_lines.prncpal_dgns_vrsn_cd, located_lines.icd_dgns_vrsn_cd1)
        when '0' then 'icd-10-cm'
        when '9' then 'icd-9-cm'
    end as diagnosis_code_type,
    located_lines.first_diagnosis_code as diagnosis_code_1,
    case
        when located_lines.first_diagnosis_place < 2 then located_lines.icd_dgns_cd2
        else located_lines.icd_dgns_cd1
    end as diagnosis_code_2,
    case
        when located_lines.first_diagnosis_place < 3 then located_lines.icd_dgns_cd3
        else located_lines.icd_dgns_cd2
    end as diagnosis_code_3,
    case
        when located_lines.first_diagnosis_place < 4 then located_lines.icd_dgns_cd4
        else located_lines.icd_dgns_cd3
    end as diagnosis_code_4,
    case
        when located_lines.first_diagnosis_place < 5 then located_lines.icd_dgns_cd5
        else located_lines.icd_dgns_cd4
    end as diagnosis_code_5,
    case
        when located_lines.first_diagnosis_place < 6 then located_lines.icd_dgns_cd6
        else located_lines.icd_dgns_cd5
    end as diagnosis_code_6,
    case
        when located_lines.first_diagnosis_place < 7 then located_lines.icd_dgns_cd7
        else located_lines.icd_dgns_cd6
    end as diagnosis_code_7,
    case
        when located_lines.first_diagnosis_place < 8 then located_lines.icd_dgns_cd8
        else located_lines.icd_dgns_cd7
    end as diagnosis_code_8,
    case
        when located_lines.first_diagnosis_place < 9 then located_lines.icd_dgns_cd9
        else located_lines.icd_dgns_cd8
    end as diagnosis_code_9,
    case
        when located_lines.first_diagnosis_place < 10 then located_lines.icd_dgns_cd10
        else located_lines.icd_dgns_cd9
    end as diagnosis_code_10,
    case
        when located_lines.first_diagnosis_place < 11 then located_lines.icd_dgns_cd11
        else located_lines.icd_dgns_cd10
    end as diagnosis_code_11,
    case
        when located_lines.first_diagnosis_place < 12 then located_lines.icd_dgns_cd12
        else located_lines.icd_dgns_cd11
    end as diagnosis_code_12,
    case
        when located_lines.first_diagnosis_place < 13 then located_lines.icd_dgns_cd13
        else located_lines.icd_dgns_cd12
    end as diagnosis_code_13,
    case
        when located_lines.first_diagnosis_place < 14 then located_lines.icd_dgns_cd14
        else located_lines.icd_dgns_cd13
    end as diagnosis_code_14,
    case
        when located_lines.first_diagnosis_place < 15 then located_lines.icd_dgns_cd15
        else located_lines.icd_dgns_cd14
    end as diagnosis_code_15,
    case
        when located_lines.first_diagnosis_place < 16 then located_lines.icd_dgns_cd16
        else located_lines.icd_dgns_cd15
    end as diagnosis_code_16,
    case
        when located_lines.first_diagnosis_place < 17 then located_lines.icd_dgns_cd17
        else located_lines.icd_dgns_cd16
    end as diagnosis_code_17,
    case
        when located_lines.first_diagnosis_place < 18 then located_lines.icd_dgns_cd18
        else located_lines.icd_dgns_cd17
    end as diagnosis_code_18,
    case
        when located_lines.first_diagnosis_place < 19 then located_lines.icd_dgns_cd19
        else located_lines.icd_dgns_cd18
    end as diagnosis_code_19,
    case
        when located_lines.first_diagnosis_place < 20 then located_lines.icd_dgns_cd20
        else located_lines.icd_dgns_cd19
    end as diagnosis_code_20,
    case
        when located_lines.first_diagnosis_place < 21 then located_lines.icd_dgns_cd21
        else located_lines.icd_dgns_cd20
    end as diagnosis_code_21,
    case
        when located_lines.first_diagnosis_place < 22 then located_lines.icd_dgns_cd22
        else located_lines.icd_dgns_cd21
    end as diagnosis_code_22,
    case
        when located_lines.first_diagnosis_place < 23 then located_lines.icd_dgns_cd23
        else located_lines.icd_dgns_cd22
    end as diagnosis_code_23,
    case
        when located_lines.first_diagnosis_place < 24 then located_lines.icd_dgns_cd24
        else located_lines.icd_dgns_cd23
    end as diagnosis_code_24,
    case
        when located_lines.first_diagnosis_place < 25 then located_lines.icd_dgns_cd25
        else located_lines.icd_dgns_cd24
    end as diagnosis_code_25,
    located_lines.icd_prcdr_cd1 as procedure_code_1,
    located_lines.icd_prcdr_cd2 as procedure_code_2,
    located_lines.icd_prcdr_cd3 as procedure_code_3,
    located_lines.icd_prcdr_cd4 as procedure_code_4,
    located_lines.icd_prcdr_cd5 as procedure_code_5,
    located_lines.icd_prcdr_cd6 as procedure_code_6,
    located_lines.icd_prcdr_cd7 as procedure_code_7,
    located_lines.icd_prcdr_cd8 as procedure_code_8,
    located_lines.icd_prcdr_cd9 as procedure_code_9,
    located_lines.icd_prcdr_cd10 as procedure_code_10,
    located_lines.icd_prcdr_cd11 as procedure_code_11,
    located_lines.icd_prcdr_cd12 as procedure_code_12,
    located_lines.icd_prcdr_cd13 as procedure_code_13,
    located_lines.icd_prcdr_cd14 as procedure_code_14,
    located_lines.icd_prcdr_cd15 as procedure_code_15,
    located_lines.icd_prcdr_cd16 as procedure_code_16,
    located_lines.icd_prcdr_cd17 as procedure_code_17,
    located_lines.icd_prcdr_cd18 as procedure_code_18,
    located_lines.icd_prcdr_cd19 as procedure_code_19,
    located_lines.icd_prcdr_cd20 as procedure_code_20,
    located_lines.icd_prcdr_cd21 as procedure_code_21,
    located_lines.icd_prcdr_cd22 as procedure_code_22,
    located_lines.icd_prcdr_cd23 as procedure_code_23,
    located_lines.icd_prcdr_cd24 as procedure_code_24,
    located_lines.icd_prcdr_cd25 as procedure_code_25,
    case
        -- BFD: N once another claim of the group replaced this one; DELETE takes a row back.
        when located_lines.final_action = 'N' or located_lines.dml_ind = 'DELETE' then 'reversed'
        -- ResDAC CARR_CLM_PMT_DNL_CD: denied, denied for a demonstration, denied for physician ownership. Two-byte
        -- 00 is another payer's turn and not this 0.
        when located_lines.carr_clm_pmt_dnl_cd in ('0', 'D', 'P') then 'denied'
        -- ResDAC LINE_PRCSG_IND_CD, a line of a paid claim: non-covered, denied, invalid, no CLIA certificate,
        -- duplicate, unnecessary, other, physician ownership.
        when located_lines.line_prcsg_ind_cd in ('C', 'D', 'I', 'L', 'M', 'N', 'O', 'P') then 'denied'
        -- ResDAC CLM_MDCR_NON_PMT_RSN_CD: any other reason for no payment, and benefits refused or evidence missing.
        -- Exhausted benefits and another payer's turn stay paid: the stay took place. P asks for payment.
        when located_lines.clm_mdcr_non_pmt_rsn_cd in ('N', 'R') then 'denied'
        else 'paid'
    end as claim_status,
    located_lines.nch_wkly_proc_dt as file_date,
    located_lines.source_file,
    located_lines.line_number
from located_lines
