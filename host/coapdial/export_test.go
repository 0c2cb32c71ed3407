package coapdial

// Waiting is how many calls wait for their answers, over TCP.
func (c *Client) Waiting() int { return c.ex.(*tcp).conn.Waiting() }
