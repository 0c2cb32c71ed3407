package servertest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/bobtail-go/bobtail/internal/pipetest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// Conn is a client's end of a connection.
type Conn interface {
	io.ReadWriteCloser
	CloseWrite() error
}

// TCPConn is a connection of the system that is patient, call by call.
type TCPConn struct {
	*net.TCPConn
	patient pipetest.Patient
}

// Patient makes a TCPConn of a connection.
func Patient(c *net.TCPConn) *TCPConn { return &TCPConn{c, pipetest.Patient{Conn: c}} }

// Dial connects to a server, over the system's network.
func Dial(address string) (*TCPConn, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return Patient(c.(*net.TCPConn)), nil
}

// Read reads as net.Conn's does.
func (c *TCPConn) Read(b []byte) (int, error) { return c.patient.Read(b) }

// Write writes as net.Conn's does.
func (c *TCPConn) Write(b []byte) (int, error) { return c.patient.Write(b) }

// Client is a client that speaks in bytes. On memory what it waits for has the
// time move, as far as it is patient, unless it is Alone.
type Client struct {
	Conn Conn
	Peer *memory.Peer  // Conn on memory, else nil
	In   *bufio.Reader // what comes

	// Alone says that the client has a goroutine of its own, whose calls may
	// block while the test moves the time.
	Alone bool

	f         *Fixture
	impatient bool // to read is to see what is here
}

// Connect connects a client to a server that it starts. End closes the client.
func (f *Fixture) Connect() *Client {
	f.T.Helper()
	c, err := f.TryConnect()
	if err != nil {
		f.T.Fatal(err)
	}
	f.clients = append(f.clients, c)
	return c
}

// TryConnect is Connect for a client that may be refused, and that the caller
// closes.
func (f *Fixture) TryConnect() (*Client, error) {
	f.Start()
	if f.Net != nil {
		p, err := f.Net.Connect(f.Addr)
		if err != nil {
			return nil, err
		}
		return f.newClient(p, p), nil
	}
	conn, err := Dial(f.Addr.String())
	if err != nil {
		return nil, err
	}
	return f.newClient(conn, nil), nil
}

// Adopt makes a client of a connection that the test has made. End closes it.
func (f *Fixture) Adopt(conn Conn) *Client {
	peer, _ := conn.(*memory.Peer)
	c := f.newClient(conn, peer)
	f.clients = append(f.clients, c)
	return c
}

func (f *Fixture) newClient(conn Conn, peer *memory.Peer) *Client {
	c := &Client{Conn: conn, Peer: peer, f: f}
	c.In = bufio.NewReader(reader{c})
	return c
}

// Connected waits until the client is in the server's backlog, and reports
// whether it ever comes there.
func (c *Client) Connected() bool {
	return c.Peer == nil || c.Peer.AwaitConnected() == nil
}

// reader reads for a client; on memory it moves the time as far as the client
// is patient.
type reader struct{ c *Client }

// ErrPatience is the error of a call that has waited for long enough.
var ErrPatience = errors.New("the server says nothing")

func (r reader) Read(b []byte) (int, error) {
	c := r.c
	if c.Peer == nil || c.Alone {
		return c.Conn.Read(b)
	}
	for range VirtualPatience / Step {
		c.f.Settle()
		n, err := c.Peer.TryRead(b)
		if err != transport.ErrWouldBlock {
			return n, err
		}
		if c.impatient {
			break
		}
		c.f.Net.Advance(int64(Step))
	}
	return 0, ErrPatience
}

// Send sends s whole.
func (c *Client) Send(s string) {
	c.f.T.Helper()
	if err := c.TrySend(s); err != nil {
		c.f.T.Fatalf("send: %v\nstats %+v\n%s", err, c.f.Server.Stats(), c.f.dump(err))
	}
}

// TrySend is Send, which may fail.
func (c *Client) TrySend(s string) error {
	if c.Peer == nil || c.Alone {
		_, err := io.WriteString(c.Conn, s)
		return err
	}
	for range VirtualPatience / Step {
		n, err := c.Peer.TryWrite([]byte(s))
		if err != nil && err != transport.ErrWouldBlock {
			return err
		}
		s = s[n:]
		c.f.Settle()
		if s == "" {
			return nil
		}
		if n == 0 {
			c.f.Net.Advance(int64(Step))
		}
	}
	return ErrPatience
}

// Pour sends as much of s as the server takes now.
func (c *Client) Pour(s string) {
	if c.Peer == nil {
		io.WriteString(c.Conn, s)
		return
	}
	for s != "" {
		n, err := c.Peer.TryWrite([]byte(s))
		if s = s[n:]; err != nil {
			return
		}
		c.f.Settle()
	}
}

// ReadFull fills b with what the server says next.
func (c *Client) ReadFull(b []byte) {
	c.f.T.Helper()
	if n, err := io.ReadFull(c.In, b); err != nil {
		c.f.T.Fatalf("got %s and error %v, want %d bytes\n%s", Brief(b[:n]), err, len(b), c.f.dump(err))
	}
}

// Want wants exactly these bytes next.
func (c *Client) Want(s string) {
	c.f.T.Helper()
	b := make([]byte, len(s))
	if n, err := io.ReadFull(c.In, b); err != nil || string(b) != s {
		c.f.T.Fatalf("got %s, error %v, want %s\n%s", Brief(b[:n]), err, Brief(s), c.f.dump(err))
	}
}

// All reads to the end. The error is nil if the server has ended in order.
func (c *Client) All() (string, error) {
	b, err := io.ReadAll(c.In)
	return string(b), err
}

// Talk sends input in pieces, which end where cut says, and then the end. It
// returns what is answered, and closes the client. The error is nil if the
// server has ended in order.
func (c *Client) Talk(in string, cut func(left int) int) (string, error) {
	defer c.Conn.Close()
	for in != "" {
		n := cut(len(in))
		if c.TrySend(in[:n]) != nil {
			break // the server has refused and thrown away enough
		}
		in = in[n:]
	}
	c.Conn.CloseWrite()
	return c.All()
}

// Silent reports whether the server says nothing now, and does not close
// either. It is true on a real network, where there is no telling.
func (c *Client) Silent() bool {
	if c.Peer == nil {
		return true
	}
	c.impatient = true
	_, err := c.In.Peek(1)
	c.impatient = false
	return err == ErrPatience
}

// Brief is bytes for a message of a test's.
func Brief[T string | []byte](b T) string {
	if len(b) > 200 {
		return fmt.Sprintf("%q... (%d bytes)", b[:100], len(b))
	}
	return fmt.Sprintf("%q", b)
}

// Pattern is n bytes that are not all the same.
func Pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + i%23 + i/23%3)
	}
	return b
}
