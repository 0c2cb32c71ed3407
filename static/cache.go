//go:build !tinygo

package static

import "sync"

// cache holds a number of nodes by their names. When it is full, the one that
// a hand on a clock finds unused since its last turn makes room.
type cache struct {
	mu    sync.Mutex
	nodes map[string]*node
	clock []*node // nil is free
	hand  int
	over  bool // nothing is held any more
}

// fresh is how long a node is taken for what is on the disk, in nanoseconds.
const fresh = 1e9

func (c *cache) init(n int) {
	c.nodes = make(map[string]*node, n)
	c.clock = make([]*node, n)
}

// get is the node of a name, with a reference that is the caller's, and nil if
// it is not held. stale says that the caller is to look whether it has
// changed: one caller a second.
func (c *cache) get(name []byte, now int64) (n *node, stale bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n = c.nodes[string(name)]
	if n == nil {
		return nil, false
	}
	n.refs.Add(1)
	n.used = true
	if age := now - n.checked; age >= fresh || age < 0 {
		n.checked, stale = now, true
	}
	return n, stale
}

// add holds a node, in the place of another one of its name, or of any.
func (c *cache) add(n *node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	n.refs.Add(1)
	if old := c.nodes[n.name]; old != nil {
		n.place = old.place
		c.drop(old)
	} else {
		n.place = c.room()
	}
	c.nodes[n.name], c.clock[n.place] = n, n
}

// room is a free place.
func (c *cache) room() int {
	for {
		i := c.hand
		c.hand = (i + 1) % len(c.clock)
		switch n := c.clock[i]; {
		case n == nil:
			return i
		case !n.used:
			c.drop(n)
			return i
		default:
			n.used = false
		}
	}
}

func (c *cache) drop(n *node) {
	delete(c.nodes, n.name)
	c.clock[n.place] = nil
	n.release()
}

// remove lets go of the node of a name.
func (c *cache) remove(name []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.nodes[string(name)]; n != nil {
		c.drop(n)
	}
}

// close lets go of all, also of what is being opened now.
func (c *cache) close() {
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	c.clear()
}

// clear lets go of all.
func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.clock {
		if n != nil {
			c.drop(n)
		}
	}
}
