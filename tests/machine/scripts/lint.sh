#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Checks the sources; 'make lint' calls it when the tools are there.
#
# Environment: BUILD, the output directory; LINT_CHECKPATCH=0 leaves out
# checkpatch.pl, which comes out of a package of 150 MB.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
BUILD=${BUILD:-$root/build}
out=$BUILD/logs/lint
max_lines=650
failed=0

# Types checkpatch reports that do not apply: user space and freestanding code
# have neither the kernel's types nor its helpers, and SPDX lines are checked below.
not_in_kernel=LONG_LINE_STRING,MULTISTATEMENT_MACRO_USE_DO_WHILE,FILE_PATH_CHANGES,SPDX_LICENSE_TAG,EMAIL_SUBJECT,COMMIT_MESSAGE
not_outside=$not_in_kernel,PREFER_KERNEL_TYPES,AVOID_EXTERNS,CAMELCASE,PREFER_DEFINED_ATTRIBUTE_MACRO
not_outside+=,COMPLEX_MACRO,MACRO_ARG_REUSE,MACRO_ARG_PRECEDENCE,STRNCPY,STRCPY,STRLCPY,SSCANF_TO_KSTRTO
not_outside+=,CONST_STRUCT,ENOSYS,VOLATILE,USLEEP_RANGE,PREFER_FALLTHROUGH,MEMORY_BARRIER,NAKED_SSCANF
not_outside+=,SYMBOLIC_PERMS,CONSTANT_CONVERSION,BARRIERS,ARRAY_SIZE,FUNCTION_ARGUMENTS,INLINE
not_outside+=,TRAILING_STATEMENTS,SPLIT_STRING,STATIC_CONST_CHAR_ARRAY,BIT_MACRO,EMBEDDED_FUNCTION_NAME
not_outside+=,DEVICE_ATTR_FUNCTIONS,REPEATED_WORD
# A uapi header has no BIT(); TRACE_EVENT() has a layout of its own.
not_in_uapi=$not_in_kernel,BIT_MACRO
not_in_trace=$not_in_kernel,PARENTHESIS_ALIGNMENT,OPEN_ENDED_LINE,COMPLEX_MACRO

cd "$root"
mkdir -p "$out"

# Sources, also new ones, in a work tree or an unpacked archive.
list_files() {
	if git rev-parse --is-inside-work-tree > /dev/null 2>&1; then
		git ls-files --cached --others --exclude-standard | while read -r f; do
			[ ! -f "$f" ] || echo "$f"
		done
	else
		find . \( -path ./build -o -path ./.git \) -prune -o -type f -print | sed 's|^\./||'
	fi
}

# report NAME COUNT [FILE]: one line a check; its output when it found something.
report() {
	if [ "$2" -eq 0 ]; then
		printf '  %-28s ok\n' "$1"
		return
	fi
	printf '  %-28s %d finding(s)\n' "$1" "$2"
	[ -z "${3:-}" ] || sed 's/^/    /' "$3" | head -n 200
	failed=1
}

check_spdx() {
	local f

	list_files | grep -E '\.(c|h|S|sh|lds|mk|py|bt)$|/?(Makefile|Kbuild|init|run)$' |
	while read -r f; do
		head -n 2 "$f" | grep -q 'SPDX-License-Identifier: ' || echo "$f: no SPDX line"
	done > "$out/spdx"
	report "SPDX lines" "$(wc -l < "$out/spdx")" "$out/spdx"
}

