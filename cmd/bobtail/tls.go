package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/secure"
)

// certificate is what the flags say of HTTPS, nil if they say nothing. The
// error is a line for the user.
func (s *settings) certificate(at transport.Addr) (*tls.Certificate, error) {
	switch {
	case s.tlsSelf && (s.tlsCert != "" || s.tlsKey != ""):
		return nil, errors.New("-tls-self makes a certificate, and so does not go with -tls-cert and -tls-key")
	case s.tlsSelf:
		var names []string
		if host, _, err := net.SplitHostPort(at.String()); err == nil && !at.IsUnspecified() {
			host, _, _ = strings.Cut(host, "%") // a zone is of this machine only
			names = append(names, host)
		}
		c, err := secure.SelfSigned(names...)
		return &c, err
	case s.tlsCert == "" && s.tlsKey == "":
		return nil, nil
	case s.tlsCert == "" || s.tlsKey == "":
		return nil, errors.New("-tls-cert and -tls-key go together")
	}
	c, err := tls.LoadX509KeyPair(s.tlsCert, s.tlsKey)
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return nil, fmt.Errorf("%s cannot be read: %v", path.Path, path.Err)
	}
	if err != nil {
		return nil, fmt.Errorf("-tls-cert %s and -tls-key %s: %v", s.tlsCert, s.tlsKey, err)
	}
	return &c, nil
}
