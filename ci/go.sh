# The parts that need Go alone, and the walk over the modules.

# One system of each word size, byte order of descriptors, and kind.
systems='linux/386 linux/arm linux/arm64 darwin/arm64 windows/amd64'

# Modules that measure or compare, and so need this system and its programs.
here_only='bench conformance'

staticcheck=honnef.co/go/tools/cmd/staticcheck@v0.8.2

# modules prints the folder of every module, the root first.
modules() {
	git ls-files ':(glob)**/go.mod' | grep -v /testdata/ | sed 's|go\.mod$||; s|/$||; s|^$|.|' | sort
}

# The module whose tests drive programs of others is a part of its own, peers.
tested_modules() { modules | grep -vx conformance; }

here_modules() { modules | grep -xE "${here_only// /|}" || true; }
portable_modules() { modules | grep -vxE "${here_only// /|}"; }

# in_dir DIR COMMAND... runs a command in a folder, outside the workspace if
# the folder's module is.
in_dir() (
	members=$(go list -m -f '{{.Dir}}') && cd "$1" && shift || exit
	module=$(dirname "$(GOWORK=off go env GOMOD)")
	grep -qxF "$module" <<<"$members" || export GOWORK=off
	"$@"
)

# each_module MODULES COMMAND... runs a command in each of the modules, with its
# packages as further arguments, and fails if one fails. The rules of the house
# are about the tree and not about a system, and are a part of their own.
each_module() {
	local dir pkgs status=0 modules=$1
	shift
	for dir in $modules; do
		[ -f "$dir/go.mod" ] || continue
		pkgs=$(in_dir "$dir" go list ./...) || return
		pkgs=$(grep -vE '^$|/internal/house$' <<<"$pkgs") || continue
		echo "# $dir"
		in_dir "$dir" "$@" $pkgs || status=1
	done
	return $status
}

# each_system MODULES COMMAND... does it for every system.
each_system() {
	local system status=0
	for system in $systems; do
		echo "## $system"
		GOOS=${system%/*} GOARCH=${system#*/} CGO_ENABLED=0 each_module "$@" || status=1
	done
	return $status
}

part fmt 'gofmt and go mod tidy would change nothing'
part_fmt() {
	local file out status=0
	out=$(git ls-files '*.go' | while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done | xargs "$(go env GOROOT)/bin/gofmt" -l)
	[ -z "$out" ] || {
		echo "gofmt would change:" $out
		status=1
	}
	each_module "$(modules)" go_mod_tidy || status=1
	return $status
}
go_mod_tidy() { go mod tidy -diff; }

part vet 'go vet, for this system, a small one, and with the tag of TinyGo'
part_vet() {
	local status=0
	each_module "$(modules)" go vet || status=1
	# The files of other systems are staticcheck's: vet looks at words of 32 bits.
	echo "## linux/386"
	GOOS=linux GOARCH=386 CGO_ENABLED=0 each_module "$(portable_modules)" go vet || status=1
	echo "## tinygo"
	GOFLAGS="$(go env GOFLAGS) -tags=tinygo" each_module "$(tinygo_modules)" go vet || status=1
	return $status
}

# tinygo_modules prints the root and the modules with files for TinyGo.
tinygo_modules() {
	local dir
	for dir in $(portable_modules); do
		if [ "$dir" = . ] || git grep -qE '^//go:build.*\btinygo\b' -- "$dir"; then
			echo "$dir"
		fi
	done
}

part staticcheck 'staticcheck, for this system, others, and with the tag of TinyGo'
part_staticcheck() {
	local status=0 system
	each_module "$(here_modules)" go run "$staticcheck" || status=1
	matrix=here$'\n'
	for system in $systems; do
		matrix+="${system/\//_} GOOS=${system%/*} GOARCH=${system#*/} CGO_ENABLED=0"$'\n'
	done
	matrix+='tinygo GOFLAGS=-tags=tinygo'
	each_module "$(portable_modules)" staticcheck_systems || status=1
	return $status
}

