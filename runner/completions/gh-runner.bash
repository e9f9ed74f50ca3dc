# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# shellcheck shell=bash
# bash completion for gh-runner

_gh_runner()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	local command=${COMP_WORDS[1]:-} option='' words=''

	COMPREPLY=()
	# bash takes --option=value for three words.
	if [ "$cur" = = ]; then
		cur='' option=$prev
	elif [ "$prev" = = ]; then
		option=${COMP_WORDS[COMP_CWORD-2]}
	fi
	if [ "$option" = --backend ]; then
		words='auto uring ioctl sqpoll threads'
	elif [ "$option" = --sort ]; then
		words='exits mmio parks entries name'
	elif [ -n "$option" ]; then
		return
	elif [ "$COMP_CWORD" -eq 1 ]; then
		words='run ps stats top kick stop console --help --version'
	elif [ "$command" = run ]; then
		words='--guest= --seconds= --slice-us= --cpus= --backend= --control --control= --json= --quiet
			--help --version'
	elif [ "$command" = stats ]; then
		words='--control= --json --openmetrics --output= --help --version'
	elif [ "$command" = top ]; then
		words='--control= --delay= --iterations= --sort= --help --version'
	else
		words="--control= --help --version"
		case $command in
		kick | stop | console)
			[ "${cur#-}" != "$cur" ] ||
				words=$(gh-runner ps 2> /dev/null | awk 'NR > 1 { print $1 }') ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	[[ ${COMPREPLY[0]:-} != *= ]] || compopt -o nospace
}

complete -o default -F _gh_runner gh-runner
