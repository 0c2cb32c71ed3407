package transport

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"unsafe"
)

var goodAddrs = []struct {
	name string
	in   string
	out  string // if it differs from in
	want Addr
}{
	{name: "IPv4", in: "127.0.0.1:8080", want: IPv4(127, 0, 0, 1, 8080)},
	{name: "IPv4, any address and port", in: "0.0.0.0:0", want: IPv4(0, 0, 0, 0, 0)},
	{name: "IPv4, the highest", in: "255.255.255.255:65535", want: IPv4(255, 255, 255, 255, 65535)},
	{name: "unset with a port", in: ":8080", want: Addr{}.WithPort(8080)},
	{name: "unset", in: ":0", want: Addr{}},
	{name: "IPv6 loopback", in: "[::1]:80", want: IPv6([16]byte{15: 1}, 80, 0)},
	{name: "IPv6, any address", in: "[::]:80", want: IPv6([16]byte{}, 80, 0)},
	{name: "zone", in: "[fe80::1%2]:80", want: IPv6([16]byte{0: 0xfe, 1: 0x80, 15: 1}, 80, 2)},
	{name: "highest zone", in: "[fe80::1%4294967295]:80", want: IPv6([16]byte{0: 0xfe, 1: 0x80, 15: 1}, 80, 1<<32-1)},
	{name: "gap at the end", in: "[2001:db8::]:1", want: IPv6([16]byte{0: 0x20, 1: 1, 2: 0xd, 3: 0xb8}, 1, 0)},
	{name: "no gap", in: "[1:2:3:4:5:6:7:8]:1", want: IPv6([16]byte{1: 1, 3: 2, 5: 3, 7: 4, 9: 5, 11: 6, 13: 7, 15: 8}, 1, 0)},
	{name: "RFC 5952 4.1: leading zeros", in: "[2001:0db8::0001]:1", out: "[2001:db8::1]:1",
		want: IPv6([16]byte{0: 0x20, 1: 1, 2: 0xd, 3: 0xb8, 15: 1}, 1, 0)},
	{name: "RFC 5952 4.2.2: one zero group is written out", in: "[2001:db8::1:1:1:1:1]:1", out: "[2001:db8:0:1:1:1:1:1]:1",
		want: IPv6([16]byte{0: 0x20, 1: 1, 2: 0xd, 3: 0xb8, 7: 1, 9: 1, 11: 1, 13: 1, 15: 1}, 1, 0)},
	{name: "RFC 5952 4.2.3: longest run", in: "[2001:0:0:1:0:0:0:1]:1", out: "[2001:0:0:1::1]:1",
		want: IPv6([16]byte{0: 0x20, 1: 1, 7: 1, 15: 1}, 1, 0)},
	{name: "RFC 5952 4.2.3: first of equal runs", in: "[2001:db8:0:0:1:0:0:1]:1", out: "[2001:db8::1:0:0:1]:1",
		want: IPv6([16]byte{0: 0x20, 1: 1, 2: 0xd, 3: 0xb8, 9: 1, 15: 1}, 1, 0)},
	{name: "RFC 5952 4.3: lower case", in: "[2001:DB8::aBcD]:1", out: "[2001:db8::abcd]:1",
		want: IPv6([16]byte{0: 0x20, 1: 1, 2: 0xd, 3: 0xb8, 14: 0xab, 15: 0xcd}, 1, 0)},
	{name: "IPv4 in the last 32 bits", in: "[64:ff9b::192.0.2.33]:1", out: "[64:ff9b::c000:221]:1",
		want: IPv6([16]byte{1: 0x64, 2: 0xff, 3: 0x9b, 12: 192, 14: 2, 15: 33}, 1, 0)},
	{name: "IPv4-mapped becomes IPv4", in: "[::ffff:192.0.2.1]:80", out: "192.0.2.1:80", want: IPv4(192, 0, 2, 1, 80)},
	{name: "IPv4-mapped in hexadecimal", in: "[::ffff:c000:201]:80", out: "192.0.2.1:80", want: IPv4(192, 0, 2, 1, 80)},
}

func TestParseAddr(t *testing.T) {
	for _, tt := range goodAddrs {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseAddr(tt.in)
			if got != tt.want || err != nil {
				t.Fatalf("ParseAddr(%q) = %v, %v, want %v", tt.in, got, err, tt.want)
			}
			out := tt.out
			if out == "" {
				out = tt.in
			}
			if s := got.String(); s != out {
				t.Fatalf("String = %q, want %q", s, out)
			}
			if s := string(got.AppendTo([]byte("x"))); s != "x"+out {
				t.Fatalf("AppendTo = %q, want %q", s, "x"+out)
			}
			checkNetip(t, tt.in)
		})
	}
}