# staticcheck_systems checks the packages of a module on every system, but those
# only once that have the same files on several and words of the same size: they
# are the same to it. What is unused is so in no line of the matrix.
staticcheck_systems() {
	local name settings list line pkgs seen=$'\n' out
	out=$(mktemp -d)
	while read -r name settings; do
		list=$(env $settings go list -f "{{.ImportPath}} {{.GoFiles}} {{.CgoFiles}} {{.TestGoFiles}} {{.XTestGoFiles}} $(word $settings)" ./...) || return
		pkgs=()
		while read -r line; do
			[[ $seen == *$'\n'"$line"$'\n'* ]] || pkgs+=("${line%% *}")
			seen+=$line$'\n'
		done <<<"$list"
		[ ${#pkgs[@]} = 0 ] || go run "$staticcheck" -f binary -matrix "${pkgs[@]}" <<<"$name: $settings" >"$out/$name" || return
	done <<<"$matrix"
	go run "$staticcheck" -merge "$out"/* && rm -r "$out"
}

# word prints the size of words with these settings.
word() {
	case $(env "$@" go env GOARCH) in
	386 | arm) echo 32 ;;
	*) echo 64 ;;
	esac
}

part house 'the rules of the house: imports, documents, names'
part_house() { go test ./internal/house; }

part unit 'the tests of every module but those of peers, in random order, with the seeds of the fuzz targets'
part_unit() { each_tested go test -vet=off -timeout 30m -shuffle=on; }

# each_tested COMMAND... is each_module for the modules that are tested. Those of the
# workspace are one to it, so that the slow packages of one are tested beside those of
# another, and the longest do not begin last. What go test would vet is vet's.
each_tested() {
	local dir pkgs= status=0 members
	members=$(go list -m -f '{{.Dir}}' | sed "s|^$PWD/||; s|^$PWD\$|.|" | sort -r)
	for dir in $members; do
		pkgs+=" $(in_dir "$dir" go list ./... | grep -v '/internal/house$')" || return
	done
	echo "#" $members
	"$@" $pkgs || status=1
	each_module "$(tested_modules | grep -vxF "$members")" "$@" || status=1
	return $status
}

part race 'the same under the race detector'
part_race() {
	command -v "$(go env CC)" >/dev/null || debian gcc libc6-dev
	CGO_ENABLED=1 each_tested go test -race -vet=off -timeout 30m -shuffle=on
}

part cross 'the tests compile for other systems, and those of the root run on 386'
part_cross() {
	local status=0
	each_system "$(portable_modules)" compile_tests || status=1
	# Linking what was compiled can go wrong for all alike.
	each_system cmd/bobtail go build -o /dev/null || status=1
	if runs_386; then
		echo "## tests on linux/386"
		GOARCH=386 CGO_ENABLED=0 each_module . go test -vet=off -timeout 30m || status=1
	else
		say "this system runs no 386 programs"
	fi
	return $status
}
compile_tests() { go list -test -export "$@" >/dev/null; }
runs_386() { [ "$(go env GOOS)/$(go env GOARCH)" = linux/amd64 ] && GOARCH=386 CGO_ENABLED=0 go run ci/hello.go; }

part fuzz 'every fuzz target, for FUZZTIME (20000 runs)'
part_fuzz() {
	local file name dir last= status=0 targets corpus
	targets=$(git grep -oE '^func Fuzz[A-Za-z0-9_]*' -- '*_test.go') || leave_out 'there is no fuzz target'
	bin=$(mktemp -d)
	trap 'rm -rf "$bin"' EXIT
	while IFS=: read -r file name; do
		name=${name#func } dir=$(dirname "$file")
		if [ "$dir" != "$last" ]; then
			# One build for all targets of a package; with -fuzz it counts what is new.
			last=$dir
			rm -f "$bin/fuzz.test"
			in_dir "$dir" go test -c -vet=off -fuzz . -o "$bin/fuzz.test" . || status=1
			corpus=$(go env GOCACHE)/fuzz/$(in_dir "$dir" go list .)
		fi
		[ -x "$bin/fuzz.test" ] || continue
		say "$dir $name"
		# A count and not a time: on a busy machine the end of the time is taken
		# for a failure (golang/go#75804 and others). An input that is new is
		# kept as it is, since shortening it takes up to a minute.
		in_dir "$dir" "$bin/fuzz.test" -test.run '^$' -test.fuzz "^$name\$" -test.fuzzcachedir "$corpus" \
			-test.fuzztime "${FUZZTIME:-20000x}" -test.fuzzminimizetime 10x || status=1
	done <<<"$targets"
	return $status
}

part bench 'the comparison with other servers builds, and runs in its shortest form'
part_bench() {
	[ -n "$(git ls-files 'bench/*.go')" ] || leave_out 'there is no bench/ yet'
	command -v gcc >/dev/null || debian gcc libc6-dev
	# Without it the comparison has one server less.
	[ -z "$ci$install" ] || debian pkg-config libcoap3-dev
	bin=$(mktemp -d)
	trap 'rm -rf "$bin"' EXIT
	in_dir bench go build -o "$bin/" ./...
	# The instructions of a request are counted where it is.
	[ -z "$ci$install" ] || debian valgrind
	in_dir bench go test -count 1 -run TestInstructions -v .
	if git grep -q '"smoke"' -- 'bench/*.go'; then
		in_dir bench timeout 1800 go run . -smoke
		in_dir bench timeout 600 go run . -smoke -profile
	fi
}