# What the runner promises of its interface and of its adapters.
limit_of() {
	case $1 in
	runner/include/gh-runner/gh-runner.h) echo 299 ;;
	runner/adapters/*.c) echo 79 ;;
	*) echo $max_lines ;;
	esac
}

check_length() {
	list_files | grep -E '\.(c|h|S|sh)$' | while read -r f; do
		awk -v f="$f" -v max="$(limit_of "$f")" '
			END { if (NR > max) print f ": " NR " lines, at most " max }' "$f"
	done > "$out/length"
	report "length of files" "$(wc -l < "$out/length")" "$out/length"
}

check_words() {
	list_files | grep -E '\.(c|h|S|sh|mk|lds|md)$' | xargs -r \
		grep -nE '\<(TODO|FIXME|XXX|HACK)\>' | grep -v '^tests/machine/scripts/lint.sh:' \
		> "$out/words" || true
	report "unfinished work" "$(wc -l < "$out/words")" "$out/words"
}

check_shell() {
	local n=0

	list_files | while read -r f; do
		if head -n 2 "$f" | grep -qE '^#!/bin/(ba)?sh|^# shellcheck shell=bash'; then
			echo "$f"
		fi
	done | xargs -r shellcheck -f gcc > "$out/shellcheck" || true
	n=$(wc -l < "$out/shellcheck")
	report "shellcheck" "$n" "$out/shellcheck"
}

# bash is among the scripts.
check_completions() {
	{
		zsh -n runner/completions/_gh-runner
		fish -n runner/completions/gh-runner.fish
	} > "$out/completions" 2>&1 || true
	report "completions of zsh, fish" "$(wc -l < "$out/completions")" "$out/completions"
}

run_checkpatch() {
	local ignore=$1
	shift

	[ $# -gt 0 ] || return 0
	printf '%s\n' GMainContext GMainLoop GSource GIOChannel > "$out/typedefs"
	# It leaves a cache file where it runs.
	(cd "$out" && "$BUILD/lint/scripts/checkpatch.pl" --no-tree --strict --terse --show-types \
		--no-summary --max-line-length=100 --typedefsfile "$out/typedefs" \
		--ignore "$ignore" -f "${@/#/$root/}") 2>&1 |
		grep -vE '^(Use of uninitialized value|find:)' | sed "s|^$root/||" || true
}

check_checkpatch() {
	local kernel uapi trace other

	if [ "${LINT_CHECKPATCH:-1}" = 0 ]; then
		printf '  %-28s left out (LINT_CHECKPATCH=0)\n' "checkpatch"
		return
	fi
	mapfile -t uapi < <(list_files | grep -E '^kernel/include/uapi/.*\.h$')
	mapfile -t trace < <(list_files | grep -E '^kernel/.*trace\.h$')
	mapfile -t kernel < <(list_files | grep -E '^(kernel|tests/machine/conformance)/.*\.[ch]$' |
		grep -vE '^kernel/include/uapi/|trace\.h$')
	mapfile -t other < <(list_files | grep -E '\.[ch]$' |
		grep -vE '^(kernel|tests/machine/conformance)/')
	{
		run_checkpatch $not_in_uapi "${uapi[@]}"
		run_checkpatch $not_in_trace "${trace[@]}"
		run_checkpatch $not_in_kernel "${kernel[@]}"
		run_checkpatch "$not_outside" "${other[@]}"
	} > "$out/checkpatch"
	report "checkpatch" "$(wc -l < "$out/checkpatch")" "$out/checkpatch"
}

# A tree of links of its own, as C=1 checks only what it compiles.
check_sparse() {
	local dir name

	: > "$out/sparse"
	for dir in kernel tests/machine/conformance tests/machine/hostile; do
		[ -e "$dir/Kbuild" ] || continue
		name=$BUILD/lint-modules/${dir##*/}
		rm -rf "$name"
		mkdir -p "$name"
		cp -rs "$root/$dir/." "$name/"
		make -C "$BUILD/kernel/headers" M="$name" CC=aarch64-linux-gnu-gcc W=1 C=1 \
			CF=-Wno-unknown-attribute \
			modules > "$out/sparse-${dir##*/}.log" 2>&1 ||
			echo "$dir: build failed, see $out/sparse-${dir##*/}.log" >> "$out/sparse"
		grep -E '(warning|error):' "$out/sparse-${dir##*/}.log" >> "$out/sparse" || true
	done
	report "sparse, W=1" "$(wc -l < "$out/sparse")" "$out/sparse"
}

# test-published.sh takes minutes and runs rarely; that it still can is checked here.
check_published() {
	"$here/test-published.sh" --check > "$out/published" 2>&1 || true
	report "defects of test-published" "$(wc -l < "$out/published")" "$out/published"
}

# What runs is held against the table by run-tests.sh.
check_errnos() {
	"$here/check-errnos.sh" > "$out/errnos" || true
	report "table of errors" "$(wc -l < "$out/errnos")" "$out/errnos"
}

# Also those that are made of the headers.
check_man() {
	local made=$out/man3

	rm -rf "$made"
	mkdir -p "$made"
	{
		runner/man/mkman.pl "$made" runner/include/gh-runner/*.h || true
		{ list_files | grep -E '\.[1-8]$'; find "$made" -type f; } |
			xargs -r mandoc -T lint -W warning || true
		pages_missing "$made"
	} > "$out/mandoc" 2>&1
	report "manual pages" "$(wc -l < "$out/mandoc")" "$out/mandoc"
}

# Functions of the libraries without a page of their name.
pages_missing() {
	local name

	{
		sed -n 's/^\t\t\(gh_[a-z0-9_]*\);$/\1/p' runner/libgh-runner.map | grep -v '_ops$'
		sed -n 's/^[a-z].*[ *]\(gh_u*r[a-z_]*\)(.*/\1/p' \
			liburing-ext/include/liburing-ext/gunyah.h | grep -v _res_decode
	} | sort -u | while read -r name; do
		[ -e "$1/$name.3" ] ||
			sed -n '/^\.SH NAME/,/^\.SH/p' liburing-ext/man/*.3 | grep -qw "$name" ||
			echo "$name: no manual page"
	done
}

echo "Lint"
check_spdx
check_length
check_words
check_shell
check_man
check_completions
check_sparse
check_published
check_errnos
check_checkpatch
exit $failed
