package coap

import "github.com/bobtail-go/bobtail/internal/ascii"

// The registry of Content-Formats (RFC 7252 section 12.3).

// Format is a media type with its parameters and content coding, as a number
// (RFC 7252 section 12.3): the value of Content-Format and of Accept.
type Format uint16

// Formats of the registry that programs are likely to use. String knows all.
const (
	FormatText           Format = 0     // text/plain;charset=utf-8, RFC 7252
	FormatCOSEEncrypt0   Format = 16    // RFC 9052
	FormatCOSEMac0       Format = 17    // RFC 9052
	FormatCOSESign1      Format = 18    // RFC 9052
	FormatACE            Format = 19    // RFC 9200
	FormatGIF            Format = 21    // image/gif
	FormatJPEG           Format = 22    // image/jpeg
	FormatPNG            Format = 23    // image/png
	FormatLink           Format = 40    // application/link-format, RFC 6690
	FormatXML            Format = 41    // application/xml
	FormatOctets         Format = 42    // application/octet-stream
	FormatEXI            Format = 47    // application/exi
	FormatJSON           Format = 50    // application/json
	FormatPatchJSON      Format = 51    // application/json-patch+json, RFC 6902
	FormatMergePatch     Format = 52    // application/merge-patch+json, RFC 7396
	FormatCBOR           Format = 60    // application/cbor, RFC 8949
	FormatCWT            Format = 61    // application/cwt, RFC 8392
	FormatMultipart      Format = 62    // application/multipart-core, RFC 8710
	FormatCBORSeq        Format = 63    // application/cbor-seq, RFC 8742
	FormatSenMLJSON      Format = 110   // application/senml+json, RFC 8428
	FormatSensMLJSON     Format = 111   // application/sensml+json, RFC 8428
	FormatSenMLCBOR      Format = 112   // application/senml+cbor, RFC 8428
	FormatSensMLCBOR     Format = 113   // application/sensml+cbor, RFC 8428
	FormatProblem        Format = 257   // application/concise-problem-details+cbor, RFC 9290
	FormatMissingBlocks  Format = 272   // application/missing-blocks+cbor-seq, RFC 9177
	FormatSenMLXML       Format = 310   // application/senml+xml, RFC 8428
	FormatSenMLPatchJSON Format = 320   // application/senml-etch+json, RFC 8790
	FormatSenMLPatchCBOR Format = 322   // application/senml-etch+cbor, RFC 8790
	FormatThing          Format = 432   // application/td+json
	FormatOCF            Format = 10000 // application/vnd.ocf+cbor
	FormatOSCORE         Format = 10001 // application/oscore, RFC 8613
	FormatJavaScript     Format = 10002 // application/javascript
	FormatLWM2MTLV       Format = 11542 // application/vnd.oma.lwm2m+tlv
	FormatLWM2MJSON      Format = 11543 // application/vnd.oma.lwm2m+json
	FormatLWM2MCBOR      Format = 11544 // application/vnd.oma.lwm2m+cbor
	FormatCSS            Format = 20000 // text/css
	FormatSVG            Format = 30000 // image/svg+xml
)

// formats has the registry, in the order of the numbers. A content coding is in
// parentheses.
var formats = [...]struct {
	format Format
	name   string
}{
	{0, "text/plain;charset=utf-8"},
	{16, `application/cose;cose-type="cose-encrypt0"`},
	{17, `application/cose;cose-type="cose-mac0"`},
	{18, `application/cose;cose-type="cose-sign1"`},
	{19, "application/ace+cbor"},
	{21, "image/gif"},
	{22, "image/jpeg"},
	{23, "image/png"},
	{40, "application/link-format"},
	{41, "application/xml"},
	{42, "application/octet-stream"},
	{47, "application/exi"},
	{50, "application/json"},
	{51, "application/json-patch+json"},
	{52, "application/merge-patch+json"},
	{60, "application/cbor"},
	{61, "application/cwt"},
	{62, "application/multipart-core"},
	{63, "application/cbor-seq"},
	{64, "application/edhoc+cbor-seq"},
	{65, "application/cid-edhoc+cbor-seq"},
	{96, `application/cose;cose-type="cose-encrypt"`},
	{97, `application/cose;cose-type="cose-mac"`},
	{98, `application/cose;cose-type="cose-sign"`},
	{101, "application/cose-key"},
	{102, "application/cose-key-set"},
	{110, "application/senml+json"},
	{111, "application/sensml+json"},
	{112, "application/senml+cbor"},
	{113, "application/sensml+cbor"},
	{114, "application/senml-exi"},
	{115, "application/sensml-exi"},
	{140, "application/yang-data+cbor;id=sid"},
	{256, "application/coap-group+json"},
	{257, "application/concise-problem-details+cbor"},
	{258, "application/swid+cbor"},
	{259, "application/pkixcmp"},
	{260, "application/yang-sid+json"},
	{261, "application/ace-groupcomm+cbor"},
	{271, "application/dots+cbor"},
	{272, "application/missing-blocks+cbor-seq"},
	{280, "application/pkcs7-mime;smime-type=server-generated-key"},
	{281, "application/pkcs7-mime;smime-type=certs-only"},
	{284, "application/pkcs8"},
	{285, "application/csrattrs"},
	{286, "application/pkcs10"},
	{287, "application/pkix-cert"},
	{290, "application/aif+cbor"},
	{291, "application/aif+json"},
	{310, "application/senml+xml"},
	{311, "application/sensml+xml"},
	{320, "application/senml-etch+json"},
	{322, "application/senml-etch+cbor"},
	{340, "application/yang-data+cbor"},
	{341, "application/yang-data+cbor;id=name"},
	{432, "application/td+json"},
	{433, "application/tm+json"},
	{10000, "application/vnd.ocf+cbor"},
	{10001, "application/oscore"},
	{10002, "application/javascript"},
	{11050, "application/json (deflate)"},
	{11060, "application/cbor (deflate)"},
	{11542, "application/vnd.oma.lwm2m+tlv"},
	{11543, "application/vnd.oma.lwm2m+json"},
	{11544, "application/vnd.oma.lwm2m+cbor"},
	{20000, "text/css"},
	{30000, "image/svg+xml"},
}

// String is the media type of the format with its parameters, such as
// "text/plain;charset=utf-8", "unregistered" if it is none of those known here.
func (f Format) String() string {
	lo, hi := 0, len(formats)
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		if formats[m].format < f {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo < len(formats) && formats[lo].format == f {
		return formats[lo].name
	}
	return "unregistered"
}

// ParseFormat is the format of a name as String writes it, in upper or lower
// case, of "text/plain", or of a number in decimal, whether String knows it or
// not.
func ParseFormat(s string) (f Format, ok bool) {
	if ascii.EqualFold(s, "text/plain") {
		return FormatText, true
	}
	for i := range formats {
		if ascii.EqualFold(s, formats[i].name) {
			return formats[i].format, true
		}
	}
	n, ok := parseUint16(s)
	return Format(n), ok
}
