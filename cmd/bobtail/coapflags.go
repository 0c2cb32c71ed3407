package main

import (
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/bobtail-go/bobtail/coap"
)

// asking is what the flags of coap say.
type asking struct {
	verb     *coapVerb
	uri      string
	payload  string
	file     string // what is sent, "-" is the standard input
	format   formatFlag
	accept   formatFlag
	options  []givenOption
	block    int
	timeout  time.Duration
	non      bool
	insecure bool
	ca       *x509.CertPool
	count    int
	out      string // where the answer goes, "" and "-" are the standard output
	verbose  bool
	quiet    bool
}

// givenOption is an option that the user asks for.
type givenOption struct {
	number coap.Option
	value  []byte
}

// answerWait is how long a server may be silent. Over UDP that is enough for
// a request to be sent four times (RFC 7252 section 4.8: after 2 to 3, 6 to 9,
// and 14 to 21 seconds).
const answerWait = 30 * time.Second

func coapOptions() (*options, *asking) {
	c := &asking{timeout: answerWait}
	o := newOptions("coap")
	o.group("What is sent")
	o.add(text{&c.payload}, "payload", "TEXT", "the payload")
	o.add(text{&c.file}, "file", "FILE", "a file for it, - for the input")
	o.add(&c.format, "format", "FORMAT", "the format of the payload, by number or name: 0, text, json,\napplication/cbor")
	o.add(&c.accept, "accept", "FORMAT", "the format that the answer must have")
	o.add(extra{&c.options}, "option", "NAME=VALUE", "a further option by name or number, such as If-None-Match or\nETag=0x0102; may be given several times")
	o.add(blockSize{&c.block}, "block", "BYTES", "send and ask for blocks of at most 16, 32, 64 ... 1024 bytes")
	o.group("How the server is reached")
	o.add(on{&c.non}, "non", "", "over UDP, non-confirmable: send it once, and wait for no\nacknowledgement")
	o.add(patience{&c.timeout}, "timeout", "TIME", "how long the server may be silent")
	o.add(on{&c.insecure}, "insecure", "", "with coaps+tcp, accept any certificate")
	o.add(authority{&c.ca}, "ca", "FILE", "with coaps+tcp, trust the certificates in this file (PEM) alone")
	o.group("What is shown")
	o.add(count{&c.count, ""}, "count", "N", "how many answers to observe, or pings to send; by default\nobserve goes on until Ctrl-C, and ping sends one")
	o.add(text{&c.out}, "o", "FILE", "write what is answered into a file")
	o.add(on{&c.verbose}, "v", "", "show codes and options, on standard error")
	o.add(on{&c.quiet}, "quiet", "", "show no progress")
	return o, c
}

// formatFlag is a Content-Format (RFC 7252 section 12.3).
type formatFlag struct {
	f     coap.Format
	given bool
}

// shortFormats are words for formats that are typed often.
var shortFormats = map[string]coap.Format{
	"text":   coap.FormatText,
	"link":   coap.FormatLink,
	"xml":    coap.FormatXML,
	"octets": coap.FormatOctets,
	"bytes":  coap.FormatOctets,
	"json":   coap.FormatJSON,
	"cbor":   coap.FormatCBOR,
}

func (*formatFlag) String() string { return "" }

func (f *formatFlag) Set(s string) error {
	short, ok := shortFormats[s]
	if !ok {
		short, ok = coap.ParseFormat(s)
	}
	if !ok {
		return errors.New("want a number up to 65535, or a name such as text, json, cbor or application/xml")
	}
	f.f, f.given = short, true
	return nil
}

// extra are options, one each time.
type extra struct{ list *[]givenOption }

func (extra) String() string { return "" }

func (e extra) Set(s string) error {
	name, value, valued := strings.Cut(s, "=")
	o, err := optionNamed(name)
	if err != nil {
		return err
	}
	switch o {
	case coap.OptObserve, coap.OptBlock1, coap.OptBlock2, coap.OptSize1, coap.OptSize2, coap.OptRequestTag:
		return fmt.Errorf("%s is for the client to set", o)
	}
	v, err := optionValue(o, value, valued)
	if err != nil {
		return err
	}
	*e.list = append(*e.list, givenOption{o, v})
	return nil
}