var badAddrs = []struct{ name, in string }{
	{"empty", ""},
	{"no port", "127.0.0.1"},
	{"empty port", "127.0.0.1:"},
	{"host name", "localhost:80"},
	{"service name", "127.0.0.1:http"},
	{"port too high", "127.0.0.1:65536"},
	{"port of eleven digits", "127.0.0.1:00000000080"},
	{"port with a leading zero", "127.0.0.1:080"},
	{"port with a sign", "127.0.0.1:+80"},
	{"space", " 127.0.0.1:80"},
	{"space at the end", "127.0.0.1:80 "},
	{"three bytes", "127.0.1:80"},
	{"five bytes", "127.0.0.0.1:80"},
	{"byte too high", "127.0.0.256:80"},
	{"leading zero", "127.0.0.01:80"},
	{"empty byte", "127.0..1:80"},
	{"dot at the end", "127.0.0.1.:80"},
	{"hexadecimal byte", "0x7f.0.0.1:80"},
	{"IPv4 in brackets", "[127.0.0.1]:80"},
	{"IPv6 without brackets", "::1:80"},
	{"brackets alone", "[]:80"},
	{"no closing bracket", "[::1:80"},
	{"no opening bracket", "::1]:80"},
	{"text after the bracket", "[::1]x:80"},
	{"two colons before the port", "[::1]::80"},
	{"three colons", "[:::1]:80"},
	{"two gaps", "[1::2::3]:80"},
	{"colon at the start", "[:1:2:3:4:5:6:7]:80"},
	{"colon at the end", "[1:2:3:4:5:6:7:]:80"},
	{"seven groups", "[1:2:3:4:5:6:7]:80"},
	{"nine groups", "[1:2:3:4:5:6:7:8:9]:80"},
	{"gap that stands for nothing", "[1:2:3:4::5:6:7:8]:80"},
	{"gap after eight groups", "[1:2:3:4:5:6:7:8::]:80"},
	{"five digits", "[00001::]:80"},
	{"not a digit", "[g::]:80"},
	{"IPv4 not at the end", "[::1.2.3.4:5]:80"},
	{"IPv4 with no room", "[1:2:3:4:5:6:7:1.2.3.4]:80"},
	{"empty zone", "[fe80::1%]:80"},
	{"zone 0, which is none", "[fe80::1%0]:80"},
	{"named zone", "[fe80::1%eth0]:80"},
	{"zone too high", "[fe80::1%4294967296]:80"},
	{"zone of an IPv4-mapped address", "[::ffff:1.2.3.4%1]:80"},
	{"zone of an IPv4 address", "1.2.3.4%1:80"},
	{"NUL", "127.0.0.1:8\x00"},
}

func TestParseAddrErrors(t *testing.T) {
	for _, tt := range badAddrs {
		t.Run(tt.name, func(t *testing.T) {
			if a, err := ParseAddr(tt.in); a != (Addr{}) || err != ErrAddress {
				t.Fatalf("ParseAddr(%q) = %v, %v, want ErrAddress", tt.in, a, err)
			}
			checkNetip(t, tt.in)
		})
	}
}

// checkNetip compares ParseAddr with net/netip. The differences that are
// meant: an unset host, a named zone or zone 0, a leading zero of the port or
// the zone, IPv4-mapped addresses become IPv4, and :: is unspecified in any zone.
func checkNetip(t *testing.T, s string) {
	t.Helper()
	got, err := ParseAddr(s)
	if got.IsUnset() && err == nil {
		if !strings.HasPrefix(s, ":") {
			t.Fatalf("ParseAddr(%q) is unset", s)
		}
		return
	}
	ap, oracleErr := netip.ParseAddrPort(s)
	if err != nil {
		if oracleErr != nil {
			return
		}
		colon := strings.LastIndexByte(s, ':')
		if p := s[colon+1:]; len(p) > 1 && p[0] == '0' {
			return
		}
		if z := ap.Addr().Zone(); z != "" {
			if n, err := strconv.ParseUint(z, 10, 32); err != nil || n == 0 || z[0] == '0' || ap.Addr().Is4In6() {
				return
			}
		}
		t.Fatalf("ParseAddr(%q) = %v, but netip reads %v", s, err, ap)
	}
	if oracleErr != nil {
		t.Fatalf("ParseAddr(%q) = %v, but netip says %v", s, got, oracleErr)
	}
	want := netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	if text := got.String(); text != want.String() {
		t.Fatalf("ParseAddr(%q) = %v, netip reads %v", s, text, want)
	}
	if got.Bytes16() != want.Addr().As16() || got.Port() != want.Port() ||
		got.Is4() != want.Addr().Is4() || got.Is6() != want.Addr().Is6() ||
		got.IsUnspecified() != want.Addr().WithZone("").IsUnspecified() {
		t.Fatalf("ParseAddr(%q) = %v: its parts differ from netip's %v", s, got, want)
	}
	if again, err := ParseAddr(got.String()); again != got || err != nil {
		t.Fatalf("ParseAddr(%q) = %v, %v, want %v", got.String(), again, err, got)
	}
}

