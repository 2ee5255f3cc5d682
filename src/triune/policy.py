"""Who may do what with Triune's own admin API (oslo.policy). The APIs of pods are decided by the pods' own policies."""

from oslo_config import cfg
from oslo_policy import policy

ADMIN = "rule:admin_api"

RULES = [
    policy.RuleDefault("admin_api", "role:admin", description="Who counts as an administrator of Triune."),
    *(
        policy.DocumentedRuleDefault(
            name=f"admin_api:pods:{action}",
            check_str=ADMIN,
            description=description,
            operations=[{"method": method, "path": path}],
        )
        for action, method, path, description in (
            ("list", "GET", "/v1.0/pods", "List the pods."),
            ("show", "GET", "/v1.0/pods/{pod_id}", "Show a pod."),
            ("create", "POST", "/v1.0/pods", "Register a pod."),
            ("update", "PATCH", "/v1.0/pods/{pod_id}", "Change a pod's zone or enable and disable it."),
            ("delete", "DELETE", "/v1.0/pods/{pod_id}", "Remove a pod."),
            ("health", "GET", "/v1.0/pods/{pod_id}/health", "Show which services of a pod answer."),
        )
    ),
    *(
        policy.DocumentedRuleDefault(
            name=f"admin_api:jobs:{action}",
            check_str=ADMIN,
            description=description,
            operations=[{"method": method, "path": path}],
        )
        for action, method, path, description in (
            ("list", "GET", "/v1.0/jobs", "List the jobs of the work engine."),
            ("schema_list", "GET", "/v1.0/jobs/schemas", "List the types of jobs; show a job."),
            ("create", "POST", "/v1.0/jobs", "Ask for a job."),
            ("redo", "PUT", "/v1.0/jobs/{job_id}", "Try a job again now."),
            ("delete", "DELETE", "/v1.0/jobs/{job_id}", "Forget a job."),
        )
    ),
]


def list_rules() -> list[policy.RuleDefault]:
    """All rules with their defaults, for oslopolicy-sample-generator."""
    return RULES


def enforcer(conf: cfg.ConfigOpts) -> policy.Enforcer:
    """An enforcer that knows Triune's rules and reads the operator's `policy.yaml`."""
    result = policy.Enforcer(conf)
    result.register_defaults(RULES)
    return result