// optionNamed finds an option by its name in any case, or by its number.
func optionNamed(name string) (coap.Option, error) {
	o, ok := coap.ParseOptionName(name)
	if ok {
		return o, nil
	}
	var all []string
	for n := range coap.Option(512) { // all that have names are below
		if d, ok := n.Definition(); ok {
			all = append(all, d.Name)
		}
	}
	return 0, errors.New(and("there is no option "+visible(name)+meant(name, all, ""), "a number names any"))
}

// optionValue reads the value of an option as its definition has it: a number,
// text, or bytes in hexadecimal behind 0x.
func optionValue(o coap.Option, s string, given bool) ([]byte, error) {
	d, known := o.Definition()
	if given && known && d.Kind == coap.KindEmpty {
		return nil, fmt.Errorf("%s has no value", d.Name)
	}
	if !given && known && d.Kind != coap.KindEmpty {
		return nil, fmt.Errorf("want %s=VALUE", d.Name)
	}
	var v []byte
	digits, isHex := strings.CutPrefix(s, "0x")
	switch {
	case known && d.Kind == coap.KindUint:
		n, err := strconv.ParseUint(s, 0, 64)
		if err != nil {
			return nil, fmt.Errorf("want %s=NUMBER", d.Name)
		}
		for ; n > 0; n >>= 8 {
			v = append([]byte{byte(n)}, v...) // RFC 7252 section 3.2: without leading zeros
		}
	case isHex && !(known && d.Kind == coap.KindString):
		b, err := hex.DecodeString(digits)
		if err != nil {
			return nil, errors.New("want pairs of hexadecimal digits behind 0x")
		}
		v = b
	default:
		v = []byte(s)
	}
	if known && (len(v) < int(d.Min) || len(v) > int(d.Max)) {
		return nil, fmt.Errorf("%s has %d to %d bytes, and these are %d", d.Name, d.Min, d.Max, len(v))
	}
	return v, nil
}

// blockSize is the size of a block (RFC 7959 section 2.2).
type blockSize struct{ n *int }

func (blockSize) String() string { return "" }

func (b blockSize) Set(s string) error {
	n, ok := parseSize(s)
	if !ok || n < 16 || n > 1024 || n&(n-1) != 0 {
		return errors.New("want 16, 32, 64, 128, 256, 512 or 1024")
	}
	*b.n = int(n)
	return nil
}

// check says what of the flags does not fit the verb.
func (c *asking) check() error {
	v := c.verb
	switch {
	case c.payload != "" && c.file != "":
		return errors.New("-payload and -file do not go together; give one")
	case (c.payload != "" || c.file != "") && !v.sends:
		return fmt.Errorf("%s sends no payload; bobtail coap -h lists what does", v.name)
	case c.format.given && !v.sends:
		return fmt.Errorf("-format is for a payload, and %s sends none; -accept asks for a format", v.name)
	case c.count != 0 && !v.counts:
		return fmt.Errorf("-count is for observe and ping, not for %s", v.name)
	case v.method == 0 && (c.accept.given || len(c.options) > 0 || c.out != "" || c.block != 0):
		return fmt.Errorf("%s sends no request, and takes only -timeout, -count and -non", v.name)
	}
	if c.file != "" && c.file != "-" {
		info, err := os.Stat(c.file)
		if err != nil {
			return fmt.Errorf("-file %s: %v", c.file, cause(err))
		}
		if info.IsDir() {
			return fmt.Errorf("-file %s: this is a folder", c.file)
		}
	}
	if c.out != "" && c.out != "-" {
		if info, err := os.Stat(c.out); err == nil && info.IsDir() {
			return fmt.Errorf("-o %s: this is a folder", c.out)
		}
		if info, err := os.Stat(filepath.Dir(c.out)); err != nil || !info.IsDir() {
			return fmt.Errorf("-o %s: there is no folder %s", c.out, filepath.Dir(c.out))
		}
	}
	return nil
}
