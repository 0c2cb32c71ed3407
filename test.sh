#!/usr/bin/env bash
# Runs the checks of the project; ./test.sh -h tells how.
#
# A part is one line, `part NAME 'what it does'`, above a function part_NAME in
# a file ci/*.sh. The function runs in the top folder, in a shell of its own
# under set -eu and pipefail, with its output in a log, and fails if it returns
# or exits with anything but 0. It may call these:
#
#	say TEXT            show a line of progress
#	debian PACKAGE...   make sure of Debian packages
#	keep NAME MAKE...   make sure of a folder in the cache
#	missing TEXT        give up because a tool is not here
#	leave_out TEXT      stop, because there is nothing to check here
set -u
cd "$(dirname "$0")" || exit 1
ci=${CI:-}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/bobtail
mkdir -p "$cache/log" "$cache/time" || exit 1

names=()
texts=()
part() {
	names+=("$1")
	texts+=("$2")
}

usage() {
	cat <<END
usage: ./test.sh [-v] [-i] [PART...]
Runs the parts named, or all. It shows the output of a part that fails.
  -l  list the parts, with the time each took last
  -v  show the output of every part as it comes
  -i  install missing Debian packages (with sudo, unless you are root)
  -h  this text
A part whose tools are missing is left out; where the variable CI is set, they
are installed, and if that fails, so does the part. FUZZTIME=30s fuzzes longer.
Logs, times and the compiler it builds are kept in $cache.
END
}

list() {
	local i
	for i in "${!names[@]}"; do
		printf '%-12s %6s  %s\n' "${names[i]}" "$(cat "$cache/time/${names[i]}" 2>/dev/null || echo -)" "${texts[i]}"
	done
}

wrong() {
	echo "test.sh: $1" >&2
	exit 2
}

# The text is in the log too, which -v shows already.
say() {
	echo "$*"
	[ -n "$verbose" ] || echo "    $*" >&3
}

leave_out() {
	echo "$*" >"$reason"
	exit 77
}

# A machine without a tool says nothing about the project, except in CI, where
# every tool must be.
missing() {
	[ -z "$ci" ] || {
		echo "missing: $*"
		exit 1
	}
	leave_out "$*"
}

debian() {
	local p want=() sudo=
	for p; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || want+=("$p")
	done
	[ ${#want[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null || missing "needs what Debian calls ${want[*]}"
	[ -n "$ci$install" ] || missing "needs Debian packages: ./test.sh -i, or apt-get install --no-install-recommends ${want[*]}"
	[ "$(id -u)" = 0 ] || sudo=sudo
	say "installing ${want[*]}"
	# A source of the machine's that does not answer is no reason to stop.
	$sudo apt-get -q update || true
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
		install --no-install-recommends "${want[@]}" || missing "needs Debian packages that cannot be installed: ${want[*]}"
}

# keep NAME MAKE [ARGUMENT...] sets kept to the folder of the cache that MAKE FOLDER
# ARGUMENT... has made, one for each text of the input. Those of a month ago are removed.
keep() {
	local name=$1 make=$2 new=$cache/new-$1-$$
	shift 2
	kept=$cache/$name-$(cksum | cut -d ' ' -f 1)
	[ ! -d "$kept" ] || return 0
	say "making $name, which takes up to two minutes"
	find "$cache" -maxdepth 1 \( -name "$name-*" -o -name "new-$name-*" \) -mtime +30 -exec rm -rf {} +
	# Only what is complete gets the name, also if two make it at a time.
	"$make" "$new" "$@"
	mv -T "$new" "$kept" || rm -rf "$new"
}

for file in ci/*.sh; do
	. "$file"
done

verbose='' install=''
while getopts :hlvi option; do
	case $option in
	h) usage; exit ;;
	l) list; exit ;;
	v) verbose=1 ;;
	i) install=1 ;;
	*) wrong "unknown option -$OPTARG; ./test.sh -h helps" ;;
	esac
done
shift $((OPTIND - 1))

[ $# -gt 0 ] || set -- "${names[@]}"
todo=()
for name; do
	case " ${names[*]} " in
	*" $name "*) todo+=("$name") ;;
	*) wrong "no part is called $name; ./test.sh -l lists them" ;;
	esac
done

# run NAME LOG runs a part and returns its exit status.
run() {
	if [ -n "$verbose" ]; then
		(set -eu -o pipefail; "part_$1") </dev/null 2>&1 | tee "$2"
		return "${PIPESTATUS[0]}"
	fi
	(set -eu -o pipefail; "part_$1") </dev/null >"$2" 2>&1
}

exec 3>&1
log=
reason=$(mktemp) || exit 1
trap 'rm -f "$reason" "$log"' EXIT
trap 'echo; echo "test.sh: interrupted"; exit 130' INT TERM
passed=() failed=() left=()
for i in "${!todo[@]}"; do
	name=${todo[i]}
	at="[$((i + 1))/${#todo[@]}] $name"
	# Two runs at a time do not write into each other's log.
	log=$cache/log/$name.$$
	start=$SECONDS
	echo "$at ..."
	run "$name" "$log"
	status=$?
	took="$((SECONDS - start)) s"
	mv "$log" "$cache/log/$name"
	case $status in
	0)
		passed+=("$name")
		echo "$took" >"$cache/time/$name"
		echo "$at passed in $took"
		;;
	77)
		left+=("$name ($(cat "$reason"))")
		echo "$at left out: $(cat "$reason")"
		;;
	*)
		failed+=("$name")
		echo "$took" >"$cache/time/$name"
		[ -n "$verbose" ] || cat "$cache/log/$name"
		echo "$at FAILED in $took"
		;;
	esac
done

# items TITLE ITEM... prints the items on one line.
items() {
	local title=$1 sep=
	shift
	printf '%s:' "$title"
	[ $# -gt 0 ] || printf ' none'
	for item; do
		printf '%s %s' "$sep" "$item"
		sep=,
	done
}
# An empty array is an unset one to older shells.
printf '%s | %s | %s\n' "$(items passed ${passed[@]+"${passed[@]}"})" \
	"$(items failed ${failed[@]+"${failed[@]}"})" "$(items 'left out' ${left[@]+"${left[@]}"})"
echo "${#passed[@]} passed, ${#failed[@]} failed"
[ ${#failed[@]} = 0 ]
