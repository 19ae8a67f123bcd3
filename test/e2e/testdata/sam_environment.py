"""Prints the environment that `sam local invoke` gives to each function, as JSON.

It asks sam itself, up to the point where sam starts a container. Run it with the
Python of sam's own virtual environment: sam_environment.py TEMPLATE [ENV_FILE]
"""

import json
import sys

from samcli.commands.local.cli_common.invoke_context import InvokeContext
from samcli.commands.local.lib.local_lambda import LocalLambdaRunner
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider

template, env_file = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
stacks, _ = SamLocalStackProvider.get_stacks(template)
provider = SamFunctionProvider(stacks)
runner = LocalLambdaRunner(
    local_runtime=None,
    function_provider=provider,
    cwd=".",
    real_path=".",
    env_vars_values=InvokeContext._get_env_vars_value(env_file),
)
json.dump({f.name: runner._make_env_vars(f).resolve() for f in provider.get_all()}, sys.stdout, indent=1)
