"""Who may do what with Triune's own admin API (oslo.policy). The APIs of pods are decided by the pods' own policies."""

from oslo_config import cfg
from oslo_policy import policy

# Name below `admin_api:`, method, path, what it does.
OPERATIONS = (
    ("pods:list", "GET", "/v1.0/pods", "List the pods."),
    ("pods:show", "GET", "/v1.0/pods/{pod_id}", "Show a pod."),
    ("pods:create", "POST", "/v1.0/pods", "Register a pod."),
    ("pods:update", "PATCH", "/v1.0/pods/{pod_id}", "Change a pod's zone or enable and disable it."),
    ("pods:delete", "DELETE", "/v1.0/pods/{pod_id}", "Remove a pod."),
    ("pods:health", "GET", "/v1.0/pods/{pod_id}/health", "Show which services of a pod answer."),
    ("jobs:list", "GET", "/v1.0/jobs", "List the jobs of the work engine."),
    ("jobs:schema_list", "GET", "/v1.0/jobs/schemas", "List the types of jobs; show a job."),
    ("jobs:create", "POST", "/v1.0/jobs", "Ask for a job."),
    ("jobs:redo", "PUT", "/v1.0/jobs/{job_id}", "Try a job again now."),
    ("jobs:delete", "DELETE", "/v1.0/jobs/{job_id}", "Forget a job."),
)

RULES = [
    policy.RuleDefault("admin_api", "role:admin", description="Who counts as an administrator of Triune."),
    *(
        policy.DocumentedRuleDefault(
            name=f"admin_api:{name}",
            check_str="rule:admin_api",
            description=description,
            operations=[{"method": method, "path": path}],
        )
        for name, method, path, description in OPERATIONS
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
