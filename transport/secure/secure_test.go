package secure_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/transport/secure"
)

func certificatePEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate().Certificate[0]})
}

func TestConfig(t *testing.T) {
	n := memory.New(memory.Config{})
	defer n.Close()
	good := serverConfig()
	for _, tt := range []struct {
		name  string
		inner transport.Backend
		cfg   secure.Config
		want  error
	}{
		{"no backend", nil, secure.Config{TLS: good}, secure.ErrBackend},
		{"no TLS", n, secure.Config{}, secure.ErrCertificate},
		{"no certificate", n, secure.Config{TLS: &tls.Config{}}, secure.ErrCertificate},
		{"certificates on demand", n, secure.Config{TLS: &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }}}, nil},
		{"negative handshakes", n, secure.Config{TLS: good, Handshakes: -1}, secure.ErrConfig},
		{"too many handshakes", n, secure.Config{TLS: good, Handshakes: 1 << 17}, secure.ErrConfig},
		{"negative timeout", n, secure.Config{TLS: good, Timeout: -1}, secure.ErrConfig},
		{"negative linger", n, secure.Config{TLS: good, Linger: -1}, secure.ErrConfig},
		{"all is well", n, secure.Config{TLS: good}, nil},
	} {
		if _, err := secure.New(tt.inner, tt.cfg); err != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	for e := secure.ErrBackend; e <= secure.ErrVersion; e++ {
		if !strings.HasPrefix(e.Error(), "secure: ") || e.Timeout() != (e == secure.ErrTimeout) {
			t.Errorf("error %d: %v", e, e)
		}
	}
	if secure.Error(200).Error() != "secure: unknown error" {
		t.Error("an error of no name has one")
	}
}

// TestOwnTags refuses the tags by which inner events are known.
func TestOwnTags(t *testing.T) {
	b := wrap(t, memory.New(memory.Config{}), nil, secure.Config{})
	defer b.Close()
	at := transport.IPv4(127, 0, 0, 1, 0)
	for _, tt := range []struct {
		tag uint64
		own bool
	}{
		{0xb0b7a115_80000000, true}, {0xb0b7a115_ffffffff, true}, {0xb0b7a115_7fffffff, false}, {0xb0b7a114_80000000, false}, {0, false}, {1 << 31, false}, {^uint64(0), false},
	} {
		for name, listen := range map[string]func(transport.Addr, uint64) (transport.Listener, error){"Listen": b.Listen, "ListenSecure": b.ListenSecure} {
			l, err := listen(at, tt.tag)
			if (err != nil) != tt.own {
				t.Errorf("%s with tag %#x: %v", name, tt.tag, err)
			}
			if err == nil {
				b.CloseListener(l)
			}
		}
		if err := b.Attach(1, 0, tt.tag); tt.own && err != transport.ErrNotSupported {
			t.Errorf("Attach with tag %#x: %v", tt.tag, err)
		}
	}
}

// TestSendFile leaves files of secure streams to be read and sent.
func TestSendFile(t *testing.T) {
	b := wrap(t, memory.New(memory.Config{}), nil, secure.Config{})
	defer b.Close()
	if _, err := b.SendFile(-5, nil, 0, 0, 1); err != transport.ErrNotSupported {
		t.Errorf("SendFile: %v", err)
	}
}

func TestSelfSigned(t *testing.T) {
	c, err := secure.SelfSigned("example.test", "192.0.2.1", "2001:db8::1", "localhost")
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(c.Leaf)
	for _, name := range []string{"localhost", "127.0.0.1", "::1", "example.test", "192.0.2.1", "2001:db8::1"} {
		if ip := net.ParseIP(name); ip != nil && strings.Contains(name, ":") {
			name = "[" + name + "]"
		}
		if _, err := c.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: pool}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := c.Leaf.VerifyHostname("other.test"); err == nil {
		t.Error("it is valid for others")
	}
	if c.Leaf.NotAfter.After(time.Now().Add(825*24*time.Hour)) || c.Leaf.SerialNumber.Sign() <= 0 || len(c.Leaf.DNSNames) != 2 {
		t.Errorf("valid until %v, serial %v, names %v", c.Leaf.NotAfter, c.Leaf.SerialNumber, c.Leaf.DNSNames)
	}
	f := secure.Fingerprint(c)
	if len(f) != 32*3-1 || strings.Count(f, ":") != 31 || f != strings.ToUpper(f) {
		t.Errorf("fingerprint %q", f)
	}
	if secure.Fingerprint(tls.Certificate{}) != "" {
		t.Error("no certificate has a fingerprint")
	}
	if _, err := secure.SelfSigned("nicht\u00e4scii"); err == nil {
		t.Error("a name that is not ASCII goes into a certificate")
	}
}
