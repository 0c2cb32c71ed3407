# The sizes of programs, beside their limits.
#
# A limit is what a program has been brought down to, and a little: who passes
# it has brought something along, and looks what. tinygo build -size full lists
# the packages.

# exercise FOLDER LIMIT builds a program of internal/house/small as small as it
# gets and holds its code and constants, and the tables to unwind by that Linux
# puts beside them, to a limit in bytes.
exercise() {
	"$tinygo" build $tinygo_linux -opt z -panic trap -no-debug -o "$out/$1" "./internal/house/small/$1"
	sized "$1" "$(size "$out/$1" | awk 'NR == 2 { print $1 + $2 }')" "$2"
}

# program is exercise for a program that could be somebody's: nothing in it
# compares interfaces. That is done by reflection, and internal/house keeps it out
# of our packages, but not out of what they import.
program() {
	exercise "$@"
	if nm "$out/$1" | grep -q 'runtime\.reflectValueEqual'; then
		say "$1 compares interfaces: grep for the caller in tinygo build -o $1.ll"
		over=1
	fi
}

# sized NAME BYTES LIMIT shows a size beside its limit, and sets over if it is
# past it.
sized() {
	say "$(printf '%-24s %8d of %8d bytes' "$1" "$2" "$3")"
	[ "$2" -le "$3" ] || {
		say "$1 is larger than its limit"
		over=1
	}
}

part sizes 'programs built by TinyGo keep within their sizes'
part_sizes() {
	tinygo_up
	local out over=
	out=$(mktemp -d)
	trap "rm -rf '$out'" EXIT
	exercise http1 34000
	exercise ws 33500
	exercise messages 39000
	exercise pool 28500
	exercise resource 67000
	exercise coapconn 129000
	exercise wsconn 64000
	exercise values 122000
	exercise change 182000
	program server 165000
	program around 185000
	program form 180000
	program events 180000
	program static 109000
	program sockets 213000
	program coap 233000
	[ -z "$over" ]
}
