#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Tests the shells' completions: what bash offers, and that each shell's file knows
# each option that 'gh-runner COMMAND --help' names.
#
#   completions.sh GH-RUNNER DIRECTORY

set -euo pipefail

gh_runner=$1 dir=$2

# Outside of a completion there is nothing to tell the shell.
compopt() { :; }
# What 'gh-runner ps' lists.
gh-runner() { printf 'NAME VCPUS STATE\nweb 2 running\ndb 1 off\n'; }
# shellcheck source=/dev/null
. "$dir/gh-runner.bash"

fail() {
	echo "completions: $*" >&2
	exit 1
}

# offers WANTED WORD...: the last word is being typed.
offers() {
	local want=$1
	shift

	COMP_WORDS=(gh-runner "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_gh_runner
	[ "${COMPREPLY[*]}" = "$want" ] || fail "'$*': '${COMPREPLY[*]}' instead of '$want'"
}

offers 'stats stop' st
offers 'run ps stats top kick stop console --help --version' ''
offers '--backend=' run --back
offers 'auto uring ioctl sqpoll threads' run --backend =
offers 'uring' run --backend = u
offers '' run --json = u
offers '--openmetrics --output=' stats --o
offers '--delay=' top --d
offers 'exits entries' top --sort = e
offers 'web db' stop ''
offers 'db' console d
offers '--control=' kick --c
offers '--cpus= --control --control=' run --c

for command in run ps stats top kick stop console; do
	for option in $("$gh_runner" "$command" --help | grep -oE '(^|[ ,])--[a-z-]+' | grep -oE '[a-z][a-z-]+' |
		sort -u); do
		COMP_WORDS=(gh-runner "$command" "--$option") COMP_CWORD=2 COMPREPLY=()
		_gh_runner
		[ ${#COMPREPLY[@]} -gt 0 ] || fail "bash: $command has --$option"
		grep -q -e "--$option" "$dir/_gh-runner" || fail "zsh: $command has --$option"
		grep -q -e "-l $option " "$dir/gh-runner.fish" || fail "fish: $command has --$option"
	done
	grep -q "'$command:\|\"$command:" "$dir/_gh-runner" || fail "zsh: there is $command"
	grep -q -e "-a $command " "$dir/gh-runner.fish" || fail "fish: there is $command"
done
