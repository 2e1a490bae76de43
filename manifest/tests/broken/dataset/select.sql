SELECT id, name FROM hpd_violations
