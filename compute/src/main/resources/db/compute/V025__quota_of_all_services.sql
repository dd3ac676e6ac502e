-- Limits are in the region's table now. Those of the network's resources never had an effect here.
INSERT INTO quota (project_id, service, resource, hard_limit)
SELECT project_id, 'compute', resource, hard_limit FROM compute_quota
WHERE resource NOT IN ('security_groups', 'security_group_rules');
DROP TABLE compute_quota;