func FuzzParseAddr(f *testing.F) {
	for _, tt := range goodAddrs {
		f.Add(tt.in)
	}
	for _, tt := range badAddrs {
		f.Add(tt.in)
	}
	f.Fuzz(checkNetip)
}

func FuzzAddrText(f *testing.F) {
	f.Add([]byte{15: 1}, uint16(80), uint32(0))
	f.Add([]byte{10: 0xff, 11: 0xff, 15: 1}, uint16(80), uint32(3))
	f.Add([]byte{0: 0x20, 7: 1, 9: 1}, uint16(0), uint32(1<<32-1))
	f.Fuzz(func(t *testing.T, ip []byte, port uint16, zone uint32) {
		var b [16]byte
		copy(b[:], ip)
		a := IPv6(b, port, zone)
		oracle := netip.AddrFrom16(b).Unmap()
		if zone != 0 {
			oracle = oracle.WithZone(strconv.FormatUint(uint64(zone), 10))
		}
		want := netip.AddrPortFrom(oracle, port).String()
		got := a.String()
		if got != want || len(got) > MaxAddrText {
			t.Fatalf("String of %v, %v, %v = %q, want %q", b, port, zone, got, want)
		}
		if again, err := ParseAddr(got); again != a || err != nil {
			t.Fatalf("ParseAddr(%q) = %v, %v", got, again, err)
		}
	})
}

func TestAddrParts(t *testing.T) {
	v4, v6 := IPv4(192, 0, 2, 1, 80), IPv6([16]byte{0: 0xfe, 1: 0x80, 15: 1}, 81, 7)
	tests := []struct {
		name string
		ok   bool
	}{
		{"the zero Addr is unset", Addr{}.IsUnset() && Addr{}.IsUnspecified() && Addr{}.Port() == 0},
		{"unset is neither family", !Addr{}.Is4() && !Addr{}.Is6()},
		{"unset differs from 0.0.0.0", Addr{} != IPv4(0, 0, 0, 0, 0)},
		{"unset differs from ::", Addr{} != IPv6([16]byte{}, 0, 0)},
		{"0.0.0.0 is unspecified", IPv4(0, 0, 0, 0, 80).IsUnspecified()},
		{":: is unspecified", IPv6([16]byte{}, 80, 0).IsUnspecified()},
		{"an address is not", !v4.IsUnspecified() && !v6.IsUnspecified()},
		{"families", v4.Is4() && !v4.Is6() && v6.Is6() && !v6.Is4()},
		{"bytes of IPv4", v4.Bytes4() == [4]byte{192, 0, 2, 1}},
		{"IPv4 is mapped", v4.Bytes16() == netip.MustParseAddr("::ffff:192.0.2.1").As16()},
		{"zone", v6.Zone() == 7 && v4.Zone() == 0},
		{"a mapped address loses its zone", IPv6(v4.Bytes16(), 80, 3) == v4},
		{"WithPort keeps the rest", v6.WithPort(82) == IPv6(v6.Bytes16(), 82, 7) && v6.Port() == 81},
		{"24 bytes", unsafe.Sizeof(Addr{}) == 24},
	}
	for _, tt := range tests {
		if !tt.ok {
			t.Error(tt.name)
		}
	}
}

func TestAddrNoAllocs(t *testing.T) {
	var buf [MaxAddrText]byte
	a, _ := ParseAddr("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535")
	n := testing.AllocsPerRun(100, func() {
		text := a.AppendTo(buf[:0])
		if len(text) != MaxAddrText {
			t.Fatalf("AppendTo made %q", text)
		}
		if _, err := ParseAddr("[fe80::1%2]:80"); err != nil {
			t.Fatal(err)
		}
		if _, err := ParseAddr("localhost:80"); err != ErrAddress {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
