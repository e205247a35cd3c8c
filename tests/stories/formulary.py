"""The drugs and members that stories share; an NDC is the drug's name, so that a story can be read."""

FORMULARY = """
    ndc_code              | ingredients                    | brand_name
    lisinopril            | lisinopril                     | -
    lisinopril-hctz       | hydrochlorothiazide;lisinopril | -
    benazepril            | benazepril                     | -
    benazepril-hctz       | benazepril;hydrochlorothiazide | -
    captopril             | captopril                      | -
    losartan              | losartan                       | -
    valsartan             | valsartan                      | -
    sacubitril-valsartan  | sacubitril;valsartan           | Entresto
    metformin             | metformin                      | -
    metformin-1000        | metformin                      | -
    glipizide             | glipizide                      | -
    linagliptin           | linagliptin                    | -
    glipizide-metformin   | glipizide;metformin            | -
    empagliflozin-linagliptin-metformin | empagliflozin;linagliptin;metformin | -
    ozempic               | semaglutide                    | Ozempic
    wegovy                | semaglutide                    | Wegovy
    glargine              | insulin glargine               | Lantus
    degludec-liraglutide  | insulin degludec;liraglutide   | Xultophy
    atorvastatin          | atorvastatin                   | -
    rosuvastatin          | rosuvastatin                   | -
    ezetimibe             | ezetimibe                      | -
    ezetimibe-simvastatin | ezetimibe;simvastatin          | -
    simvastatin-sitagliptin | simvastatin;sitagliptin      | -
"""

# Born in 1960, enrolled from 2018 on without an end.
EVERYONE = """
    person_id | enrollment_start_date
    ann       | 2018-01-01
    bob       | 2018-01-01
    cal       | 2018-01-01
    dee       | 2018-01-01
    eve       | 2018-01-01
    fay       | 2018-01-01
    gus       | 2018-01-01
    hal       | 2018-01-01
"""

GIVEN = {"raw.drug": FORMULARY, "raw.eligibility": EVERYONE}
