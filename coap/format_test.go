package coap_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
)

func TestFormats(t *testing.T) {
	for f, want := range map[coap.Format]string{
		coap.FormatText: "text/plain;charset=utf-8", coap.FormatLink: "application/link-format", coap.FormatXML: "application/xml",
		coap.FormatOctets: "application/octet-stream", coap.FormatEXI: "application/exi", coap.FormatJSON: "application/json", // RFC 7252 section 12.3
		coap.FormatPatchJSON: "application/json-patch+json", coap.FormatMergePatch: "application/merge-patch+json", // RFC 8132 section 6
		coap.FormatCBOR: "application/cbor", coap.FormatCBORSeq: "application/cbor-seq", coap.FormatMultipart: "application/multipart-core",
		coap.FormatCWT: "application/cwt", coap.FormatSenMLJSON: "application/senml+json", coap.FormatSensMLJSON: "application/sensml+json",
		coap.FormatSenMLCBOR: "application/senml+cbor", coap.FormatSensMLCBOR: "application/sensml+cbor", coap.FormatSenMLXML: "application/senml+xml",
		coap.FormatSenMLPatchJSON: "application/senml-etch+json", coap.FormatSenMLPatchCBOR: "application/senml-etch+cbor",
		coap.FormatProblem: "application/concise-problem-details+cbor", coap.FormatMissingBlocks: "application/missing-blocks+cbor-seq",
		coap.FormatOSCORE: "application/oscore", coap.FormatJavaScript: "application/javascript", coap.FormatCSS: "text/css", coap.FormatSVG: "image/svg+xml",
		coap.FormatGIF: "image/gif", coap.FormatJPEG: "image/jpeg", coap.FormatPNG: "image/png", coap.FormatThing: "application/td+json",
		coap.FormatOCF: "application/vnd.ocf+cbor", coap.FormatLWM2MTLV: "application/vnd.oma.lwm2m+tlv", coap.FormatLWM2MJSON: "application/vnd.oma.lwm2m+json",
		coap.FormatLWM2MCBOR: "application/vnd.oma.lwm2m+cbor", coap.FormatACE: "application/ace+cbor",
		coap.FormatCOSEEncrypt0: `application/cose;cose-type="cose-encrypt0"`, coap.FormatCOSEMac0: `application/cose;cose-type="cose-mac0"`,
		coap.FormatCOSESign1: `application/cose;cose-type="cose-sign1"`,
	} {
		if f.String() != want {
			t.Errorf("%d is %q, want %q", f, f, want)
		}
	}
	known := 0
	for i := range 1 << 16 {
		f := coap.Format(i)
		if got, ok := coap.ParseFormat(strconv.Itoa(i)); got != f || !ok {
			t.Errorf("ParseFormat(%d) = %d, %v", i, got, ok)
		}
		if f.String() == "unregistered" {
			continue
		}
		known++
		for _, s := range []string{f.String(), strings.ToUpper(f.String())} {
			if got, ok := coap.ParseFormat(s); got != f || !ok {
				t.Errorf("ParseFormat(%q) = %d, %v, want %d", s, got, ok, f)
			}
		}
	}
	if known != coap.NumFormats {
		t.Errorf("%d of %d formats are found by their numbers", known, coap.NumFormats)
	}
	if f, ok := coap.ParseFormat("Text/Plain"); f != coap.FormatText || !ok {
		t.Errorf("text/plain is %d, %v", f, ok)
	}
	for _, s := range []string{"", "unregistered", "65536", "text", "application/json ", "07"} {
		if f, ok := coap.ParseFormat(s); ok || f != 0 {
			t.Errorf("ParseFormat(%q) = %d", s, f)
		}
	}
}
