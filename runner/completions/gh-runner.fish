# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# fish completion for gh-runner

function __gh_runner_guests
    gh-runner ps 2>/dev/null | awk 'NR > 1 { print $1 }'
end

set -l commands run ps stats top kick stop console
set -l none "not __fish_seen_subcommand_from $commands"

complete -c gh-runner -f
complete -c gh-runner -n $none -a run -d 'start guests and check their results'
complete -c gh-runner -n $none -a ps -d 'list the guests'
complete -c gh-runner -n $none -a stats -d 'counters'
complete -c gh-runner -n $none -a top -d 'what each guest does'
complete -c gh-runner -n $none -a kick -d "end a guest's slice or wait"
complete -c gh-runner -n $none -a stop -d 'stop a guest for good'
complete -c gh-runner -n $none -a console -d "talk to a guest's console"
complete -c gh-runner -s h -l help -d 'print help and exit'
complete -c gh-runner -s V -l version -d 'print the version and exit'

set -l run '__fish_seen_subcommand_from run'
complete -c gh-runner -n $run -F
complete -c gh-runner -n $run -l guest -x -d 'guests to start: key=value,...'
complete -c gh-runner -n $run -l seconds -x -d 'tell the guests to work so long'
complete -c gh-runner -n $run -l slice-us -x -d 'longest time a vCPU runs'
complete -c gh-runner -n $run -l cpus -x -d 'run the guests on so many host CPUs'
complete -c gh-runner -n $run -l backend -x -a 'auto uring ioctl sqpoll threads' -d 'how vCPUs are run'
complete -c gh-runner -n $run -l json -r -F -d 'write counters and results'
complete -c gh-runner -n $run -s q -l quiet -d 'print only the result'

set -l stats '__fish_seen_subcommand_from stats'
complete -c gh-runner -n $stats -l json -d 'as JSON'
complete -c gh-runner -n $stats -l openmetrics -d 'as OpenMetrics text'
complete -c gh-runner -n $stats -s o -l output -r -F -d 'replace this file'

set -l top '__fish_seen_subcommand_from top'
complete -c gh-runner -n $top -s d -l delay -x -d 'seconds from one look to the next'
complete -c gh-runner -n $top -s n -l iterations -x -d 'end after so many'
complete -c gh-runner -n $top -s s -l sort -x -a 'exits mmio parks entries name' -d 'what comes first'

complete -c gh-runner -n "__fish_seen_subcommand_from $commands" -l control -r -F -d 'the socket of requests'
complete -c gh-runner -n '__fish_seen_subcommand_from kick stop console' -a '(__gh_runner_guests)'
