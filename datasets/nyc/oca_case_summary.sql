-- One row for each case: what it is about, who has a lawyer, and how far it has gone.
WITH parties AS (
    SELECT indexnumberid,
           count(*) FILTER (WHERE role = 'Respondent') AS respondents,
           count(*) FILTER (WHERE role = 'Respondent' AND representationtype = 'Counsel') AS respondents_with_counsel,
           count(*) FILTER (WHERE role = 'Petitioner' AND representationtype = 'Counsel') AS petitioners_with_counsel
      FROM oca_parties
     GROUP BY indexnumberid
),
appearances AS (
    SELECT indexnumberid, count(*) AS appearances, min(appearancedatetime) AS first_appearance, max(appearancedatetime) AS last_appearance
      FROM oca_appearances
     GROUP BY indexnumberid
),
judgments AS (
    SELECT indexnumberid,
           count(*) AS judgments,
           coalesce(bool_or(withpossession), false) AS judgment_with_possession,
           max(totaljudgmentamount) AS largest_judgment
      FROM oca_judgments
     GROUP BY indexnumberid
),
warrants AS (
    SELECT indexnumberid, count(*) AS warrants, min(issueddate) AS first_warrant_issued, min(executiondate) AS first_executed
      FROM oca_warrants
     GROUP BY indexnumberid
)
SELECT i.indexnumberid,
       i.court,
       i.fileddate,
       i.propertytype,
       i.classification,
       i.status,
       i.disposeddate,
       i.disposedreason,
       i.primaryclaimtotal,
       coalesce(parties.respondents, 0) AS respondents,
       coalesce(parties.respondents_with_counsel, 0) AS respondents_with_counsel,
       coalesce(parties.petitioners_with_counsel, 0) AS petitioners_with_counsel,
       coalesce(appearances.appearances, 0) AS appearances,
       appearances.first_appearance,
       appearances.last_appearance,
       coalesce(judgments.judgments, 0) AS judgments,
       coalesce(judgments.judgment_with_possession, false) AS judgment_with_possession,
       judgments.largest_judgment,
       coalesce(warrants.warrants, 0) AS warrants,
       warrants.first_warrant_issued,
       warrants.first_executed
  FROM oca_index i
  LEFT JOIN parties USING (indexnumberid)
  LEFT JOIN appearances USING (indexnumberid)
  LEFT JOIN judgments USING (indexnumberid)
  LEFT JOIN warrants USING (indexnumberid)
