package http1

// What the tests of this package see of its inside.

const (
	ClassToken   = uint8(classToken)
	ClassRegName = uint8(classRegName)
	ClassHex     = uint8(classHex)
	ClassQuoted  = uint8(classQuoted)

	NumErrors  = Error(numErrors)
	NumMethods = Method(numMethods)
	NumStates  = State(numStates)
	NumEvents  = Event(numEvents)
	NumIDs     = int(numIDs)
)

var (
	KnownNames = knownNames
	KnownIndex = knownIndex
)

func Class(c byte) uint8                    { return uint8(classes[c]) }
func ScanValue(b []byte, i int) int         { return scanValue(b, i) }
func ScanTarget(b []byte, i int) int        { return scanTarget(b, i) }
func ScanPath(b []byte, i int) int          { return scanPath(b, i) }
func HashName(s string) uint                { return hashName([]byte(s)) }
func Lookup(s string) int                   { return int(lookup([]byte(s))) }
func HostPort(s string) (host, port int)    { return hostPort([]byte(s)) }
func AppendHex(dst []byte, n uint64) []byte { return appendHex(dst, n) }
