//go:build linux && (amd64 || arm64)

package secure_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/transport/epoll"
	"github.com/bobtail-go/bobtail/transport/transporttest"
)

var systemInners = []inner{
	{"epoll", func(t *testing.T) transporttest.Fixture { return host(epoll.New(epoll.Config{Lanes: 2}))(t) }},
}
