//go:build lm3s6965

// Httphi is what the firmware is measured against: the same board and TCP/IP
// stack with the HTTP server that comes with the stack, 5 connections and 2
// workers, and one answer. It closes the connection after each.
package main

import (
	"runtime"
	"time"

	"github.com/bobtail-go/bobtail/firmware/lm3s6965/board"
	"github.com/soypat/lneto"
	"github.com/soypat/lneto/http/httphi"
	"github.com/soypat/lneto/tcp"
	"github.com/soypat/lneto/x/xnet"
)

func main() {
	mac := [6]byte{0x02, 0, 0, 0, 0, 1}
	board.Configure(mac)
	var stack xnet.StackAsync
	check(stack.Reset(xnet.StackConfig{
		Hostname: "httphi", RandSeed: 1, HardwareAddress: mac, MTU: 1500, MaxActiveTCPPorts: 1,
		StaticAddress4: [4]byte{10, 0, 2, 15},
	}))
	stack.SetSubnet4([4]byte{10, 0, 2, 15}, 24)
	// QEMU's router has this address, and answers for all the world.
	stack.SetGatewayHardwareAddr([6]byte{0x52, 0x55, 10, 0, 2, 2})
	pool, err := xnet.NewTCPPool(xnet.TCPPoolConfig{
		PoolSize: 5, QueueSize: 3, TxBufSize: 1024, RxBufSize: 1024,
		EstablishedTimeout: 5 * time.Second, ClosingTimeout: 2 * time.Second,
		NewBackoff: func() lneto.BackoffStrategy { return backoff },
	})
	check(err)
	var listener tcp.Listener
	check(listener.Reset(80, pool))
	check(stack.RegisterListenerTCP(&listener))

	var mux httphi.MuxSlice
	mux.Handle("GET /plaintext", func(e *httphi.Exchange) {
		e.RespondString(httphi.StatusOK, "text/plain", "Hello, World!")
	})
	mux.Handle("GET /idled", func(e *httphi.Exchange) {
		var b [40]byte
		n := decimal(b[:0], time.Now().UnixNano())
		n = decimal(append(n, ' '), board.Idled())
		e.Respond(httphi.StatusOK, "text/plain", n)
	})
	var router httphi.Router
	check(router.Configure(&mux, httphi.DefaultRouterConfig(2, 2048, mux.MaxPathValues())))
	println("ready")

	var nic board.NIC
	buf := make([]byte, 1518)
	for {
		moved := false
		if n, _ := nic.Receive(buf); n > 0 {
			stack.IngressEthernet(buf[:n])
			moved = true
		}
		if n, _ := stack.EgressEthernet(buf); n > 0 {
			for nic.Send(buf[:n]) != nil {
			}
			moved = true
		}
		if c, _, err := listener.TryAccept(); err == nil {
			c.SetDeadline(time.Now().Add(10 * time.Second))
			if router.Handle(c) != nil {
				c.Abort()
			}
			moved = true
		}
		runtime.Gosched()
		if !moved {
			board.Idle()
		}
	}
}

func backoff(n uint) time.Duration { return time.Millisecond }

func decimal(b []byte, v int64) []byte {
	if v >= 10 {
		b = decimal(b, v/10)
	}
	return append(b, byte('0'+v%10))
}

func check(err error) {
	if err != nil {
		panic(err.Error())
	}
}
