"""What the sources are read into: typed, cleaned, one row as the publisher means it, before tables are put together."""

DDL = """
create schema ref;
create table ref.nppes (npi VARCHAR, entity_type VARCHAR, name VARCHAR, street VARCHAR, address VARCHAR, city VARCHAR,
    state VARCHAR, zip_code VARCHAR, phone VARCHAR, taxonomy_code VARCHAR, ncpdp_id VARCHAR, updated_date DATE, closed_date DATE,
    source_label VARCHAR);
create table ref.nppes_deactivated (npi VARCHAR, closed_date DATE);
create table ref.nppes_location (npi VARCHAR, address VARCHAR, state VARCHAR, zip_code VARCHAR);
create table ref.taxonomy (use VARCHAR, entity_type VARCHAR, prefix VARCHAR, excluded BOOLEAN);
create table ref.point (zcta VARCHAR, latitude DOUBLE, longitude DOUBLE, land_sq_mi DOUBLE);
create table ref.zip_zcta (zip_code VARCHAR, zcta VARCHAR, state VARCHAR);
create table ref.zip_county (zip_code VARCHAR, county_fips VARCHAR, state VARCHAR);
create table ref.zcta_county (zcta VARCHAR, county_fips VARCHAR, county VARCHAR, land_sq_mi DOUBLE,
    zcta_land_sq_mi DOUBLE);
create table ref.connecticut (zcta VARCHAR, county_fips VARCHAR, planning_region_fips VARCHAR);
create table ref.ssa_county (ssa_code VARCHAR, county_fips VARCHAR, state VARCHAR, county VARCHAR);
create table ref.population (geography VARCHAR, value DOUBLE);
create table ref.vehicle (geography VARCHAR, value DOUBLE);
create table ref.poverty (geography VARCHAR, value DOUBLE);
create table ref.income (geography VARCHAR, value DOUBLE);
create table ref.hsd_county (ssa_code VARCHAR, county VARCHAR, state VARCHAR, county_fips VARCHAR, county_type VARCHAR,
    beneficiaries BIGINT, required BIGINT);
create table ref.adequacy_ratio (service VARCHAR, county_type VARCHAR, min_per_1000 DECIMAL(6,2),
    beneficiary_ratio DECIMAL(12,10));
create table ref.hsd_limit (ssa_code VARCHAR, hsd_code VARCHAR, max_miles DOUBLE, max_minutes DOUBLE);
create table ref.hsd_minimum (ssa_code VARCHAR, hsd_code VARCHAR, min_count INTEGER);
create table ref.svi (kind VARCHAR, geography VARCHAR, state VARCHAR, county VARCHAR, svi DOUBLE,
    households_without_vehicle DOUBLE, population DOUBLE, area_sq_mi DOUBLE);
create table ref.ruca (zip_code VARCHAR, state VARCHAR, ruca INTEGER);
create table ref.hpsa (discipline VARCHAR, county_fips VARCHAR, score INTEGER);
create table ref.mua (county_fips VARCHAR, imu_score DOUBLE);
"""
