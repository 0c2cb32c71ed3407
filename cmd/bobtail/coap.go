package main

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/bobtail-go/bobtail/coap"
)

// coapVerb is what the first word behind coap asks for.
type coapVerb struct {
	name, does string
	method     coap.Code // 0 if it is no single request
	sends      bool      // a payload
	counts     bool      // takes -count
	run        func(*asking, <-chan os.Signal) int
}

// coapVerbs are in the order in which help lists them.
func coapVerbs() []coapVerb {
	return []coapVerb{
		{"get", "print a resource", coap.CodeGET, false, false, (*asking).request},
		{"put", "create or replace it", coap.CodePUT, true, false, (*asking).request},
		{"post", "have it take a payload, and print what it answers", coap.CodePOST, true, false, (*asking).request},
		{"delete", "delete it", coap.CodeDELETE, false, false, (*asking).request},
		{"fetch", "print what of it a payload asks for", coap.CodeFETCH, true, false, (*asking).request},
		{"patch", "change it as a payload says", coap.CodePATCH, true, false, (*asking).request},
		{"ipatch", "the same, if twice does no harm", coap.CodeIPATCH, true, false, (*asking).request},
		{"observe", "print it, and again whenever it changes, until Ctrl-C", coap.CodeGET, false, true, (*asking).observe},
		{"ping", "ask whether a server is there", 0, false, true, (*asking).ping},
		{"discover", "list the resources of a server", coap.CodeGET, false, false, (*asking).discover},
		{"conform", "check a server against RFC 8323, case by case", 0, false, false, nil},
	}
}

// talkCoAP asks a CoAP server for something.
func talkCoAP(args []string) int {
	if len(args) > 0 && args[0] == "conform" {
		return coapConform(args[1:]) // it has flags of its own
	}
	o, c := coapOptions()
	flags, words := o.split(args)
	wantsHelp, err := o.parse(flags)
	if wantsHelp {
		coapUsage()
		o.help(os.Stdout)
		return exitOK
	}
	if err != nil {
		return refuse("%v", err)
	}
	if len(words) == 0 {
		return refuse("coap takes a word and a URI, such as: bobtail coap get coap://127.0.0.1/hello; bobtail coap -h tells more")
	}
	var names []string
	for _, v := range coapVerbs() {
		names = append(names, v.name)
		if strings.EqualFold(v.name, words[0]) {
			c.verb = &v
		}
	}
	switch {
	case c.verb == nil:
		return refuse("%s", and(fmt.Sprintf("coap %s: there is no such word%s", visible(words[0]), meant(words[0], names, "")), "bobtail coap -h lists them"))
	case c.verb.run == nil:
		return refuse("coap: %s comes before its flags, as in: bobtail coap %[1]s -h", c.verb.name)
	case len(words) != 2:
		return refuse("coap %s takes one URI, and there %s; bobtail coap -h tells more", c.verb.name, areWords(words[1:]))
	}
	if c.uri = words[1]; !strings.Contains(c.uri, "://") {
		c.uri = "coap://" + c.uri
	}
	if err := c.check(); err != nil {
		return refuse("%v", err)
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	return c.verb.run(c, signals)
}

func coapUsage() {
	fmt.Print("usage: bobtail coap [flags] WORD URI\n\n" +
		"Asks a CoAP server: over TCP (coap+tcp://HOST/PATH), TLS (coaps+tcp://) or UDP\n" +
		"(coap://, which may be left out). What is long goes and comes in blocks. The status\n" +
		"is 0 if the answer has a code 2.xx; else it is 1, and standard error has the code.\n" +
		"WORD is one of\n\n")
	for _, v := range coapVerbs() {
		fmt.Printf("  %-9s %s\n", v.name, v.does)
	}
	fmt.Print("\n" +
		"  bobtail coap get coap+tcp://127.0.0.1/hello\n" +
		"  bobtail coap post -file photo.jpg -o back.jpg coap://127.0.0.1/echo\n" +
		"  bobtail coap observe -count 3 coap://127.0.0.1/time\n")
}
