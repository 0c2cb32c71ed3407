package coap_test

import "github.com/bobtail-go/bobtail/coap"

// option is an option of a test.
type option struct {
	n     coap.Option
	value string
}

func opt(n coap.Option, value string) option { return option{n, value} }

// options encodes options that are in order.
func options(all ...option) (o coap.Options) {
	prev := coap.Option(0)
	for _, c := range all {
		o = coap.AppendOption(o, prev, c.n, []byte(c.value))
		prev = c.n
	}
	return o
}

// decoded is what Iter sees.
func decoded(o coap.Options) (all []option) {
	for it := o.Iter(); it.Next(); {
		all = append(all, option{it.Number, string(it.Value)})
	}
	return all
}
