-- Dispensings under Medicare Part D, from the prescription drug event (PDE) files.
--
-- One row per PDE row: a PDE is one dispensing and has one line.
select
    pde.pde_id as claim_id,
    '1' as claim_line_number,
    pde.bene_id as person_id,
    pde.srvc_dt as dispensing_date,
    pde.prod_srvc_id as ndc_code,
    pde.days_suply_num as days_supply,
    -- Qualifier 01 is an NPI; 07 an NCPDP number, 06 a UPIN, 08 a state licence, 11 a tax number, 99 other. Under 01
    -- the synthetic files still hold other numbers: they go through as they are, and the check digit tells.
    case
        when lpad(pde.srvc_prvdr_id_qlfyr_cd, 2, '0') = '01' then pde.srvc_prvdr_id
    end as dispensing_provider_npi,
    case
        when lpad(pde.prscrbr_id_qlfyr_cd, 2, '0') = '01' then pde.prscrbr_id
    end as prescribing_provider_npi,
    pde.qty_dspnsd_num as quantity,
    pde.rx_srvc_rfrnc_num as rx_number,
    pde.fill_num as fill_number,
    pde.pd_dt as paid_date,
    -- A PDE is corrected by sending it whole again (ADJSTMT_DLTN_CD), never by an amount below zero: one that is stems
    -- from the benefit's arithmetic, and must not read as a reversal transaction.
    case
        when try_cast(pde.cvrd_d_plan_pd_amt as decimal(18, 2)) < 0 then null
        else pde.cvrd_d_plan_pd_amt
    end as paid_amount,
    pde.tot_rx_cst_amt as allowed_amount,
    pde.ptnt_pay_amt as copayment_amount,
    -- ResDAC PHRMCY_SRVC_TYPE_CD, required since 28 February 2013; null is a pharmacy in no category.
    case lpad(pde.phrmcy_srvc_type_cd, 2, '0')
        when '01' then 'retail'
        when '02' then 'compounding'
        when '03' then 'home_infusion'
        when '04' then 'institutional'
        when '05' then 'ltc'
        when '06' then 'mail'
        when '07' then 'managed_care'
        when '08' then 'specialty'
        when '99' then 'other'
    end as pharmacy_service_type,
    pde.cmpnd_cd as compound_code,
    -- ResDAC ADJSTMT_DLTN_CD: blank is an original, A an adjustment, D a deletion, R a resubmission. BFD adds
    -- FINAL_ACTION (F, or N once another event of the group replaced this one) and DML_IND (DELETE takes a row back).
    case
        when pde.adjstmt_dltn_cd = 'D' or pde.final_action = 'N' or pde.dml_ind = 'DELETE' then 'reversed'
        when pde.adjstmt_dltn_cd = 'A' then 'adjusted'
        else 'paid'
    end as claim_status,
    pde.source_file,
    pde.line_number
from cms_rif.pde
