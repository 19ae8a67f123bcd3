#!/usr/bin/env bash
# Checks the models.   run.sh [quick|full]   run.sh one FILE MODE [-DKNOB ...]   run.sh trace FILE MODE [-DKNOB ...]
echo placeholder
